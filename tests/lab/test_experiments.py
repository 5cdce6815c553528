"""``procmem lab``: the kernel agrees with what was predicted, a wrong prediction is found out, and nothing is left."""

import functools
import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from procmem.cli.lab import lab
from procmem.errors import CannotWrite
from procmem.lab import children as lab_machine
from procmem.lab import experiment as lab_experiment
from procmem.lab.catalogue import experiments, named, run_all
from procmem.model.note import note
from procmem.model.reports.lab import Figure, LabVerdict, Result, Skipped
from procmem.model.simulated_memory import MemorySettings
from procmem.model.simulation import PAGE
from procmem.render.formats.text import page_text
from procmem.render.json.lab import lab_json
from procmem.render.pages.lab import result_page
from procmem.render.pages.lab_html import lab_html
from procmem.render.style import Style
from procmem.sources.recording.write import save_text
from procmem.text.lab import reason_text
from tests.support.machine import PATIENCE_SECONDS
from tests.support.needs import lacking
from tests.support.running import COMMAND, ROOT, procmem

ALL = {one.name: one for one in experiments()}
TIMED = {"thousand", "switches", "goroutines", "java-threads"}
"""Their figures are times and ratios, or those of a runtime of any version."""
NO_ROOT = [name for name, one in ALL.items() if not one.root and name not in TIMED]


def one_result(name: str) -> Result:
    (result,) = run_all((ALL[name],), seconds=PATIENCE_SECONDS)
    if result.verdict is LabVerdict.SKIPPED:
        assert result.reason is not None
        _missing(f"{name}: {reason_text(result.reason)}")
    return result


def _missing(reason: str) -> None:
    """What can be installed must be there; what a kernel does not offer cannot."""
    if "not installed" in reason:
        lacking(reason)
    pytest.skip(reason)


@pytest.mark.parametrize("name", NO_ROOT)
def test_the_kernel_agrees(name: str) -> None:
    """Each experiment that anybody may do."""
    result = one_result(name)
    assert result.verdict is LabVerdict.AGREES, page_text(result_page(result), Style())


@pytest.mark.needs_root
@pytest.mark.parametrize("name", [name for name, one in ALL.items() if one.root])
@pytest.mark.machine
def test_the_kernel_agrees_with_root(name: str) -> None:
    """Swap, swappiness, the pool of huge pages; what they made is gone, also when tests run side by side."""
    result = one_result(name)
    assert result.verdict is LabVerdict.AGREES, page_text(result_page(result), Style())


@pytest.mark.parametrize("name", sorted(TIMED))
def test_what_is_measured_in_time_has_its_figures(name: str) -> None:
    """Ratios depend on the machine; that each was measured does not."""
    result = one_result(name)
    assert result.reason is None
    assert all(figure.kernel is not None for figure in result.figures)


def test_the_list_is_in_the_order_of_the_theory() -> None:
    """Every experiment with its row, its title, and a star where it needs root; and the same in JSON."""
    run = procmem("lab")
    rows = [line.split(maxsplit=2) for line in run.out.splitlines() if re.match(r"M[0-9]+ {2,}", line)]
    assert [row[1].rstrip("*") for row in rows] == list(ALL)
    assert [row[1].endswith("*") for row in rows] == [one.root for one in ALL.values()]
    numbers = [int(row[0][1:]) for row in rows]
    assert numbers == sorted(numbers)
    assert {2, 3, 4, 5, 6, 7, 11, 15, 16, 18, 19, 20} <= set(numbers)
    assert max(map(len, run.out.splitlines())) <= 80
    listed = json.loads(procmem("lab", "--json").out)
    assert [one["name"] for one in listed["experiments"]] == list(ALL)


def test_one_experiment_from_the_command_line(tmp_path: Path) -> None:
    """Predicted, kernel, verdict, two sentences; the document; the report."""
    report = tmp_path / "lab.html"
    run = procmem("lab", "demand-paging", "--report", str(report))
    assert (run.status, "predicted" in run.out, "1 agrees, 0 differs, 0 skipped" in run.out) == (0, True, True)
    assert max(map(len, run.out.splitlines())) <= 80
    assert report.read_text().startswith("<!doctype html>")
    assert report.stat().st_mode & 0o777 == 0o600
    answer = json.loads(procmem("lab", "M3", "--json").out)
    assert answer["schema"] == "procmem/lab/1"
    (one,) = answer["experiments"]
    assert set(one) >= {"name", "row", "predicted", "kernel", "verdict", "reason"}
    assert (one["name"], one["row"], one["verdict"], one["reason"]) == ("rights", "M3", "agrees", None)
    assert one["predicted"]["error code, write, read-only"] == one["kernel"]["error code, write, read-only"] == 7


def test_a_wrong_prediction_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half the fault-around window in the simulator: the kernel differs, and the status is 7."""
    wrong = functools.partial(MemorySettings, fault_around=8 * PAGE)
    monkeypatch.setattr(lab_experiment, "MemorySettings", wrong)
    result = CliRunner().invoke(lab, ["fault-around"], standalone_mode=False)
    assert result.return_value == 7
    assert "differs" in result.stdout


def test_wrong_words() -> None:
    """No such experiment; names with --all, and a report of nothing, are usage errors; a bad place for it is 6."""
    assert procmem("lab", "nothing").status == 2
    assert procmem("lab", "--all", "rights").status == 2
    assert procmem("lab", "--report", "x.html").status == 2
    assert procmem("lab", "rights", "--report", "/no/such/folder/x.html").status == 6


def test_an_experiment_that_stops_does_not_stop_the_others() -> None:
    """Skipped says why; a child that dies is a difference."""

    def skip() -> list[Figure]:
        raise Skipped("no-libm")

    def die() -> list[Figure]:
        raise EOFError

    base = ALL["rights"]
    results = list(run_all((base._replace(run=skip), base._replace(run=die), base._replace(run=list))))
    assert [result.verdict.value for result in results] == ["skipped", "differs", "differs"]
    assert results[0].reason == note("no-libm")


def test_figures_agree_as_they_say() -> None:
    """Exact, within a slack, at least, at most, only measured; unknown never agrees."""
    assert Figure(note("rss-alone"), 5, 5).agrees
    assert not Figure(note("rss-alone"), 5, 6).agrees
    assert Figure(note("rss-alone"), 5, 6, slack=1).agrees
    assert Figure(note("rss-alone"), 5, 6, relation=">=").agrees
    assert not Figure(note("rss-alone"), 5, 6, relation="<=").agrees
    assert not Figure(note("rss-alone"), 5, None).agrees
    assert not Figure(note("rss-alone"), None, 5).agrees
    assert Figure(note("rss-alone"), None, 5, relation="measured").agrees


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@pytest.mark.parametrize("redirected", ["> /dev/full", ">&-"])
def test_the_report_is_written_where_nobody_can_read_along(tmp_path: Path, redirected: str) -> None:
    """The output fails, which is told; what was asked for besides is there, whole."""
    report = tmp_path / "lab.html"
    shell = f"{shlex.join([*COMMAND, 'lab', 'demand-paging', '--report', str(report)])} {redirected}"
    done = subprocess.run(["sh", "-c", shell], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 6, done
    assert done.stderr.startswith("procmem: output: "), done
    assert report.read_text().rstrip().endswith("</html>")


def test_the_report_escapes_and_is_whole(tmp_path: Path) -> None:
    """Hostile words become text; a link is refused; what was there is replaced as a whole."""
    reason = note("refused", what="<script>x</script>\x1b[31m & co\u202e")
    evil = Result("demand-paging", "M1", [Figure(note("resident-of", of="<b>"), 1, 1)], reason, 0)
    page = lab_html([evil], machine="<i>")
    assert "<script>x" not in page
    assert "<b>" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;" in page
    assert lab_json([evil])["experiments"][0]["reason"].startswith("<script>x</script>")
    place = tmp_path / "page"
    save_text(str(place), "one")
    save_text(str(place), "two")
    assert place.read_text() == "two"
    link = tmp_path / "link"
    link.symlink_to(place)
    with pytest.raises(CannotWrite):
        save_text(str(link), "three")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "page"]


def test_a_child_ends_with_its_context() -> None:
    """Also a fork of it."""
    with lab_machine.child() as subject, lab_machine.forked(subject) as other:
        pids = [subject.pid, other.pid]
        assert all(Path(f"/proc/{pid}").exists() for pid in pids)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_names_and_rows_select() -> None:
    """A row gives all its experiments, in order, and each once."""
    assert [one.name for one in named(("M7", "swappiness", "rights"))] == ["rights", "swappiness", "cold-files"]
    assert (ROOT / "procmem").is_dir()


@pytest.mark.needs_root
def test_without_rights_it_skips_and_says_why() -> None:
    """What needs root is skipped, and so is all where Python itself may not be read; that is no difference."""
    run = procmem("lab", "swap", "frames", "rights", "--json", nobody=True)
    assert run.status == 0
    for one in json.loads(run.out)["experiments"]:
        assert one["verdict"] == "skipped" or one["name"] == "rights"
        assert (one["verdict"] == "skipped") == (one["reason"] is not None)


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_a_report_is_written_whatever_becomes_of_the_page(words: tuple[str, ...], tmp_path: Path) -> None:
    """``procmem lab ... --report FILE | head -1``: the page is cut off, the file is whole."""
    path = tmp_path / "report.html"
    names = ("rights", "demand-paging", "zero-page")
    command = [*COMMAND, "lab", *names, *words, "--report", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as child:
        assert child.stdout is not None
        child.stdout.close()
        child.wait(timeout=120)
    text = path.read_text("utf-8")
    assert all(name in text for name in names)
    assert text.rstrip().endswith("</html>")
    assert [item.name for item in tmp_path.iterdir()] == ["report.html"]
