"""The sentences of the plugin for pytest."""

from procmem.text import N_, Sentence, plural, say

__all__ = ["told"]

_SENTENCES: dict[str, Sentence] = {
    "marker": N_(
        "memory_growth(rounds=10, warmup=2, **bounds): run the test so often, and fail it where memory grows by more than a bound (rss='8M', uss=..., heap=..., total='5%')"
    ),
    "grown": plural(
        "memory grew beyond a bound over {count} round ({warmup} before it to warm up)",
        "memory grew beyond a bound over {count} rounds ({warmup} before them to warm up)",
    ),
    "bound": N_("{failure}, {each:size} a round"),
    "most": N_("what grew most:"),
    "row": N_("{grown:size}  {cls}  {kind}  {whose}"),
    "no bound": N_("memory_growth: name a bound, such as rss='8M', heap=1_000_000 or total='5%'"),
    "bad bound": N_("memory_growth: {reason}"),
    "rounds": N_("memory_growth: rounds is at least 1, and warmup at least 0"),
    "unittest": N_("memory_growth does not run tests of unittest.TestCase again: use the fixture, or a function"),
    "unknown": N_("whether memory grew cannot be told: {reason}"),
    "only linux": N_("memory is looked at on Linux alone"),
}


def told(code: str, /, **figures: object) -> str:
    """The sentence of a code."""
    return say(_SENTENCES[code], figures)
