"""The words of the page of ``procmem watch``."""

from procmem.text import N_, Sentence, gettext, say

__all__ = ["HEADINGS", "figure", "told"]

HEADINGS = {
    "at_seconds": N_("at seconds"),
    "pid": N_("pid"),
    "name": N_("name"),
    "figure": N_("figure"),
    "now": N_("now"),
    "change": N_("change"),
    "since_start": N_("since start"),
    "per_minute": N_("per minute"),
    "lately": N_("lately"),
}
_FIGURES = {
    "anonymous": N_("anonymous"),
    "file": N_("file"),
    "shmem": N_("shmem"),
    "page tables": N_("page tables"),
    "peak RES": N_("peak RES"),
}
_SENTENCES: dict[str, Sentence] = {
    "process": N_("{pid}  {name}"),
    "watched": N_("watched for {time}, reading took {share:.2%} of it"),
    "cost": N_("this look took {cost:.2f} s"),
    "due": N_("the next in {time}"),
    "slowed": N_("(took {cost:.2f} s, so the next in {time})"),
    "a minute": N_("{change}/min"),
}


def figure(name: str) -> str:
    """The name of a figure; names of files and classes stay as they are."""
    return gettext(_FIGURES[name]) if name in _FIGURES else name


def told(code: str, /, **figures: object) -> str:
    """The sentence of a code."""
    return say(_SENTENCES[code], figures)
