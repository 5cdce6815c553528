"""What pmap of procps prints: plain, ``-x``, ``-d``, ``-X`` and ``-XX``.

It calls all memory without a file ``[ anon ]``, the heap among it, and names files without their folder (but for
``-p``). With ``-x`` it tells RSS, with ``-X`` all that smaps says.

Source: procps-ng, src/pmap.c (print_extended_maps(), one_proc()); pmap(1).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from procmem.model.given_text import GivenText
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note, note
from procmem.model.numbers import whole_number
from procmem.model.proc_keys import SmapsKey
from procmem.model.vma_names import KernelName, is_label, kernel_label, object_path
from procmem.parse.given.form import FoundMapping, maps_text, smaps_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.parse.given.lines import GivenLines

__all__ = ["PMAP_ROWS", "read_pmap"]

_TITLE = re.compile(rb"([0-9]{1,10}):[ \t]+(\S.*)")
_MODE = rb"([r-][w-][x-][s-][R-])"
_PLAIN = re.compile(rb"([0-9a-f]{8,16})[ \t]+([0-9]{1,17})K[ \t]+" + _MODE + rb"(?:[ \t]+(.*))?")
_EXTENDED = re.compile(
    rb"([0-9a-f]{8,16})[ \t]+([0-9]{1,17})[ \t]+([0-9]{1,17}|-)[ \t]+(?:[0-9]{1,17}|-)[ \t]+"
    + _MODE
    + rb"(?:[ \t]+(.*))?"
)
_DEVICES = re.compile(
    rb"([0-9a-f]{8,16})[ \t]+([0-9]{1,17})[ \t]+" + _MODE + rb"[ \t]+([0-9a-f]{1,16})[ \t]+"
    rb"([0-9a-f]{2,8}:[0-9a-f]{2,8})(?:[ \t]+(.*))?"
)
_COLUMNS = re.compile(rb"Address[ \t]+Perm[ \t]+Offset[ \t]+Device[ \t]+Inode[ \t]+(.*[ \t])?Mapping[ \t]*")
_COLUMN_ROW = re.compile(
    rb"([0-9a-f]{8,16})[ \t]+([r-][w-][x-][sp])[ \t]+([0-9a-f]{1,16})[ \t]+([0-9a-f]{2,8}:[0-9a-f]{2,8})[ \t]+"
    rb"([0-9]{1,20})[ \t]*(.*)"
)
PMAP_ROWS = (_PLAIN, _EXTENDED, _DEVICES, _COLUMN_ROW)
"""What pmap's tables are known by, where something stands before their lines."""
_TOTAL = re.compile(rb"(?:total|mapped:)[ \t]+(?:kB[ \t]+)?([0-9]{1,17})K?(?:[ \t].*)?")
_COLUMN_TOTAL = re.compile(rb"([0-9]+[ \t]+)+(?:KB[ \t]*)?")
_FURNITURE = re.compile(rb"[-= \t]+|Address[ \t]+Kbytes[ \t].*")
_COUNTER_NAME = re.compile(r"[A-Z][A-Za-z0-9_()-]*")
"""What smaps calls a counter; what a column of any other name says is not known."""
_SHMID = re.compile(rb"\[ shmid=0x([0-9a-f]{1,8}) \]")
_ANONYMOUS, _STACK = b"[ anon ]", b"[ stack ]"
_FLAG_WORDS = re.compile(rb"^(?:[a-z]{2}(?:[ \t]+|$))+")
_LOST_FOLDER = b"/.../"
_KEY_NOT_TOLD = b"????????"
_NOT_COUNTED = frozenset({SmapsKey.SIZE, SmapsKey.THP_ELIGIBLE, SmapsKey.PROTECTION_KEY})
_END = 1 << 64


class _PmapLine(NamedTuple):
    """One line: a mapping, and its size as it stands there, in kB."""

    mapping: FoundMapping
    size: int


class _Form(NamedTuple):
    """One of the forms: how a line is read, whether sizes in memory stand in it, and whether columns have a heading.

    Below a heading, where a column begins counts, so that lines are read with what indents them.
    """

    row: Callable[[bytes], _PmapLine | None]
    has_counters: bool
    has_heading: bool = False


def read_pmap(lines: GivenLines) -> GivenText | None:
    """The first process of what pmap printed; None where no line is of its forms."""
    title: re.Match[bytes] | None = None
    rows: list[_PmapLine] = []
    form: _Form | None = None
    total: int | None = None
    others = more = 0
    for plain, line in zip(lines.plain, lines.bare, strict=True):
        found = _TITLE.fullmatch(line)
        if found is not None:
            if rows:
                more += 1
            else:
                title = found
            continue
        if more or not line:
            continue
        if not rows:
            form = _form_of(plain, line) or form
        row = None if form is None else form.row(plain if form.has_heading else line)
        if row is not None:
            rows.append(row)
        elif (sum_ := _TOTAL.fullmatch(line)) is not None:
            total = int(sum_[1])
        elif rows and form is not None and form.has_heading and _COLUMN_TOTAL.fullmatch(line):
            total = whole_number(line.split()[0])
        elif _FURNITURE.fullmatch(line) is None and _COLUMNS.fullmatch(line) is None:
            others += 1
    if not rows or form is None:
        return None
    return _text(form, rows, title, total, others, more)


def _text(
    form: _Form, rows: Sequence[_PmapLine], title: re.Match[bytes] | None, total: int | None, others: int, more: int
) -> GivenText:
    notes: list[Note] = [note("pmap")]
    whole = [row.mapping for row in rows if row.size and row.mapping.end < _END]
    if any(mapping.name.startswith(_LOST_FOLDER) for mapping in whole):
        notes.append(note("names without folders"))
    if len(whole) < len(rows):
        notes.append(note("backwards", count=len(rows) - len(whole)))
    seen = sum(row.size for row in rows)
    if total is None:
        notes.append(note("no total"))
    elif total > seen:
        notes.append(note("total differs", total=total * 1024, seen=seen * 1024))
    if more:
        notes.append(note("other processes", count=more))
    if others:
        notes.append(note("other lines", count=others))
    files = {"maps": maps_text(whole)}
    if form.has_counters:
        files["smaps"] = smaps_text(whole)
    if title is not None:
        words = title[2].rstrip()
        if is_label(words):
            files["comm"] = words.strip(b"[]") + b"\n"
        else:
            files["cmdline"] = words + b"\0"
    return GivenText(files, int(title[1]) or None if title is not None else None, tuple(notes))


def _form_of(plain: bytes, line: bytes) -> _Form | None:
    """The form that a line is of, or that it announces as the heading of a table."""
    heading = _COLUMNS.fullmatch(line)
    if heading is not None:
        return _Form(_column_reader((heading[1] or b"").split(), plain), has_counters=True, has_heading=True)
    for row, has_counters in ((_plain, False), (_extended, True), (_devices, False)):
        if row(line) is not None:
            return _Form(row, has_counters)
    return None


def _plain(line: bytes) -> _PmapLine | None:
    found = _PLAIN.fullmatch(line)
    return None if found is None else _row(found[1], found[2], _letters(found[3]), b"0", found[4])


def _extended(line: bytes) -> _PmapLine | None:
    found = _EXTENDED.fullmatch(line)
    if found is None:
        return None
    counters = ((SmapsKey.RSS, int(found[3])),) if found[3].isdigit() else ()
    row = _row(found[1], found[2], _letters(found[4]), b"0", found[5])
    return row._replace(mapping=row.mapping._replace(counters=counters))


def _devices(line: bytes) -> _PmapLine | None:
    found = _DEVICES.fullmatch(line)
    return None if found is None else _row(found[1], found[2], _letters(found[3]), found[4], found[6])


def _column_reader(names: Sequence[bytes], heading: bytes) -> Callable[[bytes], _PmapLine | None]:
    """Reads the rows below a heading: a column for each counter of smaps, and the name where the heading has it."""
    flags_word = SmapsKey.VM_FLAGS.encode("ascii")
    sizes = [name.decode("latin-1") for name in names if name != flags_word]
    told = {size for size in sizes if _COUNTER_NAME.fullmatch(size)} - _NOT_COUNTED
    name_at = heading.index(b"Mapping")

    def by_columns(plain: bytes) -> _PmapLine | None:
        found = _COLUMN_ROW.fullmatch(plain.strip())
        if found is None:
            return None
        words = found[6].split(None, len(sizes))
        if len(words) < len(sizes) or not all(whole_number(word) is not None for word in words[: len(sizes)]):
            return None
        figures = dict(zip(sizes, map(int, words), strict=False))
        rest = b"".join(words[len(sizes) :])
        flags = None
        if flags_word in names:  # its words stand before the name
            aligned = plain[name_at - 1 : name_at].isspace()
            name = plain[name_at:] if aligned else _behind_flags(rest)
            flags = b"%s: %s" % (flags_word, rest.removesuffix(name).strip())
            rest = name
        row = _row(found[1], b"%d" % figures.get(SmapsKey.SIZE, 0), found[2], found[3], rest)
        counters = tuple((key, size) for key, size in figures.items() if key in told)
        inode = found[5] if int(found[5]) < _END else b"0"
        mapping = row.mapping._replace(device=found[4], inode=inode, counters=counters, flags=flags)
        return row._replace(mapping=mapping)

    return by_columns


def _behind_flags(words: bytes) -> bytes:
    """What stands behind the two-letter words of VmFlags, where the columns have lost their places."""
    return _FLAG_WORDS.sub(b"", words)


def _letters(mode: bytes) -> bytes:
    """The permissions as maps has them: pmap writes ``-`` for a private mapping."""
    return mode[:3] + (b"s" if mode[3:4] == b"s" else b"p")


def _row(address: bytes, size: bytes, perms: bytes, offset: bytes, mapping: bytes | None) -> _PmapLine:
    start, kib = int(address, 16), int(size)
    found = FoundMapping(start, start + kib * 1024, perms, int(offset, 16), _name(mapping or b""))
    shmid = _SHMID.fullmatch((mapping or b"").strip())
    if shmid is not None:
        segment = object_path(KernelName.SYSV, _KEY_NOT_TOLD)
        found = found._replace(name=segment, device=b"00:01", inode=b"%d" % int(shmid[1], 16))
    return _PmapLine(found, kib)


def _name(mapping: bytes) -> bytes:
    """The name as maps has it; a file's folder is lost."""
    name = mapping.strip()
    if name == _ANONYMOUS or not name:
        return b""
    if name == _STACK:
        return kernel_label(KernelName.STACK)
    if name.startswith(b"/") or is_label(name):
        return name
    return _LOST_FOLDER + name
