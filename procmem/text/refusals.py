"""Why a file could not be read, in words."""

from procmem.model.raw import Refusal
from procmem.text import N_, gettext

__all__ = ["refusal_text"]

REFUSALS = {
    Refusal.DENIED: N_("permission denied"),
    Refusal.ABSENT: N_("not there"),
    Refusal.GONE: N_("the process ended"),
    Refusal.STUCK: N_("no answer within the time limit"),
    Refusal.TOO_LARGE: N_("larger than the limit for such a file"),
    Refusal.FAILED: N_("reading failed"),
    Refusal.UNRECORDED: N_("not in the recording"),
}


def refusal_text(refusal: Refusal) -> str:
    """The reason."""
    return gettext(REFUSALS[refusal])
