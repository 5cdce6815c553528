"""Core files of Linux: what a process's memory was when it ended, or when gdb's gcore wrote it down.

Here a core becomes the files that /proc had of the process, as far as it tells them: maps from its PT_LOAD headers and
the note of mapped files, threads with their registers, auxv, name and arguments. How much of the memory was resident
is in no core. What the memory held is read by :mod:`procmem.sources.core`.

Source: fs/binfmt_elf.c, elf_core_dump(); include/linux/elfcore.h, include/uapi/linux/elfcore.h (struct elf_prstatus,
elf_prpsinfo); gdb/linux-tdep.c, linux_make_corefile_notes().
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Sequence

from procmem.errors import BadInput
from procmem.model.auxv import AT_ENTRY, AT_EXECFN, AT_SYSINFO_EHDR
from procmem.model.elf import (
    EM_386,
    EM_AARCH64,
    EM_ARM,
    EM_RISCV,
    EM_X86_64,
    ET_CORE,
    NT_AUXV,
    NT_FILE,
    NT_PRPSINFO,
    NT_PRSTATUS,
    PF_R,
    PF_W,
    PF_X,
    PT_LOAD,
    PT_NOTE,
    ElfImage,
    Segment,
)
from procmem.model.given_text import GivenText
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note, note
from procmem.model.permissions import PRIVATE_NONE, permissions
from procmem.model.vma_names import VSYSCALL_PAGE, KernelName, is_file_in_memory
from procmem.parse.auxv import parse_auxv
from procmem.parse.elf import read_image
from procmem.parse.given.form import FoundMapping, maps_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.ports import ByteReader

__all__ = ["Core", "read_core"]

_HEADER_BYTES_MAX = 32 * 1024 * 1024
_NOTE_BYTES_MAX = 64 * 1024 * 1024
"""A thread takes about a kilobyte, a mapped file a line."""
_THREADS_MAX = 100_000
_CORE = b"CORE"
_REGISTERS = {EM_386: (15, 12), EM_X86_64: (19, 16), EM_ARM: (13, 15), EM_AARCH64: (31, 32), EM_RISCV: (2, 0)}
"""Where stack pointer and program counter stand among the registers of elf_gregset_t, in words."""
_CHUNK = 16
_SIZE_BITS, _PREV_INUSE = ~7, 1


class Core(NamedTuple):
    """A core file: the files that /proc had of the process, its segments, and what of files it holds.

    ``text`` has maps, auxv, stat and the threads. ``files`` are mapped ranges of files: start, end, offset, path.
    """

    text: GivenText
    image: ElfImage
    segments: tuple[Segment, ...]
    files: tuple[tuple[int, int, int, bytes], ...]


class _DumpedThread(NamedTuple):
    tid: int
    sp: int | None
    pc: int | None


def read_core(reader: ByteReader) -> Core | None:
    """Read the headers and notes of a core file; None where an ELF file is none.

    Raises:
        BadInput: it is damaged, or its headers are beyond the bounds.
    """
    image = read_image(reader, most=_HEADER_BYTES_MAX)
    if image.type != ET_CORE:
        return None
    threads: list[_DumpedThread] = []
    files: list[tuple[int, int, int, bytes]] = []
    auxv = info = b""
    for kind, data in _notes(reader, image):
        if kind == NT_PRSTATUS and len(threads) < _THREADS_MAX:
            threads += _status(data, image)
        elif kind == NT_PRPSINFO:
            info = data
        elif kind == NT_AUXV:
            auxv = data
        elif kind == NT_FILE:
            files += _mapped_files(data, image)
    loads = tuple(sorted((s for s in image.segments if s.type == PT_LOAD and s.memsz), key=lambda s: s.vaddr))
    if not loads:
        raise BadInput("core-empty")
    pid, ppid, name, arguments = _process(info, image)
    pid = pid or (threads[0].tid if threads else None)
    mappings = _mappings(reader, image, loads, files, auxv, threads)
    contents = {"maps": maps_text(mappings)}
    if auxv:
        contents["auxv"] = auxv
    if info:
        contents |= {"comm": name + b"\n", "cmdline": arguments.replace(b" ", b"\0") + b"\0"}
    if pid is not None:
        contents["status"] = b"Name:\t%s\nTgid:\t%d\nPid:\t%d\nPPid:\t%d\nThreads:\t%d\n" % (
            *(name.replace(b"\n", b"\\n"), pid, pid, ppid),
            len(threads),
        )
    for thread in threads:
        words = b"-1 %#x %#x\n" % (thread.sp or 0, thread.pc or 0) if thread.sp is not None else b""
        contents[f"task/{thread.tid}/syscall"] = words
        if thread.tid == pid:
            contents[f"task/{thread.tid}/comm"] = name + b"\n"
    return Core(GivenText(contents, pid, tuple(_remarks(loads, files))), image, loads, tuple(files))


def _remarks(loads: Sequence[Segment], files: Sequence[object]) -> Iterator[Note]:
    dumped = sum(segment.filesz for segment in loads)
    yield note("core", dumped=dumped, mapped=sum(segment.memsz for segment in loads))
    if _is_of_gdb(loads):
        yield note("core of gdb")
    if not files:
        yield note("core, no files")


def _notes(reader: ByteReader, image: ElfImage) -> Iterator[tuple[int, bytes]]:
    """Type and content of each note of the kernel's; those of others (LINUX: registers beyond the first) are left."""
    order = "<" if image.little_endian else ">"
    left = _NOTE_BYTES_MAX
    for segment in image.segments:
        if segment.type != PT_NOTE:
            continue
        data = reader.read_at(segment.offset, min(segment.filesz, left))
        left -= len(data)
        at = 0
        while at + 12 <= len(data):
            name_size, size, kind = struct.unpack_from(order + "III", data, at)
            start = at + 12 + -(-name_size // 4) * 4
            if start + size > len(data):
                break
            if data[at + 12 : at + 12 + name_size].rstrip(b"\0") == _CORE:
                yield kind, data[start : start + size]
            at = start + -(-size // 4) * 4


def _word(image: ElfImage) -> str:
    return ("<" if image.little_endian else ">") + ("Q" if image.bits == 64 else "I")


def _status(data: bytes, image: ElfImage) -> Iterator[_DumpedThread]:
    """A thread, with its registers where the machine is known: struct elf_prstatus."""
    word = image.bits // 8
    pid_at = 16 + 2 * word
    registers_at = pid_at + 16 + 8 * word
    if len(data) < registers_at:
        return
    (tid,) = struct.unpack_from(_word(image)[0] + "i", data, pid_at)
    places = _REGISTERS.get(image.machine)
    found: list[int | None] = [None, None]
    if places is not None and len(data) >= registers_at + (max(places) + 1) * word:
        found = [struct.unpack_from(_word(image), data, registers_at + place * word)[0] for place in places]
    if tid > 0:
        yield _DumpedThread(tid, *found)


def _process(data: bytes, image: ElfImage) -> tuple[int | None, int, bytes, bytes]:
    """Pid, parent, name (16 bytes) and arguments (80 bytes, blanks between): struct elf_prpsinfo."""
    order = _word(image)[0]
    pid_at, name_at = (24, 40) if image.bits == 64 else (12, 28)
    if len(data) < name_at + 16:
        return None, 0, b"", b""
    pid, ppid = struct.unpack_from(order + "ii", data, pid_at)
    name = data[name_at : name_at + 16].split(b"\0")[0]
    return pid if pid > 0 else None, max(ppid, 0), name, data[name_at + 16 : name_at + 96].split(b"\0")[0].rstrip(b" ")


def _mapped_files(data: bytes, image: ElfImage) -> Iterator[tuple[int, int, int, bytes]]:
    """Ranges of files: a count, the unit of offsets, three words a range, and the paths (fill_files_note())."""
    form = _word(image)
    size = struct.calcsize(form)
    if len(data) < 2 * size:
        return
    count, unit = struct.unpack_from(form[0] + 2 * form[1], data)
    names_at = (2 + 3 * count) * size
    if names_at > len(data):
        return
    names = data[names_at:].split(b"\0")
    for number in range(min(count, len(names))):
        start, end, offset = struct.unpack_from(form[0] + 3 * form[1], data, (2 + 3 * number) * size)
        if start < end and offset * unit < 1 << 63:
            yield start, end, offset * unit, names[number].replace(b"\n", b"\\012")


def _mappings(
    reader: ByteReader,
    image: ElfImage,
    loads: Sequence[Segment],
    files: Sequence[tuple[int, int, int, bytes]],
    auxv: bytes,
    threads: Sequence[_DumpedThread],
) -> list[FoundMapping]:
    """The mappings, with the names that the kernel would give them, as far as anything proves these."""
    of_file = {start: (offset, path) for start, _, offset, path in files}
    parts = Counter(path for _, _, _, path in files)
    executable = {segment.vaddr for segment in loads if segment.flags & PF_X}
    code = {path for start, _, _, path in files if start in executable or parts[path] > 2}
    parsed = parse_auxv(auxv)
    marks = parsed[0] if parsed is not None else {}
    found = []
    for segment in loads:
        start, end = segment.vaddr, segment.vaddr + segment.memsz
        letters = _letters(segment.flags)
        offset, path = of_file.get(start, (0, b""))
        if not path:
            found.append(FoundMapping(start, end, letters + b"p", 0, b""))
        elif is_file_in_memory(path):
            found.append(FoundMapping(start, end, letters + b"s", offset, path))
        else:
            found.append(FoundMapping(start, end, letters + (b"p" if path in code else b""), offset, path))
    if _is_of_gdb(loads):
        found = sorted([*map(_closed, found), *_left_out(reader, loads, files)], key=lambda one: one.start)
    return _with_names(reader, image, found, loads, marks, threads)


def _is_of_gdb(loads: Sequence[Segment]) -> bool:
    """Whether gdb wrote the core: it aligns segments to a byte, the kernel to a page (linux_make_corefile_notes())."""
    return all(segment.align == 1 for segment in loads)


def _closed(one: FoundMapping) -> FoundMapping:
    """A mapping of gdb's, which calls inaccessible memory readable: anonymous memory that is no more is rare."""
    is_closed = not one.name and permissions(one.perms.decode()).read_only
    return one._replace(perms=PRIVATE_NONE.encode()) if is_closed else one


def _left_out(
    reader: ByteReader, loads: Sequence[Segment], files: Sequence[tuple[int, int, int, bytes]]
) -> Iterator[FoundMapping]:
    """The mappings of files that gdb leaves out, since nothing was written to them; by what the file's headers say."""
    dumped = {segment.vaddr: segment for segment in loads}
    firsts = {path: start for start, _, offset, path in reversed(files) if not offset}
    images: dict[bytes, ElfImage | None] = {}
    for start, end, offset, path in files:
        if start in dumped:
            continue
        if path not in images:
            images[path] = _image_of(reader, dumped.get(firsts.get(path, -1)))
        image = images[path]
        flags = next((s.flags for s in (image.loads if image else ()) if _holds(s, offset)), None)
        perms = b"" if flags is None else _letters(flags) + b"p"
        yield FoundMapping(start, end, perms, offset, path)


def _holds(segment: Segment, offset: int) -> bool:
    return segment.offset // _PAGE * _PAGE <= offset < segment.offset + segment.filesz


_PAGE = 4096
"""A segment may begin anywhere in the first page that is mapped of it; pages are no smaller."""


class _Slice:
    """A part of a core as a file of its own."""

    def __init__(self, reader: ByteReader, offset: int, size: int) -> None:
        self._reader, self._offset, self._size = reader, offset, size

    def read_at(self, offset: int, length: int) -> bytes:
        """The bytes at an offset of the part."""
        return self._reader.read_at(self._offset + offset, max(min(length, self._size - offset), 0))


def _image_of(reader: ByteReader, segment: Segment | None) -> ElfImage | None:
    """The headers of a file that is mapped from its beginning at a segment, where that page was dumped."""
    if segment is None or not segment.filesz:
        return None
    try:
        return read_image(_Slice(reader, segment.offset, segment.filesz))
    except BadInput:
        return None


def _letters(flags: int) -> bytes:
    return b"".join(letter if flags & bit else b"-" for letter, bit in ((b"r", PF_R), (b"w", PF_W), (b"x", PF_X)))


def _with_names(
    reader: ByteReader,
    image: ElfImage,
    found: list[FoundMapping],
    loads: Sequence[Segment],
    marks: dict[int, int],
    threads: Sequence[_DumpedThread],
) -> list[FoundMapping]:
    """The main stack by the program's name above it, the vdso by auxv, the heap by malloc's first header."""
    places = {
        KernelName.STACK: marks.get(AT_EXECFN) or (threads[0].sp if len(threads) == 1 else None),
        KernelName.VDSO: marks.get(AT_SYSINFO_EHDR),
    }
    named = list(found)
    for name, address in places.items():
        at = _at(found, address)
        if at is not None and not found[at].name:
            named[at] = found[at]._replace(name=name.value.encode())
    vdso = _at(found, marks.get(AT_SYSINFO_EHDR))
    if vdso is not None:
        _name_vvar(named, vdso)
    heap = _heap(reader, image, named, loads, marks.get(AT_ENTRY))
    if heap is not None:
        named[heap] = named[heap]._replace(name=KernelName.HEAP.value.encode())
    if named and named[-1].start == VSYSCALL_PAGE[0] and not named[-1].name:
        named[-1] = named[-1]._replace(name=KernelName.VSYSCALL.value.encode())
    return named


def _name_vvar(named: list[FoundMapping], vdso: int) -> None:
    """What touches the vdso from below, and may be read alone: one mapping, two since Linux 6.13."""
    rows = []
    for row in range(vdso - 1, max(vdso - 3, -1), -1):
        one = named[row]
        allowed = permissions(one.perms.decode())
        if one.name or allowed.writable or allowed.executable or one.end != named[row + 1].start:
            break
        rows.append(row)
    for row, name in zip(reversed(rows), (KernelName.VVAR, KernelName.VVAR_VCLOCK), strict=False):
        named[row] = named[row]._replace(name=name.value.encode())


def _at(found: Sequence[FoundMapping], address: int | None) -> int | None:
    if address is None:
        return None
    return next((at for at, one in enumerate(found) if one.start <= address < one.end), None)


def _heap(
    reader: ByteReader,
    image: ElfImage,
    found: Sequence[FoundMapping],
    loads: Sequence[Segment],
    entry: int | None,
) -> int | None:
    """The mapping that brk grew: the first nameless one behind the program's last, if it begins with a chunk of malloc.

    The program is what holds the entry point. glibc's first chunk begins where start_brk lies, at a page's start, or a
    few words behind it.
    """
    at = _at(found, entry)
    if at is None:
        return None
    program = found[at].name
    last = max(row for row, one in enumerate(found) if one.name == program)
    for row in range(last + 1, min(last + 4, len(found))):
        one = found[row]
        if one.name:
            return None
        if (
            permissions(one.perms.decode()).read_write
            and one.start != found[row - 1].end
            and _begins_with_chunk(reader, image, loads, one)
        ):
            return row
    return None


def _begins_with_chunk(reader: ByteReader, image: ElfImage, loads: Sequence[Segment], one: FoundMapping) -> bool:
    segment = next(segment for segment in loads if segment.vaddr == one.start)
    word = image.bits // 8
    head = reader.read_at(segment.offset, min(4 * word, segment.filesz))
    if len(head) < 4 * word:
        return False
    sizes = struct.unpack_from(_word(image)[0] + 4 * _word(image)[1], head)
    # behind its size is memory of the chunk; where that must be at a multiple of four words, two words are left free
    return any(
        bool(size & _PREV_INUSE) and _CHUNK <= size & _SIZE_BITS <= one.end - one.start for size in (sizes[1], sizes[3])
    )
