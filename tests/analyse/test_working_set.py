"""What was touched, from values: sums are those of the whole, huge pages are told, unknown stays unknown."""

import pytest

from procmem.analyse.working_set import working_set
from procmem.classify.apportion import shared_by_rss
from procmem.model.proc_keys import SmapsKey
from procmem.model.reports.working_set import WorkingSet, untouched
from procmem.render.formats import FORMATS, TEXT, write
from procmem.render.pages.working_set import working_set_page
from procmem.render.style import Style
from tests.support.made_processes import made, record
from tests.support.smaps_text import smaps

HEAP = record(0x55_0000_0000, 0x55_0100_0000, name=b"[heap]", Rss=8192, Pss=8192, Referenced=2048, AnonHugePages=2048)
STACK = record(0x7FFC_0000_0000, 0x7FFC_0002_1000, name=b"[stack]", Rss=16, Pss=16, Referenced=16)


def report(text: bytes) -> WorkingSet:
    """As of a process that was watched for two seconds."""
    snapshot, regions = made({"smaps": text})
    assert regions is not None
    touched, about = shared_by_rss(regions, SmapsKey.REFERENCED)
    return working_set(snapshot, regions, touched, about, seconds=2.0, clearing=0.001, reading=0.002)


def page(found: WorkingSet) -> str:
    """What a person reads."""
    return write(TEXT, [working_set_page(found, "sizes in KiB", listed=None)], Style(width=80))


def test_sums_and_huge_pages() -> None:
    """By class and by purpose alike; what lies in huge pages is said."""
    found = report(smaps([HEAP, STACK]))
    assert (found.rss, found.touched, found.huge) == (8208 << 10, 2064 << 10, 2 << 20)
    assert untouched(found.rss, found.touched) == 6144 << 10
    assert [(row.cls, row.rss, row.touched) for row in found.classes] == [
        ("heap", 8192 << 10, 2048 << 10),
        ("stack", 16 << 10, 16 << 10),
    ]
    assert [row.touched for row in found.consumers] == [2048 << 10, 16 << 10]
    text = page(found)
    assert "2 MiB of it are transparent huge pages" in text
    assert "touched (25 %)" in text
    assert "clearing the accessed bits took 1.0 ms, reading them 2.0 ms" in text


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_a_kernel_that_does_not_count_it(form: object) -> None:
    """Nothing is 0 for that reason, in any format."""
    silent = b"".join(line for line in smaps([HEAP, STACK]).splitlines(True) if not line.startswith(b"Referenced:"))
    found = report(silent)
    assert (found.touched, found.classes[0].touched, found.consumers[0].touched) == (None, None, None)
    assert untouched(found.rss, found.touched) is None
    assert "touched (? %)" in page(found)
    assert write(form, [working_set_page(found, "", listed=[0])], Style())  # type: ignore[arg-type]


def test_without_huge_pages_nothing_is_said_of_them() -> None:
    """One line less."""
    assert "huge" not in page(report(smaps([STACK])))
