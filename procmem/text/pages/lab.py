"""The sentences of ``procmem lab``."""

from procmem.text import N_, Sentence, say

__all__ = ["HEADINGS", "OUTCOMES", "VERDICTS", "told"]

HEADINGS = {
    "topic": N_("topic"),
    "experiment": N_("experiment"),
    "title": N_("title"),
    "figure": N_("figure"),
    "predicted": N_("predicted"),
    "kernel": N_("kernel"),
    "unit": N_("unit"),
    "relation": N_("relation"),
    "slack": N_("slack"),
    "verdict": N_("verdict"),
    "word": N_("verdict"),
    "kind": N_("left behind"),
    "what": N_("which"),
    "found": N_("found"),
    "before": N_("before"),
    "outcome": N_("outcome"),
    "reason": N_("reason"),
}

OUTCOMES = {"restored": N_("restored"), "left": N_("left as it is"), "failed": N_("not undone")}

VERDICTS = {"agrees": N_("agrees"), "differs": N_("differs"), "skipped": N_("skipped")}

_SENTENCES: dict[str, Sentence] = {
    "list": N_("Experiments with this machine's kernel, in the order of the theory (* needs root):"),
    "how": N_(
        "M1 to M20 are the topics of the theory that the experiments belong to. procmem lab NAME runs one experiment,"
        " procmem lab M6 those of a topic, procmem lab --all every one."
    ),
    "yes": N_("yes"),
    "no": N_("no"),
    "exact": N_("exact"),
    "within": N_("within {slack}"),
    "reason": N_("{verdict}: {reason}"),
    "nothing-left": N_("Nothing was left behind."),
    "restored-summary": N_("{restored} restored, {left} left as they are, {failed} not undone"),
    "leftover": N_("{kind} {what}: {outcome}"),
    "leftover-why": N_("{kind} {what}: {outcome}: {reason}"),
    "leftover-values": N_("{line} (found {found}, before {before})"),
    "cut-off": N_("an earlier run was cut off: {line}"),
    "waiting": N_(
        "{command} (pid {pid}, since {since}) changes the machine just now: waiting for it, {seconds:.0f} s at most"
    ),
    "waiting-for-somebody": N_("another run changes the machine just now: waiting for it, {seconds:.0f} s at most"),
    "summary": N_("{agrees} agrees, {differs} differs, {skipped} skipped; {seconds:.1f} s"),
}


def told(code: str, /, **figures: object) -> str:
    """The sentence of a code."""
    return say(_SENTENCES[code], figures)
