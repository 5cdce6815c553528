"""Code of an object that runs before main: what it may change is told, and a thread that it starts is foreseen."""

import struct
import subprocess
from pathlib import Path

import pytest

from procmem.model.elf import DT_INIT_ARRAY, DT_INIT_ARRAYSZ, DT_JMPREL, DT_PLTRELSZ, DT_RELA, DT_RELASZ
from procmem.model.reports.crosscheck import LineVerdict
from procmem.model.simulation import Exactness, KernelKind, Settings, Stage
from procmem.parse.elf import dynamic_entries, read_image
from procmem.parse.elf_constructors import constructors_of, constructors_with_threads
from procmem.queries.crosscheck_program import crosscheck
from tests.support.simulated_support import ALL_STAGES, files_of, need_kernel, settings_for

pytestmark = [pytest.mark.needs("gcc", "strip")]

SOURCE = """
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
char *kept;
static void *waits(void *unused) { kept = malloc(10); pause(); return unused; }
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
    found = constructors_of(reader, image, dict(dynamic_entries(reader, image) or ()), is_static=True)
    assert found.own == len(found.addresses) - 1
    return len(found.addresses), constructors_with_threads(reader, image, found.addresses)


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
    assert constructors_of(reader, read_image(reader), {}, is_static=True) == (1, 0, ())
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
    whole = constructors_of(reader, image, tags, is_static=True).addresses
    for cut in range(0, len(data), len(data) // 40):
        short = File(data[:cut])
        assert set(constructors_of(short, image, tags, is_static=True).addresses) <= set(whole)
        assert constructors_with_threads(short, image, whole) <= 1
    assert constructors_with_threads(reader, image, [0, 1, 2**64 - 1]) == 0
    absurd = dict.fromkeys((DT_INIT_ARRAY, DT_INIT_ARRAYSZ, DT_JMPREL, DT_PLTRELSZ, DT_RELA, DT_RELASZ), 2**63)
    assert constructors_of(reader, image, absurd, is_static=True) == (0, 0, ())


EARLY = """
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
static char data[40960] __attribute__((aligned(4096))) = {1};
static char *kept;
void early(void) {
	kept = mmap(0, 3 << 20, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(data + 8192, 8192, PROT_READ);
	if (sbrk(20480) == 0 || !(kept = malloc(300000))) abort();
	memset(kept, 1, 300000);
}
"""
RESOLVER = """
static int chosen(void) { return 0; }
static void *resolver(void) {
	long answer;
	register long fd asm("r8") = -1, flags asm("r10") = 0x22, offset asm("r9") = 0;
	asm volatile("syscall" : "=a"(answer) : "a"(9), "D"(0), "S"(3 << 20), "d"(3), "r"(flags), "r"(fd), "r"(offset)
		: "rcx", "r11", "memory");
	return chosen;
}
int f(void) __attribute__((ifunc("resolver")));
"""
LISTED = '__attribute__((section(".%s_array"), used)) static void (*listed)(void) = early;'
MAIN = "int main(void) { return 0; }"
HOW = {
    "DT_INIT": (EARLY + MAIN, ["-Wl,-init=early"]),
    "DT_INIT, no PIE": (EARLY + MAIN, ["-Wl,-init=early", "-no-pie"]),
    ".init_array": (EARLY + LISTED % "init" + MAIN, []),
    ".init_array, static": (EARLY + LISTED % "init" + MAIN, ["-static"]),
    ".init_array, static PIE": (EARLY + LISTED % "init" + MAIN, ["-static-pie"]),
    ".preinit_array": (EARLY + LISTED % "preinit" + MAIN, []),
    ".preinit_array, static": (EARLY + LISTED % "preinit" + MAIN, ["-static"]),
    ".preinit_array, static PIE": (EARLY + LISTED % "preinit" + MAIN, ["-static-pie"]),
    "resolver": (RESOLVER + "int main(void) { return f(); }", []),
    "resolver, static": (RESOLVER + "int main(void) { return f(); }", ["-static"]),
    "resolver, static PIE": (RESOLVER + "int main(void) { return f(); }", ["-static-pie"]),
}
OF_LIBRARY = {
    "DT_INIT": (EARLY + "int f(void) { return 0; }", ["-Wl,-init=early"]),
    ".init_array": (EARLY + LISTED % "init" + "int f(void) { return 0; }", []),
    "resolver": (RESOLVER, []),
}


def compiled(folder: Path, name: str, source: str, *flags: str) -> Path:
    """A file made of a source."""
    made = folder / name
    command = ["gcc", "-O1", "-x", "c", "-", "-x", "none", "-o", str(made), *flags]
    subprocess.run(command, check=True, timeout=60, input=source.encode())
    return made


@pytest.mark.parametrize("how", HOW)
def test_whatever_runs_before_main_changes_nothing_that_is_called_exact(tmp_path: Path, how: str) -> None:
    """It maps, asks malloc, moves the break, and protects a part of its own data."""
    need_kernel(KernelKind.X86_64)
    source, flags = HOW[how]
    _holds(compiled(tmp_path, "program", source, *flags))


@pytest.mark.parametrize("how", OF_LIBRARY)
def test_whatever_a_library_runs_before_main(tmp_path: Path, how: str) -> None:
    """The same of a library of which nothing is known."""
    need_kernel(KernelKind.X86_64)
    source, flags = OF_LIBRARY[how]
    library = compiled(tmp_path, "libown.so", source, "-shared", "-fPIC", *flags)
    caller = "int f(void); int main(void) { return f(); }"
    _holds(compiled(tmp_path, "program", caller, str(library), f"-Wl,-rpath,{tmp_path}"))


def _holds(path: Path) -> None:
    files = files_of(path)
    for report in crosscheck(files, settings_for(path, Settings(kernel=KernelKind.X86_64)), ALL_STAGES):
        wrong = [
            line
            for line in report.lines
            if line.verdict is not LineVerdict.SAME and line.predicted and line.predicted.status is Exactness.EXACT
        ]
        assert report.holds, (report.prediction.stage, wrong)
        assert report.called_exact > 8


def test_what_every_object_has_is_not_counted(tmp_path: Path) -> None:
    """The linker's _init, resolvers that only look at the processor, those of a static glibc: all stays exact."""
    need_kernel(KernelKind.X86_64)
    pure = "static int a(void) { return 0; } static int b(void) { return 1; } static void *pick(void) {"
    pure += 'unsigned eax = 1, ecx; asm("cpuid" : "+a"(eax), "=c"(ecx) : : "rbx", "rdx"); return ecx & 1 ? a : b; }'
    pure += 'int f(void) __attribute__((ifunc("pick"))); int main(void) { return f() > 1; }'
    for flags in ([], ["-static"], ["-static-pie"], ["-no-pie"]):
        program = files_of(compiled(tmp_path, "pure", pure, *flags)).program
        assert (program.constructors, program.early_constructors) == (0, 0), flags
