"""Pages laid out from values: what is unknown says so, in text, in tables and in documents."""

from collections.abc import Iterator
from typing import Any

import pytest

from procmem.model.note import note
from procmem.model.reports.inspection import ProcessFacts
from procmem.model.reports.lab import Figure, Result
from procmem.model.reports.shared import SharedObject, SharedReport, Sharer
from procmem.model.reports.threads import SharedState, ThreadReport, ThreadRow
from procmem.model.snapshot import Nature
from procmem.render.formats import FORMATS, TEXT, write
from procmem.render.formats.csv_tables import to_csv
from procmem.render.formats.text import block_text, page_text
from procmem.render.page import Page
from procmem.render.pages.lab import result_page, results_page
from procmem.render.pages.shared import shared_page
from procmem.render.pages.threads import threads_page
from procmem.render.process_head import process_head
from procmem.render.style import Style
from procmem.text import listed, use_language

UNKNOWN_THREAD = ThreadRow(7, *[None] * (len(ThreadRow._fields) - 1))
UNKNOWN_STATE = SharedState(*[None] * len(SharedState._fields))


@pytest.fixture
def chinese() -> Iterator[None]:
    """Speak Chinese within a test."""
    use_language("zh")
    yield
    use_language("en")


def threads(*rows: ThreadRow) -> Page:
    """The page of a process of which nothing else is known."""
    return threads_page(ThreadReport(1, b"x", rows, UNKNOWN_STATE, None, 0, 0, None, ()), "")


def test_an_unknown_thread_is_all_question_marks() -> None:
    """No figure becomes 0, in the table or below it."""
    short = page_text(threads(UNKNOWN_THREAD), Style()).splitlines()[3].split()
    assert short == ["7", *["?"] * 12], "without details"
    text = page_text(threads(UNKNOWN_THREAD), Style(wide=True))
    row = text.splitlines()[3].split()
    assert row == ["7", *["?"] * 16]
    assert "stack                ? reserved by all together, ? in memory" in text
    assert "scheduling state     ?; ? of CPU time in all" in text
    assert "kernel stack" not in text


def test_an_unknown_thread_in_programs_formats() -> None:
    """Empty cells and null."""
    page = threads(UNKNOWN_THREAD)
    assert to_csv(page.table()).splitlines()[1] == "7" + "," * 18
    thread = page.document()["threads"][0]
    assert {key for key, value in thread.items() if value is not None} == {"tid"}


def test_threads_of_which_one_is_unknown_have_at_least_what_is_known() -> None:
    """The total is unknown in every format, and the page says what it is at least."""
    known = UNKNOWN_THREAD._replace(
        stack=(0x10000, 0x20000), resident=4096, tls=2048, cpu_seconds=0.5, pending_signals="0000000000000001"
    )
    page = threads(known, UNKNOWN_THREAD)
    text = page_text(page, Style())
    assert text.splitlines()[6].split() == ["total", "?", "?", "?"]
    assert "stack                at least 64 KiB reserved by all together, at least 4 KiB in memory" in text
    assert "TLS                  at least 2 KiB in all" in text
    assert "?; at least 0.50 s of CPU time in all" in text
    assert "pending signals      not known of each thread (SigPnd)" in text
    totals = page.document()["totals"]
    assert (totals["stack_reserved"], totals["stack_resident"]) == (None, None)
    whole = threads(known, known)
    assert "stack                128 KiB reserved by all together, 8 KiB in memory" in page_text(whole, Style())
    assert whole.document()["totals"]["stack_reserved"] == 0x20000


@pytest.mark.usefixtures("chinese")
def test_what_a_language_has_of_its_own_in_a_list() -> None:
    """Words and clauses are parted as Chinese parts them."""
    assert listed(("a", "b")) == "a\u3001b"
    assert listed(("a", "b"), "; ") == "a\uff1bb"


def shared(**more: Any) -> SharedObject:
    """One object of which only its size is known."""
    known: dict[str, Any] = {"name": b"/lib/x", "device": "", "inode": 0, "sort": "file", "virt": 4096, "sharers": ()}
    return SharedObject(**{**dict.fromkeys(SharedObject._fields), **known, **more})


def test_a_total_of_unknown_figures_is_unknown() -> None:
    """One unknown makes the sum unknown; copies of anonymous memory are none, and do not."""
    items = (shared(rss=1024, copies=0), shared(sort="anonymous", rss=None))
    text = page_text(shared_page(SharedReport(1, b"x", items, 0, 0, ()), "", all_sharers=False), Style())
    total = text.splitlines()[-4].split()
    assert total[:7] == ["total", "8", "?", "?", "?", "?", "0"]


def test_sharers_beyond_a_few_are_counted() -> None:
    """In text; tables for programs have all of them."""
    sharers = tuple(Sharer(pid, b"w") for pid in range(10, 18))
    page = shared_page(SharedReport(1, b"x", (shared(sharers=sharers),), 8, 0, ()), "", all_sharers=False)
    assert "15(w) and 2 more" in page_text(page, Style())
    assert "16(w) 17(w)" in to_csv(page.table())


def head(**more: Any) -> str:
    """The first lines of a page on a process."""
    facts = ProcessFacts(**{**dict.fromkeys(ProcessFacts._fields), "nature": Nature.PROCESS, **more})
    return "".join(block_text(block, Style(width=60)) for block in process_head(facts))


def test_the_head_says_who_it_is() -> None:
    """What is not known is left away; a long command line is folded."""
    assert head(pid=5, comm=b"x") == "5  x\n"
    assert head(pid=5) == "5  ?\n"
    assert head(comm=b"x", bits=32) == "a recorded process  x  (32-bit)\n"
    assert head(pid=5, comm=b"x", threads=1, nature=Nature.ZOMBIE) == "5  x  (zombie, 1 thread)\n"
    lines = head(pid=5, comm=b"x", cmdline=(b"x", *[b"--option=1"] * 20)).splitlines()
    assert all(line.startswith("  ") and len(line) <= 60 for line in lines[1:])


@pytest.mark.usefixtures("chinese")
def test_the_head_in_chinese() -> None:
    """The words are translated, what the process says of itself is not."""
    assert head(pid=5, comm=b"x", threads=2, nature=Nature.KERNEL_THREAD) == "5  x\uff08内核线程\u30012 个线程\uff09\n"


def result(**more: Any) -> Result:
    """An experiment with one figure."""
    given: dict[str, Any] = {
        "name": "fork",
        "row": "M5",
        "reason": None,
        "seconds": 0.1,
    }
    figures = [Figure(note("rss-alone"), 4096, 8192, "bytes")]
    return Result(**{**given, "figures": figures, **more})


def test_an_experiment_that_differs() -> None:
    """The figures side by side, and the verdict in a word."""
    lines = page_text(result_page(result()), Style()).splitlines()
    assert lines[2].split() == ["RSS", "4", "KiB", "8", "KiB", "differs"]
    assert lines[3] == "  differs"
    assert "M5" not in "".join(lines)
    skipped = page_text(result_page(result(figures=[], reason=note("only-root"), skipped=True)), Style())
    assert "  skipped: only root may do this\n" in skipped


def test_every_figure_is_a_row_for_programs() -> None:
    """Numbers in the unit beside them; what was not measured is an empty cell."""
    page = results_page([result(), result(figures=[Figure(note("creation"), None, None, "seconds", 0, "measured")])])
    assert to_csv(page.table()).splitlines()[1:] == [
        "M5,fork,RSS,'=,4096,8192,0,bytes,differs",
        "M5,fork,creation,measured,,,0,seconds,agrees",
    ]


def test_every_format_writes_every_page_here() -> None:
    """From the same values."""
    pages = [threads(UNKNOWN_THREAD), result_page(result()), results_page([result()])]
    for form in (*FORMATS, TEXT):
        assert write(form, pages, Style(), several=True)
