"""The tables of words cover what the values can be, and hold nothing that no value uses."""

import pytest

from procmem.model import kinds
from procmem.model.kinds import ByteClass, Kind, Part
from procmem.model.note import note
from procmem.model.owners import ObjectFile
from procmem.model.raw import Refusal
from procmem.model.region import Certainty, Label, Region, Regions
from procmem.model.reports.explanation import PageFacts
from procmem.model.vm_flags import MemoryFlag
from procmem.parse.maps import parse_maps
from procmem.text import kinds as kind_words
from procmem.text.explanation import CLASSIC
from procmem.text.page import page_sentences
from procmem.text.refusals import REFUSALS
from procmem.text.vm_flags import FLAGS, flags_text


def test_every_kind_has_words() -> None:
    """A kind, or the part of an object that it is, has a sentence; no sentence is of a kind that does not exist."""
    forms = {"file-shared-readonly"}  # the other form of file-shared
    assert set(kind_words.KINDS) == {str(kind.part or kind) for kind in kinds.KINDS} | forms


def test_every_word_of_vmflags_has_a_phrase() -> None:
    """Each that the kernel may print, and none besides; one of a newer kernel is told as such."""
    words = {value for name, value in vars(MemoryFlag).items() if name.isupper()}
    assert set(FLAGS) == words
    assert flags_text(("rd", "zz")) == "rd (may be read), zz (a flag of a newer kernel)"


def test_a_page_of_an_object_is_not_called_never_touched() -> None:
    """No entry in the page tables says only that this process has not mapped it: shared memory may be in swap."""
    nothing = PageFacts(0x1000, 4096, 0, None, None, None)
    assert page_sentences(nothing) == ["It was never touched: no physical page stands behind it yet."]
    (of_object,) = page_sentences(nothing._replace(is_of_object=True))
    assert "may be in memory or in swap all the same" in of_object


def test_a_kind_without_words_is_told_by_its_name() -> None:
    """The test above keeps it from being released; a reader still gets no traceback."""
    fake = Kind("fake", ByteClass.MMAP)
    region = Region(0, 4096, 0, Label(fake, Certainty.GUESS, note("unexplained")), 0, 0, 0, 0, ())
    assert kind_words.kind_sentences(region) == ["Probably: Memory of the kind fake."]


def test_the_first_sentence_can_stand_alone() -> None:
    """Sentences are kept apart, not cut: a full stop in a file's name, or an abbreviation, ends none."""
    kind = next(kind for kind in kinds.KINDS if kind.part is Part.TEXT)
    label = Label(kind, Certainty.CERTAIN, note("unexplained"), ObjectFile(b"/opt/Dr. Who. v1/tardis. so"))
    table = parse_maps(b"00001000-00002000 r-xp 00000000 fe:00 7 /opt/x\n")
    regions = Regions(mappings=table, vma=[0], start=[0x1000], end=[0x2000], label=[label])
    first, *others = kind_words.region_sentences(regions, 0)
    assert first.startswith("Machine code of the ")
    assert first.endswith(" tardis. so.")
    assert len(others) == 2
    assert set(kind_words.FURTHER) <= set(kind_words.KINDS)


@pytest.mark.parametrize(
    ("table", "values"),
    [
        (kind_words.PARTS, {*Part, kinds.ELF_GAP}),
        (kind_words.CLASSES, set(ByteClass)),
        (kind_words.CERTAINTIES, {certainty.value for certainty in Certainty}),
        (REFUSALS, set(Refusal)),
        (CLASSIC, {kind.classic for kind in kinds.KINDS} | {ByteClass.KERNEL}),
    ],
    ids=["parts", "classes", "certainties", "refusals", "classic"],
)
def test_every_value_has_words(table: dict[object, str], values: set[object]) -> None:
    """One entry a value, and none too many."""
    assert set(table) == values
