"""The page of metrics: both formats, read back by the client library's own parsers."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_plain

from procmem.model.reports.classes import ClassRow
from procmem.model.reports.metrics import GroupLabels, MetricsGroup, MetricsReport
from procmem.render.deployment import dashboard, kubernetes_manifest, systemd_unit
from procmem.render.openmetrics import Exposition, label_text, plain_exposition
from procmem.text.metrics import FAMILIES

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


def group(name: str, **more: object) -> MetricsGroup:
    """A group with all figures, or as they are said."""
    figures: dict[str, object] = dict.fromkeys(MetricsGroup._fields, 7)
    classes = (ClassRow("heap", 1, 2, 3, 4, None, 5), ClassRow("text", 1, 2, 3, 4, 5, 6))
    of = {"labels": GroupLabels(name=name), "classes": classes, "kinds": {"brk": 1}, "findings": {"arenas": 2}}
    return MetricsGroup(**(figures | of | more))  # type: ignore[arg-type]


def openmetrics_of(page: str) -> dict[str, Any]:
    """The families of a page."""
    return {family.name: family for family in read_openmetrics(page)}  # type: ignore[no-untyped-call]


def report(*groups: MetricsGroup) -> MetricsReport:
    """A look."""
    return MetricsReport(1e9, 0.5, 0.25, groups, 0, 3, 1, 2, 0, 65530)


def test_every_family_is_there_and_has_its_words() -> None:
    """In both formats; counters end in _total."""
    kind, page = Exposition().write(report(group("a")), OPENMETRICS)
    assert kind.startswith("application/openmetrics-text")
    text = page.decode()
    assert text.endswith("# EOF\n")
    families = openmetrics_of(text)
    assert families.keys() == FAMILIES.keys()
    for name, family in families.items():
        assert family.documentation == FAMILIES[name]
        assert family.samples
    plain = {family.name for family in read_plain(plain_exposition(report(group("a"))))}
    assert plain == FAMILIES.keys()


def test_the_unknown_has_no_sample() -> None:
    """Neither 0 nor NaN."""
    text = plain_exposition(report(group("a", pss=None), group("b")))
    assert 'procmem_pss_bytes{name="b"} 7.0' in text
    assert 'procmem_pss_bytes{name="a"}' not in text
    assert 'procmem_class_swap_bytes{class="heap"' not in text


@pytest.mark.parametrize("name", ['a"b', "a\\", "a\nb", "\x1b[2J", "\udcff", "汉", "a" * 5000, "", "}", "#"])
def test_hostile_names_are_read_back(name: str) -> None:
    """As one line each, and bounded."""
    label = label_text(name.encode("utf-8", "surrogateescape"))
    assert len(label) <= 160
    page = Exposition().write(report(group(label), group("other one")), OPENMETRICS)[1].decode()
    families = openmetrics_of(page)
    assert {sample.labels["name"] for sample in families["procmem_pss_bytes"].samples} == {label, "other one"}
    assert page.isascii() or page.isprintable() or "\x1b" not in page


def test_long_names_stay_different() -> None:
    """By a digest of what is cut off."""
    assert label_text("x" * 500 + "a") != label_text("x" * 500 + "b")


@pytest.mark.parametrize(
    "accept",
    ["", "*/*", "text/plain;version=0.0.4", "application/openmetrics-text;version=x;q", ";;,;", "a/b;version="],
)
def test_any_accept_field_gets_a_page(accept: str) -> None:
    """Of a format that it can read, where it asks for none of ours the plain one."""
    kind, page = Exposition().write(report(group("a")), accept)
    assert page
    assert kind


def test_a_look_is_written_once_in_each_format() -> None:
    """However many ask."""
    exposition, look = Exposition(), report(group("a"))
    first = exposition.write(look, "")[1]
    assert exposition.write(look, "")[1] is first
    assert exposition.write(report(group("a")), "")[1] is not first


@pytest.mark.needs("promtool")
def test_promtool_finds_nothing_to_say() -> None:
    """Names, units, help, types; with names that would break a line."""
    page = plain_exposition(report(group(label_text(b'a"\n\xff\\')), group("b")))
    run = subprocess.run(["promtool", "check", "metrics"], input=page.encode(), capture_output=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")


def test_the_unit_quotes_what_systemd_would_take_apart() -> None:
    """Blanks, specifiers, variables."""
    unit = systemd_unit("/opt/pro cmem", ["serve", "--name", "a b%n$X", "--top", "5"])
    assert 'ExecStart="/opt/pro cmem" serve --name "a b%%n$$X" --top 5\n' in unit
    assert "CapabilityBoundingSet=CAP_SYS_PTRACE\n" in unit
    assert "@" not in unit.replace("@system-service", "")


@pytest.mark.needs("systemd-analyze")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """Every directive is one that it knows."""
    path = tmp_path / "procmem.service"
    path.write_text(systemd_unit("/bin/true", ["serve"]))
    run = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(path)], capture_output=True, text=True, check=False
    )
    assert "Unknown" not in run.stderr
    assert "procmem.service" not in run.stderr


@pytest.mark.needs("ruby")
def test_the_manifest_is_yaml_and_says_that_it_is_untested() -> None:
    """With host pids, and one right."""
    text = kubernetes_manifest(["serve", "--name", 'a: "b"'], port=1234, version="1.2")
    assert "Not tested on a cluster" in text
    script = "require 'yaml'; require 'json'; puts JSON.dump(YAML.load(STDIN.read))"
    run = subprocess.run(["ruby", "-e", script], input=text, capture_output=True, text=True, check=True)
    found = json.loads(run.stdout)
    pod = found["spec"]["template"]["spec"]
    assert found["kind"] == "DaemonSet"
    assert pod["hostPID"] is True
    (container,) = pod["containers"]
    assert container["args"] == ["serve", "--name", 'a: "b"']
    assert container["ports"][0]["containerPort"] == 1234
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["SYS_PTRACE"]}


def test_the_dashboard_asks_for_families_that_there_are() -> None:
    """Each query names some; that Prometheus answers them is held beside the command."""
    found = json.loads(dashboard())
    queries = [target["expr"] for panel in found["panels"] for target in panel["targets"]]
    assert len(queries) > 10
    known = FAMILIES.keys() | {f"{name}_total" for name in FAMILIES}
    for query in queries:
        assert set(re.findall(r"procmem_\w+", query)) <= known
