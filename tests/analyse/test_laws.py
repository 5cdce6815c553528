"""The laws of layout: they hold on real processes of every sort, and each is broken by a map that contradicts it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from procmem.analyse.borders import borders_for
from procmem.model.auxv import AT_BASE
from procmem.model.laws import Borders, Outcome
from procmem.model.machine import architecture_of
from procmem.model.mapping import Mappings
from procmem.model.note import note
from procmem.model.snapshot import LimitName, Snapshot, Stat
from procmem.queries.examine import Examination, examine
from procmem.queries.laws import laws_here
from procmem.sources.recording.read import RecordedSource
from tests.programs.build import build
from tests.support.running import FIXTURES, ROOT, maps_of, procmem, python_child, started

WITH_MEMORY = [
    path.parent
    for path in sorted(FIXTURES.glob("*/about.toml"))
    if not path.parent.name.endswith(("zombie", "kernel-thread", "denied"))
]


def examined(recording: Path) -> Examination:
    source = RecordedSource(str(recording))
    with source.open(source.pids()[0]) as target:
        return examine(target)


@pytest.mark.parametrize("recording", WITH_MEMORY, ids=lambda path: path.name)
def test_the_laws_hold_on_recorded_processes(recording: Path) -> None:
    """Nothing is broken in any fixture, and nearly every law applies: they are not empty words."""
    seen = examined(recording)
    outcomes = [law.outcome for law in laws_here(seen.snapshot, seen.objects, walk=True)]
    assert Outcome.BROKEN not in outcomes
    assert outcomes.count(Outcome.HOLDS) >= 15


def changed(table: Mappings, **columns: Callable[[int, list[int]], list[int]]) -> Mappings:
    fields = {
        name: list(getattr(table, name)) for name in ("start", "end", "perms", "offset", "device", "inode", "name")
    }
    for name, change in columns.items():
        fields[name] = change(0, fields[name])
    return Mappings(**fields, flags=list(table.flags), usage=table.usage)


def moved(table: Mappings, name: bytes, by: int) -> Mappings:
    """The mapping of a name, elsewhere."""
    (row,) = [row for row, found in enumerate(table.name) if found == name]

    def shift(_: int, column: list[int]) -> list[int]:
        return [value + by if at == row else value for at, value in enumerate(column)]

    return changed(table, start=shift, end=shift)


def with_mappings(shot: Snapshot, table: Mappings) -> Snapshot:
    return shot._replace(mappings=table)


def with_stat(shot: Snapshot, field: str, value: int) -> Snapshot:
    assert shot.stat is not None
    return shot._replace(stat=Stat(**{**shot.stat._asdict(), field: value}))


def with_size(shot: Snapshot, key: str, by: int) -> Snapshot:
    assert shot.status is not None
    sizes = {**shot.status.sizes, key: shot.status.sizes[key] + by}
    return shot._replace(status=shot.status._replace(sizes=sizes))


def with_auxv(shot: Snapshot, key: int, by: int) -> Snapshot:
    assert shot.auxv is not None
    return shot._replace(auxv={**shot.auxv, key: shot.auxv[key] + by})


def table_of(shot: Snapshot) -> Mappings:
    assert shot.mappings is not None
    return shot.mappings


def end_of_stack(shot: Snapshot) -> int:
    table = table_of(shot)
    return max(end for end, name in zip(table.end, table.name, strict=True) if name == b"[stack]")


def second_half_apart(shot: Snapshot) -> Snapshot:
    """Anonymous memory that was never written, cut in two mappings that are alike, as the kernel never leaves it."""
    table = table_of(shot)
    row = next(
        at
        for at in range(len(table))
        if not table.name[at]
        and (table.flags[at] or "").split() == ["rd", "mr", "mw", "me"]
        and not table.usage["Anonymous"][at]
    )
    return cut_in_two(shot, row)


def cut_in_two(shot: Snapshot, row: int) -> Snapshot:
    """The same process with a mapping in two parts that are alike."""
    table = table_of(shot)
    middle = table.start[row] + 4096

    def insert(column: Sequence[object], first: object, second: object) -> list[object]:
        return [*column[:row], first, second, *column[row + 1 :]]

    fields = {
        "start": insert(table.start, table.start[row], middle),
        "end": insert(table.end, middle, table.end[row]),
        "offset": insert(
            table.offset, table.offset[row], table.offset[row] + 4096 if table.inode[row] else table.offset[row]
        ),
    }
    for name in ("perms", "device", "inode", "name", "flags"):
        value = getattr(table, name)[row]
        fields[name] = insert(getattr(table, name), value, value)
    usage = {key: insert(column, column[row], column[row]) for key, column in table.usage.items()}
    return with_mappings(shot, Mappings(**fields, usage=usage))  # type: ignore[arg-type]


BREAKERS: dict[str, Callable[[Snapshot], Snapshot]] = {
    "pages-apart": lambda shot: with_mappings(
        shot, changed(table_of(shot), end=lambda _, ends: [ends[0] + (1 << 30), *ends[1:]])
    ),
    "below-border": lambda shot: with_mappings(shot, moved(table_of(shot), b"[stack]", 1 << 60)),
    "page-zero": lambda shot: with_mappings(shot, changed(table_of(shot), start=lambda _, starts: [0, *starts[1:]])),
    "virt-sum": lambda shot: with_size(shot, "VmSize", 4096),
    "program-place": lambda shot: with_auxv(shot, 9, 1 << 30),
    "program-base": lambda shot: with_auxv(shot, 9, -(1 << 45)),
    "heap-base": lambda shot: with_stat(shot, "start_brk", 2 << 46),
    "heap-start": lambda shot: with_mappings(shot, moved(table_of(shot), b"[heap]", 4096)),
    "vdso": lambda shot: with_mappings(shot, moved(table_of(shot), b"[vvar]", -4096)),
    "stack-top": lambda shot: with_mappings(shot, moved(table_of(shot), b"[stack]", -(1 << 40))),
    "stack-strings": lambda shot: with_stat(shot, "arg_start", end_of_stack(shot)),
    "stack-gap": lambda shot: with_mappings(
        shot,
        changed(
            table_of(shot),
            end=lambda _, ends: [
                start - 4096 if name != b"[stack]" and following == b"[stack]" else end
                for end, name, following, start in zip(
                    ends,
                    table_of(shot).name,
                    [*table_of(shot).name[1:], b""],
                    [*table_of(shot).start[1:], 0],
                    strict=True,
                )
            ],
        ),
    ),
    "merging": second_half_apart,
    "page-tables": lambda shot: with_size(shot, "VmPTE", 1 << 30),
}


@pytest.mark.parametrize("name", BREAKERS)
def test_a_map_that_contradicts_a_law_breaks_it(name: str) -> None:
    """Each law fails on a process that was changed to contradict it, so none can only hold."""
    seen = examined(FIXTURES / "x86_64-6.18-areas-pie")
    laws = laws_here(BREAKERS[name](seen.snapshot), seen.objects, walk=True)
    assert [law.outcome for law in laws if law.name == name] == [Outcome.BROKEN]


def linker_at_the_program(shot: Snapshot) -> Snapshot:
    """The dynamic linker where a fixed program lies: far below every mmap_base that a stack limit can give."""
    assert shot.auxv is not None
    return shot._replace(auxv={**shot.auxv, AT_BASE: 0x40_0000})


def with_stack_limit(shot: Snapshot, soft: int | None) -> Snapshot:
    limits = shot.limits or {}
    name = LimitName.STACK
    return shot._replace(limits={**limits, name: limits[name]._replace(soft=soft)})


def test_a_linker_outside_the_mapping_area_breaks_a_law() -> None:
    """Whatever the limit was at exec."""
    seen = examined(FIXTURES / "x86_64-6.18-python-threads")
    laws = laws_here(linker_at_the_program(seen.snapshot), seen.objects, walk=True)
    assert [law.outcome for law in laws if law.name == "mmap-base"] == [Outcome.BROKEN]


@pytest.mark.parametrize("soft", [64 << 40, 8192, None])
def test_a_stack_limit_that_was_changed_after_exec_breaks_nothing(soft: int | None) -> None:
    """The mapping area was placed under the old one, and what has grown stays: it is not told, not broken."""
    seen = examined(FIXTURES / "x86_64-6.18-areas-pie")
    shot = with_stack_limit(seen.snapshot, soft)
    if soft == 8192:  # larger than any limit lets it be
        taller = [
            start - (64 << 20) if name == b"[stack]" else start
            for start, name in zip(table_of(shot).start, table_of(shot).name, strict=True)
        ]
        shot = with_mappings(shot, changed(table_of(shot), start=lambda _, __: taller))
    outcomes = {law.name: law.outcome for law in laws_here(shot, seen.objects, walk=False)}
    assert Outcome.BROKEN not in outcomes.values()
    assert outcomes["mmap-base"] is (Outcome.HOLDS if soft == 8192 else Outcome.NOT_APPLICABLE)
    assert outcomes["stack-limit"] is (Outcome.NOT_APPLICABLE if soft in (None, 8192) else Outcome.HOLDS)


def test_a_file_that_was_mapped_twice_side_by_side_breaks_no_law() -> None:
    """Mappings of one file merge only where one open(2) gave both."""
    seen = examined(FIXTURES / "x86_64-6.18-areas-pie")
    table = table_of(seen.snapshot)
    row = next(at for at in range(len(table)) if table.perms[at] == "r-xp" and table.inode[at])
    laws = laws_here(cut_in_two(seen.snapshot, row), seen.objects, walk=True)
    assert [law.outcome for law in laws if law.name == "merging"] == [Outcome.HOLDS]


NO_VDSO = """
import ctypes, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def rows(name):
    return [line.split()[0].split("-") for line in open("/proc/self/maps") if line.rstrip().endswith(name)]
ready = "%s"
if ready == "vdso":
    ((start, end),) = rows("[vdso]")
    time.time = None
    assert libc.munmap(ctypes.c_void_p(int(start, 16)), ctypes.c_size_t(int(end, 16) - int(start, 16))) == 0
else:
    ((start, end),) = rows("[stack]")
    middle = (int(start, 16) + 8192)
    assert libc.mprotect(ctypes.c_void_p(middle), ctypes.c_size_t(4096), 1) == 0
libc.write(1, b"ready\\n", 6)
libc.pause()
"""


@pytest.mark.parametrize("what", ["vdso", "stack"])
def test_a_process_without_vdso_or_with_a_stack_in_pieces_breaks_no_law(what: str) -> None:
    """munmap(2) of the vdso, mprotect(2) within the stack: both are allowed."""
    with started([sys.executable, "-c", NO_VDSO % what], ready=False) as child:
        assert child.stdout is not None
        assert child.stdout.readline()
        laws = procmem("crosscheck", str(child.pid), "--json")
    outcomes = {law["name"]: law["outcome"] for law in laws.json["laws"]}
    assert "broken" not in outcomes.values(), outcomes
    assert outcomes["vdso beside vvar"] == ("not applicable" if what == "vdso" else "holds")
    assert laws.status == 0


def test_the_first_page_is_where_a_program_lies(tmp_path: Path) -> None:
    """A linker may count from elsewhere (--image-base): the kernel places the first page, not address 0."""
    if shutil.which("gcc") is None:
        pytest.skip("no gcc")
    source = tmp_path / "a.c"
    source.write_text('#include <unistd.h>\nint main(void) { write(1, "ready\\n", 6); pause(); }\n')
    program = tmp_path / "a"
    flags = ["-pie", "-fPIE", "-Wl,-Ttext-segment=0x200000000000"]
    subprocess.run(["gcc", *flags, "-o", program, source], check=True)
    with started([str(program)]) as child:
        done = procmem("crosscheck", str(child.pid), "--json")
    outcomes = {law["name"]: law["outcome"] for law in done.json["laws"]}
    assert outcomes["place of the program"] == "holds"
    assert done.status == 0


APART = """
import ctypes, mmap, os, sys, time
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
HALF = 4 << 20
def protect(at, rights):
    assert libc.mprotect(ctypes.c_void_p(at), ctypes.c_size_t(HALF), rights) == 0
# private, anonymous, not accounted for
low = libc.mmap(None, ctypes.c_size_t(2 * HALF), 3, 0x4022, -1, ctypes.c_long(0))
high = low + HALF
protect(high, 1)
ctypes.memset(low, 1, 4096)
if os.fork():
    os.wait()
protect(high, 3)
ctypes.memset(high, 1, 4096)
for half in (low, high):
    assert libc.madvise(ctypes.c_void_p(half), ctypes.c_size_t(HALF), mmap.MADV_DONTNEED) == 0
    protect(half, 0)
print(os.getpid(), hex(high), flush=True)
time.sleep(1000)
"""


def test_what_was_written_once_and_given_back_breaks_no_law() -> None:
    """Written after a fork, neighbours stay apart; nothing in smaps tells it, where no page is left."""
    with started([sys.executable, "-c", APART], ready=False) as parent:
        assert parent.stdout is not None
        pid, address = parent.stdout.readline().decode().split()
        starts = [words[0].split("-")[0] for words in maps_of(pid)]
        assert address.removeprefix("0x") in starts, "the kernel merged them: nothing to see here"
        laws = procmem("crosscheck", pid, "--json").json
    assert [law["outcome"] for law in laws["laws"] if law["name"] == "neighbours merge"] == ["holds"]


def test_two_moments_side_by_side_break_nothing() -> None:
    """What contradicts itself because it moved is undecided; what holds all the same holds."""
    seen = examined(FIXTURES / "x86_64-6.18-areas-pie")
    broken = with_size(seen.snapshot, "VmSize", 4096)
    moving = laws_here(broken._replace(unstable=note("ended")), seen.objects, walk=True)
    outcomes = {law.name: law.outcome for law in moving}
    assert outcomes["virt-sum"] is Outcome.NOT_APPLICABLE
    assert Outcome.BROKEN not in outcomes.values()
    assert list(outcomes.values()).count(Outcome.HOLDS) >= 14


MOVER = """
import mmap, random, threading, time
def move():
    while True:
        blocks = [mmap.mmap(-1, random.randrange(1, 64) << 16) for _ in range(8)]
        for block in blocks:
            block.close()
threading.Thread(target=move, daemon=True).start()
"""


def test_a_process_that_never_rests_breaks_no_law() -> None:
    """It maps and unmaps all the time: read again until it rests for a moment, or called moving."""
    with python_child(MOVER) as pid:
        for _ in range(3):
            run = procmem("crosscheck", str(pid), "--json")
            assert run.status == 0, run.out


def _borders(machine: str, bits: int, highest: int, stack_limit: int | None) -> Borders:
    layout = architecture_of(machine, bits).layout
    assert layout is not None
    return borders_for(layout, highest, stack_limit)


def test_the_borders_are_those_of_the_textbook() -> None:
    """32 bit under 3 GiB: PIE at 0x41000000, mapping area to 0xb8000000, stack to 0xc0000000; 64 bit likewise."""
    classic = _borders("x86_64", 32, 0xC000_0000, 8 << 20)
    assert (classic.task_size, classic.stack_end[1], classic.mmap_base[1], classic.program_base[0]) == (
        0xC000_0000,
        0xC000_0000,
        0xB800_0000,
        0x4100_0000,
    )
    assert _borders("i686", 32, 0xC000_0000, 8 << 20).program_base[0] == 0x40_0000
    assert _borders("x86_64", 32, 0xFFFF_E000, 8 << 20).mmap_base[1] == 0xF7FF_E000
    # an unlimited stack leaves a sixth of the space
    assert _borders("x86_64", 32, 0xC000_0000, None).mmap_base[1] == 0x2000_0000
    wide = _borders("x86_64", 64, 0x7FFF_FFFF_F000, 8 << 20)
    assert (wide.stack_end[1], wide.program_base[0]) == (0x7FFF_FFFF_F000, 0x5555_5555_4000)
    # without randomisation the gap is 128 MiB here too
    assert wide.mmap_base[1] == 0x7FFF_FFFF_F000 - (128 << 20)


WAYS = (("-R",), ("-L",), ("-X",), ())


@pytest.mark.needs("gcc", "setarch")
@pytest.mark.parametrize("flags", [(), ("-no-pie",), ("-static",), ("-static-pie",)], ids=lambda f: "".join(f) or "pie")
@pytest.mark.parametrize("way", WAYS, ids=lambda way: "".join(way) or "plain")
def test_the_laws_hold_on_64_bit_programs_however_started(
    flags: tuple[str, ...], way: tuple[str, ...], tmp_path: Path
) -> None:
    """Static or not, moved or not, randomised or not, old layout or new: exit 0, and the page says what holds."""
    program = build("sleeper.c", flags, tmp_path)
    with started(["setarch", *way, str(program)] if way else [str(program)]) as child:
        done = procmem("crosscheck", str(child.pid))
    assert done.status == 0, done
    assert "0 broken" in done.out


@pytest.mark.needs32
@pytest.mark.needs("setarch")
@pytest.mark.parametrize("flags", [(), ("-no-pie",), ("-static",), ("-static-pie",)], ids=lambda f: "".join(f) or "pie")
@pytest.mark.parametrize(
    "way", [("-R",), ("-R", "-3"), ("-3",), ("-L",), ("-X",), ()], ids=lambda w: "".join(w) or "plain"
)
def test_a_32_bit_process_is_foretold_line_by_line(
    flags: tuple[str, ...], way: tuple[str, ...], tmp_path: Path
) -> None:
    """Every line that it had at main is there to the byte, once the drawn values are filled in."""
    program = build("sleeper.c", ("-m32", *flags), tmp_path)
    with started(["setarch", "i686", *way, str(program)]) as child:
        done = procmem("crosscheck", str(child.pid), "--json")
    assert done.status == 0, done
    (stage,) = done.json["exact"]["stages"]
    assert stage["called_exact"] == stage["exact"] >= 8


def test_a_recording_that_contradicts_the_laws_ends_with_7(tmp_path: Path) -> None:
    """The exit status tells scripts; the law and its figures tell people."""
    source = FIXTURES / "x86_64-6.18-sleep"
    for path in source.rglob("*"):
        if path.is_file():
            to = tmp_path / "copy" / path.relative_to(source)
            to.parent.mkdir(parents=True, exist_ok=True)
            data = path.read_bytes()
            if path.name == "status":
                data = data.replace(b"VmSize:", b"VmSize:\t       4 kB\nVmSizeX:")
            to.write_bytes(data)
    done = procmem("crosscheck", "--from", str(tmp_path / "copy"))
    assert done.status == 7, done
    assert "broken          VIRT is the sum: VmSize" in done.out
    held = procmem("crosscheck", "--from", str(source), "--json")
    assert held.status == 0
    assert held.json["schema"] == "procmem/laws/1"
    assert {area["area"] for area in held.json["counterparts"]} >= {"text", "heap", "stack", "kernel space"}


def test_inspect_and_explain_show_one_line_of_it() -> None:
    """The laws in short: on both pages, in both languages, and as JSON."""
    recording = str(FIXTURES / "x86_64-6.18-sleep")
    document = procmem("inspect", "--from", recording, "--json").json
    assert document["layout"]["laws_broken"] == []
    held = document["layout"]["laws_held"]
    assert held >= 10
    assert "layout" not in procmem("inspect", "--from", recording).out, "only where one is broken"
    assert f"{held} laws of the layout hold" in procmem("explain", "--from", recording, "--brief").out
    assert f"{held} 条布局规律成立" in procmem("explain", "--from", recording, "--brief", "--lang", "zh").out


NO_PTRACE = """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None)
def step(code, value, yes=0, no=0): return struct.pack("=HBBI", code, yes, no, value)
# load the call's number; is it ptrace (101)? refuse with EPERM, else allow
program = ctypes.create_string_buffer(step(0x20, 0) + step(0x15, 101, 0, 1) + step(6, 0x50001) + step(6, 0x7FFF0000))
filter = ctypes.create_string_buffer(struct.pack("=HxxxxxxQ", 4, ctypes.addressof(program)))
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, filter, 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.needs32
def test_where_tracing_is_forbidden_main_is_looked_at_by_a_stop(tmp_path: Path) -> None:
    """Under a filter that refuses ptrace: exec and entry are not checked, main is, and exec alone is refused."""
    program = str(build("sleeper.c", ("-m32",), tmp_path))

    def sandboxed(*words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", NO_PTRACE, sys.executable, "-m", "procmem", "crosscheck", "run", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)

    done = sandboxed("--json", program)
    assert done.returncode == 0, done
    stages = {stage["stage"]: stage for stage in json.loads(done.stdout)["stages"]}
    assert "tracing our own child failed" in stages["exec"]["unchecked"]
    assert stages["main"]["unchecked"] is None
    assert stages["main"]["exact"] == stages["main"]["called_exact"] >= 15
    assert sandboxed("--stage", "exec", program).returncode == 4


@pytest.mark.needs32
@pytest.mark.needs("setarch")
@pytest.mark.parametrize("flags", [(), ("-no-pie",), ("-static",), ("-static-pie",)], ids=lambda f: "".join(f) or "pie")
@pytest.mark.parametrize("way", [("-R", "-3"), ("-L",), ()], ids=lambda w: "".join(w) or "plain")
def test_a_recording_is_foretold_by_the_headers_in_it(
    flags: tuple[str, ...], way: tuple[str, ...], tmp_path: Path
) -> None:
    """What exec made of the program, its interpreter and the kernel's pages is there, also without the files."""
    program = build("sleeper.c", ("-m32", *flags), tmp_path)
    with started(["setarch", "i686", *way, str(program)]) as child:
        assert procmem("record", str(child.pid), "-o", str(tmp_path / "recording")).status == 0
    program.unlink()
    done = procmem("crosscheck", "--from", str(tmp_path / "recording"), "--json")
    assert done.status == 0, done
    (stage,) = done.json["exact"]["stages"]
    assert stage["stage"] == "exec"
    assert stage["called_exact"] == stage["exact"] >= 7


def test_a_program_that_moved_its_own_text_is_told_so() -> None:
    """The recorded process moved its code to another place by itself: that one line differs, and the status says it."""
    done = procmem("crosscheck", "--from", str(FIXTURES / "i386-6.18-areas-3gib"), "--json")
    assert done.status == 7
    (stage,) = done.json["exact"]["stages"]
    wrong = [line for line in stage["lines"] if line["verdict"] != "same"]
    assert [line["predicted"]["perms"] for line in wrong] == ["r-xp"]


def test_a_recorded_personality_that_is_no_number_is_a_bad_file(tmp_path: Path) -> None:
    """A recording comes from anybody: one clear line and the status of bad input, no internal error."""
    recording = tmp_path / "copy"
    shutil.copytree(FIXTURES / "i386-6.18-areas-3gib", recording)
    (recording / "11667" / "personality").write_bytes(b"no number\n")
    done = procmem("crosscheck", "--from", str(recording))
    assert (done.status, done.out) == (5, "")
    assert "personality" in done.err
