"""A mapped file as an ELF object: the headers that classification asks for, and the symbols that ``--deep`` needs.

Any failure becomes a sentence in the value, and the rest of the report stands. How headers are read is ``parse.elf``'s
matter; which bytes of memory they explain is told in ``classify``.
"""

from __future__ import annotations

from procmem.model.elf import DT_DEBUG, DT_SONAME, PT_INTERP
from procmem.model.libc_files import holds_thread_lists
from procmem.model.note import note
from procmem.model.region import ElfObject
from procmem.model.vma_names import without_deleted
from procmem.parse.elf import NotElf, dynamic_entries, dynamic_strings, read_image, read_sections

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from procmem.model.ports import ByteReader
    from procmem.model.raw import MappedFile

__all__ = ["may_list_threads", "read_deep_symbols", "read_object", "read_words"]


def read_object(reader: ByteReader, mapped: MappedFile, symbols: Collection[str] = ()) -> ElfObject:
    """Read the headers of one mapped file, and which of some symbols it exports.

    ``problem`` says why where they cannot be read.
    """
    try:
        image = read_image(reader)
        sections = read_sections(reader, image, names=mapped.is_program)
        entries = dynamic_entries(reader, image) or ()
        sonames = dynamic_strings(reader, image, entries, DT_SONAME)
        exports: frozenset[str] = frozenset()
        if symbols and not holds_thread_lists(_base_name(mapped)):  # the C library itself exports none of them
            from procmem.parse.elf_exports import exported_names  # noqa: PLC0415  # few small processes ask

            exports = exported_names(reader, image, entries, symbols)
    except NotElf as error:
        return ElfObject(mapped, None, problem=note(error.code, **error.fields))
    return ElfObject(
        mapped,
        image,
        sections=sections,
        soname=sonames[0] if sonames else None,
        has_debug=any(tag == DT_DEBUG for tag, _ in entries),
        exports=exports,
    )


def read_words(reader: ByteReader, keep: ByteReader, item: ElfObject, words: Collection[bytes]) -> ElfObject:
    """Which of some words stand in the object's constants; the blocks that hold them are read through ``keep`` too."""
    from procmem.parse.elf_strings import words_mentioned  # noqa: PLC0415  # few processes ask

    assert item.image is not None
    found = words_mentioned(reader, item.image, words)
    for offset, length in found.values():
        keep.read_at(offset, length)
    return item._replace(mentions=frozenset(found))


def may_list_threads(item: ElfObject) -> bool:
    """Whether an object may hold the C library's lists of threads: glibc's own objects, and static programs."""
    if item.image is None:
        return False
    if item.file.is_program:
        return item.image.first(PT_INTERP) is None
    return holds_thread_lists(_base_name(item.file))


def _base_name(mapped: MappedFile) -> bytes:
    return without_deleted(mapped.path).rsplit(b"/", 1)[-1]


def read_deep_symbols(reader: ByteReader, item: ElfObject) -> tuple[dict[str, int], dict[str, bytes]]:
    """The addresses of the variables that ``--deep`` looks at, and the constants exported for debuggers."""
    from procmem.model.deep import DEEP_CONSTANTS, DEEP_SYMBOLS  # noqa: PLC0415  # only for --deep
    from procmem.parse.symbols import constant_bytes, symbol_addresses  # noqa: PLC0415  # only for --deep

    assert item.image is not None
    found = symbol_addresses(reader, (*DEEP_SYMBOLS, *DEEP_CONSTANTS))
    symbols = {name: address for name, address in found.items() if name in DEEP_SYMBOLS}
    constants = {name: constant_bytes(reader, item.image, found[name]) for name in DEEP_CONSTANTS if name in found}
    return symbols, constants
