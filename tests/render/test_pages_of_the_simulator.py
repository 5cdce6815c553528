"""Pages of predictions, of comparisons and of swap, laid out from values."""

import re

from procmem.analyse.swap import swap_report
from procmem.model.reports.crosscheck import CrossLine, CrossReport, LineVerdict
from procmem.model.reports.swap import Rates, SwapReading
from procmem.model.simulated_memory import MemorySettings
from procmem.model.simulation import Stage
from procmem.model.snapshot import SwapArea
from procmem.queries.simulate import play_memory
from procmem.render.formats.csv_tables import to_csv
from procmem.render.formats.text import page_text
from procmem.render.pages.crosscheck import cross_page
from procmem.render.pages.simulate import simulate_page
from procmem.render.pages.simulated_memory import memory_page
from procmem.render.pages.swap import swap_page
from procmem.render.style import Style, size_format
from procmem.simulate.programs.predict import predict
from tests.simulate.test_sim_layout import NATIVE, TEXT, program
from tests.support.simulated_elf_bytes import Load

MIB = 1 << 20
NARROW = Style(width=80)
FILES = program([TEXT, Load(0x8049123, 0x300, 0x12345, 6)])
PREDICTION = predict(FILES, NATIVE, Stage.EXEC)


def test_a_predicted_map_has_every_line() -> None:
    """In text and as a table; addresses as the kernel prints them, sizes added up."""
    page = simulate_page(PREDICTION, ())
    text = page_text(page, NARROW)
    assert PREDICTION.vmas
    for vma in PREDICTION.vmas:
        assert f"{vma.start:08x}" in text
    assert len(to_csv(page.table()).splitlines()) == len(PREDICTION.vmas) + 1
    total = sum(vma.end - vma.start for vma in PREDICTION.vmas) // 1024
    assert str(total) in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_a_predicted_picture_goes_from_the_kernel_down() -> None:
    """Alone, where only it is asked for."""
    text = page_text(simulate_page(PREDICTION, (), scale="log", picture_only=True), NARROW)
    places = [text.index(word) for word in ("kernel", "stack", "text")]
    assert places == sorted(places)
    assert "rw-p" not in text


def test_a_comparison_shows_both_sides_and_counts() -> None:
    """What agrees, what differs, what is missing."""
    first, second, *_ = PREDICTION.vmas
    lines = (
        CrossLine(first, (first.start, first.end, first.perms, 0, first.name), LineVerdict.SAME),
        CrossLine(second, (second.start, second.end + 4096, second.perms, 0, second.name), LineVerdict.DIFFERS),
        CrossLine(first, None, LineVerdict.MISSING),
        CrossLine(None, (0x70000000, 0x70001000, "rw-p", 0, b"/extra"), LineVerdict.EXTRA),
    )
    page = cross_page([CrossReport(PREDICTION, lines)], PREDICTION.settings.facts.origin)
    text = page_text(page, NARROW)
    for word in ("differs", "missing", "extra", "70000000"):
        assert word in text, word
    table = to_csv(page.table()).splitlines()
    assert len(table) == len(lines) + 1
    assert all(len(line) <= 80 for line in text.splitlines())


def test_steps_of_a_machine_cost_what_they_touch() -> None:
    """64 pages touched are 64 faults and 256 KiB; memory that is only mapped costs none."""
    machine = MemorySettings(ram=64 * MIB, swap=0)
    moments = play_memory(FILES, NATIVE, "mmap a 1M\ntouch a 0 256K\n", machine)
    page = memory_page(moments, machine)
    rows = to_csv(page.table()).splitlines()
    assert len(rows) == len(moments) + 1
    before, after = moments[-2].costs[0], moments[-1].costs[0]
    assert (after.virt - before.virt, after.rss - before.rss) == (0, 256 * 1024)
    assert re.search(rf"\b{after.rss // 1024}\b", page_text(page, NARROW))


def test_swap_names_its_owners_and_what_nobody_knows() -> None:
    """Parts add up to what is in use; a figure that could not be read is no zero."""
    reading = SwapReading(
        areas=(SwapArea(b"/swap", "file", 100 * MIB, 40 * MIB, -2),),
        meminfo={"MemAvailable": 900 * MIB, "MemTotal": 1024 * MIB, "SwapCached": 2 * MIB},
        swappiness=None,
        release=None,
        rates=Rates(1.0, 0, 0, 0, 0.0, ()),
        rows=(),
        objects=(),
        unreadable=3,
        whole_machine=True,
    )
    report = swap_report(reading)
    text = page_text(swap_page(report, size_format(None)[0], "sizes in KiB", None), NARROW)
    assert sum(part.size for part in report.parts) == report.used == 40 * MIB
    assert "40960" in text
    assert "unknown" in text
