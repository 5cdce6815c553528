"""What an ELF file says about how it wants to be mapped.

Names follow the ELF specification (gABI chapters 4 and 5) without the ``p_`` and ``sh_`` prefixes.
Addresses and sizes are bytes; nothing here has been moved by a load bias yet.
"""

from procmem.model.named_tuple import NamedTuple

__all__ = [
    "DF_1_PIE",
    "DF_TEXTREL",
    "DT_DEBUG",
    "DT_FLAGS",
    "DT_FLAGS_1",
    "DT_GNU_HASH",
    "DT_INIT",
    "DT_INIT_ARRAY",
    "DT_INIT_ARRAYSZ",
    "DT_JMPREL",
    "DT_NEEDED",
    "DT_PLTRELSZ",
    "DT_PREINIT_ARRAYSZ",
    "DT_REL",
    "DT_RELA",
    "DT_RELASZ",
    "DT_RELSZ",
    "DT_RPATH",
    "DT_RUNPATH",
    "DT_SONAME",
    "DT_STRTAB",
    "DT_SYMTAB",
    "DT_TEXTREL",
    "DT_VERDEF",
    "DT_VERDEFNUM",
    "DT_VERNEED",
    "DT_VERNEEDNUM",
    "EM_386",
    "EM_AARCH64",
    "EM_ARM",
    "EM_RISCV",
    "EM_X86_64",
    "ET_CORE",
    "ET_DYN",
    "ET_EXEC",
    "NT_AUXV",
    "NT_FILE",
    "NT_GNU_BUILD_ID",
    "NT_PRPSINFO",
    "NT_PRSTATUS",
    "PF_R",
    "PF_W",
    "PF_X",
    "PN_XNUM",
    "PT_DYNAMIC",
    "PT_GNU_EH_FRAME",
    "PT_GNU_RELRO",
    "PT_GNU_STACK",
    "PT_INTERP",
    "PT_LOAD",
    "PT_NOTE",
    "PT_PHDR",
    "PT_TLS",
    "SHF_ALLOC",
    "SHF_EXECINSTR",
    "SHF_WRITE",
    "SHT_DYNSYM",
    "SHT_INIT_ARRAY",
    "SHT_NOBITS",
    "SHT_PREINIT_ARRAY",
    "SHT_RELA",
    "SHT_SYMTAB",
    "STB_GLOBAL",
    "STB_GNU_UNIQUE",
    "STB_WEAK",
    "STT_FUNC",
    "STT_GNU_IFUNC",
    "ElfImage",
    "Section",
    "Segment",
]

ET_EXEC, ET_DYN, ET_CORE = 2, 3, 4
EM_386, EM_ARM, EM_X86_64, EM_AARCH64, EM_RISCV = 3, 40, 62, 183, 243
PN_XNUM = 0xFFFF
"""e_phnum of a file with more program headers than fit there."""
PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE, PT_PHDR, PT_TLS = 1, 2, 3, 4, 6, 7
PT_GNU_EH_FRAME, PT_GNU_STACK, PT_GNU_RELRO = 0x6474E550, 0x6474E551, 0x6474E552
PF_X, PF_W, PF_R = 1, 2, 4
SHT_SYMTAB, SHT_NOBITS, SHT_DYNSYM, SHT_INIT_ARRAY, SHT_PREINIT_ARRAY = 2, 8, 11, 14, 16
SHT_RELA = 4
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR = 1, 2, 4
DT_NEEDED, DT_SONAME, DT_RPATH, DT_DEBUG, DT_TEXTREL, DT_RUNPATH = 1, 14, 15, 21, 22, 29
DT_STRTAB, DT_SYMTAB, DT_RELA, DT_RELASZ, DT_REL, DT_RELSZ = 5, 6, 7, 8, 17, 18
DT_PLTRELSZ, DT_JMPREL = 2, 23
DT_INIT, DT_INIT_ARRAY, DT_INIT_ARRAYSZ, DT_PREINIT_ARRAYSZ = 12, 25, 27, 33
DT_GNU_HASH = 0x6FFFFEF5
DT_FLAGS, DF_TEXTREL = 30, 4
DT_FLAGS_1, DF_1_PIE = 0x6FFFFFFB, 0x08000000
DT_VERDEF, DT_VERDEFNUM, DT_VERNEED, DT_VERNEEDNUM = 0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF
STB_GLOBAL, STB_WEAK, STB_GNU_UNIQUE = 1, 2, 10
STT_FUNC, STT_GNU_IFUNC = 2, 10
NT_PRSTATUS, NT_PRPSINFO, NT_AUXV, NT_FILE = 1, 3, 6, 0x46494C45
"""Notes of core files, whose owner is ``CORE`` (include/uapi/linux/elf.h)."""
NT_GNU_BUILD_ID = 3
"""The note of type 3 whose owner is ``GNU`` (binutils, --build-id)."""


class Segment(NamedTuple):
    """One program header."""

    type: int
    flags: int
    offset: int
    vaddr: int
    filesz: int
    memsz: int
    align: int


class Section(NamedTuple):
    """One section header; ``name`` is empty where the name table was not read."""

    name: str
    type: int
    flags: int
    addr: int
    offset: int
    size: int
    link: int
    entsize: int


class ElfImage(NamedTuple):
    """An ELF header with its program headers: all that the loader itself looks at.

    ``machine`` is the ``EM_`` number; ``phoff``/``shoff`` are file offsets of the two tables.
    """

    bits: int
    little_endian: bool
    type: int
    machine: int
    entry: int
    phoff: int
    shoff: int
    shentsize: int
    shnum: int
    shstrndx: int
    segments: tuple[Segment, ...]

    @property
    def loads(self) -> tuple[Segment, ...]:
        """The PT_LOAD segments that occupy memory, in file order."""
        return tuple(s for s in self.segments if s.type == PT_LOAD and s.memsz)

    def first(self, segment_type: int) -> Segment | None:
        """The first program header of a type, or None."""
        return next((s for s in self.segments if s.type == segment_type), None)

    @property
    def word_size(self) -> int:
        """Bytes of an address in this file."""
        return self.bits // 8
