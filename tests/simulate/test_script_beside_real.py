"""``crosscheck run --script``: each step of a script in a real process, made to do it, beside the simulated one."""

import contextlib
import json
import os
import random
import subprocess
from pathlib import Path

import pytest

from procmem.errors import BadInput, BadScript
from procmem.model.script import ScriptReport
from procmem.model.simulation import PAGE, Exactness, KernelKind, Settings
from procmem.queries.crosscheck_script import crosscheck_script
from procmem.simulate.kernel import search
from procmem.simulate.libc.malloc import Malloc
from procmem.sources.machine import smallest_program
from tests.render.test_schemas import check
from tests.support.running import procmem
from tests.support.simulated_support import files_of, need_kernel, settings_for

pytestmark = [pytest.mark.needs("gcc")]
needs32 = pytest.mark.needs32

SOURCE = """
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
__thread char own[TLS] = {1};
int main(int count, char **words)
{
	pthread_attr_t how;
	if (count > 5) {
		pthread_attr_init(&how);
		pthread_attr_setguardsize(&how, 1);
		pthread_attr_setstacksize(&how, 1);
		return pthread_create(0, &how, 0, 0) + (long)realloc(malloc(3), 4) + (long)sbrk(3) + own[0];
	}
	return 0;
}
"""
WAYS = {"pie": (), "nopie": ("-no-pie",), "static": ("-static",), "staticpie": ("-static-pie",), "tls": ("-static",)}
KINDS = {64: KernelKind.X86_64, 32: KernelKind.COMPAT}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the programs are."""
    return tmp_path_factory.mktemp("scripts")


def _program(folder: Path, way: str, bits: int) -> Path:
    """A program with the functions that steps need, built once."""
    need_kernel(KINDS[bits])
    made = folder / f"{way}{bits}"
    if not made.exists():
        size = 40 if way == "tls" else 8
        command = ["gcc", f"-m{bits}", f"-DTLS={size}", "-pthread", "-x", "c", "-", "-o", str(made), *WAYS[way]]
        subprocess.run(command, check=True, timeout=60, input=SOURCE.encode())
    return made


def _checked(path: Path, bits: int, lines: list[str], base: Settings | None = None) -> ScriptReport:
    settings = settings_for(path, (base or Settings())._replace(kernel=KINDS[bits]))
    return crosscheck_script(files_of(path), settings, "\n".join(lines))


def _first_wrong(report: ScriptReport) -> object:
    wrong = next((step for step in report.steps if not step.holds), None)
    return None if wrong is None else (wrong.line, wrong.text, wrong.values, wrong.report.failures)


EACH = {
    "every kind of step": [
        "malloc a 100", "malloc b 200000", "free a", "realloc b 300000", "mmap c 1M", "mprotect c r-- 4096 8192",
        "munmap c 0 4096", "mmap d 16384", "mremap d 65536", "overmap d 4096 8192 r--", "growsdown e 8192",
        "touch e 0", "brk 5000", "recurse 200000", "thread malloc=100", "thread 65536 guard=0", "fork",
        "mmap f 8192 r-- /etc/passwd",
    ],
    "a search that a stack's guard gap sends below it": [
        "mmap a 65536", "growsdown b 8192", "mmap c 8192", "mmap d 8192 r--",
    ],
    "an old top that is freed lets the new one be trimmed": [
        "malloc a 46785", "brk 5068", "thread malloc=100", "realloc a 14569637", "malloc b 1947", "malloc c 88890",
    ],
    "an mremap to the same size splits nothing": [
        "mmap a 16384 r-x", "mprotect a rw- 12288 4096", "mremap a 16384", "mmap b 4096",
    ],
    "what malloc gives in a static program": ["malloc a 10", "malloc b 5000", "free a", "malloc c 20"],
}  # fmt: skip
EACH_64 = {
    "a part of the kernel's own mappings is not taken": [
        "mmap a 8192 r-x",
        "munmap a 4096 12288",
        "munmap a 4096 16384",
        "overmap a 4096 20480 r--",
        "munmap a",
    ],
    "a block of whole huge pages that moves": ["malloc a 2898130", "realloc a 37746730", "realloc a 20971496"],
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", [*EACH, *EACH_64])
def test_each_step_is_as_simulated(name: str, way: str, folder: Path) -> None:
    """Rules that each show in one sequence; the map is compared, and the addresses that calls give."""
    lines = {**EACH, **EACH_64}[name]
    report = _checked(_program(folder, way, 64), 64, lines)
    assert report.main.holds
    assert _first_wrong(report) is None
    assert len(report.steps) == len(lines)


@needs32
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", EACH)
def test_each_step_of_a_32_bit_program_is_as_simulated(name: str, way: str, folder: Path) -> None:
    """The same, driven by a tracer of another word size."""
    assert _first_wrong(_checked(_program(folder, way, 32), 32, EACH[name])) is None


def _script(dice: random.Random, sizes: tuple[int, ...]) -> list[str]:
    """A random script that only does what a program may: it touches nothing that it has given back."""
    lines: list[str] = []
    blocks: list[str] = []
    mapped: dict[str, int] = {}
    for number in range(dice.randrange(5, 40)):
        size = dice.randrange(dice.choice(sizes)) + 1
        act = dice.choice(_ACTS)
        if act == "malloc" or not (blocks or mapped):
            blocks.append(f"b{number}")
            lines.append(f"malloc b{number} {size}")
        elif act in ("realloc", "free", "touch") and blocks:
            name = dice.choice(blocks)
            lines.append({"realloc": f"realloc {name} {size}", "free": f"free {name}"}.get(act, f"touch {name} 0"))
            blocks = [one for one in blocks if act != "free" or one != name]
        elif act == "mmap":
            mapped[f"m{number}"] = dice.randrange(1, 9) * (dice.choice((1, 1, 512)) if len(sizes) > 6 else 1)
            rights = dice.choice(("rw-", "rw-", "---", "r--", "rwx", "r-x"))
            lines.append(f"mmap m{number} {mapped[f'm{number}'] * PAGE} {rights}")
        elif act in ("overmap", "munmap", "mprotect", "mremap") and mapped:
            name = dice.choice(list(mapped))
            lines.append(_on_mapped(dice, act, name, mapped))
        elif act == "brk":
            up = dice.randrange(1, 20000)
            lines += [f"brk {up}", f"brk -{dice.randrange(up + 1)}"]
        elif act == "recurse":
            lines.append(f"recurse {dice.randrange(1, 100000)}")
        elif act in ("fork", "growsdown"):
            lines.append("fork" if act == "fork" else f"growsdown g{number} {dice.randrange(1, 5) * PAGE}")
        else:
            stack = dice.choice(("", f" {dice.randrange(16, 600) * 1024}"))
            guard = dice.choice(("", " guard=0", " guard=12288"))
            lines.append(f"thread{stack}{guard} malloc={dice.choice((0, 100, 70000, 200000))}")
    return lines


_ACTS = (
    *("malloc", "malloc", "realloc", "free", "free", "mmap", "mmap", "overmap", "munmap", "mprotect", "mprotect"),
    *("mremap", "brk", "recurse", "fork", "growsdown", "touch", "thread"),
)


def _on_mapped(dice: random.Random, act: str, name: str, mapped: dict[str, int]) -> str:
    """A step on a part of a mapping; what is left of it is surely mapped whether the step succeeds or not."""
    pages = mapped[name]
    first = dice.randrange(pages)
    part = dice.randrange(1, pages - first + 1)
    rights = dice.choice(("rw-", "---", "r--", "rwx"))
    if act == "mremap":
        wanted = dice.randrange(1, 20)
        mapped[name] = min(pages, wanted)
        return f"mremap {name} {wanted * PAGE}"
    if act == "munmap":
        del mapped[name]
        return f"munmap {name} {first * PAGE} {part * PAGE}"
    if act == "overmap":
        return f"overmap {name} {first * PAGE} {part * PAGE} {rights}"
    return f"mprotect {name} {rights} {first * PAGE} {part * PAGE}"


SIZES = (1, 200, 2000, 60000, 140000, 600000)
ROUNDS = {64: 40, 32: 20}


@pytest.mark.parametrize("bits", [64, pytest.param(32, marks=needs32)])
def test_random_scripts_are_as_simulated(bits: int, folder: Path) -> None:
    """After every step, under both layouts, several limits, and with randomisation."""
    wrong = []
    for seed in range(ROUNDS[bits]):
        dice = random.Random(seed)
        way = dice.choice([way for way in WAYS if way != "tls"])
        base = Settings(
            legacy=dice.random() < 0.2,
            stack_limit=dice.choice((8 << 20, 8 << 20, None, 1 << 20, 200 << 20)),
            randomize=2 if dice.random() < 0.2 else 0,
        )
        lines = _script(dice, SIZES if bits == 32 else (*SIZES, 5000000, 40000000))
        report = _checked(_program(folder, way, bits), bits, lines, base)
        if not report.holds:
            wrong.append((seed, way, base.legacy, base.stack_limit, base.randomize, _first_wrong(report)))
    assert not wrong


LIBRARIES = {
    "plain": (),
    "deep": ("-L.", "-Wl,--no-as-needed,-rpath,$ORIGIN", "-l:libtls.so", "-l:libbss.so", "-lm"),
    "tls": ("-DMORE=__thread char t[5000]={1};",),
    "bss": ("-DMORE=char b[5000000];", "-Wl,-z,norelro"),
    "aligned": ("-Wl,-z,max-page-size=0x200000",),
    "stack": ("-Wl,-z,execstack",),
    "textrel": ("-DMORE=int d;int *where(void){return &d;}", "-fno-pic", "-Wl,-z,notext", "-Wl,-w", "-mcmodel=large"),
}
"""What gcc is told for each; the last writes to its text while it is relocated."""


def _libraries(folder: Path, bits: int) -> Path:
    made = folder / f"libraries{bits}"
    if made.exists():
        return made
    made.mkdir()
    code = (
        "#ifndef MORE\n#define MORE\n#endif\nMORE\nint NAME(void){return 1;} int d_NAME[900]={1}; int b_NAME[3000];\n"
    )
    for name in sorted(LIBRARIES, key=lambda name: name == "deep"):
        options = [one for one in LIBRARIES[name] if bits == 64 or "mcmodel" not in one]
        source = made / f"{name}.c"
        source.write_text(code.replace("NAME", name))
        command = ["gcc", f"-m{bits}", "-shared", "-fPIC", source.name, "-o", f"lib{name}.so", *options]
        subprocess.run(command, cwd=made, check=True, timeout=60, capture_output=True)
    return made


@pytest.mark.parametrize("bits", [64, pytest.param(32, marks=needs32)])
@pytest.mark.parametrize("way", ["pie", "nopie"])
def test_libraries_that_are_opened_lie_where_they_were_simulated(bits: int, way: str, folder: Path) -> None:
    """By path and by name, with what they need; one that is there already maps nothing, one that is not neither."""
    at = _libraries(folder, bits)
    opened = [f"dlopen {at}/lib{name}.so" for name in LIBRARIES]
    lines = [
        "dlopen libm.so.6",
        "malloc a 100",
        *opened,
        "thread malloc=100",
        opened[0],
        "dlopen libno.so",
        "mmap b 8192",
    ]
    for base in (Settings(), Settings(randomize=2), Settings(legacy=True)):
        report = _checked(_program(folder, way, bits), bits, lines, base)
        assert _first_wrong(report) is None
        assert len(report.steps) == len(lines)
        names = [line.real[4] for line in report.steps[-1].report.lines if line.real is not None]
        assert {f"{at}/lib{name}.so".encode() for name in LIBRARIES} <= set(names)
        last = report.steps[-1].report.prediction.vmas
        assert {vma.name for vma in last if vma.status is Exactness.SHAPE and not vma.grows_down} == {b"[heap]"}


def test_what_the_linker_refuses_is_no_fault_of_the_layout(folder: Path) -> None:
    """A library that wants a symbol which nobody has; a static program, which has no dynamic linker."""
    need_kernel(KernelKind.X86_64)
    path = folder / "libwants.so"
    command = ["gcc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(path)]
    subprocess.run(command, check=True, timeout=60, input=b"extern int nobody(void); int f(void){return nobody();}")
    report = _checked(_program(folder, "pie", 64), 64, [f"dlopen {path}", "mmap a 4096"])
    assert report.holds
    assert len(report.steps) == 1
    assert report.steps[0].report.unchecked is not None
    with pytest.raises(BadScript, match="dynamic programs of glibc"):
        _checked(_program(folder, "static", 64), 64, ["dlopen libm.so.6"])


def test_a_program_that_faults_ends_in_both() -> None:
    """The last step is the end; what stands behind it in the script is done by neither."""
    need_kernel(KernelKind.X86_64)
    report = _checked(Path(smallest_program()), 64, ["mmap a 8192 r--", "touch a 0", "mmap b 4096"])
    assert report.holds
    assert len(report.steps) == 2
    predicted, real = report.steps[-1].report.failures
    assert predicted is not None
    assert real is not None


def test_a_wrong_rule_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulator that forgets the guard gap, or gives another address, does not hold."""
    need_kernel(KernelKind.X86_64)
    path = Path(smallest_program())
    with monkeypatch.context() as patched:
        patched.setattr(search, "guarded_start", lambda _space, vma: vma.start)
        report = _checked(path, 64, ["growsdown a 8192", "mmap b 8192"])
        assert [step.holds for step in report.steps] == [True, False]
    allocate = Malloc.allocate
    monkeypatch.setattr(Malloc, "allocate", lambda self, size, **given: (allocate(self, size, **given) or 0) + 16)
    report = _checked(path, 64, ["malloc a 10"])
    assert [step.holds for step in report.steps] == [False]
    assert [step.report.holds for step in report.steps] == [True]


def test_the_command_says_whether_it_holds(tmp_path: Path) -> None:
    """The verdict first, then a line for each step; a document with all lines; status 0."""
    need_kernel(KernelKind.X86_64)
    script = tmp_path / "script"
    script.write_text("malloc a 100K\nthread\nfree a\n")
    answer = procmem("crosscheck", "run", "--script", str(script))
    assert answer.status == 0, answer
    assert answer.out.startswith("The simulation holds: after each of 3 steps")
    assert [line.split(":")[0] for line in answer.out.splitlines() if line.startswith("line ")] == [
        "line 1", "line 2", "line 3"
    ]  # fmt: skip
    document = json.loads(procmem("crosscheck", "run", "--script", str(script), "--json").out)
    check(document)
    assert [step["step"] for step in document["steps"]] == ["malloc a 100K", "thread", "free a"]
    assert document["steps"][0]["result"]["predicted"] == document["steps"][0]["result"]["real"]


def test_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    """A program without the functions, one that ends before main, a step that is none, no program at all."""
    need_kernel(KernelKind.X86_64)
    source = "int main(void){return 0;}"
    bare = tmp_path / "bare"
    command = ["gcc", "-static", "-s", "-x", "c", "-", "-o", str(bare)]
    subprocess.run(command, check=True, timeout=60, input=source.encode())
    with pytest.raises(BadScript, match="no function malloc"):
        _checked(bare, 64, ["malloc a 10"])
    assert _checked(bare, 64, ["mmap a 8192", "munmap a"]).holds
    early = tmp_path / "early"
    source = "#include <unistd.h>\n__attribute__((constructor)) static void c(void){_exit(3);} " + source
    subprocess.run(["gcc", "-x", "c", "-", "-o", str(early)], check=True, timeout=60, input=source.encode())
    with pytest.raises(BadInput, match="does not come to main"):
        _checked(early, 64, ["malloc a 10"])
    with pytest.raises(BadScript, match="cannot open it"):
        _checked(Path(smallest_program()), 64, [f"mmap a 4096 r-- {tmp_path}/none"])
    with pytest.raises(BadInput, match="no steps"):
        _checked(Path(smallest_program()), 64, [])
    with pytest.raises(BadScript, match="needs memory"):
        _checked(Path(smallest_program()), 64, ["mmap a 8192", "populate a"])
    answer = procmem("crosscheck", "run")
    assert answer.status == 2
    assert "no program is named" in answer.err


def test_nothing_is_left_of_a_script(folder: Path) -> None:
    """Neither the program nor the children that it made run on; others may run another copy of it beside."""
    program = _program(folder, "pie", 64)
    report = _checked(program, 64, ["fork", "fork", "thread"])
    assert report.holds
    running = set()
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        with contextlib.suppress(OSError):  # a kernel thread has none, and any may end meanwhile
            running.add(os.readlink(f"/proc/{pid}/exe"))
    assert os.readlink("/proc/self/exe") in running
    assert str(program) not in running
