"""A stack limit that changed after exec: the layout was made under another one, and that is no contradiction."""

import resource
import shutil
from pathlib import Path

import pytest

from tests.programs.build import build
from tests.support.needs import lacking
from tests.support.running import procmem, started

UNLIMITED = 'ulimit -s unlimited; exec "$0" "$@"'


@pytest.mark.needs("gcc", "bash")
@pytest.mark.needs32
@pytest.mark.parametrize("flags", [("-m32",), ()], ids=["m32", "64"])
def test_no_law_and_no_prediction_is_broken_by_a_lowered_limit(tmp_path: Path, flags: tuple[str, ...]) -> None:
    """Where the limit of today would not place the mapping area so, nothing is said against it."""
    if resource.getrlimit(resource.RLIMIT_STACK)[1] != resource.RLIM_INFINITY:
        lacking("the hard limit of the stack is set here")
    program = build("traps.c", ("-pthread", *flags), tmp_path)
    bash = shutil.which("bash")
    assert bash is not None
    with started([bash, "-c", UNLIMITED, str(program), "little"]) as child:
        resource.prlimit(child.pid, resource.RLIMIT_STACK, (64 << 10, resource.RLIM_INFINITY))
        run = procmem("crosscheck", "--json", str(child.pid))
        assert run.status == 0, run
        assert "broken" not in {law["outcome"] for law in run.json["laws"]}
        page = procmem("crosscheck", str(child.pid)).out
        assert "OUTSIDE" not in page
        if flags:
            assert run.json["exact"]["stages"][0]["within"]["mmap"] is None
            assert "the stack limit at exec may have been another one" in " ".join(page.split())
