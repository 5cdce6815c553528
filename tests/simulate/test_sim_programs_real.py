"""Compiled programs: exact at exec, at the entry point and at main, under every layout."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from procmem.model.simulation import Settings, Stage
from tests.support import simulated_programs as sim_programs
from tests.support.simulated_support import ALL_STAGES, files_of, need_32bit, settings_for, wrong_lines

pytestmark = [pytest.mark.needs("gcc"), pytest.mark.needs32]

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
NAMES = [program.name for program in sim_programs.PROGRAMS] + [ending[0] for ending in sim_programs.ENDINGS]
OWN_ENV = {program.name: program for program in sim_programs.PROGRAMS}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All programs, built by the first worker that comes; the others wait for it."""
    need_32bit()
    base = tmp_path_factory.getbasetemp()
    made = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "simulated"
    try:
        made.mkdir()
    except FileExistsError:
        for _wait in range(1200):
            if (made / "built").exists():
                return made
            time.sleep(0.1)
        raise
    sim_programs.build(made)
    (made / "built").touch()
    return made


@pytest.mark.parametrize("name", NAMES)
def test_every_line_of_a_compiled_program_is_exact(name: str, folder: Path) -> None:
    """One program, all settings, all stages: nothing called exact is off."""
    path = folder / name
    env = sim_programs.environment(OWN_ENV[name], folder) if name in OWN_ENV else ()
    files = files_of(path, env)
    stages = (Stage.EXEC, Stage.ENTRY) if name == "nobss" else ALL_STAGES
    for setting, base in SETTINGS.items():
        assert not wrong_lines(files, settings_for(path, base, env), stages), setting


def test_stripped_programs_tell_main_by_their_start_code(folder: Path) -> None:
    """Where no symbol is left, main is what the start code hands to the C library."""
    for name in ("pie", "nopie", "static", "staticpie"):
        bare = folder / f"{name}.stripped"
        subprocess.run(["strip", "-o", bare.name, name], cwd=folder, check=True, timeout=30)
        files = files_of(bare)
        assert files.program.main is None
        assert not wrong_lines(files, settings_for(bare, Settings(randomize=2)), ALL_STAGES), name
