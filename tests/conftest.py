"""What all tests share: markers for what they need of the machine, and the folder of compiled programs.

A test says by a marker what it needs (``needs32``, ``needs_root``, ``needs_namespaces``, ``needs_terminal``, or
``needs("pmap")`` with the names of programs); what is missing is told by ``support.needs``. Tests that look at all
processes of the machine, or change it, are marked ``machine``: ``support.running`` refuses such commands elsewhere.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

import procmem
import procmem.text
import procmem.text.errors  # str() of an error is a sentence, as everywhere else
from procmem.text.catalogues.build import compile_catalogues
from tests.programs.build import can_build_32bit
from tests.support import needs

hypothesis.settings.register_profile("quiet", deadline=None, database=None)  # other work on the machine is no failure
hypothesis.settings.load_profile("quiet")

# what a test interrupts has to hear of it, also where a shell in the background, or nohup, ignores signals
for _number, _handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)

compile_catalogues(Path(procmem.__file__).parent / "text" / "catalogues")  # as an installation does


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Look at the markers of each test before it runs."""
    needs.begin(item)
    for marker in item.iter_markers("needs"):
        for program in marker.args:
            needs.program(program)
    if item.get_closest_marker("needs_root") and os.geteuid() != 0:
        needs.lacking("only root may do this")
    if item.get_closest_marker("needs32") and not can_build_32bit():
        needs.lacking("gcc -m32 with static libraries is not installed (gcc-multilib)")
    if item.get_closest_marker("needs_namespaces") and not needs.can_make_mount_namespace():
        needs.lacking("no mount namespace can be made here (not root, a chroot, or a container)")
    if item.get_closest_marker("needs_terminal") and not needs.can_open_terminal():
        needs.lacking("no pseudo-terminal can be opened here (/dev/pts is not mounted)")


@pytest.fixture(autouse=True)
def speaks_english_again() -> Iterator[None]:
    """Whatever language a test has spoken: the next one in the same worker begins in English."""
    yield
    procmem.text.use_language("en")


@pytest.fixture(scope="session")
def programs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for compiled programs, which the workers of one run share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "programs"
    folder.mkdir(exist_ok=True)
    return folder
