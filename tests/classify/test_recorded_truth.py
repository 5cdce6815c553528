"""The recorded programs that know their own memory: the same answers, forever, on every machine."""

import json
from pathlib import Path

import pytest

from tests.programs.build import TrueRange
from tests.support.running import pids_in, procmem, recordings
from tests.support.scoring import parse_regions, report, score

BAR = 0.94
WITH_TRUTH = [recording for recording in recordings() if (recording / "truth.jsonl").is_file()]


def test_there_are_recordings_with_truth() -> None:
    """64 and 32 bit, forked, and without a leader."""
    names = " ".join(recording.name for recording in WITH_TRUTH)
    assert all(word in names for word in ("x86_64", "i386", "fork", "dead-leader", "static"))


@pytest.mark.parametrize("recording", WITH_TRUTH, ids=lambda path: path.name)
def test_what_is_said_of_a_recording_is_true(recording: Path) -> None:
    """Averaged over kinds; and what is called certain is never wrong."""
    truths = [TrueRange(**json.loads(line)) for line in (recording / "truth.jsonl").read_text().splitlines()]
    pid = pids_in(recording)[-1]  # of a parent and its child, the truth is the child's
    run = procmem("inspect", "--json", "--regions", "--from", str(recording), str(pid))
    assert run.status == 0, run
    result = score(truths, parse_regions(run.json))
    assert result.wrong_certain == [], report(result)
    assert result.by_class >= BAR, report(result)
