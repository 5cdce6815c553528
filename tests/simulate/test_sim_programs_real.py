"""Compiled programs: exact at exec, at the entry point and at main, under every layout."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from procmem.model.simulation import KernelKind, Settings, Stage
from procmem.queries.crosscheck_program import crosscheck, really
from procmem.simulate.libc.constructors import constructor_order
from tests.support import simulated_programs as sim_programs
from tests.support.simulated_support import ALL_STAGES, files_of, need_32bit, need_kernel, settings_for, wrong_lines

pytestmark = [pytest.mark.needs("gcc")]

SETTINGS: dict[str, Settings] = {
    "-R -3": Settings(),
    "-R": Settings(limit_3gb=False),
    "-R -3 -L": Settings(legacy=True),
    "-R -X": Settings(limit_3gb=False, read_implies_exec=True),
    "64 KiB": Settings(stack_limit=64 << 10),
    "200 MiB": Settings(stack_limit=200 << 20),
    "unlimited": Settings(stack_limit=None),
    "long strings": Settings(argv=(b"x" * 3000, b"y" * 90000), env=(b"A=" + b"z" * 20000, b"B=1")),
    "drawn": Settings(randomize=2),
    "drawn, 4 GiB, legacy": Settings(randomize=2, limit_3gb=False, legacy=True),
}
_64 = Settings(kernel=KernelKind.X86_64)
SETTINGS_64: dict[str, Settings] = {
    "-R": _64,
    "-R -L": _64._replace(legacy=True),
    "-R -X": _64._replace(read_implies_exec=True),
    "64 KiB": _64._replace(stack_limit=64 << 10),
    "200 MiB": _64._replace(stack_limit=200 << 20),
    "64 GiB": _64._replace(stack_limit=64 << 30),
    "unlimited": _64._replace(stack_limit=None),
    "long strings": _64._replace(argv=(b"x" * 3000, b"y" * 90000), env=(b"A=" + b"z" * 20000, b"B=1")),
    "drawn": _64._replace(randomize=2),
    "drawn, legacy": _64._replace(randomize=2, legacy=True, stack_limit=None),
}
ENDINGS = [ending[0] for ending in sim_programs.ENDINGS]
NAMES = [program.name for program in sim_programs.PROGRAMS] + ENDINGS
NAMES_64 = [program.name for program in sim_programs.programs(64)] + ENDINGS
OWN_ENV = {program.name: program for program in sim_programs.PROGRAMS}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All programs of 32 bits."""
    need_32bit()
    return _built(tmp_path_factory, 32)


@pytest.fixture(scope="module")
def folder_64(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All programs of 64 bits."""
    need_kernel(KernelKind.X86_64)
    return _built(tmp_path_factory, 64)


def _built(tmp_path_factory: pytest.TempPathFactory, bits: int) -> Path:
    """Built by the first worker that comes; the others wait for it."""
    base = tmp_path_factory.getbasetemp()
    made = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / f"simulated{bits}"
    try:
        made.mkdir()
    except FileExistsError:
        for _wait in range(1200):
            if (made / "built").exists():
                return made
            time.sleep(0.1)
        raise
    sim_programs.build(made, bits)
    (made / "built").touch()
    return made


@pytest.mark.needs32
@pytest.mark.parametrize("name", NAMES)
def test_every_line_of_a_compiled_program_is_exact(name: str, folder: Path) -> None:
    """One program, all settings, all stages: nothing called exact is off."""
    path = folder / name
    env = sim_programs.environment(OWN_ENV[name], folder) if name in OWN_ENV else ()
    files = files_of(path, env)
    stages = (Stage.EXEC, Stage.ENTRY) if name == "nobss" else ALL_STAGES
    for setting, base in SETTINGS.items():
        assert not wrong_lines(files, settings_for(path, base, env), stages), setting


@pytest.mark.parametrize("name", NAMES_64)
def test_every_line_of_a_64_bit_program_is_exact(name: str, folder_64: Path) -> None:
    """The same of x86-64: other linkers, objects larger than a huge page, alignment up to 1 GB."""
    path = folder_64 / name
    env = sim_programs.environment(OWN_ENV[name], folder_64) if name in OWN_ENV else ()
    files = files_of(path, env)
    stages = (Stage.EXEC, Stage.ENTRY) if name == "nobss" else ALL_STAGES
    for setting, base in SETTINGS_64.items():
        assert not wrong_lines(files, settings_for(path, base, env), stages), setting


@pytest.mark.needs_root
@pytest.mark.parametrize(("owner", "mode"), [((0, 65534), 0o2755), ((65534, 0), 0o4755), ((0, 0), 0o4755)])
def test_a_program_of_another_user_gets_eight_megabytes_of_stack(
    owner: tuple[int, int], mode: int, folder_64: Path, tmp_path: Path
) -> None:
    """However much more is allowed; one that changes nothing for us keeps its limit. Both are randomised."""
    path = tmp_path / "program"
    shutil.copy(folder_64 / "pie", path)
    os.chown(path, *owner)
    path.chmod(mode)
    files = files_of(path)
    assert files.program.is_secure is (owner != (0, 0))
    for limit in (None, 200 << 20, 1 << 20):
        settings = really(settings_for(path, _64._replace(stack_limit=limit)), files)
        reports = crosscheck(files, settings, (Stage.EXEC, Stage.MAIN))
        assert all(report.holds and report.unchecked is None for report in reports), limit
        assert all(inside for report in reports for _base, inside in report.within), limit


ORDERED = {"a": "bc", "b": "de", "c": "d", "d": "f", "e": "", "f": "", "g": "ea"}
"""Libraries, and which of the others each needs."""


def test_constructors_run_in_the_predicted_order(tmp_path: Path) -> None:
    """Each after those that it needs, and of independent ones the last loaded first: as they say themselves."""
    need_kernel(KernelKind.X86_64)
    code = '#include <unistd.h>\n__attribute__((constructor)) static void c(void){if(write(1,"%s",1)){}}\n'
    linked = ["-L.", "-Wl,--no-as-needed,-rpath,$ORIGIN"]
    for name in sorted(ORDERED, key="fedcbag".index):
        source = tmp_path / f"{name}.c"
        source.write_text(code % name)
        needs = [f"-l:libo{other}.so" for other in ORDERED[name]]
        command = ["gcc", "-shared", "-fPIC", source.name, "-o", f"libo{name}.so", f"-Wl,-soname,libo{name}.so"]
        subprocess.run([*command, *linked, *needs], cwd=tmp_path, check=True, timeout=60)
    (tmp_path / "main.c").write_text(sim_programs.PLAIN)
    subprocess.run(["gcc", "main.c", "-o", "main", *linked, "-l:libog.so", "-l:liboc.so"], cwd=tmp_path, check=True)
    told = subprocess.run([tmp_path / "main"], check=True, capture_output=True, timeout=30).stdout.decode()
    libraries = files_of(tmp_path / "main").libraries
    names = [os.path.basename(libraries[at].opened).decode() for at in constructor_order(libraries)]
    assert told == "".join(name[4] for name in names if name.startswith("libo"))
    assert sorted(told) == sorted(ORDERED)


@pytest.mark.needs32
def test_stripped_programs_tell_main_by_their_start_code(folder: Path) -> None:
    """Where no symbol is left, main is what the start code hands to the C library."""
    for name in ("pie", "nopie", "static", "staticpie"):
        bare = folder / f"{name}.stripped"
        subprocess.run(["strip", "-o", bare.name, name], cwd=folder, check=True, timeout=30)
        files = files_of(bare)
        assert files.program.main is None
        assert not wrong_lines(files, settings_for(bare, Settings(randomize=2)), ALL_STAGES), name
