"""The words of the pages of ``procmem learn``, without the lessons themselves."""

from procmem.text import N_, Sentence, say

__all__ = ["HEADINGS", "told"]

HEADINGS = {
    "number": N_("no."),
    "lesson": N_("lesson"),
    "title": N_("title"),
    "says": N_("what the theory says"),
    "command": N_("command"),
    "look": N_("what to look at"),
}
_SENTENCES: dict[str, Sentence] = {
    "title": N_("Lesson {number} of {count}: {title}"),
    "command": N_("$ procmem {command}"),
    "look": N_("Look at: {look}"),
    "truth": N_("More exactly, today: {truth}"),
    "question": N_("To try: {question}"),
    "list": N_("The theory of a process's memory, in lessons, from the first to the last:"),
    "how": N_(
        "procmem learn LESSON shows one, --run runs its commands too; procmem learn PID goes through them with a process of your own."
    ),
    "ask to run": N_("\nEnter runs: procmem {command}    n: next lesson    q: end  "),
    "ask to go on": N_("\nEnter: next lesson    q: end  "),
    "ask last": N_("\nThat was the last one. Enter: end  "),
}


def told(code: str, /, **figures: object) -> str:
    """The sentence of a code."""
    return say(_SENTENCES[code], figures)
