"""At the first user instruction every VMA and the stack pointer are exact: hand-made files, no compiler needed."""

import random
from pathlib import Path

import pytest

from procmem.model.simulation import Settings, Stage
from procmem.simulate.programs.predict import predict
from tests.support.simulated_elf_bytes import Load, elf32
from tests.support.simulated_support import files_of, need_32bit, settings_for, wrong_lines

R, W, X = 4, 2, 1
TEXT = Load(0x8048000, 0x1000, 0x1000, R | X, offset=0)
LINKER = b"/lib/ld-linux.so.2"
NEEDS_LINKER = pytest.mark.skipif(not Path("/lib/ld-linux.so.2").exists(), reason="no 32-bit C library is installed")


def _data(filesz: int, memsz: int, vaddr: int = 0x8049123) -> list[Load]:
    return [TEXT, Load(vaddr, filesz, memsz, R | W)]


def _pie(*more: Load, first: Load | None = None) -> list[Load]:
    return [first or Load(0, 0x1000, 0x1000, R | X, offset=0), *(more or (Load(0x2123, 0x300, 0x12345, R | W),))]


LAYOUTS: dict[str, bytes] = {
    "text only": elf32([TEXT]),
    "data": elf32(_data(0x300, 0x300)),
    "one byte of bss": elf32(_data(0x300, 0x301)),
    "bss": elf32(_data(0x300, 0x12345)),
    "bss ends at a page end": elf32(_data(0x300, 0xF00, 0x8049100)),
    "data ends at a page end": elf32(_data(0xF00, 0xF00, 0x8049100)),
    "data ends at a page end, bss follows": elf32(_data(0xF00, 0xF01, 0x8049100)),
    "bss segment alone": elf32([TEXT, Load(0x8059100, 0, 0x3456, R | W)]),
    "bss segment beside bss": elf32([*_data(0x10, 0x3456, 0x8049100), Load(0x804D000, 0, 0x3456, R | W)]),
    "one rwx segment": elf32([Load(0x8048000, 0x1000, 0x3000, 7, offset=0)]),
    "no PT_GNU_STACK": elf32(_data(0x300, 0x12345), gnu_stack=None),
    "executable stack": elf32(_data(0x300, 0x12345), gnu_stack=7),
    "bss of an executable segment": elf32([Load(0x8048000, 0x1000, 0x3000, R | X, offset=0)]),
    "bss of a read-only segment": elf32([TEXT, Load(0x8049000, 0x800, 0x3000, R)]),
    "write-only data": elf32([TEXT, Load(0x8049000, 0x1000, 0x3000, W)]),
    "no rights": elf32([TEXT, Load(0x8049000, 0x1000, 0x3000, 0)]),
    "alignment no power of two": elf32([TEXT, Load(0x804A123, 0x300, 0x12345, R | W, 12345)]),
    "neighbours that merge": elf32(
        [
            Load(0x8048000, 0x1000, 0x1000, R, offset=0),
            Load(0x8049000, 0x1000, 0x1000, R, offset=0x1000),
            Load(0x804A000, 0x1000, 0x1000, R | W, offset=0x2000),
            Load(0x804B000, 0x1000, 0x1000, R | W, offset=0x3000),
        ]
    ),
    "300 MB of bss": elf32(_data(0x300, 300 << 20)),
    "at the second page": elf32([Load(0x1000, 0x1000, 0x1000, R | X, offset=0)]),
    "where the stack is": elf32([Load(0xBFFFE000, 0x1000, 0x1000, R | X, offset=0)]),
    "in the stack's guard gap": elf32([Load(0xBFF00000, 0x1000, 0x1000, R | X, offset=0)]),
    "segments out of order": elf32(
        [Load(0x8058000, 0x1000, 0x1000, R | X, offset=0), Load(0x8048123, 0x300, 0x2345, 6)]
    ),
    "static PIE": elf32(_pie(), pie=True),
    "static PIE with holes": elf32(
        _pie(
            Load(0x5000, 0x1000, 0x1000, R | X),
            Load(0x20123, 0x300, 0x12345, R | W),
            first=Load(0, 0x1000, 0x1000, R, offset=0),
        ),
        pie=True,
    ),
    "static PIE, 2 MB alignment": elf32(_pie(first=Load(0, 0x1000, 0x1000, R | X, 0x200000, offset=0)), pie=True),
    "static PIE linked elsewhere": elf32(
        _pie(Load(0x12123, 0x300, 0x12345, R | W), first=Load(0x10000, 0x1000, 0x1000, R | X, offset=0)), pie=True
    ),
    "static PIE, first segment within a page": elf32(
        _pie(Load(0x12123, 0x300, 0x12345, R | W), first=Load(0x10234, 0x100, 0x100, R | X)), pie=True
    ),
}
WITH_LINKER: dict[str, bytes] = {
    "PIE": elf32(_pie(), pie=True, interpreter=LINKER),
    "PIE with a hole": elf32(_pie(Load(0x12123, 0x300, 0x12345, R | W)), pie=True, interpreter=LINKER),
    "PIE, 2 MB alignment": elf32(
        _pie(first=Load(0, 0x1000, 0x1000, R | X, 0x200000, offset=0)), pie=True, interpreter=LINKER
    ),
    "PIE linked elsewhere": elf32(
        _pie(Load(0x12123, 0x300, 0x12345, R | W), first=Load(0x10234, 0x100, 0x100, R | X)),
        pie=True,
        interpreter=LINKER,
    ),
    "PIE over the mapping area": elf32(_pie(Load(0x2123, 0x300, 0x7F000000, R | W)), pie=True, interpreter=LINKER),
    "dynamic": elf32(_data(0x300, 0x12345), interpreter=LINKER),
    "where the linker would lie": elf32([Load(0xB7FFE000, 0x1000, 0x1000, R | X, offset=0)], interpreter=LINKER),
}
BASES: dict[str, Settings] = {
    "-R -3": Settings(),
    "-R": Settings(limit_3gb=False),
    "-R -3 -X": Settings(read_implies_exec=True),
    "-R -3 -L": Settings(legacy=True),
    "-R -L": Settings(legacy=True, limit_3gb=False),
    "64 KiB": Settings(stack_limit=64 << 10),
    "100 bytes": Settings(stack_limit=100),
    "127 MiB": Settings(stack_limit=127 << 20),
    "200 MiB": Settings(stack_limit=200 << 20),
    "unlimited": Settings(stack_limit=None),
    "unlimited, 4 GiB": Settings(stack_limit=None, limit_3gb=False),
    "long strings": Settings(argv=(b"x" * 5000, b"yy", b""), env=(b"A=1", b"LONG=" + b"z" * 9000)),
    "many arguments": Settings(argv=tuple(b"%d" % number for number in range(40000))),
    "too many for the limit": Settings(stack_limit=64 << 10, argv=tuple(b"%d" % n for n in range(7000))),
    "strings near the limit": Settings(stack_limit=64 << 10, argv=(b"x" * 50000,)),
    "strings beyond the limit": Settings(stack_limit=64 << 10, argv=(b"x" * 70000,)),
    "no arguments": Settings(argv=()),
}
DRAWN: dict[str, Settings] = {
    "drawn": Settings(randomize=2),
    "drawn, 4 GiB": Settings(randomize=2, limit_3gb=False),
    "drawn, legacy": Settings(randomize=2, legacy=True),
    "drawn, unlimited": Settings(randomize=2, stack_limit=None),
}


def _written(folder: Path, data: bytes) -> Path:
    path = folder / "program"
    path.write_bytes(data)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_line_is_exact_at_exec(layout: str, tmp_path: Path) -> None:
    """Whatever the segments look like and whatever the limits are, nothing is off by a byte."""
    need_32bit()
    path = _written(tmp_path, LAYOUTS[layout])
    files = files_of(path)
    for name, base in BASES.items():
        assert not wrong_lines(files, settings_for(path, base), (Stage.EXEC,)), name


@NEEDS_LINKER
@pytest.mark.parametrize("layout", WITH_LINKER)
def test_every_line_is_exact_at_exec_with_an_interpreter(layout: str, tmp_path: Path) -> None:
    """The interpreter takes the highest free place, and the program its own or the PIE base."""
    need_32bit()
    path = _written(tmp_path, WITH_LINKER[layout])
    files = files_of(path)
    for name, base in BASES.items():
        assert not wrong_lines(files, settings_for(path, base), (Stage.EXEC,)), name


ON_THE_EDGE = {"where the stack is", "in the stack's guard gap", "where the linker would lie"}
"""With randomisation these start with some draws and fail with others, so nothing is claimed of them."""


@pytest.mark.parametrize(
    "layout", sorted({*LAYOUTS, *(WITH_LINKER if Path("/lib/ld-linux.so.2").exists() else ())} - ON_THE_EDGE)
)
def test_drawn_values_lie_in_their_ranges_and_explain_the_whole_map(layout: str, tmp_path: Path) -> None:
    """With randomisation each base lies in its range; the drawn values filled in, every line is exact."""
    need_32bit()
    path = _written(tmp_path, (LAYOUTS | WITH_LINKER)[layout])
    files = files_of(path)
    for name, base in DRAWN.items():
        assert not wrong_lines(files, settings_for(path, base), (Stage.EXEC,)), name


def test_any_row_of_segments_is_exact_at_exec(tmp_path: Path) -> None:
    """Segments of random places, sizes and rights: what the machine makes of them, the kernel makes of them."""
    need_32bit()
    for seed in range(100):
        dice = random.Random(seed)
        loads = []
        at = dice.choice([0x8048000, 0x10000000, 0x400000])
        pie = dice.random() < 0.4
        at = 0 if pie else at
        for number in range(dice.randrange(1, 6)):
            filesz = dice.choice([0, dice.randrange(1, 0x5000), 0x1000]) if number else dice.randrange(0x200, 0x3000)
            memsz = filesz + dice.choice([0, 0, 1, dice.randrange(0x8000)])
            vaddr = at + (dice.randrange(0x1000) if number and dice.random() < 0.6 else 0)
            flags = dice.choice([R, R | X, R | W, R | W, 7])
            if memsz:
                loads.append(Load(vaddr, filesz, memsz, flags, dice.choice([0x1000, 0x1000, 0x4000, 0x20000])))
            at = (vaddr + memsz + 0xFFF + dice.choice([0, 0, 0x1000, 0x7000])) & ~0xFFF
        base = Settings(
            limit_3gb=dice.random() < 0.6,
            legacy=dice.random() < 0.2,
            read_implies_exec=dice.random() < 0.2,
            stack_limit=dice.choice([64 << 10, 1 << 20, 8 << 20, 300 << 20, None]),
            argv=tuple(b"a" * dice.randrange(3000) for _ in range(dice.randrange(1, 9))),
            env=tuple(b"E%d=" % n + b"v" * dice.randrange(500) for n in range(dice.randrange(9))),
            randomize=dice.choice([0, 0, 2]),
        )
        path = _written(tmp_path, elf32(loads, pie=pie, gnu_stack=dice.choice([6, 6, 7, None])))
        assert not wrong_lines(files_of(path), settings_for(path, base), (Stage.EXEC,)), f"seed {seed}"
        path.unlink()


def _arguments(total: int) -> tuple[bytes, ...]:
    """Arguments of so many bytes together, each with its closing zero."""
    rest, argv = total, []
    while rest:
        part = min(rest, 100_000)
        argv.append(b"x" * (part - 1))
        rest -= part
    return tuple(argv)


@pytest.mark.parametrize("limit", [256 << 10, 8 << 20, None])
def test_the_limit_of_arguments_is_known_to_the_byte(limit: int | None, tmp_path: Path) -> None:
    """The largest arguments that start, by the prediction, start; one byte more does not."""
    need_32bit()
    path = _written(tmp_path, LAYOUTS["text only"])
    files = files_of(path)

    def starts(total: int) -> bool:
        base = Settings(stack_limit=limit, argv=_arguments(total))
        return predict(files, settings_for(path, base), Stage.EXEC).failure is None

    low, high = 1000, 8 << 20
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if starts(middle) else (low, middle)
    for total in (low, high):
        base = Settings(stack_limit=limit, argv=_arguments(total))
        assert not wrong_lines(files, settings_for(path, base), (Stage.EXEC,)), total


def test_one_string_has_a_limit_of_its_own(tmp_path: Path) -> None:
    """32 pages with the closing zero, whatever the stack limit is."""
    need_32bit()
    path = _written(tmp_path, LAYOUTS["text only"])
    files = files_of(path)
    for length in (131071, 131072):
        settings = settings_for(path, Settings(argv=(b"x" * length,)))
        assert not wrong_lines(files, settings, (Stage.EXEC,))
        assert (predict(files, settings, Stage.EXEC).failure is None) == (length == 131071)
