"""Why a file could not be read, in words, and which right it takes."""

from procmem.model.raw import MissingRight, Refusal
from procmem.text import N_, gettext

__all__ = ["RIGHTS", "refusal_text"]

REFUSALS = {
    Refusal.DENIED: N_("permission denied"),
    Refusal.ABSENT: N_("not there"),
    Refusal.GONE: N_("the process ended"),
    Refusal.STUCK: N_("no answer within the time limit"),
    Refusal.TOO_LARGE: N_("larger than the limit for such a file"),
    Refusal.FAILED: N_("reading failed"),
    Refusal.IO_ERROR: N_("input/output error"),
    Refusal.UNRECORDED: N_("not in the recording"),
}

RIGHTS = {
    MissingRight.OTHER_USER: N_("it is another user's: run it as that user, or with CAP_SYS_PTRACE, which root has"),
    MissingRight.ROOT_WITHOUT: N_("root lacks CAP_SYS_PTRACE here, as in a container: add it (--cap-add SYS_PTRACE)"),
    MissingRight.MORE_CAPABILITIES: N_("it has capabilities that you lack: CAP_SYS_PTRACE is needed, which root has"),
    MissingRight.NOT_DUMPABLE: N_(
        "it may not be looked at (a set-user-ID program, or PR_SET_DUMPABLE): CAP_SYS_PTRACE is needed, which root has"
    ),
    MissingRight.OUTER_NAMESPACE: N_("it belongs to a user namespace outside of yours: run it there"),
    MissingRight.YAMA: N_("kernel.yama.ptrace_scope forbids it: lower that, or run it with CAP_SYS_PTRACE"),
}
"""What is missing, and what helps."""


def refusal_text(refusal: Refusal) -> str:
    """The reason."""
    return gettext(REFUSALS[refusal])
