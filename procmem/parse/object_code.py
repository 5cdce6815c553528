"""What the file of a mapped object says about its code: functions by address, and how to get to a caller.

Names come from the file's own symbols, and from those of its separate debug file where there is one. A process maps
many objects and runs the code of few, so that a file is opened, and each of its tables read, when it is asked for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import cached_property

from procmem.model.elf import PF_X
from procmem.parse.eh_frame import CallFrames
from procmem.parse.elf import NotElf, build_id, read_image
from procmem.parse.elf_functions import FunctionTable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.code import CallerRule, FunctionSymbol
    from procmem.model.elf import ElfImage
    from procmem.model.ports import ByteReader

    Opener = Callable[[], ByteReader | None]
    DebugOpener = Callable[[str], ByteReader | None]

__all__ = ["ObjectCode"]


class ObjectCode:
    """One object; addresses are link-time addresses. What cannot be opened or understood knows nothing.

    ``opened`` gives the file, or None; ``debug_file`` the separate debug file of a build id, or None.
    """

    def __init__(self, opened: Opener, debug_file: DebugOpener) -> None:
        self._opened = opened
        self._debug_file = debug_file

    @cached_property
    def _file(self) -> tuple[ByteReader, ElfImage] | None:
        reader = self._opened()
        if reader is None:
            return None
        with contextlib.suppress(NotElf):
            return reader, read_image(reader)
        return None

    @cached_property
    def _frames(self) -> CallFrames | None:
        return None if self._file is None else CallFrames(*self._file)

    @cached_property
    def _tables(self) -> tuple[FunctionTable, ...]:
        if self._file is None:
            return ()
        own = FunctionTable(*self._file)
        identity = None if own.has_all else build_id(*self._file)
        separate = None if identity is None else self._debug_file(identity)
        if separate is not None:
            with contextlib.suppress(NotElf):
                return FunctionTable(separate, read_image(separate)), own
        return (own,)

    def link_address(self, offset: int) -> int | None:
        """The address of what stands at an offset in the file; None where no code does."""
        for segment in () if self._file is None else self._file[1].loads:
            if segment.flags & PF_X and segment.offset <= offset < segment.offset + segment.filesz:
                return offset - segment.offset + segment.vaddr
        return None

    def rule_at(self, address: int) -> CallerRule | None:
        """How to get to the caller of an instruction."""
        return None if self._frames is None else self._frames.rule_at(address)

    def function_before(self, address: int) -> FunctionSymbol | None:
        """The last named function that begins at or before an address: one that holds it, if any table has such."""
        found = [symbol for table in self._tables if (symbol := table.before(address)) is not None]
        return next((one for one in found if one.end is not None and address < one.end), found[0] if found else None)
