"""How a function, and the end of a chain of them, is called within a sentence or a table."""

from procmem.model.code import ChainEnd, CodeFunction
from procmem.text import N_, gettext, say

__all__ = ["chain_end_text", "frame_name", "function_text", "object_text"]

_UNKNOWN = N_("not sampled")
_IN = N_("{function:name} in {object:name}")
_AFTER = N_("{object:name}+{start:x}, after {function:name}")
_WITHOUT = N_("{object:name}+{start:x}")
_COMPILED = N_("code made at run time")
_NOWHERE = N_("code that is not mapped any more")
_ENDS = {
    ChainEnd.COMPLETE: N_("the chain is complete"),
    ChainEnd.NO_RULE: N_("the chain ends early: nothing says who called"),
    ChainEnd.STACK_CUT: N_("the chain ends early: the stack is deeper than what was copied of it"),
    ChainEnd.TOO_DEEP: N_("the chain ends early: it has more frames than are looked at"),
    ChainEnd.CONTRADICTION: N_("the chain ends early: the next caller would be no code"),
}


def object_text(path: bytes | None) -> str:
    """The file that a function lies in, by its last name."""
    if path is None:
        return gettext(_NOWHERE)
    return say("{object:name}", {"object": path.rsplit(b"/", 1)[-1]}) if path else gettext(_COMPILED)


def function_text(function: CodeFunction | None) -> str:
    """A function and its file; one without a name of its own by its address in the file."""
    if function is None:
        return gettext(_UNKNOWN)
    if function.object is None:
        return gettext(_NOWHERE)
    words = {
        "function": function.name or b"",
        "object": function.object.rsplit(b"/", 1)[-1],
        "start": function.start,
    }
    if not function.object:
        return say("{function:name}", words) if function.name else gettext(_COMPILED)
    if function.name is None:
        return say(_WITHOUT, words)
    return say(_AFTER if function.is_nearest else _IN, words)


def frame_name(function: CodeFunction) -> str:
    """The same as a frame of a flame graph has it: the name alone, where there is one."""
    if function.name is None or function.is_nearest:
        return function_text(function)
    return say("{function:name}", {"function": function.name})


def chain_end_text(end: ChainEnd) -> str:
    """Why a chain of callers has no more of them."""
    return gettext(_ENDS[end])
