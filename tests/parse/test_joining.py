"""A snapshot from the files of one process: which file tells what, and what stands in for one that is missing."""

import struct

import pytest

from procmem.model.note import note
from procmem.model.raw import FileContent, Machine, RawProcess, Refusal
from procmem.model.snapshot import Nature, Snapshot, Stat, Status
from procmem.parse.process import nature_of, snapshot
from procmem.parse.smaps import parse_smaps
from procmem.parse.status import parse_stat
from tests.support.smaps_text import Record, smaps

KTHREAD = 0x0020_0000


def stat_line(*, pid: int = 7, comm: str = "x", state: str = "S", flags: int = 0, threads: int = 1) -> bytes:
    """A line of stat."""
    head = f"{pid} ({comm}) {state} 1 7 7 0 -1 {flags} 0 0 0 0 0 0 0 0 20 0 {threads} 0 55 0 9"
    return head.encode() + b" 0" * 28 + b"\n"


def stat(**words: object) -> Stat:
    """The same, read."""
    return parse_stat(stat_line(**words))  # type: ignore[arg-type]


def status_lines(*, tgid: int = 7, state: str = "S", threads: int = 1, more: str = "") -> bytes:
    """Lines of status."""
    return f"Name:\tx\nState:\t{state} (x)\nTgid:\t{tgid}\nThreads:\t{threads}\n{more}".encode()


def status(**fields: str) -> Status:
    """The same, read."""
    return Status(fields, {})


MAPS = b"00010000-00012000 rw-p 00000000 00:00 0\n"
VM = "VmSize:\t    8 kB\n"


def shot(
    files: dict[str, FileContent],
    *,
    pid: int | None = 7,
    threads: tuple[int, ...] | None = None,
    machine: Machine | None = None,
    read_through: int | None = None,
    system: dict[str, FileContent] | None = None,
    unstable: bool = False,
) -> Snapshot:
    """What these files make."""
    return snapshot(
        RawProcess(
            pid,
            files,
            {"exe": b"/a"},
            threads,
            system or {},
            machine or Machine(),
            read_through,
            note("before") if unstable else None,
        )
    )


@pytest.mark.parametrize(
    ("known", "line", "nature"),
    [
        (status(State="S (sleeping)"), None, Nature.PROCESS),
        (status(State="Z (zombie)", Threads="1"), None, Nature.ZOMBIE),
        (status(State="X (dead)", Threads="1"), None, Nature.ZOMBIE),
        (status(State="Z (zombie)", Threads="2"), None, Nature.DEAD_LEADER),
        (status(State="Z (zombie)", Threads="3"), None, Nature.DEAD_LEADER),
        (status(State="Z (zombie)"), None, Nature.ZOMBIE),
        (status(State="Z (zombie)"), stat(threads=2), Nature.DEAD_LEADER),
        (None, stat(state="Z"), Nature.ZOMBIE),
        (None, stat(state="Z", threads=2), Nature.DEAD_LEADER),
        (status(State="S (sleeping)"), stat(state="Z"), Nature.PROCESS),
        (status(State="Z (zombie)", Threads="1"), stat(threads=2), Nature.ZOMBIE),
        (status(State="S (sleeping)", Kthread="1"), None, Nature.KERNEL_THREAD),
        (status(State="S (sleeping)", Kthread="0"), None, Nature.PROCESS),
        (None, stat(flags=KTHREAD), Nature.KERNEL_THREAD),
        (None, stat(flags=KTHREAD | 0x40), Nature.KERNEL_THREAD),
        (None, stat(flags=KTHREAD - 1), Nature.PROCESS),
        (None, stat(flags=KTHREAD << 1), Nature.PROCESS),
        (status(State="Z (zombie)", Kthread="1"), None, Nature.ZOMBIE),
        (None, None, Nature.PROCESS),
    ],
)
def test_what_sort_of_task_it_is(known: Status | None, line: Stat | None, nature: Nature) -> None:
    """By its state, the number of its threads, and its flags; status is asked first."""
    assert nature_of(known, line) is nature


@pytest.mark.parametrize(
    ("files", "is_known"),
    [
        ({"maps": b"", "status": status_lines(more=VM)}, False),
        ({"maps": b"", "status": status_lines()}, True),
        ({"maps": b""}, True),
        ({"maps": b"", "status": status_lines(state="Z", more=VM)}, True),
        ({"maps": b"", "status": status_lines(more=VM + "Kthread:\t1\n")}, True),
        ({"maps": MAPS, "status": status_lines(more=VM)}, True),
        ({"maps": Refusal.DENIED}, False),
        ({}, False),
    ],
)
def test_no_mappings_are_no_answer_of_who_has_memory(files: dict[str, FileContent], is_known: bool) -> None:
    """The process ended between two reads; a kernel thread has none."""
    assert (shot(files).mappings is not None) is is_known


def test_smaps_goes_before_maps() -> None:
    """And says how much is in memory."""
    records = smaps([Record(0x10000, 0x12000, "rw-p", 0, "00:00", 0, b"", (("Rss", 8),))])
    for files, has_usage in (({"smaps": records, "maps": b""}, True), ({"maps": MAPS}, False), ({}, False)):
        found = shot(dict(files))
        assert found.has_usage is has_usage
        assert (found.mappings is not None and len(found.mappings) == 1) is bool(files)
    read = snapshot(RawProcess(7, {"maps": b""}, {}, None, {}, Machine()), mappings_read=parse_smaps(records))
    assert (read.has_usage, read.mappings) == (True, parse_smaps(records))


def test_mappings_that_grew_while_they_were_read() -> None:
    """They stand there once more, and are counted once; what was noted before stays."""
    repeated = b"".join(
        b"%08x-%08x rw-p 00000000 00:00 0\n" % pair
        for pair in ((0x10000, 0x12000), (0x10000, 0x14000), (0x20000, 0x21000), (0x20000, 0x22000))
    )
    found = shot({"maps": repeated})
    assert found.mappings is not None
    assert (list(found.mappings.end), found.unstable) == ([0x14000, 0x22000], note("grown", count=2))
    assert shot({"maps": repeated}, unstable=True).unstable == note("before")
    assert shot({"maps": MAPS}).unstable is None
    assert shot({"maps": MAPS}, unstable=True).unstable == note("before")


def with_pages(*sizes: int) -> dict[str, FileContent]:
    """Mappings that tell their pages' size, in kB; 0 where it does not."""
    return {
        "smaps": smaps(
            [
                Record(at << 16, (at << 16) + 4096, "rw-p", 0, "00:00", 0, b"", (("KernelPageSize", size),))
                for at, size in enumerate(sizes, start=1)
            ]
        )
    }


def at_multiples(size: int, count: int = 4, *, last: int = 0, gate: bool = False) -> dict[str, FileContent]:
    """So many mappings that begin and end at multiples of a size; the last ends so much later."""
    pairs = [(2 * at * size, (2 * at + 1) * size + (last if at == count else 0)) for at in range(1, count + 1)]
    lines = [b"%08x-%08x rw-p 00000000 00:00 0\n" % pair for pair in pairs]
    if gate:
        lines.append(b"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n")
    return {"maps": b"".join(lines)}


AUXV = struct.pack("<QQQQ", 6, 65_536, 0, 0)


@pytest.mark.parametrize(
    ("files", "machine", "known"),
    [
        ({"auxv": AUXV} | with_pages(4), 4096, 65_536),
        (with_pages(16), 4096, 4096),
        (with_pages(16), None, 16_384),
        (with_pages(16, 4, 2048), None, 4096),
        (with_pages(0, 64), None, 65_536),
        (at_multiples(65_536), None, 65_536),
        (at_multiples(65_536, gate=True), None, 65_536),
        (at_multiples(65_536, 3), None, None),
        (at_multiples(65_536, 3, gate=True), None, None),
        (at_multiples(65_536, last=4096), None, None),
        (at_multiples(65_536, 5, last=16_384), None, 16_384),
        (at_multiples(16_384), None, 16_384),
        (at_multiples(131_072), None, 65_536),
        (at_multiples(8192), None, None),
        ({}, None, None),
    ],
)
def test_the_size_of_a_page(files: dict[str, FileContent], machine: int | None, known: int | None) -> None:
    """By auxv, the machine, the smallest that smaps shows, or addresses that are all multiples of a larger one."""
    found = shot(files, machine=Machine(page_size=machine))
    assert (found.known_page_size, found.page_size) == (known, known or 4096)


def test_who_it_is() -> None:
    """By the number asked for, else by stat; the name by comm, else by stat."""
    assert shot({"stat": stat_line(pid=9)}).pid == 7
    assert shot({"stat": stat_line(pid=9)}, pid=None).pid == 9
    assert shot({}, pid=None).pid is None
    assert shot({"stat": stat_line(comm="a b"), "comm": b"c\n"}).comm == b"c"
    assert shot({"stat": stat_line(comm="a b"), "comm": Refusal.DENIED}).comm == b"a b"
    assert shot({}).comm is None
    assert shot({}).exe == b"/a"
    refused = snapshot(RawProcess(7, {}, {"exe": Refusal.DENIED}, None, {}, Machine()))
    assert (refused.exe, refused.refusals) == (None, {"exe": Refusal.DENIED})


@pytest.mark.parametrize(("pid", "tgid", "process"), [(7, 7, None), (7, 5, 5), (None, 5, None)])
def test_a_thread_is_told_from_its_process(pid: int | None, tgid: int, process: int | None) -> None:
    """Where its number is another one."""
    assert shot({"status": status_lines(tgid=tgid)}, pid=pid).thread_of == process


def test_a_process_whose_leader_is_dead() -> None:
    """Its memory is read through a thread that lives; who it is, it still tells itself."""
    found = shot(
        {
            "status": status_lines(state="Z", threads=2),
            "stat": stat_line(comm="leader", state="Z", threads=2),
            "task/9/status": status_lines(more="VmSize:\t  12 kB\n"),
            "task/9/stat": stat_line(pid=9, comm="thread"),
            "task/9/maps": MAPS,
            "task/9/cmdline": b"a\0",
            "task/9/statm": b"3 2 1 0 0 0 0\n",
        },
        read_through=9,
    )
    assert found.status is not None
    assert found.stat is not None
    assert (found.nature, found.comm, found.status.state) == (Nature.DEAD_LEADER, b"leader", "Z")
    assert (found.stat.comm, found.size("VmSize"), found.cmdline) == (b"thread", 12 << 10, (b"a",))
    assert (found.mappings is not None and len(found.mappings), found.read_through) == (1, 9)
    only = shot({"task/9/status": status_lines(more=VM)}, read_through=9)
    assert only.status is None
    alone = shot({"status": status_lines(state="Z", more=VM)}, read_through=9)
    assert alone.size("VmSize") == 8192


CALL = b"0 0x1 0x2 0x3 0x4 0x5 0x6 0x7ffc00001000 0x401000\n"


def test_threads() -> None:
    """Each by its own files; one that is gone by now is left out, and the next ones are there."""
    files: dict[str, FileContent] = {
        "task/7/comm": b"main\n",
        "task/7/stat": stat_line(comm="other"),
        "task/7/status": status_lines(),
        "task/7/syscall": CALL,
        "task/8/syscall": Refusal.GONE,
        "task/9/stat": Refusal.GONE,
        "task/10/stat": stat_line(comm="by stat"),
        "task/10/syscall": b"running\n",
        "task/11/comm": Refusal.DENIED,
    }
    found = shot(files, threads=(7, 8, 9, 10, 11)).threads
    assert found is not None
    assert [(one.tid, one.comm, one.sp, one.pc, one.running) for one in found] == [
        (7, b"main", 0x7FFC_0000_1000, 0x401000, False),
        (10, b"by stat", None, None, True),
        (11, None, None, None, False),
    ]
    assert [(one.stat is not None, one.status is not None) for one in found] == [
        (True, True), (True, False), (False, False),
    ]  # fmt: skip
    assert shot(files).threads is None
    assert shot(files, threads=()).threads == ()


def test_figures_of_the_machine() -> None:
    """Where they could be read."""
    assert shot({}, system={"uptime": b"12.5 3\n"}).uptime == 12.5
    assert shot({}, system={"uptime": Refusal.DENIED}).uptime is None
    assert shot({}).uptime is None
    assert shot({"statm": b"3 2 1 0 0 0 0\n"}, machine=Machine(page_size=16_384)).statm is not None
    statm = shot({"statm": b"3 2 1 0 0 0 0\n"}, machine=Machine(page_size=16_384)).statm
    assert (statm and statm.resident, shot({}).statm, shot({}).limits) == (2 * 16_384, None, None)
