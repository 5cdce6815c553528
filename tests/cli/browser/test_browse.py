"""Every key, every part, and what may happen to a process meanwhile."""

import asyncio
import contextlib
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static, TabbedContent

from procmem.cli.browser.app import Browser, HelpScreen
from procmem.cli.browser.looking import Looking
from procmem.cli.browser.panes import PageView
from procmem.cli.browser.process import ProcessScreen
from procmem.cli.browser.processes import ProcessesScreen
from procmem.cli.browser.rows import Rows
from procmem.errors import AccessRefused, Misuse, ProcessGone
from procmem.queries.browse import OneProcess, ProcessView, one_of
from procmem.queries.targets import Selection, one_target
from procmem.text import use_language
from procmem.text.pages.browse import KEYS, TABS
from tests.support.growing import need_faults
from tests.support.running import COMMAND, FIXTURES, ROOT, missing_pid, procmem, python_child, started, wait_for

FAMILY = FIXTURES / "x86_64-6.18-fork"
Steps = Callable[[Browser, Pilot[None]], Awaitable[None]]
GROWING = """
import sys
kept = []
print("ready", flush=True)
for line in sys.stdin:
    kept.append(bytearray(b"x") * (8 << 20))
    print("grown", flush=True)
"""


def drive(what: str | OneProcess, steps: Steps, *, size: tuple[int, int] = (80, 24), every: float = 60.0) -> None:
    """Run the program on a screen in memory, and do something with it."""

    async def run() -> None:
        if isinstance(what, str):
            processes, one = one_of(Selection((what,)))
        else:
            processes, one = one_of(Selection((), recording=str(FAMILY)))[0], what
        app = Browser(processes, one, every=every)
        async with app.run_test(size=size) as pilot:
            await settled(app, pilot)
            await steps(app, pilot)

    asyncio.run(run())


async def settled(app: Browser, pilot: Pilot[None]) -> None:
    """Wait until the look that is being made is on the screen."""
    for _ in range(600):
        await pilot.pause(0.02)
        screen = app.screen
        if not isinstance(screen, Looking) or not screen._reading:
            break
    await pilot.pause()


async def press(app: Browser, pilot: Pilot[None], *keys: str) -> None:
    """Some keys, and what comes of them."""
    await pilot.press(*keys)
    await settled(app, pilot)


def screen_text(app: Browser) -> str:
    """What stands on the screen."""
    return "\n".join("".join(part.text for part in strip) for strip in app.screen._compositor.render_strips())


def words_on(app: Browser) -> str:
    """The same in one line."""
    return " ".join(screen_text(app).split())


def rows_of(app: Browser) -> Rows:
    """The table of the screen."""
    return app.screen.query_one(Rows)


def test_a_list_is_sorted_filtered_searched_and_drawn_as_a_tree() -> None:
    """Of a recorded parent with its children, by keys of htop and of vim."""

    async def steps(app: Browser, pilot: Pilot[None]) -> None:
        assert isinstance(app.screen, ProcessesScreen)
        rows = rows_of(app)
        assert rows.count >= 2
        first = [rows._write(at)["pid"] for at in range(rows.count)]
        await press(app, pilot, "S")
        assert [rows._write(at)["pid"] for at in range(rows.count)] == first[::-1]
        await press(app, pilot, "S")
        sorted_by = []
        for _ in range(8):
            await press(app, pilot, "s")
            sorted_by.append(rows.sorted_by)
        assert sorted_by == ["uss", "rss", "swap", "growth", "pid", "user", "name", "pss"]
        await press(app, pilot, "t")
        assert [rows._write(at)["name"].startswith("  ") for at in range(rows.count)].count(False) == 1
        await press(app, pilot, "f5")
        await press(app, pilot, "G")
        assert rows.cursor == rows.count - 1
        await press(app, pilot, "g")
        await press(app, pilot, "j", "down")
        await press(app, pilot, "k")
        assert rows.cursor == min(2, rows.count - 1) - 1
        wanted = rows._write(rows.count - 1)["pid"]
        await press(app, pilot, "backslash", *wanted, "enter")
        assert rows.count == 1
        assert f"1 of {len(first)} fit {wanted}" in words_on(app)
        await press(app, pilot, "f4", "enter")
        assert rows.count == len(first)
        await press(app, pilot, "g", "slash", *wanted, "enter")
        assert rows._write(rows.cursor)["pid"] == wanted
        await press(app, pilot, "f3", "x", "y", "z", "z", "enter")
        assert "not found: xyzz" in words_on(app)
        await press(app, pilot, "enter")
        assert isinstance(app.screen, ProcessScreen)
        assert f"{wanted} " in words_on(app)
        await press(app, pilot, "q")
        assert isinstance(app.screen, ProcessesScreen)

    drive(str(FAMILY), steps)


def test_escape_takes_the_filter_away_before_it_ends() -> None:
    """In the list and in a process; as a second one does what one does else."""

    async def steps(app: Browser, pilot: Pilot[None]) -> None:
        every = rows_of(app).count
        await press(app, pilot, "backslash", *"12507", "enter")
        assert rows_of(app).count == 1
        await press(app, pilot, "escape")
        assert rows_of(app).count == every
        await press(app, pilot, "enter", "2", "backslash", *"libc", "enter")
        assert isinstance(app.screen, ProcessScreen)
        some = rows_of(app).count
        await press(app, pilot, "escape")
        assert isinstance(app.screen, ProcessScreen)
        assert rows_of(app).count > some
        await press(app, pilot, "escape")
        assert isinstance(app.screen, ProcessesScreen)

    drive(str(FAMILY), steps)


def test_escape_closes_the_line_that_is_typed_into() -> None:
    """And nothing else."""

    async def steps(app: Browser, pilot: Pilot[None]) -> None:
        await press(app, pilot, "slash", "a")
        assert app.screen.query_one(Input).display
        await press(app, pilot, "escape")
        assert not app.screen.query_one(Input).display
        assert isinstance(app.screen, ProcessesScreen)
        assert rows_of(app).has_focus

    drive(str(FAMILY), steps)


def test_every_part_of_a_living_process() -> None:
    """Its regions are those of inspect; the one under the cursor is explained; an address is found."""
    with python_child("data = bytearray(b'x') * (20 << 20)") as pid:
        regions = procmem("inspect", "--regions", "--json", str(pid)).json["regions"]
        heap = next(row for row in regions if row["kind"] == "brk")

        async def steps(app: Browser, pilot: Pilot[None]) -> None:
            assert isinstance(app.screen, ProcessScreen)
            assert "RES: in memory now" in words_on(app)
            shown = {}
            for key, name in enumerate(TABS, start=1):
                await press(app, pilot, str(key))
                assert app.screen.query_one(TabbedContent).active == name
                shown[name] = words_on(app)
            assert "threads" in shown["threads"]
            assert "kernel space" in shown["picture"]
            assert "this part tells what has changed" in shown["changes"]
            await press(app, pilot, "2", *"/", *f"{int(heap['start'], 16) + 5:x}", "enter")
            assert rows_of(app).count == len(regions)
            assert rows_of(app)._write(rows_of(app).cursor)["kind"] == "heap/brk"
            assert "brk" in words_on(app)
            assert "heap" in words_on(app).split("Mapping", 1)[1]
            first = rows_of(app).cursor
            await press(app, pilot, "slash", *"libc.so", "enter")
            second = rows_of(app).cursor
            await press(app, pilot, "n")
            assert rows_of(app).cursor > second
            await press(app, pilot, "N")
            assert rows_of(app).cursor == second != first
            await press(app, pilot, "backslash", *"libc.so", "enter")
            assert 3 <= rows_of(app).count < len(regions)
            await press(app, pilot, "backslash", "enter")
            await press(app, pilot, "s")
            sizes = [app.screen._regions.rss[at] or 0 for at in app.screen._order]  # type: ignore[union-attr]
            assert sizes == sorted(sizes, reverse=True)
            await press(app, pilot, "tab")
            assert app.screen.query_one(TabbedContent).active == "threads"
            await press(app, pilot, "shift+tab", "h")
            assert app.screen.query_one(TabbedContent).active == "overview"
            await press(app, pilot, "question_mark")
            assert isinstance(app.screen, HelpScreen)
            assert all(key in words_on(app) for key, _ in KEYS[1:8])
            await press(app, pilot, "escape")
            assert isinstance(app.screen, ProcessScreen)

        drive(str(pid), steps, size=(120, 40))


def test_what_changed_since_a_mark() -> None:
    """A mark, growth, a look: by how much, and in which class."""
    with started([sys.executable, "-c", GROWING]) as child:

        async def steps(app: Browser, pilot: Pilot[None]) -> None:
            await press(app, pilot, "m", "6")
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(b"\n")
            child.stdin.flush()
            assert child.stdout.readline() == b"grown\n"
            await press(app, pilot, "r")
            told = words_on(app)
            assert "grew most, by 8" in told
            assert "marked" in told

        drive(str(child.pid), steps, size=(100, 40))


def test_a_process_that_ends_is_shown_as_it_was_last() -> None:
    """And no look is made any more."""
    with started([sys.executable, "-c", GROWING]) as child:

        async def steps(app: Browser, pilot: Pilot[None]) -> None:
            child.kill()
            child.wait()
            await press(app, pilot, "r")
            told = words_on(app)
            assert "it has ended: this is the last look" in told
            assert "RES: in memory now" in told
            screen = app.screen
            assert isinstance(screen, ProcessScreen)
            assert screen._timer is None

        drive(str(child.pid), steps)


class _Refused(OneProcess):
    """A process that may not be read."""

    def look(self, at: int = -1) -> ProcessView:
        """Refuse."""
        del at
        raise AccessRefused(1, "nothing-readable")


def test_a_process_that_may_not_be_read_says_so() -> None:
    """In the place of what is not known."""
    with python_child("") as pid:

        async def steps(app: Browser, pilot: Pilot[None]) -> None:
            assert "nothing of it may be read" in words_on(app)
            await press(app, pilot, "2")
            assert rows_of(app).count == 0

        drive(_Refused(one_target(str(pid))), steps)


class _Counted(OneProcess):
    """A process of which each look says how long the next one has to wait."""

    looks = 0
    wait = 30.0

    def look(self, at: int = -1) -> ProcessView:
        """Count, and look."""
        self.looks += 1
        return super().look(at)._replace(pause=self.wait)


def test_looks_come_no_more_often_than_they_may() -> None:
    """What a look costs decides, not what was asked for; paused there is none, but at a key."""
    with python_child("") as pid:
        one = _Counted(one_target(str(pid)))

        async def steps(app: Browser, pilot: Pilot[None]) -> None:
            await pilot.pause(0.6)
            assert one.looks == 1
            one.wait = 0.0
            await press(app, pilot, "r")
            for _ in range(200):
                await pilot.pause(0.05)
                if one.looks >= 4:
                    break
            assert one.looks >= 4
            await press(app, pilot, "space")
            assert "paused" in words_on(app)
            await settled(app, pilot)
            before = one.looks
            await pilot.pause(0.5)
            assert one.looks == before
            await press(app, pilot, "r")
            assert one.looks == before + 1
            await press(app, pilot, "space")
            assert "paused" not in words_on(app)

        drive(one, steps, every=0.1)


def test_what_a_look_costs_sets_the_pause() -> None:
    """A hundred times as long."""
    with python_child("") as pid:
        one = OneProcess(one_target(str(pid)))
        began = time.monotonic()
        moment = one.look()
        assert 0 < moment.pause <= 100 * (time.monotonic() - began) + 0.1
        one.close()


def test_a_series_is_walked_look_by_look(tmp_path: Path) -> None:
    """Each moment with its own figures; single regions are not in it, and that is said."""
    path = tmp_path / "looks"
    with started([sys.executable, "-c", GROWING]) as child:
        recorder = subprocess.Popen(
            [*COMMAND, "record", str(child.pid), "--every", "0.5s", "--for", "2s", "-o", str(path)],
            cwd=ROOT,
            stderr=subprocess.DEVNULL,
        )
        assert recorder.wait() == 0

    async def steps(app: Browser, pilot: Pilot[None]) -> None:
        screen = app.screen
        assert isinstance(screen, ProcessScreen)
        count = len(screen._moments)
        assert f"look {count} of {count}" in words_on(app)
        await press(app, pilot, "left_square_bracket")
        assert f"look {count - 1} of {count}" in words_on(app)
        await press(app, pilot, "m", "right_square_bracket", "6")
        assert "and grew since 2" in words_on(app)
        await press(app, pilot, "1", "left_square_bracket")
        for _ in range(count + 2):
            await press(app, pilot, "left_square_bracket")
        assert f"look 1 of {count}" in words_on(app)
        assert "RES: in memory now" in words_on(app)
        await press(app, pilot, "2")
        assert "not single regions" in words_on(app)
        await press(app, pilot, "right_square_bracket")
        assert f"look 2 of {count}" in words_on(app)

    drive(str(path), steps)


def test_a_screen_that_is_too_small_says_so() -> None:
    """And comes back when it is large enough again, in every size."""

    async def steps(app: Browser, pilot: Pilot[None]) -> None:
        assert "80 by 24 are needed" in words_on(app)
        await pilot.resize_terminal(200, 60)
        await settled(app, pilot)
        assert "processes" in words_on(app)
        await press(app, pilot, "enter", "2")
        assert max(map(len, screen_text(app).split("\n"))) <= 200
        await pilot.resize_terminal(80, 24)
        await settled(app, pilot)
        assert "perms" in words_on(app)
        await pilot.resize_terminal(79, 24)
        await settled(app, pilot)
        assert "The screen has 79 columns" in words_on(app)

    drive(str(FAMILY), steps, size=(60, 20))


def test_of_many_regions_only_those_on_the_screen_are_written(tmp_path: Path) -> None:
    """Twenty thousand of them: to the end and back, a page at a time."""
    path = tmp_path / "maps"
    with path.open("w") as file:
        for number in range(20_000):
            start = 0x7F00_0000_0000 + number * 0x3000
            file.write(f"{start:x}-{start + 0x2000:x} rw-p 00000000 00:00 0 \n")

    async def steps(app: Browser, pilot: Pilot[None]) -> None:
        await press(app, pilot, "2")
        rows = rows_of(app)
        assert rows.count == 20_000
        written = []
        write = rows._write
        rows._write = lambda row: written.append(row) or write(row)  # type: ignore[func-returns-value]
        await press(app, pilot, "G")
        assert rows.cursor == 19_999
        assert rows._write(rows.cursor)["address"] in screen_text(app)
        await press(app, pilot, "pageup", "pageup", "g", "pagedown")
        assert len(written) < 1000

    drive(str(path), steps)


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    """Markup and control characters are shown, not obeyed."""
    name = "/tmp/[bold red]x[/]\x1b]0;title\x07\u202e.so"
    path = tmp_path / "maps"
    path.write_bytes(f"7f0000000000-7f0000002000 r--p 00000000 08:01 77 {name}\n".encode())

    async def steps(app: Browser, pilot: Pilot[None]) -> None:
        await press(app, pilot, "2")
        shown = screen_text(app)
        assert "[bold red]x[/]" in shown
        assert "\x1b" not in shown
        assert "\u202e" not in shown

    drive(str(path), steps, size=(160, 30))


def test_the_mouse() -> None:
    """A click puts the cursor, one on a heading sorts, two open."""

    async def steps(app: Browser, pilot: Pilot[None]) -> None:
        rows = rows_of(app)
        await pilot.click(Rows, offset=(20, 2))
        await settled(app, pilot)
        assert rows.cursor == 1
        await pilot.click(Rows, offset=(2, 0))
        await settled(app, pilot)
        assert rows.sorted_by == "pid"
        await pilot.click(Rows, offset=(20, 1), times=2)
        await settled(app, pilot)
        assert isinstance(app.screen, ProcessScreen)

    drive(str(FAMILY), steps)


def test_in_chinese() -> None:
    """Headings, parts and hints."""
    use_language("zh")

    async def steps(app: Browser, pilot: Pilot[None]) -> None:
        await press(app, pilot, "enter")
        told = words_on(app)
        assert "概览" in told
        assert "帮助" in str(app.screen.query_one("#foot", Static).render())
        assert app.screen.query_one("#overview-page", PageView)

    drive(str(FAMILY), steps)


def test_only_those_that_were_named_are_listed() -> None:
    """Two of them; one that is not there, and a recording beside a process, are told before there is a screen."""
    with python_child("") as one, python_child("") as other:
        processes, alone = one_of(Selection((str(one), str(other))))
        assert alone is None
        assert {listed.row.pid for listed in processes.look()} == {one, other}
        with pytest.raises(ProcessGone):
            one_of(Selection((str(one), str(missing_pid()))))
        with pytest.raises(Misuse):
            one_of(Selection((str(one), str(FAMILY))))


def _wait_for_name(pid: int) -> None:
    """A program has its name a moment after its parent goes on: execve() closes what it may not keep first."""
    wait_for(lambda: Path(f"/proc/{pid}/comm").read_text() == "sleep\n")


def test_those_of_a_name_are_listed_besides_those_named() -> None:
    """As elsewhere ``--name`` adds to the pids; what comes later under that name is listed as well."""
    with python_child("") as one, started(["sleep", "60"], ready=False) as first:
        _wait_for_name(first.pid)
        processes, _ = one_of(Selection((str(one),), name="sleep"))
        with started(["sleep", "60"], ready=False) as later:
            _wait_for_name(later.pid)
            listed = {listed.row.pid: listed.row.name for listed in processes.look()}
    assert {one, first.pid, later.pid} <= set(listed)
    assert {name for pid, name in listed.items() if pid != one} == {b"sleep"}


def test_a_recording_is_one_moment() -> None:
    """There is nothing that could have changed, and no key for it."""

    async def steps(app: Browser, pilot: Pilot[None]) -> None:
        await press(app, pilot, "enter", "6")
        assert "A recording is one moment" in words_on(app)
        assert "m mark" not in words_on(app)

    drive(str(FAMILY), steps)


def test_addresses_are_whole_and_what_is_cut_is_marked() -> None:
    """Sixteen digits where an address has them."""

    async def steps(app: Browser, pilot: Pilot[None]) -> None:
        await press(app, pilot, "enter", "2", "G")
        assert "ffffffffff600000" in screen_text(app)
        rows = rows_of(app)
        rows.show(1, lambda _: {"kind": "reserved/glibc-arena-reserve", "whose": "x" * 80})
        await settled(app, pilot)
        assert "reserved/glibc-arena… xxx" in screen_text(app)

    drive(str(FAMILY), steps)


@pytest.mark.needs_terminal
@pytest.mark.parametrize(
    ("key", "number", "status"),
    [
        (b"q", None, 0),
        (b"\x03", None, 130),
        (b"", signal.SIGINT, 130),
        (b"", signal.SIGTERM, -signal.SIGTERM),
        (b"", signal.SIGHUP, -signal.SIGHUP),
        (b"", signal.SIGQUIT, -signal.SIGQUIT),
    ],
)
def test_in_a_terminal_it_leaves_the_screen_as_it_was(key: bytes, number: signal.Signals | None, status: int) -> None:
    """However it ends: the other screen and the mouse are left, the modes are what they were, and then the status."""
    with python_child("") as pid:
        ours, theirs = pty.openpty()
        modes = termios.tcgetattr(ours)
        words = [*COMMAND, "browse", str(pid)]
        environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
        with subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, env=environment) as browser:
            os.close(theirs)
            os.set_blocking(ours, False)
            seen = bytearray()

            def has(text: bytes) -> bool:
                with contextlib.suppress(OSError):  # nothing yet, or it has ended
                    seen.extend(os.read(ours, 65536))
                return text in seen

            wait_for(lambda: has(b"Overview"))
            time.sleep(0.3)  # it has begun to listen
            if key:
                os.write(ours, key)
            if number is not None:
                browser.send_signal(number)
            wait_for(lambda: has(b"\x1b[?1049l") and has(b"\x1b[?1000l"))
            assert browser.wait(30) == status
        assert termios.tcgetattr(ours) == modes
        os.close(ours)


def test_without_a_terminal_or_its_extra() -> None:
    """One line says what is missing."""
    run = procmem("browse", "self")
    assert (run.status, run.out) == (2, "")
    assert "fills a terminal" in run.err
    closed = subprocess.run(
        ["sh", "-c", 'exec "$@" <&- 2>&1', "sh", *COMMAND, "browse", "self"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert closed.returncode == 2
    assert "fills a terminal" in closed.stdout
    code = "import sys; sys.modules['textual'] = None; from procmem.cli.main import run; sys.exit(run())"
    done = subprocess.run([sys.executable, "-c", code, "browse"], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 1
    assert "the module textual is not installed" in done.stderr
    assert "pip install 'procmem[tui]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_growth_is_watched_at_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the screen goes on; what comes of it stands in its own part."""
    need_faults()
    monkeypatch.setattr("procmem.cli.browser.process._WATCHED_SECONDS", 0.5)

    async def steps(app: Browser, pilot: Pilot[None]) -> None:
        await press(app, pilot, "7")
        assert "Press f" in words_on(app)
        await press(app, pilot, "f")
        for _ in range(600):
            await pilot.pause(0.05)
            if "page fault" in words_on(app) and "watching" not in words_on(app):
                break
        assert "RES went from" in words_on(app)

    with python_child("pass") as pid:
        drive(str(pid), steps)


def test_growth_of_what_does_not_live() -> None:
    """A recording has no page faults; what is refused is told where the answer would be."""

    async def steps(app: Browser, pilot: Pilot[None]) -> None:
        await press(app, pilot, "f")
        assert "living processes alone" in words_on(app)

    drive(str(FIXTURES / "x86_64-6.18-sleep"), steps)

    async def gone(app: Browser, pilot: Pilot[None]) -> None:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        await press(app, pilot, "f")
        for _ in range(200):
            await pilot.pause(0.05)
            if "watching" not in words_on(app):
                break
        assert "has ended" in words_on(app) or "no such process" in words_on(app)

    with started([sys.executable, "-c", "print(1, flush=True); input()"]) as child:
        drive(str(child.pid), gone)
