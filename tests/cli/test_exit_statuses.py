"""The table of exit statuses, row by row; whatever happens, one line on stderr and never a traceback."""

import os
import shutil
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest

import procmem as package
from procmem.cli.error_handling import say
from tests.support.needs import lacking
from tests.support.running import (
    AS_NOBODY,
    COMMAND,
    FIXTURES,
    ROOT,
    missing_pid,
    pids_in,
    procmem,
    python_child,
    state_of,
    wait_for,
)

SLEEP = str(FIXTURES / "x86_64-6.18-sleep")
LARGE = str(FIXTURES / "x86_64-6.18-areas-pie")


def complaint(err: str) -> str:
    """The one line that was said."""
    lines = [line for line in err.splitlines() if line]
    assert len(lines) == 1, err
    assert lines[0].startswith("procmem: ")
    return lines[0]


def test_0_done() -> None:
    """Data on stdout, nothing on stderr."""
    for words in (("inspect", "self"), ("inspect", "--from", SLEEP), ("--version",), ("--help",), ("inspect", "-h")):
        run = procmem(*words)
        assert (run.status, run.err) == (0, ""), run
        assert run.out


def test_1_internal_error(tmp_path: Path) -> None:
    """A bug of ours is one line too; PROCMEM_DEBUG=1 shows the traceback."""
    spoiled = (
        "import sys; import procmem.queries.examine as module; module.examine = None\n"
        "from procmem.cli.main import run; sys.exit(run())"
    )
    command = [sys.executable, "-c", spoiled, "inspect", "self"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert run.returncode == 1
    assert "internal error: TypeError" in complaint(run.stderr)
    loud = {**os.environ, "PROCMEM_DEBUG": "1"}
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=loud, check=False)
    assert "Traceback" in run.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("inspect",),
        ("inspect", "--no-such-option", "1"),
        ("no-such-command",),
        ("inspect", "nonsense"),
        ("inspect", "--class", "nonsense", "self"),
        ("inspect", "--min-size", "many", "self"),
        ("inspect", "--sort", "colour", "self"),
        ("inspect", "--name", "("),
        ("record", "self"),
        ("inspect", "99999999999999999999999"),
        ("inspect", "-1"),
        ("inspect", "\u0661\u0662"),
        ("inspect", "--lang", "xx", "self"),
        ("--lang", "xx"),
        ("lab", "nosuch"),
        ("explain", "--glossary", "nosuch"),
        ("explain", "--address", "10000000000000000", "self"),
        ("translate", "self", "10000000000000000"),
        ("translate", "--sim", "--", "-1"),
    ],
)
def test_2_usage(words: tuple[str, ...]) -> None:
    """What was typed makes no sense."""
    run = procmem(*words)
    assert (run.status, run.out) == (2, ""), run
    assert "Error: " in run.err
    assert "Traceback" not in run.err


def test_2_an_address_at_which_nothing_is() -> None:
    """In every format, and the line says how to find one that is mapped."""
    for form in ((), ("--json",), ("--csv",)):
        run = procmem("explain", SLEEP, "--address", "10", *form)
        assert (run.status, run.out) == (2, ""), run
        assert "nothing is mapped at 0x10 (" in complaint(run.err)


def test_2_comes_with_its_hint() -> None:
    """What there is, where a name was wrong."""
    assert "there are en, zh" in procmem("inspect", "--lang", "xx").err
    assert "procmem lab lists them" in procmem("lab", "nosuch").err


@pytest.mark.parametrize("word", ["MISSING", "/proc/MISSING", "0"])
def test_3_no_such_process(word: str) -> None:
    """In every way to write a pid."""
    run = procmem("inspect", word.replace("MISSING", str(missing_pid())))
    assert (run.status, run.out) == (3, ""), run
    assert "no such process" in complaint(run.err)


def test_3_no_process_of_that_name() -> None:
    """A selection that fits nothing; we ourselves never count."""
    run = procmem("inspect", "--name", "no-such-name-4711")
    assert run.status == 3
    assert "no process has name 'no-such-name-4711'" in complaint(run.err)


@pytest.mark.needs_root
@pytest.mark.needs_namespaces
@pytest.mark.needs("mount", "unshare", "sh")
def test_4_not_permitted(tmp_path: Path) -> None:
    """Under hidepid=noaccess not even the small files of others may be read."""
    with python_child("") as pid:
        script = f'mount -t proc -o hidepid=noaccess proc /proc && exec "$0" -c "$1" inspect {pid}'
        command = ["unshare", "-m", "sh", "-c", script, sys.executable, AS_NOBODY]
        run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    if run.returncode == 32:
        lacking("no /proc can be mounted here")
    assert (run.returncode, run.stdout) == (4, ""), run
    assert complaint(run.stderr)


@pytest.mark.needs_root
@pytest.mark.needs_namespaces
@pytest.mark.needs("mount", "unshare", "sh")
@pytest.mark.parametrize(
    "words",
    ["system", "system --name sh", "system --csv", "system --classes", "system --mappings --json", "inspect --name sh"],
)
def test_4_no_table_is_empty_because_all_is_hidden(words: str, tmp_path: Path) -> None:
    """Nobody knows what would have fitted."""
    script = f'mount -t proc -o hidepid=noaccess proc /proc && exec "$0" -c "$1" {words}'
    command = ["unshare", "-m", "sh", "-c", script, sys.executable, AS_NOBODY]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    if run.returncode == 32:
        lacking("no /proc can be mounted here")
    assert (run.returncode, run.stdout) == (4, ""), run
    assert "may not be read" in complaint(run.stderr)


@pytest.mark.needs_root
@pytest.mark.needs_namespaces
@pytest.mark.needs("umount", "unshare", "sh")
@pytest.mark.parametrize(("words", "status"), [("doctor", 0), ("system", 3), ("dataset add --all -o made", 3)])
def test_without_proc(words: str, status: int, tmp_path: Path) -> None:
    """Where nothing is mounted at /proc, doctor still has its lines, and nothing is said to have been looked at."""
    if words.startswith("dataset"):
        pytest.importorskip("pyarrow")
    command = ["unshare", "-m", "sh", "-c", f'umount -l /proc && exec "$@" {words}', "sh", *COMMAND]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert run.returncode == status, run
    assert bool(run.stdout) == (status == 0)
    if status:
        complaint(run.stderr)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words", [("--from", "/no/such/thing"), ("./no-such-thing",), ("--from", "/dev/null")])
def test_5_bad_input(words: tuple[str, ...]) -> None:
    """Files that are no recordings."""
    run = procmem("inspect", *words)
    assert (run.status, run.out) == (5, ""), run
    complaint(run.err)


def test_6_could_not_write(tmp_path: Path) -> None:
    """Recordings have tests of their own."""
    run = procmem("record", "self", "-o", str(tmp_path))
    assert (run.status, run.out) == (6, "")
    assert "there is something already" in complaint(run.err)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("words", [("inspect", "self"), ("inspect", "--json", "--regions", "self"), ("--help",)])
def test_6_full_disk(words: tuple[str, ...]) -> None:
    """One line, and no page that only looks complete."""
    with Path("/dev/full").open("wb") as full:
        run = subprocess.run([*COMMAND, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert run.returncode == 6, run.stderr
    assert "No space left" in complaint(run.stderr)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_6_version_on_a_full_disk() -> None:
    """The fast way out has the same door."""
    with Path("/dev/full").open("wb") as full:
        run = subprocess.run([*COMMAND, "--version"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert run.returncode == 6, run.stderr
    assert "No space left" in complaint(run.stderr)


def test_42_some_are_missing() -> None:
    """As pmap has it: the others are shown."""
    run = procmem("inspect", "--json", "self", str(missing_pid()))
    assert run.status == 42
    assert "no such process" in complaint(run.err)
    assert len(run.json) == 1


@pytest.mark.parametrize("damaged", [(7,), (9,), (7, 8), (7, 8, 9)], ids=str)
def test_damaged_files_of_several_processes_are_told_with_their_process(
    tmp_path: Path, damaged: tuple[int, ...]
) -> None:
    """Each has a maps; of one process alone nothing need be said. The others are shown, or recorded."""
    for pid in (7, 8, 9):
        (tmp_path / str(pid)).mkdir()
        text = b"damaged\n" if pid in damaged else b"00400000-00401000 r-xp 00000000 08:01 1 /bin/x\n"
        (tmp_path / str(pid) / "maps").write_bytes(text)
        (tmp_path / str(pid) / "status").write_bytes(b"Name:\tx\nPid:\t%d\n" % pid)
    for words in (["inspect"], ["record", "-o", str(tmp_path / "out.tar.gz")]):
        run = procmem(*words, "--from", str(tmp_path))
        lines = [line for line in run.trouble.splitlines() if not line.startswith("recorded ")]
        assert run.status == 5, run
        assert [line.partition(": maps, line 1: ")[0] for line in lines] == [
            f"procmem: process {pid}" for pid in damaged
        ]
        assert ("recorded " in run.err) == (words[0] == "record" and len(damaged) < 3), run
    alone = procmem("inspect", "--from", str(tmp_path), str(damaged[0]))
    assert alone.trouble.startswith("procmem: maps, line 1: "), alone


def test_several_that_all_fail_have_the_worst_status() -> None:
    """Nothing on stdout."""
    run = procmem("inspect", str(missing_pid()), "./nowhere")
    assert (run.status, run.out) == (5, ""), run
    assert len(run.err.splitlines()) == 2


@pytest.mark.parametrize("command", ["inspect", "record"])
def test_130_interrupted(command: str, tmp_path: Path) -> None:
    """Ctrl-C while it waits for pids on its input: no more than a line end, no half file, 130."""
    words = [*COMMAND, command, "-", *(["-o", "recording"] if command == "record" else [])]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, cwd=tmp_path, stdin=pipe, stdout=pipe, stderr=pipe) as child:
        try:
            wait_for(lambda: b"pipe" in Path(f"/proc/{child.pid}/wchan").read_bytes() or state_of(child.pid) == "Z")
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=30)
        finally:
            child.kill()
    assert (child.returncode, out) == (130, b"")
    assert err in (b"", b"\n"), "click ends the line in which ^C stands"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("where", ["cli.fast_path", "cli.main"])
def test_130_interrupted_while_it_is_loaded(where: str) -> None:
    """At any moment: no traceback."""
    code = (
        "import sys; from procmem import __main__\n"
        f"sys.modules['procmem.{where}'] = type(sys)('loading')\n"
        "def interrupt(name): raise KeyboardInterrupt\n"
        f"sys.modules['procmem.{where}'].__getattr__ = interrupt\n"
        "__main__.main()"
    )
    done = subprocess.run([sys.executable, "-c", code, "--help"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize("read", [0, 10, 70_000])
@pytest.mark.parametrize("words", [("inspect", "--regions", "--json", "--from", LARGE), ("--help",), ("--version",)])
def test_a_closed_pipe_is_quiet(words: tuple[str, ...], read: int) -> None:
    """``procmem ... | head -1``, whenever the reader has had enough."""
    child = subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.read(read)
    child.stdout.close()
    err = child.stderr.read()
    child.stderr.close()
    assert (child.wait(), err) in ((0, b""), (141, b"")), err


def test_a_closed_pipe_is_quiet_without_a_stderr_too() -> None:
    """As a daemon may start it; the interpreter has no stderr then."""
    unread, broken = os.pipe()
    os.close(unread)
    command = ["sh", "-c", 'exec "$@" 2>&-', "sh", *COMMAND, "inspect", "--from", SLEEP]
    done = subprocess.run(command, stdout=broken, check=False)
    os.close(broken)
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("words", "given", "told"),
    [
        (("inspect", "-"), "/dev/zero", "more than"),
        (("simulate", "--script", "-"), "/dev/zero", "more than"),
        (("inspect", "-"), "latin-1", "no text in UTF-8"),
        (("simulate", "--script", "-"), "latin-1", "no text in UTF-8"),
    ],
)
def test_5_an_input_that_is_none(words: tuple[str, ...], given: str, told: str, tmp_path: Path) -> None:
    """One that never ends, and one that is no text."""
    if given == "latin-1":
        given = str(tmp_path / given)
        Path(given).write_bytes(b"\xff\n")
    with open(given, "rb") as stdin:
        done = subprocess.run(
            [*COMMAND, *words],
            stdin=stdin,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONUTF8": "0", "LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "utf-8:strict"},
        )
    assert (done.returncode, done.stdout) == (5, "")
    assert told in complaint(done.stderr)


@pytest.mark.parametrize("words", [("inspect", "self"), ("--version",), ("--help",)])
def test_a_closed_stdout_is_told(words: tuple[str, ...]) -> None:
    """``procmem ... >&-`` could not write."""
    run = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *COMMAND, *words], stderr=subprocess.PIPE, text=True, check=False
    )
    assert run.returncode == 6, run
    assert "Traceback" not in run.stderr
    complaint(run.stderr)


def test_a_closed_stdin_and_stderr_are_no_trouble() -> None:
    """Started by a daemon without any of them."""
    run = subprocess.run(
        ["sh", "-c", 'exec "$@" <&- 2>&-', "sh", *COMMAND, "inspect", "--from", SLEEP],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert run.returncode == 0
    assert "VIRT" in run.stdout


@pytest.mark.parametrize(
    "locale", [{"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}, {"LC_ALL": "POSIX"}]
)
def test_other_locales_draw_in_ascii(locale: dict[str, str]) -> None:
    """Without UTF-8 the picture is made of +, - and |; nothing fails, the figures are the same."""
    recorded = FIXTURES / "x86_64-6.18-areas-pie"
    plain = procmem("inspect", "--picture", "--from", str(recorded), env=locale | {"PYTHONIOENCODING": "ascii"})
    assert plain.status == 0, plain
    assert plain.out.isascii()
    assert "+------------------------+" in plain.out
    unicode = procmem("inspect", "--picture", "--from", str(recorded), env={"PYTHONUTF8": "1"})
    assert "┌────────────────────────┐" in unicode.out
    assert figures(plain.out) == figures(unicode.out)


def figures(page: str) -> list[str]:
    """All words with a digit in them."""
    return [word for word in page.split() if any(char.isdigit() for char in word)]


def test_names_that_no_locale_can_write(tmp_path: Path) -> None:
    """A path that is no ASCII, shown by an ASCII terminal: escaped, and status 5 as ever."""
    place = tmp_path / "f\u00fcr \u202e dich"
    run = procmem("inspect", "--from", str(place), env={"LC_ALL": "C", "PYTHONIOENCODING": "ascii"})
    assert run.status == 5, run
    assert "Traceback" not in run.err


def test_a_locale_that_cannot_write_a_sentence() -> None:
    """Chinese for a Latin-1 output: what it has no characters for is escaped."""
    run = procmem("inspect", "--from", SLEEP, "--lang", "zh", env={"PYTHONIOENCODING": "latin-1"})
    assert (run.status, run.trouble) == (0, ""), run
    assert "\\u" in run.out


def test_targets_from_a_closed_input_are_none() -> None:
    """``-`` without a standard input names no process, which is a wrong use."""
    run = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *COMMAND, "inspect", "-"], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout) == (2, ""), run
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("names", ["", ",", " , "])
def test_no_columns_at_all(names: str) -> None:
    """A list without a name is refused, and the names are told."""
    run = procmem("inspect", "--from", SLEEP, "--regions", "--csv", "--columns", names)
    assert (run.status, run.out) == (2, ""), run
    assert "start" in run.trouble


@pytest.mark.needs_root
@pytest.mark.machine
def test_what_nobody_may_see_is_unknown() -> None:
    """Refused maps: no address is called unmapped, nothing is called fine, and no list of mappings is empty."""
    with python_child("pass") as pid:
        address, findings, *others = (
            procmem(*words, nobody=True)
            for words in (
                ("translate", str(pid), "400000"),
                ("explain", str(pid), "--findings"),
                ("shared", str(pid), "--csv"),
                ("explain", str(pid), "--address", "400000"),
                ("crosscheck", str(pid)),
                ("watch", str(pid), "--count", "1", "--classes"),
            )
        )
    assert "not mapped" not in address.out
    assert "maps may not be read" in address.out
    assert "Nothing here deserves attention" not in findings.out
    assert "permission denied" in findings.out
    for refused in others:
        assert (refused.status, refused.out) == (4, ""), refused
        assert "permission denied" in refused.trouble


DENIED = str(FIXTURES / "x86_64-6.18-denied")


@pytest.mark.parametrize(
    "words",
    [
        *(("inspect", *more, form) for form in ("--csv", "--markdown") for more in ((), ("--regions",))),
        ("inspect", "--picture"),
        *(("explain", *more, form) for form in ("--csv", "--markdown") for more in ((), ("--findings",))),
        *(("account", form) for form in ("--csv", "--markdown")),
        *((name, *form) for name in ("shared", "crosscheck", "swap") for form in ((), ("--json",), ("--csv",))),
    ],
    ids=" ".join,
)
def test_4_a_table_of_what_may_not_be_read(words: tuple[str, ...]) -> None:
    """No table is only a heading, and no document an empty list, where mappings were refused."""
    run = procmem(*words, DENIED)
    assert (run.status, run.out) == (4, ""), run
    assert "permission denied" in complaint(run.err)


def test_what_is_unknown_of_refused_mappings_is_null() -> None:
    """A document that has other facts tells those; nothing in it says that there are no mappings."""
    document = procmem("inspect", "--json", "--regions", DENIED).json
    assert (document["classes"], document["regions"], document["account"]) == (None, None, None)
    explained = procmem("explain", "--json", DENIED).json
    assert {explained[key] for key in ("classes", "regions", "blocks", "findings")} == {None}
    totals = procmem("threads", "--json", DENIED).json["totals"]
    assert (totals["cached_stacks"], totals["cached_bytes"]) == (None, None)


def test_a_table_of_what_nothing_recorded_is_refused_as_well(tmp_path: Path) -> None:
    """A folder that holds status alone."""
    (tmp_path / "status").write_bytes(Path(DENIED, "16698", "status").read_bytes())
    run = procmem("inspect", "--csv", str(tmp_path))
    assert (run.status, run.out) == (4, ""), run
    assert "its mappings are not known" in complaint(run.err)
    assert procmem("inspect", str(tmp_path)).status == 0


@pytest.mark.parametrize(
    "words", [("inspect", "PID", "PID"), ("threads", "PID"), ("system",), ("pmap", "PID")], ids=" ".join
)
def test_4_too_many_open_files(words: tuple[str, ...]) -> None:
    """Whatever the limit: an answer, or one line that says what is short; never that a process is not there."""
    told = 0
    with python_child("") as pid:
        command = [*COMMAND, *(word.replace("PID", str(pid)) for word in words)]
        for limit in (5, 6, 7, 20):
            run = subprocess.run(
                ["sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh", *command],
                capture_output=True,
                text=True,
                check=False,
            )
            if run.returncode == 1:
                assert "too many open files" in complaint(run.stderr).lower()
                assert run.stdout == ""
                told += 1
            else:
                assert run.returncode == 0, (limit, run)
    assert told, "no limit was low enough to prove anything"


@pytest.mark.needs_root
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_recording_that_is_written_is_done(tmp_path: Path) -> None:
    """Also where nobody can be told so; and what is told of it is printable."""
    with open("/dev/full", "wb") as full:
        command = [*COMMAND, "record", "-o", str(tmp_path / "out"), SLEEP]
        assert subprocess.run(command, cwd=ROOT, stderr=full, check=False).returncode == 0
    assert procmem("inspect", "--from", str(tmp_path / "out")).status == 0
    run = procmem("record", "-o", str(tmp_path / "a\x1b[31mb"), SLEEP)
    assert (run.status, run.err.count("\x1b"), run.err.count("recorded 1 process")) == (0, 0, 1)


def test_1_no_memory_is_told() -> None:
    """Wherever it is met: an answer that was cut off is none."""
    short = (
        "import procmem.queries.examine as module\ndef examine(*_, **__): raise MemoryError\nmodule.examine = examine\n"
        "import sys; from procmem.cli.main import run; sys.exit(run())"
    )
    done = subprocess.run(
        [sys.executable, "-c", short, "inspect", "--from", SLEEP], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "no memory for reading" in complaint(done.stderr)


def test_what_is_said_is_printable(capsys: pytest.CaptureFixture[str]) -> None:
    """One line, whatever a name in it holds."""
    say("a\rb\x1b[2J\nc\udc9b")
    assert capsys.readouterr().err == "procmem: a\\x0db\\x1b[2J\\x0ac\\x9b\n"


def test_headers_without_a_segment_are_no_program(tmp_path: Path) -> None:
    """Nothing can be held against such headers, and the rest of the laws stands."""
    shutil.copytree(SLEEP, tmp_path / "recording")
    objects = next((tmp_path / "recording").glob("*/objects.bin"))
    data = bytearray(objects.read_bytes())
    (count,) = struct.unpack_from("<H", data, 56)
    for at in range(64, 64 + 56 * count, 56):
        if struct.unpack_from("<I", data, at) == (1,):  # PT_LOAD
            struct.pack_into("<I", data, at, 0)
    objects.write_bytes(data)
    for words in (("inspect", "--regions"), ("crosscheck",), ("explain", "--why")):
        run = procmem(*words, "--from", str(tmp_path / "recording"))
        assert (run.status, run.trouble) == (0, ""), run


def test_as_nobody() -> None:
    """What needs no right needs none: recordings from readable folders, ourselves, others' small files."""
    for words in (("inspect", "self"), ("inspect", "1"), ("inspect", "--name", "no-such-name-4711")):
        run = procmem(*words, nobody=True)
        assert run.status in (0, 3), run
        assert "Traceback" not in run.err


def test_version_stands_once() -> None:
    """By every road to it."""
    for words in (("--version",), ("--version", "inspect")):
        run = procmem(*words)
        assert (run.status, run.out) == (0, f"procmem {package.__version__}\n"), run
    text = (ROOT / "pyproject.toml").read_text()
    assert package.__version__ not in text


def test_pids_on_standard_input() -> None:
    """As many as there are, and those on the command line too."""
    with python_child("") as pid:
        run = procmem("inspect", "--json", "-", text=f"{pid}\n{pid} ".encode())
    assert (run.status, [document["process"]["pid"] for document in run.json]) == (0, [pid, pid])
    assert procmem("inspect", "-", text=b"nonsense").status == 2


def test_recordings_and_pids_side_by_side() -> None:
    """A recording takes the place of a pid."""
    run = procmem("inspect", "--json", SLEEP, "self")
    assert run.status == 0, run
    assert run.json[0]["process"]["pid"] == pids_in(Path(SLEEP))[0]


def test_what_is_wrong_with_a_pattern_is_told_by_its_character_in_every_language() -> None:
    """Characters, not bytes, from 1; what has no place is told without one."""
    assert "'栈(' is no regular expression: missing ), unterminated subpattern, at character 2" in procmem(
        "inspect", "--name", "栈("
    ).err.replace("\n", " ")
    assert "'(?<=a*)b' is no regular expression: look-behind requires fixed-width pattern" in procmem(
        "inspect", "--name", "(?<=a*)b"
    ).err.replace("\n", " ")
    chinese = procmem("inspect", "--lang", "zh", "--name", "(").err
    assert "第 1 个字符处子模式缺少 )" in chinese


@pytest.mark.parametrize("words", [("inspect", "--from", SLEEP), ("--version",), ("--help",), ("explain", SLEEP)])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_6_a_disk_that_takes_the_first_bytes(words: tuple[str, ...], unbuffered: str, tmp_path: Path) -> None:
    """The first write is short, and only the next one fails: Python without its buffer never makes that."""
    limit = "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (9, 9));"
    program = f"{limit} os.execv(sys.argv[1], sys.argv[1:])"
    with (tmp_path / "out").open("wb") as out:
        run = subprocess.run(
            [sys.executable, "-c", program, *COMMAND, *words],
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered, "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=ROOT,
            check=False,
        )
    assert run.returncode == 6, run
    assert "output: File too large" in complaint(run.stderr)


def test_1_a_library_of_python_that_cannot_be_mapped() -> None:
    """Too little memory is met by any import as well, and is no bug of ours."""
    spoiled = (
        "import sys; import procmem.queries.examine as module\n"
        "def examine(*_, **__): raise ImportError('failed to map segment', path='/x/_ctypes.so')\n"
        "module.examine = examine\n"
        "from procmem.cli.main import run; sys.exit(run())"
    )
    command = [sys.executable, "-c", spoiled, "inspect", "self"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (run.returncode, run.stdout) == (1, "")
    assert complaint(run.stderr) == "procmem: the system failed: failed to map segment"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("words", [("pmap", "-X"), ("pmap",), ("inspect", "--regions"), ("explain",)])
def test_an_output_that_is_full_is_told_once(words: tuple[str, ...]) -> None:
    """However many processes were asked for."""
    pids = (str(os.getpid()), str(os.getppid()), str(os.getpid()))
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, *words, *pids], stdout=full, stderr=subprocess.PIPE, cwd=ROOT, text=True, check=False
        )
    told = [line for line in done.stderr.splitlines() if not line.startswith("procmem: note: ")]
    assert done.returncode == 6, done
    assert len(told) == 1, done
    assert told[0].startswith("procmem: output: "), done
