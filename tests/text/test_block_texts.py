"""The sentences on many blocks are those of each block by itself."""

from pathlib import Path

import pytest

from procmem.queries.explain import explain
from procmem.queries.targets import Selection
from procmem.text import use_language
from procmem.text.block_texts import BlockTexts
from procmem.text.explanation import block_sentences
from procmem.text.kinds import joined
from tests.support.running import FIXTURES, python_child, stopped

MAPPED_AGAIN = """
import mmap, tempfile
file = tempfile.TemporaryFile()
file.write(b"x" * (1 << 20))
file.flush()
views = [mmap.mmap(file.fileno(), 1 << 20) for _ in range(5)]
views += [mmap.mmap(file.fileno(), 1 << 16, access=mmap.ACCESS_COPY) for _ in range(5)]
held = [view[:] for view in views]
"""


def sentences_are_the_same(selection: Selection) -> None:
    """Of all blocks of the processes."""
    for ref in selection.refs():
        with ref.open() as target:
            report = explain(target, deep=False)
        regions = report.inspection.regions
        if regions is None:
            continue
        texts = BlockTexts(regions)
        expected = [joined(*block_sentences(block, regions)) for block in report.blocks]
        assert list(texts.joined(report.blocks)) == expected
        assert list(BlockTexts(regions).joined(report.blocks[::-1])) == expected[::-1]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("recording", sorted(FIXTURES.iterdir()), ids=lambda path: path.name)
def test_blocks_of_recordings(recording: Path, language: str) -> None:
    """Every fixture, in each language."""
    use_language(language)
    try:
        sentences_are_the_same(Selection((), recording=str(recording)))
    finally:
        use_language("en")


def test_blocks_of_what_is_mapped_several_times() -> None:
    """Where a sentence tells how often, and less is told of the rest."""
    with python_child(MAPPED_AGAIN) as pid, stopped(pid):
        sentences_are_the_same(Selection((str(pid),)))
