"""``serve``: what it answers to a real Prometheus, to many at once, and to those who mean no good."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from procmem.render.deployment import dashboard
from tests.support.running import COMMAND, ROOT, procmem, python_child, wait_for

HOSTILE = (
    "import pathlib\npathlib.Path('/proc/self/comm').write_bytes(b'a\"b\\n\\xff\\\\')\nkeep = bytearray(9 << 20)\n"
)

OFTEN = ("--interval", "0.5", "--detail-every", "1")


class Serving:
    """A running ``serve``."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.process = process
        self.port = port

    def ask(self, path: str = "/metrics", method: str = "GET", **headers: str) -> tuple[int, str]:
        """Status and body of an answer."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        client.request(method, path, headers=headers)
        answer = client.getresponse()
        return answer.status, answer.read().decode()


@contextlib.contextmanager
def serving(*words: str) -> Iterator[Serving]:
    """The command, listening at a port of its own."""
    command = [*COMMAND, "serve", "--listen", "127.0.0.1:0", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stderr is not None
        try:
            line = process.stderr.readline().decode()
            found = re.search(r"http://127\.0\.0\.1:(\d+)/metrics", line)
            assert found is not None, line
            yield Serving(process, int(found[1]))
        finally:
            process.kill()


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


class Prometheus:
    """A running Prometheus, asked by its own API."""

    def __init__(self, port: int) -> None:
        self._api = f"http://127.0.0.1:{port}/api/v1/query?"

    def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            self.query("1")
        except OSError:
            return False
        return True

    def query(self, text: str) -> list[dict[str, Any]]:
        """The samples that a query gives now."""
        with urllib.request.urlopen(self._api + urllib.parse.urlencode({"query": text}), timeout=30) as answer:
            document = json.load(answer)
        assert document["status"] == "success", document
        result: list[dict[str, Any]] = document["data"]["result"]
        return result


@contextlib.contextmanager
def prometheus(folder: Path, target: int) -> Iterator[Prometheus]:
    """The real one, which scrapes a port every second."""
    config = folder / "prometheus.yml"
    config.write_text(
        f"global: {{scrape_interval: 1s}}\nscrape_configs: [{{job_name: procmem, "
        f"static_configs: [{{targets: ['127.0.0.1:{target}']}}]}}]\n"
    )
    port = free_port()
    command = [
        "prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            asked = Prometheus(port)
            wait_for(asked.is_ready)
            yield asked
        finally:
            process.kill()


@pytest.mark.machine
@pytest.mark.needs("prometheus")
def test_prometheus_scrapes_it_and_answers_the_dashboard(tmp_path: Path) -> None:
    """By class, of a process with a name of the worst sort; then every query of the dashboard."""
    with (
        python_child(HOSTILE),
        serving(
            "--interval", "0.5", "--detail-every", "1", "--by", "name", "--by", "cgroup", "--name", '(?s)a"b.*'
        ) as served,
        prometheus(tmp_path, served.port) as asked,
    ):
        of_child = 'procmem_class_pss_bytes{name="a\\"b\\\\x0a\\\\xff\\\\", class="heap"}'
        wait_for(lambda: bool(asked.query(of_child)))
        (sample,) = asked.query(of_child)
        assert int(sample["value"][1]) >= 9 << 20
        assert asked.query("up")[0]["value"][1] == "1"
        assert {one["metric"]["class"] for one in asked.query("sum by (class) (procmem_class_pss_bytes)")} >= {"text"}
        wait_for(lambda: len(asked.query("procmem_look_duration_seconds[1m]")[0]["values"]) > 2)
        for panel in json.loads(dashboard())["panels"]:
            for target in panel["targets"]:
                query = target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*")
                found = asked.query(query.replace("$name", ".*"))
                assert found or " > 0" in query or "findings" in query, query


@pytest.mark.machine
def test_many_at_once_and_many_that_say_nothing() -> None:
    """Scrapes are answered by few threads; who asks within the interval gets the same look."""
    with serving("--interval", "60", "--no-detail") as served:
        silent = [socket.create_connection(("127.0.0.1", served.port), timeout=30) for _ in range(200)]
        for one in silent:
            one.sendall(b"GET /metrics HTTP/1.1\r\nHost: ")
        answers: list[tuple[int, str]] = []
        threads = [threading.Thread(target=lambda: answers.append(served.ask())) for _ in range(50)]
        for thread in threads:
            thread.start()
        assert len(os.listdir(f"/proc/{served.process.pid}/task")) <= 64
        for thread in threads:
            thread.join()
        assert len(answers) == 50
        assert len(set(answers)) == 1
        assert answers[0][0] == 200
        for one in silent:
            one.close()


@pytest.mark.machine
def test_who_calls_it_by_another_name_is_refused() -> None:
    """As a page in a browser would; other paths and methods get no metrics either."""
    with serving("--host-name", "node7", "--no-detail", "--name", "nobody") as served:
        assert served.ask(Host="evil.example:80")[0] == 403
        assert served.ask(Host="node7")[0] == 200
        assert served.ask(method="POST")[0] == 405
        assert served.ask("/etc/passwd")[0] == 404
        assert served.ask("/healthz") == (200, "/metrics\n")
        assert served.ask(method="HEAD") == (200, "")
        status, page = served.ask(Accept="application/openmetrics-text; version=1.0.0")
        assert status == 200
        assert page.endswith("# EOF\n")


@pytest.mark.machine
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_ends_in_order(number: signal.Signals, status: int) -> None:
    """While somebody waits for an answer, too."""
    with serving() as served:
        waiting = socket.create_connection(("127.0.0.1", served.port))
        waiting.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        served.process.send_signal(number)
        assert served.process.wait(20) == status
        assert served.process.stderr is not None
        assert served.process.stderr.read() == b""
        waiting.close()


@pytest.mark.machine
@pytest.mark.needs("promtool")
def test_a_textfile_is_written_whole_and_others_may_read_it(tmp_path: Path) -> None:
    """In the format that node_exporter's collector reads, classes among it at the first look."""
    path = tmp_path / "procmem.prom"
    with python_child(HOSTILE):
        run = procmem("serve", "--textfile", str(path), "--count", "1", "--by", "user")
    assert (run.status, run.out, run.err) == (0, "", "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert os.listdir(tmp_path) == [path.name]
    text = path.read_bytes()
    assert b'class="heap"' in text
    check = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    assert (check.returncode, check.stdout, check.stderr) == (0, b"", b"")


def test_what_is_printed_runs_the_same_command() -> None:
    """The unit and the manifest hold the options that were given beside."""
    unit = procmem("serve", "--print-unit", "--name", "a b", "--by", "user", "--by", "name", "--no-detail")
    assert unit.status == 0
    assert ' serve --name "a b" --by user --by name --no-detail\n' in unit.out
    manifest = procmem("serve", "--print-manifest", "--listen", "127.0.0.1:1234", "--top", "3")
    assert '["serve", "--listen", "0.0.0.0:1234", "--top", "3"]' in manifest.out
    assert json.loads(procmem("serve", "--print-dashboard").out)["title"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--listen", "nowhere"), "not an address and a port"),
        (("--kind", "nothing"), "nothing"),
        (("--count", "1"), "--textfile"),
        (("--textfile", "x", "--listen", "127.0.0.1:1"), "exclude each other"),
        (("--name", "("), "regular expression"),
    ],
)
def test_what_makes_no_sense_is_told(words: tuple[str, ...], told: str) -> None:
    """In one line with the usage."""
    run = procmem("serve", *words)
    assert run.status == 2
    assert told in run.err


def test_the_port_of_somebody_else_and_a_missing_library(tmp_path: Path) -> None:
    """One line each, which says what to do."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        run = procmem("serve", "--listen", f"127.0.0.1:{other.getsockname()[1]}")
    assert run.status == 1
    assert run.err.count("\n") == 1
    assert "cannot listen at 127.0.0.1" in run.err
    (tmp_path / "prometheus_client.py").write_text("raise ImportError")
    run_it = "import runpy; runpy.run_module('procmem', run_name='__main__')"
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {run_it}"
    done = subprocess.run([sys.executable, "-c", code, "serve"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'procmem[metrics]'" in done.stderr
    assert done.stderr.count("\n") == 1
