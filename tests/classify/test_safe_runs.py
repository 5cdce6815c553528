"""Which pages are safe to read in a living process: none of a file whose file system may not answer."""

from procmem.classify.evidence import answering_runs
from procmem.model.raw import PageRun, PageState
from procmem.sources.files import own_devices
from tests.support.made_processes import made

MAPS = b"""\
00400000-00402000 r--p 00000000 08:01 11 /local
00500000-00504000 rw-p 00000000 00:2f 12 /elsewhere
00600000-00602000 rw-p 00000000 00:00 0
"""
FILE, OWN = PageState.PRESENT | PageState.FILE, PageState.PRESENT


def test_pages_of_files_that_may_not_answer_are_left_out() -> None:
    """Written pages of a private mapping are the process's own, whatever it maps; shared memory has no file."""
    examination, _ = made({"maps": MAPS}, machine=None)
    runs = (
        PageRun(0x400000, 0x402000, FILE),
        PageRun(0x500000, 0x501000, FILE),
        PageRun(0x501000, 0x502000, OWN),
        PageRun(0x502000, 0x504000, FILE),
        PageRun(0x600000, 0x602000, FILE),
    )
    assert answering_runs(examination, runs, {"08:01"}) == (runs[0], runs[2], runs[4])
    assert answering_runs(examination, runs, {"08:01", "00:2f"}) == runs
    assert answering_runs(examination, runs, ()) == (runs[2], runs[4])


def test_what_we_run_from_answers() -> None:
    """In a chroot no mount shows its device."""
    assert own_devices()
    assert all(len(device.split(":")) == 2 for device in own_devices())
