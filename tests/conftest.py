"""What all tests share: the path to their helpers, and honest skips.

A test that needs something of the machine says so by a marker: ``needs32``, ``needs_root``, or ``needs("pmap")``
with the names of programs. Where it is missing the test is skipped with the reason; where ``PROCMEM_REQUIRE_ALL=1``
is set (as CI does, which installs all of it) it fails instead, so that no test is lost without anybody noticing.
"""

import os
import shutil
import sys
from pathlib import Path

import hypothesis
import pytest

import procmem
import procmem.text.errors  # str() of an error is a sentence, as everywhere else
from procmem.text.catalogues.build import compile_catalogues

TESTS = Path(__file__).resolve().parent
sys.path.insert(0, str(TESTS))  # tests import scoring, programs.build, ...

from programs.build import can_build_32bit  # noqa: E402  # found by the line above

hypothesis.settings.register_profile("quiet", deadline=None, database=None)  # other work on the machine is no failure
hypothesis.settings.load_profile("quiet")

compile_catalogues(Path(procmem.__file__).parent / "text" / "catalogues")  # as an installation does


def lacking(reason: str) -> None:
    """Skip the running test for a reason that lies in the machine, or fail where all must run."""
    if os.environ.get("PROCMEM_REQUIRE_ALL") == "1":
        pytest.fail(f"PROCMEM_REQUIRE_ALL=1, and yet: {reason}", pytrace=False)
    pytest.skip(reason)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Look at the markers of each test before it runs."""
    for marker in item.iter_markers("needs"):
        for program in marker.args:
            if shutil.which(program) is None:
                lacking(f"the program {program} is not installed")
    if item.get_closest_marker("needs_root") and os.geteuid() != 0:
        lacking("only root may do this")
    if item.get_closest_marker("needs32") and not can_build_32bit():
        lacking("gcc -m32 with static libraries is not installed (gcc-multilib)")


@pytest.fixture(scope="session")
def programs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for compiled programs, which the workers of one run share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "programs"
    folder.mkdir(exist_ok=True)
    return folder
