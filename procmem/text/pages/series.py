"""The words of the page of a series: how memory grew over many looks."""

from procmem.text import N_, Sentence, plural, say

__all__ = ["HEADINGS", "told"]

HEADINGS = {
    "pid": N_("pid"),
    "name": N_("name"),
    "looks": N_("looks"),
    "figure": N_("figure"),
    "class": N_("class"),
    "what": N_("what"),
    "before": N_("before"),
    "after": N_("after"),
    "by": N_("by"),
    "per_minute": N_("per minute"),
    "curve": N_("curve"),
    "remark": N_("remark"),
}
_SENTENCES: dict[str, Sentence] = {
    "head": plural(
        "{name}: {count} look, {first}",
        "{name}: {count} looks, {first} to {last} ({time}); looking took {share:.1%} of a processor",
    ),
    "process": plural(
        "{pid}  {name}  {count} look in {time}",
        "{pid}  {name}  {count} looks in {time}",
    ),
    "grew": N_("RES and swap grew by {by:size}, by {rate:size} a minute"),
    "shrank": N_("RES and swap shrank by {by:size}, by {rate:size} a minute"),
    "moved": N_("RES and swap are as before"),
    "unknown": N_("RES and swap are not known"),
    "most": N_("most of it: {what}, by {by:size}, {rate:size} a minute"),
    "ended": N_("ended before the last look"),
    "follows": N_("took the place of {pid}"),
    "others": plural("{count} other process: see --all", "{count} other processes: see --all"),
}


def told(code: str, /, **figures: object) -> str:
    """The sentence of a code."""
    return say(_SENTENCES[code], figures)
