"""ELF files whose headers lie: programs, libraries and object files of 32 and 64 bit, read in every way there is.

Here belongs how an ELF file is spoiled where a reader looks: headers, segments, sections, dynamic entries, notes,
symbols. It is then predicted (``simulate``), predicted and run as nobody (``crosscheck run``), looked at while it runs,
or laid into a recording.
"""

import contextlib
import os
import resource
import shutil
import struct
import subprocess
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

from procmem.errors import ExitStatus
from tests.gate import command_lines, mutations
from tests.gate.law import offences
from tests.gate.part import Part, Result, Trial
from tests.gate.running import become_nobody, in_process
from tests.programs.build import build, can_build_32bit
from tests.support.running import pids_in, recordings

__all__ = ["PART", "spoiled_elf"]

STATUSES = frozenset(
    {
        ExitStatus.DONE,
        ExitStatus.NO_PROCESS,
        ExitStatus.NOT_PERMITTED,
        ExitStatus.BAD_INPUT,
        ExitStatus.MISMATCH,
    }
)
WAYS = {
    "pie": ("sleeper.c", ()),
    "no-pie": ("sleeper.c", ("-no-pie",)),
    "static": ("sleeper.c", ("-static",)),
    "shared": ("gapped_library.c", ("-shared", "-fPIC")),
    "relocatable": ("gapped_library.c", ("-c",)),
}
SIMULATIONS = (
    (),
    ("--stage", "exec"),
    ("--stage", "entry"),
    ("--kernel", "native"),
    ("--as", "inspect"),
    ("--as", "explain"),
    ("--threads", "3"),
    ("--aslr", "--legacy"),
    ("-X", "--stack-limit", "64K"),
)
LOOKS = (
    ("inspect", "--regions"),
    ("inspect", "--deep", "--json"),
    ("explain", "--why"),
    ("crosscheck",),
    ("crosscheck", "--json"),
    ("threads", "--deep"),
    ("shared",),
)
EDGES = (
    0,
    1,
    2,
    7,
    0x20,
    0x7F,
    0xFF,
    0xFFF,
    0x1000,
    0x7FFF,
    0xFFFF,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**47,
    2**63,
    2**64 - 1,
)
TRIES_TO_RUN = 5
PT_DYNAMIC, PT_INTERP, PT_NOTE = 2, 3, 4
SECTIONS_READ = frozenset({2, 3, 6, 7, 11, 0x6FFFFFF6})
"""SYMTAB, STRTAB, DYNAMIC, NOTE, DYNSYM, GNU_HASH (gABI)."""


def spoiled_elf(random: Random, data: bytes) -> bytes:
    """An ELF file in which words that a reader looks at are others."""
    spoiled = bytearray(data)
    places = [place for place in _places(data) if place[1] >= 8]
    for _ in range(random.choice((1, 1, 2, 4, 20))):
        start, size = random.choice(places)
        width = random.choice((1, 2, 4, 8))
        at = start + random.randrange(size // width) * width
        old = int.from_bytes(spoiled[at : at + width], "little")
        value = random.choice((random.choice(EDGES), old + 1, old - 1, old * 2, old ^ 0x1000, random.getrandbits(64)))
        spoiled[at : at + width] = (value % 2 ** (8 * width)).to_bytes(width, "little")
    if random.random() < 0.05:
        del spoiled[random.randrange(len(spoiled)) :]
    return bytes(spoiled)


def _places(data: bytes) -> Iterator[tuple[int, int]]:
    """Where a reader looks: offset and size of each table, as the whole file has them."""
    yield 4, 4
    if data[4] == 2:
        program_at, section_at = struct.unpack_from("<QQ", data, 32)
        program_size, programs, section_size, sections = struct.unpack_from("<4H", data, 54)
        segment, section, head = "<I4xQ16xQ", "<4xI16xQQ", 64
    else:
        program_at, section_at = struct.unpack_from("<II", data, 28)
        program_size, programs, section_size, sections = struct.unpack_from("<4H", data, 42)
        segment, section, head = "<II8xI", "<4xI8xII", 52
    yield 16, head - 16
    yield 16, head - 16
    yield program_at, program_size * programs
    yield program_at, program_size * programs
    yield section_at, section_size * sections
    for number in range(programs):
        kind, offset, size = struct.unpack_from(segment, data, program_at + number * program_size)
        if kind in (PT_DYNAMIC, PT_INTERP, PT_NOTE):
            yield offset, size
    for number in range(sections):
        kind, offset, size = struct.unpack_from(section, data, section_at + number * section_size)
        if kind in SECTIONS_READ:
            yield offset, size


@cache
def _program(way: str, flags: tuple[str, ...], shared: Path) -> bytes:
    source, others = WAYS[way]
    return build(source, (*flags, *others), shared).read_bytes()


def attempt(trial: Trial) -> Result:
    """Spoil one file, and have it read in one way."""
    kind = trial.random.random()
    if kind < 0.55:
        return _predict(trial)
    if kind < 0.7:
        return _run_and_compare(trial)
    return _look_at_it_running(trial) if kind < 0.8 else _read_from_a_recording(trial)


def _written(trial: Trial, *, is_32bit: bool, ways: tuple[str, ...] = tuple(WAYS)) -> Path:
    """A spoiled program, on disk and executable."""
    flags = ("-m32",) if is_32bit and can_build_32bit() else ()
    data = _program(trial.random.choice(ways), flags, trial.shared)
    path = trial.folder / "program"
    path.write_bytes(spoiled_elf(trial.random, data))
    path.chmod(0o755)
    return path


def _predict(trial: Trial) -> Result:
    random = trial.random
    path = _written(trial, is_32bit=random.random() < 0.85)
    words = ["simulate", *random.choice(SIMULATIONS), *random.choice(command_lines.ALL)]
    words += [*random.choice(command_lines.LANGUAGES), str(path)]
    result = Result()
    outcome = in_process(*words)
    result.add(words, outcome, offences(outcome, words, statuses=STATUSES))
    return result


def _run_and_compare(trial: Trial) -> Result:
    """Under a tracer, without rights: what was spoiled is headers, and what then runs is anybody's guess."""
    path = _written(trial, is_32bit=True, ways=("pie", "no-pie", "static"))
    words = ["crosscheck", "run", *trial.random.choice(((), ("--json",), ("--aslr",))), str(path)]
    result = Result()
    outcome = in_process(*words, before=become_nobody)
    result.add(words, outcome, offences(outcome, words, statuses=STATUSES))
    return result


def _look_at_it_running(trial: Trial) -> Result:
    random = trial.random
    result = Result()
    for _ in range(TRIES_TO_RUN):
        path = _written(trial, is_32bit=random.random() < 0.5, ways=("static", "static", "pie", "no-pie"))
        with contextlib.suppress(OSError), _started(path) as child:  # what the kernel takes no better than we
            words = [*random.choice(LOOKS), str(child.pid)]
            outcome = in_process(*words)
            result.add(words, outcome, offences(outcome, words, statuses=STATUSES))
            break
        path.unlink()
    return result


@contextlib.contextmanager
def _started(path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A program that runs as nobody, within bounds, until it has been looked at."""

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (2, 2))
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        if os.geteuid() == 0:
            become_nobody()

    nowhere = subprocess.DEVNULL
    with subprocess.Popen(
        [path],
        stdin=nowhere,
        stdout=nowhere,
        stderr=nowhere,
        preexec_fn=bounded,  # noqa: PLW1509  # no attempt has threads
    ) as child:
        try:
            time.sleep(0.01)
            yield child
        finally:
            child.kill()


def _read_from_a_recording(trial: Trial) -> Result:
    """The headers of its objects are spoiled as a file's are: each begins with ELF's magic bytes."""
    random = trial.random
    chosen, pid = random.choice(_with_objects())
    folder = trial.folder / "recording"
    shutil.copytree(chosen, folder)
    objects = folder / str(pid) / "objects.bin"
    objects.write_bytes(_spoiled_pieces(random, objects.read_bytes()))
    if random.random() < 0.2 and (table := objects.with_suffix(".json")).exists():
        table.write_bytes(mutations.spoiled_text(random, table.read_bytes()))
    words = [*random.choice(LOOKS), "--from", str(folder), str(pid)]
    result = Result()
    outcome = in_process(*words)
    result.add(words, outcome, offences(outcome, words, statuses=STATUSES))
    return result


@cache
def _with_objects() -> list[tuple[Path, int]]:
    """Each process of a fixture of whose files there are headers."""
    return [
        (recording, pid)
        for recording in recordings()
        for pid in pids_in(recording)
        if (objects := recording / str(pid) / "objects.bin").exists() and objects.stat().st_size
    ]


def _spoiled_pieces(random: Random, data: bytes) -> bytes:
    heads = [at for at in range(len(data)) if data.startswith(b"\x7fELF", at)]
    spoiled = bytearray(data)
    for _ in range(random.choice((1, 2, 8, 40))):
        at = random.choice(heads) + random.choice((random.randrange(4, 64), random.randrange(64, 1024)))
        width = random.choice((1, 2, 4, 8))
        at -= at % width
        value = random.choice((random.choice(EDGES), random.getrandbits(64))) % 2 ** (8 * width)
        if at + width <= len(spoiled):
            spoiled[at : at + width] = value.to_bytes(width, "little")
    return bytes(spoiled)


def lacking() -> str | None:
    """A compiler makes what is spoiled."""
    return None if shutil.which("gcc") else "gcc is not installed"


PART = Part(
    name="elf",
    what="ELF files whose headers lie, predicted, run as nobody, looked at while they run, and in recordings",
    full_count=6_000,
    attempt=attempt,
    lacking=lacking,
    cost=0.12,
)
