"""maps, smaps, smaps_rollup and status with other things around them, damaged, or several in one text.

They stand in bug reports, below a shell's prompt, in HotSpot's hs_err files ("Dynamic libraries:") and in what glibc
prints when it aborts ("======= Memory map: ========"): all of these hold the kernel's own lines. What is whole is
taken, and each thing that is not is noted.

Sources: proc_pid_maps(5), proc_pid_smaps(5), proc_pid_status(5); os::print_dll_info() of OpenJDK,
src/hotspot/os/linux/os_linux.cpp; glibc before 2.26, debug/backtracesymsfd.c and sysdeps/posix/libc_fatal.c.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from procmem.model.given_text import GivenText
from procmem.model.note import Note, note
from procmem.model.numbers import whole_number
from procmem.model.permissions import permissions
from procmem.model.proc_keys import SmapsKey, StatusKey
from procmem.model.vma_names import KernelName, is_label, kernel_label
from procmem.parse.given.form import FoundMapping, maps_text, smaps_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.parse.given.lines import GivenLines

__all__ = ["KERNEL_ROWS", "begins_anew", "maps_of_smaps", "read_kernel_files", "reported_pid"]

_HEADER = re.compile(
    rb"([0-9a-fA-F]{1,16})-([0-9a-fA-F]{1,16})[ \t]+([r-][w-][x-][sp])[ \t]+([0-9a-fA-F]{1,16})[ \t]+"
    rb"([0-9a-fA-F]{2,8}:[0-9a-fA-F]{2,8})[ \t]+([0-9]{1,20})(?:[ \t]+(.*))?"
)
_BEGUN = re.compile(rb"[0-9a-f]{4,16}(-[0-9a-f]{0,16}( .{0,40})?)?")
"""What a maps line looks like that was cut off before its inode."""
_COUNTER = re.compile(rb"([A-Z][A-Za-z0-9_()-]*):[ \t]+([0-9]{1,17})[ \t]*kB[ \t]*")
_NO_SIZES = b"|".join(key.encode() for key in (SmapsKey.THP_ELIGIBLE, SmapsKey.PROTECTION_KEY))
_OTHER_LINE = re.compile(rb"(?:%s):[ \t]*.*" % _NO_SIZES)
_NAME = b"%s:" % SmapsKey.VMA_NAME.encode()
_FLAGS = b"%s:" % SmapsKey.VM_FLAGS.encode()
_STATUS_LINE = re.compile(rb"([A-Za-z][A-Za-z0-9_]*):[ \t]*(.*)")
_STATUS_SIZE = re.compile(
    rb"(?:%s):[ \t]+[0-9]{1,17} kB[ \t]*" % b"|".join(key.encode() for key in (StatusKey.VM_SIZE, StatusKey.VM_RSS))
)
KERNEL_ROWS = (_HEADER, _STATUS_SIZE)
"""What one of these texts is known by, where something stands before its lines."""
_PID_OF_PATH = re.compile(rb"/proc/([0-9]{1,10})/")
_PID_OF_REPORT = re.compile(rb"\bpid[=: ]+([0-9]{1,10})\b")
_LINES_SEARCHED = 200
_TOO_LARGE = 1 << 64


class _MapLines:
    """The lines of one map: a later one begins anew at a lower address."""

    def __init__(self) -> None:
        self.records: list[FoundMapping] = []
        self.counters: list[dict[str, int]] = []
        self.flags: list[bytes | None] = []
        self.first = self.last = 0
        self.has_counters = False

    def whole(self, kept: int) -> list[FoundMapping]:
        """The first so many mappings, each with its counters."""
        rows = zip(self.records[:kept], self.counters, self.flags, strict=False)
        return [row._replace(counters=tuple(known.items()), flags=flags) for row, known, flags in rows]


class _Walk:
    """Goes over the lines, and keeps what belongs to maps and smaps."""

    def __init__(self) -> None:
        self.blocks: list[_MapLines] = []
        self.used: set[int] = set()
        self.joined = 0
        self.backwards = 0
        self._open = self._may_go_on = False

    def take(self, number: int, line: bytes) -> None:
        """One line, by its number from 0 on."""
        header = _HEADER.fullmatch(line)
        if header is not None:
            self._header(number, header)
        elif self._open and self._belongs(line):
            self._may_go_on = False
        else:
            self._open = self._may_go_on = False
            return
        self.used.add(number)
        self.blocks[-1].last = number

    def _header(self, number: int, found: re.Match[bytes]) -> None:
        start, end = int(found[1], 16), int(found[2], 16)
        if start >= end or int(found[6]) >= _TOO_LARGE:
            self.backwards += 1
            self._open = self._may_go_on = False
            if not self.blocks:
                self.blocks.append(_MapLines())
            return
        if not self.blocks or (self.blocks[-1].records and not self._goes_on(start)):
            self.blocks.append(_MapLines())
            self.blocks[-1].first = number
        block = self.blocks[-1]
        name = found[7] or b""
        block.records.append(FoundMapping(start, end, found[3], int(found[4], 16), name, found[5].lower(), found[6]))
        block.counters.append({})
        block.flags.append(None)
        self._open, self._may_go_on = True, not name

    def _goes_on(self, start: int) -> bool:
        """Whether a mapping belongs to the map before it: it may be out of order only while nothing lies between."""
        records = self.blocks[-1].records
        if start >= records[-1].end:
            return True
        return self._open and not begins_anew(start, records[-1].name, records[len(records) // 2].start, len(records))

    def _belongs(self, line: bytes) -> bool:
        """Take a line below a mapping's own."""
        block = self.blocks[-1]
        last = block.records[-1]
        if self._may_go_on and self._is_name(line, has_file=last.inode != b"0"):
            block.records[-1] = last._replace(name=line)
            self.joined += 1
            return True
        counter = _COUNTER.fullmatch(line)
        if counter is not None:
            key = counter[1].decode("ascii")
            if key in block.counters[-1] or int(counter[2]) * 1024 >= _TOO_LARGE:
                return False
            block.counters[-1][key] = int(counter[2])
            block.has_counters = True
            return True
        if last.name and line.startswith(_NAME) and line.removeprefix(_NAME).strip() == last.name.strip():
            return True
        if line.startswith(_FLAGS):
            block.flags[-1] = line
            block.has_counters = True
            return True
        return _OTHER_LINE.fullmatch(line) is not None

    @staticmethod
    def _is_name(line: bytes, *, has_file: bool) -> bool:
        """Whether a line is the name that a mail program has broken off the line before."""
        return line.startswith(b"/") if has_file else is_label(line) and line.endswith(b"]")


def read_kernel_files(lines: GivenLines) -> GivenText | None:
    """The kernel's lines in a text; None where it has none."""
    walk = _Walk()
    for number, line in enumerate(lines.bare):
        walk.take(number, line)
    blocks = [block for block in walk.blocks if block.records]
    files: dict[str, bytes] = {}
    notes: list[Note] = []
    rollups = [block for block in blocks if block.flags[0] is None and _is_rollup(block.records, block.counters[0])]
    chosen = {id(block) for block in rollups}
    maps = [block for block in blocks if id(block) not in chosen]
    if rollups:
        files["smaps_rollup"] = smaps_text(rollups[0].whole(1))
    if maps:
        files |= _map_files(max(maps, key=lambda block: (block.has_counters, len(block.records))), lines, notes)
    if len(maps) > 1 and not _same_map(maps):
        notes.append(note("other maps", count=len(maps) - 1))
    status = _status_lines(lines.bare, walk.used)
    if status:
        found = filter(None, (_STATUS_LINE.fullmatch(lines.bare[at]) for at in status))
        files["status"] = b"".join(b"%s:\t%s\n" % (line[1], line[2].rstrip()) for line in found)
    if not files:
        return None
    if rollups and not maps and "status" not in files:
        notes.append(note("rollup alone"))
    if "status" in files and not maps and not rollups:
        notes.append(note("status alone"))
    if walk.joined:
        notes.append(note("broken lines", count=walk.joined))
    if walk.backwards:
        notes.append(note("backwards", count=walk.backwards))
    known = walk.used.union(status)
    others = sum(bool(line) for number, line in enumerate(lines.bare) if number not in known)
    if {"cut off", "last cut off"} & {one.code for one in notes} and not lines.ends:
        others -= len(lines.bare) - 1 not in walk.used  # which has its own note
    if others:
        notes.append(note("other lines", count=others))
    return GivenText(files, reported_pid(lines), tuple(notes))


_PROCESS_MAPPINGS = 5
"""The smallest of programs has more."""
_HIGHEST = frozenset(
    map(kernel_label, (KernelName.STACK, KernelName.VVAR, KernelName.VDSO, KernelName.VSYSCALL, KernelName.VECTORS))
)
"""What lies highest in an address space."""


def begins_anew(start: int, before: bytes, middle: int, count: int) -> bool:
    """Whether a mapping below the one before it is of another process: behind what lies highest, and below half of all.

    ``before`` is the name of the one before it, ``middle`` where the one in the middle of the ``count`` before it
    begins. A process that remaps while it is read gives some out of order, and an excerpt may be in any.
    """
    return count >= _PROCESS_MAPPINGS and start < middle and before in _HIGHEST


def _same_map(maps: Sequence[_MapLines]) -> bool:
    """Whether all are one map, once as maps and once as smaps."""
    return len({tuple(row[:2] for row in block.records) for block in maps}) == 1


def _map_files(block: _MapLines, lines: GivenLines, notes: list[Note]) -> dict[str, bytes]:
    """maps, and smaps where it has counters, as far as they are whole."""
    rest = [line for line in lines.bare[block.last + 1 :] if line]
    kept = _whole_records(block, ends=lines.ends or bool(rest))
    if kept < len(block.records):
        notes.append(note("last cut off", at=block.records[kept].start))
    elif len(rest) == 1 and not lines.ends and _BEGUN.fullmatch(rest[0][:60]):
        notes.append(note("cut off", at=block.records[-1].end))
    elif not rest and not lines.ends:
        notes.append(note("no line end"))
    found = block.whole(kept)
    files = {"maps": maps_text(found)}
    if block.has_counters:
        without = sum(not row.counters for row in found)
        if without:
            notes.append(note("without counters", count=without, of=len(found)))
        files["smaps"] = smaps_text(found)
    return files


def _whole_records(block: _MapLines, *, ends: bool) -> int:
    """How many mappings are whole: the last has all that the one before it has, and its label an end."""
    kept = len(block.records)
    if not block.has_counters:
        name = block.records[-1].name
        return kept - (not ends and is_label(name) and not name.endswith(b"]"))
    if kept > 1 and block.flags[kept - 1] is None and block.counters[kept - 1].keys() < block.counters[kept - 2].keys():
        kept -= 1
    while kept > 1 and not _is_whole(block, kept - 1):
        kept -= 1
    return kept


def _is_whole(block: _MapLines, last: int) -> bool:
    """Whether a record may be the last one: it has counters and VmFlags, the last line of a record, if others do."""
    flags = block.flags[last]
    if not _counted(block, last) and (flags is None or _counted(block, last - 1)):
        return False
    return flags is not None or None in block.flags[:last]


def _counted(block: _MapLines, at: int) -> bool:
    """Whether a record has any counter besides its size, which the addresses tell as well."""
    return bool(block.counters[at].keys() - {SmapsKey.SIZE})


def _is_rollup(records: Sequence[FoundMapping], counters: dict[str, int]) -> bool:
    """Whether it is the one entry of smaps_rollup; its label may be lost.

    Its range goes from the first address of the process to the last and is no mapping; smaps has ``Size`` in each.
    """
    if len(records) != 1 or SmapsKey.RSS not in counters or SmapsKey.SIZE in counters:
        return False
    only = records[0]
    if not permissions(only.perms.decode("ascii")).inaccessible or only.offset or only.inode != b"0":
        return False
    return not only.name or is_label(only.name)


def _status_lines(lines: Sequence[bytes], used: set[int]) -> list[int]:
    """The numbers of the lines of one status: those side by side with its sizes."""
    seed = next((at for at, line in enumerate(lines) if at not in used and _STATUS_SIZE.fullmatch(line)), None)
    if seed is None:
        return []
    first, last = seed, seed
    while first and first - 1 not in used and _STATUS_LINE.fullmatch(lines[first - 1]):
        first -= 1
    while last + 1 < len(lines) and last + 1 not in used and _STATUS_LINE.fullmatch(lines[last + 1]):
        last += 1
    known: dict[bytes, int] = {}
    for at in range(first, last + 1):
        known.setdefault(lines[at].partition(b":")[0], at)
    return sorted(known.values())


def reported_pid(lines: GivenLines) -> int | None:
    """The process that the text is about, where it says so: a path of /proc, or the words of a crash report."""
    for line in (lines.prefix, *lines.bare[:_LINES_SEARCHED]):
        if _HEADER.fullmatch(line) is not None:
            continue
        found = _PID_OF_PATH.search(line) or _PID_OF_REPORT.search(line)
        if found is not None and int(found[1]):
            return int(found[1])
        key, _, value = line.partition(b":")
        if key == StatusKey.PID.encode() and (pid := whole_number(value.strip())) is not None:
            return pid
    return None


def maps_of_smaps(data: bytes) -> bytes:
    """The maps lines in a text of smaps, for questions that read maps alone."""
    return b"".join(re.findall(rb"(?m)^[0-9a-f]+-[0-9a-f]+ .*\n", data))
