"""Static programs with constructors of their own: what these do is told, and a thread that they start is foreseen."""

import struct
import subprocess
from pathlib import Path

import pytest

from procmem.model.elf import DT_INIT_ARRAY, DT_INIT_ARRAYSZ
from procmem.model.simulation import Exactness, KernelKind, LineVerdict, Settings, Stage
from procmem.parse.elf import dynamic_entries, read_image
from procmem.parse.elf_constructors import constructor_addresses, constructors_with_threads
from procmem.queries.crosscheck_program import crosscheck
from tests.support.simulated_support import files_of, need_kernel, settings_for

pytestmark = [pytest.mark.needs("gcc", "strip")]

SOURCE = """
#include <pthread.h>
#include <stdlib.h>
char *kept;
static void *waits(void *unused) { for (;;) __builtin_ia32_pause(); return unused; }
static void starts(void) { pthread_t thread; if (pthread_create(&thread, 0, waits, 0)) abort(); }
__attribute__((noinline)) static void between(int count) { if (count) between(count - 1); else starts(); kept++; }
#if KIND == 1
__attribute__((constructor)) static void first(void) { between(3); }
#elif KIND == 2
__attribute__((constructor)) static void first(void) { kept = malloc(3 << 20); }
__attribute__((constructor)) static void second(void) { kept = malloc(300000); }
#endif
int main(int count, char **words) { (void)words; if (count > 5) between(2); return 0; }
"""
NONE, THREAD, BLOCKS = 0, 1, 2
WAYS = [("-static",), ("-static-pie",), ("-static", "-s"), ("-static-pie", "-s")]
KINDS = {64: KernelKind.X86_64, 32: KernelKind.COMPAT}


def built(folder: Path, kind: int, *flags: str) -> Path:
    """A program of one kind."""
    made = folder / f"program{kind}"
    command = ["gcc", "-O1", f"-DKIND={kind}", "-pthread", "-x", "c", "-", "-o", str(made), *flags]
    subprocess.run(command, check=True, timeout=60, input=SOURCE.encode())
    return made


class File:
    """The bytes of a file."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read_at(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


def threads_of(data: bytes) -> tuple[int, int]:
    """How many constructors there are, and how many of them lead to a thread."""
    reader = File(data)
    image = read_image(reader)
    found = constructor_addresses(reader, image, dict(dynamic_entries(reader, image) or ()))
    assert found is not None
    return len(found), constructors_with_threads(reader, image, found)


@pytest.mark.parametrize("flags", WAYS, ids=" ".join)
def test_what_the_code_of_constructors_leads_to(tmp_path: Path, flags: tuple[str, ...]) -> None:
    """A thread by calls of calls; not what main alone may start. The file may be stripped, and have no table of it."""
    plain = threads_of(built(tmp_path, NONE, *flags).read_bytes())
    assert plain[1] == 0
    assert threads_of(built(tmp_path, THREAD, *flags).read_bytes()) == (plain[0] + 1, 1)
    assert threads_of(built(tmp_path, BLOCKS, *flags).read_bytes()) == (plain[0] + 2, 0)


@pytest.mark.parametrize("flags", WAYS[:2], ids=" ".join)
@pytest.mark.parametrize("kind", [NONE, THREAD, BLOCKS])
@pytest.mark.parametrize("bits", [64, pytest.param(32, marks=pytest.mark.needs32)])
def test_beside_the_real_kernel(tmp_path: Path, flags: tuple[str, ...], kind: int, bits: int) -> None:
    """What is called exact is exact, and the thread's stack and guard are where they were foreseen."""
    need_kernel(KINDS[bits])
    path = built(tmp_path, kind, f"-m{bits}", *flags)
    files = files_of(path)
    assert files.program.constructors == (0, 1, 2)[kind]
    assert files.program.constructor_threads == (kind == THREAD)
    base = Settings(kernel=KINDS[bits])
    for settings in (base, base._replace(stack_limit=64 << 10), base._replace(legacy=True)):
        (report,) = crosscheck(files, settings_for(path, settings), (Stage.MAIN,))
        assert report.holds, settings
        codes = {one.code for one in report.prediction.notes}
        assert ("own-constructors" in codes, "constructor-threads" in codes) == (kind != NONE, kind == THREAD)
        if kind == THREAD:
            assert [line for line in report.lines if line.verdict is not LineVerdict.SAME] == []
            unsure = [line.predicted for line in report.lines if line.predicted and not line.predicted.name]
            assert {"---p", "rw-p"} <= {vma.perms for vma in unsure if vma.status is Exactness.SHAPE}


def test_without_any_table_constructors_are_not_known(tmp_path: Path) -> None:
    """Neither a dynamic section nor section headers: None, and the program is taken as one that has some."""
    need_kernel(KernelKind.X86_64)
    path = built(tmp_path, BLOCKS, "-static")
    data = bytearray(path.read_bytes())
    struct.pack_into("<Q", data, 40, 0)  # e_shoff
    struct.pack_into("<HHH", data, 58, 0, 0, 0)  # e_shentsize, e_shnum, e_shstrndx
    reader = File(bytes(data))
    assert constructor_addresses(reader, read_image(reader), {}) is None
    path.write_bytes(data)
    files = files_of(path)
    assert (files.program.constructors, files.program.constructor_threads) == (1, 0)
    (report,) = crosscheck(files, settings_for(path, Settings(kernel=KernelKind.X86_64)), (Stage.MAIN,))
    assert report.holds


@pytest.mark.parametrize("flags", WAYS[:2], ids=" ".join)
def test_damaged_files_give_an_answer(tmp_path: Path, flags: tuple[str, ...]) -> None:
    """One that is cut off, or whose tables hold nonsense, has as many constructors as are left of it."""
    data = built(tmp_path, THREAD, *flags).read_bytes()
    reader = File(data)
    image = read_image(reader)
    tags = dict(dynamic_entries(reader, image) or ())
    whole = constructor_addresses(reader, image, tags)
    assert whole is not None
    for cut in range(0, len(data), len(data) // 40):
        short = File(data[:cut])
        found = constructor_addresses(short, image, tags)
        assert set(found or ()) <= set(whole)
        assert constructors_with_threads(short, image, whole) <= 1
    assert constructors_with_threads(reader, image, [0, 1, 2**64 - 1]) == 0
    assert constructor_addresses(reader, image, {DT_INIT_ARRAY: 2**63, DT_INIT_ARRAYSZ: 2**63}) == ()
