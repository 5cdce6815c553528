"""The plugin for pytest: what grows beyond a bound fails by name, what does not passes, and nothing is passed over."""

import importlib
import os
import subprocess
import sys
import tomllib

import pytest

from tests.support.running import ROOT

HEAD = """
import threading, unittest, pytest
kept = []
"""


def run(pytester: pytest.Pytester, code: str, *words: str, **env: str) -> pytest.RunResult:
    """A run of pytest of its own, with the plugin and no other that is installed."""
    pytester.makepyfile(HEAD + code)
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    for name, value in {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": paths, **env}.items():
        pytester._monkeypatch.setenv(name, value)
    strict = ("-W", "error", "--strict-markers", "-p", "procmem.pytest_plugin", "-p", "no:cacheprovider")
    return pytester.runpytest_subprocess(*strict, *words)


def test_a_leak_fails_with_what_grew(pytester: pytest.Pytester) -> None:
    """16 MiB in 16 rounds: which bound, by how much, how much a round, and whose it is."""
    result = run(
        pytester,
        """
@pytest.mark.memory_growth(rss="8M", uss="8M", heap="8M", stack="8M", rounds=16)
def test_leak():
    kept.append(bytearray(b"x") * (1 << 20))
""",
    )
    result.assert_outcomes(failed=1)
    text = result.stdout.str()
    for name in ("rss", "uss", "heap"):
        result.stdout.re_match_lines([rf" *{name}>8M: {name} grew by 1[5-8]\S* MiB, \+\d+%, 1\S* [KM]iB a round"])
    assert "stack>8M" not in text
    result.stdout.re_match_lines(["memory grew beyond a bound over 16 rounds .2 before them to warm up."])
    result.stdout.re_match_lines(["what grew most:", r" *1\d\S* MiB  heap  glibc-mmap-chunk"])
    assert "Traceback" not in text


def test_what_does_not_grow_passes(pytester: pytest.Pytester) -> None:
    """Garbage that refers to itself is no growth, what the first rounds take neither; the body ran so often."""
    result = run(
        pytester,
        """
calls = []

@pytest.fixture
def given():
    calls.append("made")
    return 7

@pytest.mark.parametrize("size", [1 << 20])
@pytest.mark.memory_growth(rss="4M", total="50%", rounds=20, warmup=5)
def test_steady(size, given):
    calls.append(given)
    if len(calls) < 5:
        kept.append(bytearray(b"x") * (8 << 20))
    cycle = [bytearray(b"x") * size]
    cycle.append(cycle)

def test_how_often():
    assert calls == ["made", *[7] * 25]
""",
    )
    result.assert_outcomes(passed=2)


def test_the_fixture(pytester: pytest.Pytester) -> None:
    """For a part of a test; the report can be asked for more."""
    result = run(
        pytester,
        """
def test_leak(memory_growth):
    memory_growth(lambda: kept.append(bytearray(b"x") * (1 << 20)), rss=4_000_000, rounds=8)

def test_steady(memory_growth):
    report = memory_growth(lambda: None, heap="1M", rounds=1, warmup=0)
    assert report.value.same_process
    assert not report.value.failed
    assert any(change.cls == "heap" for change in report.value.classes)
""",
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.re_match_lines([" *rss>4000000: rss grew by .*"])


def test_a_failing_body_is_its_own_failure(pytester: pytest.Pytester) -> None:
    """With its traceback, as without the marker."""
    result = run(
        pytester,
        """
@pytest.mark.memory_growth(rss="8M")
def test_fails():
    assert len(kept) == 1
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.re_match_lines(["E .*assert 0 == 1.*"])


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        ("", "name a bound"),
        ("rss='many'", "'many': not a size"),
        ("stakc='1M'", "where CLASS is one of"),
        ("rss='1M', rounds=0", "rounds is at least 1"),
        ("rss='1M', warmup=-1", "warmup at least 0"),
    ],
)
def test_bounds_that_are_none(pytester: pytest.Pytester, marker: str, said: str) -> None:
    """Told before the test is run even once."""
    result = run(
        pytester,
        f"""
@pytest.mark.memory_growth({marker})
def test_any():
    print("it", "ran")
""",
    )
    assert result.ret != 0
    assert said in result.stdout.str() + result.stderr.str()
    assert "it ran" not in result.stdout.str()


def test_what_cannot_be_run_again_is_refused(pytester: pytest.Pytester) -> None:
    """A test of unittest.TestCase would pass whatever it does."""
    result = run(
        pytester,
        """
class TestOld(unittest.TestCase):
    @pytest.mark.memory_growth(rss="8M")
    def test_any(self):
        pass
""",
    )
    assert result.ret != 0
    assert "does not run tests of unittest.TestCase again" in result.stdout.str()


def test_methods_and_threads(pytester: pytest.Pytester) -> None:
    """A method of a class, and memory that a thread holds: an arena of malloc grows."""
    result = run(
        pytester,
        """
class TestThing:
    @pytest.mark.memory_growth(rss="8M", rounds=4)
    def test_of_a_method(self, tmp_path):
        assert tmp_path.is_dir()

    @pytest.mark.memory_growth(heap="2M", rounds=40)
    def test_leaks_small_blocks(self):
        thread = threading.Thread(target=lambda: kept.append([b"%d" % n * 20 for n in range(2000)]))
        thread.start()
        thread.join()
""",
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.re_match_lines([" *heap>2M: heap grew by .*"])


def test_where_it_may_not_be_looked_at(pytester: pytest.Pytester) -> None:
    """Whether memory grew is not known then: the test fails, and says why."""
    result = run(
        pytester,
        """
import sys
@pytest.mark.memory_growth(rss="8M")
def test_hidden(monkeypatch, tmp_path):
    other = tmp_path / "python"
    other.write_text("#!/bin/sh\\necho smaps: permission denied >&2; exit 4\\n")
    other.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(other))
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.re_match_lines(["whether memory grew cannot be told: smaps: permission denied"])


def test_beside_workers(pytester: pytest.Pytester) -> None:
    """Each worker of xdist looks at itself."""
    pytest.importorskip("xdist")
    result = run(
        pytester,
        """
@pytest.mark.parametrize("number", range(4))
@pytest.mark.memory_growth(rss="4M", rounds=3)
def test_steady(number):
    bytearray(1 << 20)
""",
        "-p",
        "xdist",
        "-n",
        "2",
    )
    result.assert_outcomes(passed=4)


def test_it_is_found_and_costs_nothing() -> None:
    """By its entry point; what it loads of procmem before a test asks is next to nothing."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"procmem": "procmem.pytest_plugin"}
    assert importlib.import_module("procmem.pytest_plugin").pytest_configure
    assert not any(word.startswith("pytest") for word in project["dependencies"])
    code = """
import sys, pytest, procmem.pytest_plugin as plugin
class Config:
    def addinivalue_line(self, name, line): assert name == "markers" and line.startswith("memory_growth(")
plugin.pytest_configure(Config())
print(*sorted(name for name in sys.modules if name.partition(".")[0] in ("procmem", "click", "psutil")))
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert found.stdout.split() == [
        "procmem",
        "procmem.errors",
        "procmem.model",
        "procmem.model.memo",
        "procmem.pytest_plugin",
        "procmem.text",
        "procmem.text.pages",
        "procmem.text.pages.pytest_plugin",
        "procmem.text.units",
    ]
