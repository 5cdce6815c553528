"""Maps as debuggers and sanitizers print them: ``info proc mappings`` of gdb, ``vmmap`` of pwndbg and GEF, ASan.

None of them tells device and inode; gdb before 12 and ASan do not even tell permissions.

Sources: gdb/linux-tdep.c, linux_info_proc(); pwndbg/commands/vmmap.py; GEF, class VMMapCommand;
compiler-rt/lib/sanitizer_common/sanitizer_common.cpp, DumpProcessMap().
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from procmem.model.given_text import GivenText
from procmem.model.note import note
from procmem.parse.given.form import FoundMapping, maps_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.parse.given.lines import GivenLines

__all__ = ["DEBUGGER_ROWS", "read_debugger_map", "read_sanitizer_map"]

_HEADING = re.compile(
    rb"Start(?: Addr)?[ \t]+End(?: Addr)?((?:[ \t]+(?:Perms?|Size|Offset))+)(?:[ \t]+(objfile|File|Path).*)?[ \t]*"
)
_LEGEND = re.compile(rb"LEGEND:.*")
_WITHOUT_HEADING = b"Perm Size Offset".split()
_ADDRESSES = re.compile(rb"0x([0-9a-f]{1,16})[ \t]+0x([0-9a-f]{1,16})(?:[ \t]+(.*))?")
_SPAN = re.compile(rb"[^0-9]{0,4}" + _ADDRESSES.pattern)
"""With the arrow that marks where a register points."""
_NUMBER = re.compile(rb"(?:0x)?([0-9a-f]{1,16})")
_PERMS = re.compile(rb"[r-][w-][x-][sp-]?")
_OWN_NAME = re.compile(rb"\[(?:anon_[0-9a-f]+|unknown)\]|<anonymous>")
"""What pwndbg calls memory without a name."""
_GDB_PROCESS = re.compile(rb"process ([0-9]{1,10})")
_FURNITURE = re.compile(rb"Mapped address spaces:|\[\s.*\]")
_SANITIZER = re.compile(rb"(?:==([0-9]{1,10})==)?Process memory map follows:[ \t]*")
_SANITIZER_END = re.compile(rb"(?:==[0-9]{1,10}==)?End of process memory map\.[ \t]*")
_SANITIZER_LINE = re.compile(rb"0x([0-9a-f]{1,16})-0x([0-9a-f]{1,16})(?:[ \t]+(.*))?")
DEBUGGER_ROWS = (_ADDRESSES, _SANITIZER_LINE)
"""What these tables are known by, where something stands before their lines."""


def read_debugger_map(lines: GivenLines) -> GivenText | None:
    """The table below a heading of gdb, pwndbg or GEF; None where there is none."""
    columns: Sequence[bytes] | None = None
    found: list[FoundMapping] = []
    others = backwards = 0
    pid: int | None = None
    for line in lines.bare:
        heading = _HEADING.fullmatch(line)
        if heading is not None:
            columns = heading[1].split()
            continue
        if columns is None and _LEGEND.fullmatch(line):
            columns = _WITHOUT_HEADING
            continue
        process = _GDB_PROCESS.fullmatch(line.strip())
        if process is not None:
            pid = int(process[1]) or None
        row = None if columns is None else _row(line, columns)
        if row is not None and row.start < row.end:
            found.append(row)
        elif row is not None:
            backwards += 1
        elif line and process is None and not _FURNITURE.fullmatch(line.strip()):
            others += 1
    if not found:
        return None
    notes = [note("debugger"), *lines.passed_over(others, backwards)]
    if not all(row.perms for row in found):
        notes.append(note("no permissions"))
    return GivenText({"maps": maps_text(found)}, pid, tuple(notes))


def _row(line: bytes, columns: Sequence[bytes]) -> FoundMapping | None:
    span = _SPAN.fullmatch(line.rstrip())
    if span is None:
        return None
    words = (span[3] or b"").split(None, len(columns))
    perms, offset = b"", 0
    for column, word in zip(columns, words, strict=False):
        if column.startswith(b"Perm"):
            if _PERMS.fullmatch(word) is None:
                return None
            perms = word
        elif column == b"Offset":
            number = _NUMBER.fullmatch(word)
            if number is None:
                return None
            offset = int(number[1], 16)
    name = words[len(columns)] if len(words) > len(columns) else b""
    if _OWN_NAME.fullmatch(name):
        name = b""
    return FoundMapping(int(span[1], 16), int(span[2], 16), perms, offset, name)


def read_sanitizer_map(lines: GivenLines) -> GivenText | None:
    """The map in a report of AddressSanitizer and its like; None where there is none."""
    pid: int | None = None
    inside = False
    found: list[FoundMapping] = []
    others = backwards = 0
    for line in lines.bare:
        begins = _SANITIZER.fullmatch(line)
        row = _SANITIZER_LINE.fullmatch(line.rstrip()) if inside else None
        if begins is not None and not found:
            inside, pid = True, int(begins[1]) or None if begins[1] else None
        elif _SANITIZER_END.fullmatch(line):
            inside = False
        elif row is not None:
            start, end = int(row[1], 16), int(row[2], 16)
            if start < end:
                found.append(FoundMapping(start, end, b"", 0, row[3] or b""))
            else:
                backwards += 1
        elif line:
            others += 1
    if not found:
        return None
    notes = [note("sanitizer"), *lines.passed_over(others, backwards), note("no permissions")]
    return GivenText({"maps": maps_text(found)}, pid, tuple(notes))
