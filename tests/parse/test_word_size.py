"""Whether a process has 32 or 64 bits, by whatever tells it."""

import pytest

from procmem.model.raw import Machine, RawProcess
from procmem.parse.process import snapshot

GIB = 1 << 30


def bits_of(*lines: str, machine: str | None = None, auxv: bytes | None = None) -> int | None:
    """The word size of a process of which maps is known, and perhaps auxv and the machine."""
    files = {"maps": "".join(f"{line}\n" for line in lines).encode()} if lines else {}
    if auxv is not None:
        files["auxv"] = auxv
    return snapshot(RawProcess(7, dict(files), {}, None, {}, Machine(page_size=4096, machine=machine))).bits


def line(end: int, name: str = "") -> str:
    """A mapping of one page that ends there."""
    return f"{end - 4096:08x}-{end:08x} rw-p 00000000 00:00 0 {name}"


@pytest.mark.parametrize(
    ("end", "name", "machine", "bits"),
    [
        (4 * GIB + 4096, "", None, 64),
        (4 * GIB + 4096, "", "i686", 64),
        (4 * GIB, "", None, 32),
        (4 * GIB, "", "i686", 32),
        (2 * GIB + 4096, "", None, 32),
        (2 * GIB, "", None, None),
        (2 * GIB, "", "armv7l", 32),
        (2 * GIB, "", "x86_64", None),
        (2 * GIB, "[stack]", None, 32),
        (2 * GIB, "[vdso]", None, 32),
        (2 * GIB, "[heap]", None, None),
    ],
)
def test_by_the_highest_address(end: int, name: str, machine: str | None, bits: int | None) -> None:
    """What only 64 bits can hold; what lies where only 32 bits put it; else the machine, or nothing."""
    assert bits_of(line(0x10000), line(end, name), machine=machine) == bits


def test_gates_of_the_kernel_say_nothing() -> None:
    """They lie above what is the process's own."""
    assert bits_of(line(0x10000), "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]") is None


def test_without_mappings() -> None:
    """Only the machine is left, if it has but one width."""
    assert bits_of() is None
    assert bits_of(machine="i686") == 32
    assert bits_of(machine="x86_64") is None


@pytest.mark.parametrize(("word", "bits"), [(4, 32), (8, 64)])
def test_auxv_knows(word: int, bits: int) -> None:
    """By its shape, whatever else says."""
    auxv = b"".join(n.to_bytes(word, "little") for n in (6, 4096, 3, 0x400040, 9, 0x401000, 0, 0))
    assert bits_of(line(2 * GIB), machine="i686", auxv=auxv) == bits
