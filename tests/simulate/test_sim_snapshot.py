"""A simulated process goes through the same reports as a real one, and they say what the simulator meant."""

from pathlib import Path

import pytest

from procmem.model.simulation import Settings, Stage
from procmem.simulate.programs import textbook
from procmem.simulate.programs.predict import predict
from procmem.simulate.programs.snapshot import snapshot_of
from tests.programs.build import build
from tests.support.running import procmem, started

# what the classifier may call a simulated area: its own finer words for the simulator's
_SAME = {"text": {"text", "rodata"}, "heap": {"heap"}, "stack": {"stack"}, "data": {"data"}, "bss": {"bss"}}


def test_the_textbook_program_is_classified_as_it_was_made() -> None:
    """Text, data, BSS, heap and stack come out of the rules for real processes with the simulator's own roles."""
    inspected = procmem("simulate", "--as", "inspect", "--json").json
    assert inspected["process"]["nature"] == "simulated process"
    assert inspected["totals"]["rss"] is None
    prediction = predict(textbook.files(), Settings(), Stage.MAIN)
    made = snapshot_of(prediction, textbook.files())
    assert made is not None
    regions = {int(entry["start"], 16): entry["class"] for entry in inspected["regions"]}
    seen = set()
    for vma in prediction.vmas:
        allowed = _SAME.get(vma.role.value)
        # the heap of the finished program is larger than at main: its place is what counts
        if allowed and vma.start in regions:
            assert regions[vma.start] in allowed, vma
            seen.add(vma.role.value)
    assert seen >= {"text", "data", "bss", "stack"}
    assert inspected["layout"]["laws_broken"] == []


def test_explain_tells_a_simulated_map_in_words() -> None:
    """Each of its lines, and that nobody knows what is in memory; no question marks for figures that cannot be."""
    page = procmem("simulate", "--as", "explain").out
    assert "a simulated process  textbook" in page
    assert "08048000" in page
    assert "The program textbook: text 160 KiB, data 20 KiB, BSS 300 KiB." in page
    assert "?" not in page.split("Address", 1)[1]


@pytest.mark.needs32
@pytest.mark.needs("setarch")
def test_simulated_and_real_have_the_same_picture_and_classes(tmp_path: Path) -> None:
    """Without randomisation the program that waits in main lies as predicted: the same bands, address by address."""
    program = str(build("sleeper.c", ("-m32", "-no-pie"), tmp_path))
    with started(["setarch", "i686", "-R", "-3", program]) as child:
        real = procmem("inspect", str(child.pid), "--json", "--regions").json
    simulated = procmem("simulate", "--as", "inspect", "--json", program).json

    def own(document: dict[str, object]) -> set[tuple[str, str, str]]:
        entries = document["regions"]
        assert isinstance(entries, list)
        kinds = ("exe-", "ld-", "lib-", "vdso", "vvar")
        return {(e["start"], e["end"], e["kind"]) for e in entries if e["kind"].startswith(kinds)}

    assert own(simulated)
    # what a file's sections tell beyond its headers is not known to the simulator: starts and kinds agree
    assert {entry[0] for entry in own(simulated)} <= {entry[0] for entry in own(real)}
