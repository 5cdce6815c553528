"""Pages as they are meant to look, from fixtures; and the sums in them, so that none of them pins a mistake."""

import csv
import json
import re

import pytest

from tests.make_golden import ALL, EXPLAINED, GOLDEN, PAGES, page
from tests.support.running import FIXTURES, pids_in, procmem

PICTURES = [name for name in PAGES if name.endswith("-picture.txt")]
TABLES = [name for name in PAGES if name.endswith(".txt") and name not in PICTURES]


@pytest.mark.parametrize("name", ALL)
def test_the_page_is_as_it_was(name: str) -> None:
    """If a change is meant, see tests/make_golden.py."""
    assert (GOLDEN / name).read_text(encoding="utf-8") == page(name)


def test_no_page_is_forgotten() -> None:
    """The folder and the table name the same files."""
    assert sorted(path.name for path in GOLDEN.iterdir()) == sorted(ALL)


@pytest.mark.parametrize("name", EXPLAINED)
def test_the_lines_of_an_explained_map_add_up(name: str) -> None:
    """Each line of the map once: sizes and RSS are those of the whole process, as inspect and the kernel have them."""
    recording = FIXTURES / EXPLAINED[name][0]
    totals = procmem("inspect", "--json", "--from", str(recording), str(pids_in(recording)[0])).json["totals"]
    lines = re.findall(
        r"^[0-9a-f]{8,16} +([0-9.]+) +([0-9.]+) +(?:[0-9.]+|-) [r-][w-][x-][s-]- (.*)$",
        (GOLDEN / name).read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    size = sum(float(kib) for kib, _, name_of in lines if "vsyscall" not in name_of)
    assert abs(size - totals["virt"] / 1024) <= 0.05 * len(lines)
    assert sum(float(rss) for _, rss, _ in lines) == totals["rss"] / 1024


@pytest.mark.parametrize("name", TABLES)
def test_the_columns_of_the_table_add_up(name: str) -> None:
    """Each column's rows are its total, within the rounding of a page for people."""
    lines = (GOLDEN / name).read_text(encoding="utf-8").splitlines()
    starts = [at for at, line in enumerate(lines) if line.startswith("class ")]
    if name.split(".", maxsplit=1)[0] in ("kernel-thread", "zombie", "denied"):
        assert not starts, "no memory, no table"
        return
    assert len(starts) == 1
    columns = lines[starts[0]].split()[1:]
    assert columns == ["VIRT", "RSS", "PSS", "USS", "swap", "regions"]
    rows = []
    for line in lines[starts[0] + 1 :]:
        if line.startswith("-"):
            continue
        if not line:
            break
        name_of, figures = figures_of(line)
        rows.append((name_of, figures))
    classes = [figures for word, figures in rows if not word.startswith("total")]
    kept = [figures for word, figures in rows if not word.startswith("total") and word != "reserved"]
    totals = {word: figures for word, figures in rows if word.startswith("total")}
    assert_sums(classes, totals["total"])
    if "total minus reserved" in totals:
        assert_sums(kept, totals["total minus reserved"])


UNITS = {"": 1024.0, "B": 1.0, "KiB": 1024.0, "MiB": 1024.0**2, "GiB": 1024.0**3, "TiB": 1024.0**4}


def figures_of(line: str) -> tuple[str, list[tuple[float, float]]]:
    """The name of a row, and its figures, each with the most it may be off by rounding."""
    cells = re.split(r" {2,}", line)
    found = []
    for cell in cells[1:]:
        number, _, unit = cell.partition(" ")
        digits = len(number.partition(".")[2])
        found.append((float(number) * UNITS[unit], 0.51 * 10.0**-digits * UNITS[unit] if unit or digits else 0.0))
    return cells[0], found


def assert_sums(rows: list[list[tuple[float, float]]], totals: list[tuple[float, float]]) -> None:
    """Column by column."""
    for column, (total, slack) in enumerate(totals):
        parts = [row[column] for row in rows]
        assert abs(sum(value for value, _ in parts) - total) <= slack + sum(most for _, most in parts)


@pytest.mark.parametrize("name", [name for name in PAGES if name.endswith(".json")])
def test_the_json_adds_up(name: str) -> None:
    """To the byte."""
    document = json.loads((GOLDEN / name).read_text())
    totals = document["totals"]
    for key in ("virt", "rss", "pss", "uss", "swap"):
        assert sum(row[key] for row in document["classes"]) == totals[key]
    assert sum(document["account"].values()) == totals["virt"] == totals["vm_size"]
    assert totals["rss"] == totals["vm_rss"]
    if document["regions"] is not None:
        assert sum(region["rss"] for region in document["regions"]) == totals["rss"]


def test_the_csv_adds_up() -> None:
    """To the totals of the JSON beside it."""
    totals = json.loads((GOLDEN / "sleep.json").read_text())["totals"]
    with (GOLDEN / "sleep.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(int(row["rss_bytes"]) for row in rows) == totals["rss"]
    assert sum(int(row["pss_bytes"]) for row in rows) == totals["pss"]


@pytest.mark.parametrize("name", PICTURES)
def test_the_picture_has_no_gap(name: str) -> None:
    """From the top of the address space to zero, addresses fall from line to line."""
    text = (GOLDEN / name).read_text(encoding="utf-8")
    borders = [int(found, 16) for found in re.findall(r"^([0-9a-f]{8}|[0-9a-f]{16}) [├┌└]", text, re.MULTILINE)]
    assert borders == sorted(borders, reverse=True)
    assert len(set(borders)) == len(borders)
    assert borders[-1] == 0
    assert borders[0] in (0xFFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF)


@pytest.mark.parametrize(("name", "factor"), [("account-python-threads.page", 1), ("account-areas-3gib.page", None)])
def test_the_leaves_of_an_account_add_up(name: str, factor: int | None) -> None:
    """Below each total, its parts; below each part, its classes: what a reader with a pencil would add up."""
    number = r"([0-9.]+)( [KMGT]?i?B)?"
    totals: dict[str, float] = {}
    parts: dict[str, list[tuple[float, float]]] = {}
    of = ""
    for line in (GOLDEN / name).read_text(encoding="utf-8").split("\n\nbeside it")[0].splitlines():
        if found := re.match(rf"(VIRT|RES|PSS|swap) +{number}  ", line):
            of = found[1]
            totals[of] = float(found[2]) * UNITS[(found[3] or " KiB").strip()]
            parts[of] = []
        elif (found := re.match(rf" +{number}  (?!is USS)\S", line)) and of:
            unit = UNITS[(found[2] or " KiB").strip()]
            digits = len(found[1].partition(".")[2])
            parts[of].append((float(found[1]) * unit, 0.0 if factor else 0.51 * 10.0**-digits * unit))
    assert list(totals) == ["VIRT", "RES", "PSS", "swap"]
    for of, total in totals.items():
        slack = 0.0 if factor else total / 100 + sum(most for _, most in parts[of])
        assert abs(sum(size for size, _ in parts[of]) - total) <= slack, of


def test_the_rows_of_system_and_diff_add_up() -> None:
    """Column by column, as they stand on the pages."""
    lines = (GOLDEN / "system-fork.page").read_text(encoding="utf-8").splitlines()
    rows = [line.split() for line in lines if re.match(r" *[0-9]+ ", line)]
    *processes, total = rows
    assert [sum(int(row[column]) for row in processes) for column in (2, 3, 4)] == [int(word) for word in total[1:4]]
    text = (GOLDEN / "diff-sleep-bash.page").read_text(encoding="utf-8")
    table = re.findall(r"^(\w+)((?: +-?[0-9.]+){5})$", text, re.MULTILINE)
    classes = [[float(word) for word in figures.split()] for name, figures in table if name != "total"]
    [total_of] = [[float(word) for word in figures.split()] for name, figures in table if name == "total"]
    assert len(classes) >= 6
    for column, sum_of in enumerate(total_of):
        assert abs(sum(row[column] for row in classes) - sum_of) <= 0.05 * len(classes)
    for row in [*classes, total_of]:
        assert row[3] - row[2] == row[4]
