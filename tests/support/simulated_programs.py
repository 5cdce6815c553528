"""Programs for the comparison with the real kernel, made by gcc -m32 or -m64 once for all tests.

Each is one way in which a real program's map differs from the plain one: where its segments end, how it
was linked, what it loads. They are built side by side in one folder, so that RUNPATHs can point there.
"""

import os
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

PAGE = 4096
PLAIN = "int main(void){return 0;}\n"
LONE = "int d[9]={1}; char b[6000]; int main(void){return 0;} void _start(void){main(); for(;;);}\n"
PT_LOAD, PT_GNU_STACK = 1, 0x6474E551


class Program(NamedTuple):
    """How one program is made: its source, gcc's options, and what is done to the file afterwards."""

    name: str
    options: tuple[str, ...] = ()
    source: str = PLAIN
    change: Callable[[bytes], bytes] | None = None
    env: tuple[bytes, ...] = ()


def without_gnu_stack(data: bytes) -> bytes:
    """Take the PT_GNU_STACK header away, as old toolchains never wrote it."""
    return _with_stack_header(data, kind=0)


def _headers(data: bytes) -> Iterator[tuple[int, int, int, int, int]]:
    """Of each program header: its place in the file, type, address, bytes in the file and in memory."""
    wide = data[4] == 2
    (phoff,) = struct.unpack_from("<Q" if wide else "<I", data, 32 if wide else 28)
    (count,) = struct.unpack_from("<H", data, 56 if wide else 44)
    for number in range(count):
        at = phoff + (56 if wide else 32) * number
        if wide:
            kind, _flags, _offset, vaddr, _paddr, filesz, memsz, _align = struct.unpack_from("<2I6Q", data, at)
        else:
            kind, _offset, vaddr, _paddr, filesz, memsz, _flags, _align = struct.unpack_from("<8I", data, at)
        yield at, kind, vaddr, filesz, memsz


def _with_stack_header(data: bytes, *, kind: int) -> bytes:
    changed = bytearray(data)
    for at, found, *_rest in _headers(data):
        if found == PT_GNU_STACK:
            struct.pack_into("<I", changed, at, kind)
    return bytes(changed)


def last_segment_end(path: Path, *, memory: bool) -> int:
    """Where the last PT_LOAD of a file ends, in memory or in the file."""
    loads = [header for header in _headers(path.read_bytes()) if header[1] == PT_LOAD]
    return max(vaddr + (memsz if memory else filesz) for _at, _kind, vaddr, filesz, memsz in loads)


LIBRARIES: tuple[tuple[str, tuple[str, ...], str, Callable[[bytes], bytes] | None], ...] = (
    *(
        (
            f"libf{n}.so",
            (),
            f"int f{n}(void){{return {n};}} int d{n}[{n * 90}]={{1}}; int b{n}[{n * 700}]; __thread int t{n}=3;",
            None,
        )
        for n in range(1, 9)
    ),
    ("libalign.so", ("-Wl,-z,max-page-size=0x10000",), "int al(void){return 1;} int ald[3]={1}; int alb[9000];", None),
    ("libalign2m.so", ("-Wl,-z,max-page-size=0x200000",), "int am(void){return 1;} int amd[3]={1};", None),
    ("libnorelro.so", ("-Wl,-z,norelro",), "int nr(void){return 1;} int nrd[3]={1}; int nrb[3000];", None),
    ("libnow.so", ("-Wl,-z,now",), '#include <stdio.h>\nint nw(void){return puts("");} void*nwd[2000]={puts};', None),
    ("libnocode.so", ("-Wl,-z,noseparate-code",), "int nc(void){return 1;} int ncd[3]={1};", None),
    ("libexecstack.so", ("-Wl,-z,execstack",), "int es(void){return 1;}", None),
    ("libnostack.so", (), "int ns(void){return 1;}", without_gnu_stack),
    ("libbigbss.so", (), "int bb(void){return 1;} char bbb[5000000];", None),
    (
        "libtls.so",
        (),
        "__thread char tl[7777]={1}; __thread long long ta __attribute__((aligned(512)));"
        "int tf(void){return tl[3]+ta;}",
        None,
    ),
    ("libbased.so", ("-Wl,-Ttext-segment=0x20000000",), "int ba(void){return 1;} int bad[3]={1};", None),
    (
        "libtextrel.so",
        ("-fno-pic", "-Wl,-z,notext", "-Wl,-w"),
        'extern int puts(const char*);int trd=5; int tr(void){return trd+puts("");}',
        None,
    ),
    ("libversions.so", ("-Wl,--version-script=versions.map",), "int ve(void){return 1;}", None),
    (
        "libdeep.so",
        ("-L.", "-Wl,--no-as-needed", "-lf1", "-lm", "-Wl,-rpath,$ORIGIN", "-Wl,--enable-new-dtags"),
        "int de(void){return 1;}",
        None,
    ),
    ("libsoname-file.so", ("-Wl,-soname,libsoname.so.1",), "int so(void){return 1;}", None),
)


def _needs(*names: str) -> tuple[str, ...]:
    libraries = tuple(f"-l:{name}" for name in names)
    return ("-L.", "-Wl,--no-as-needed", *libraries, "-Wl,--as-needed", "-Wl,--allow-shlib-undefined")


ORIGIN = ("-Wl,-rpath,$ORIGIN", "-Wl,--enable-new-dtags")
F8 = tuple(f"libf{n}.so" for n in range(1, 9))
TLS_SOURCE = (
    "__thread char t[5000]={1}; __thread long long al __attribute__((aligned(256)));\nint main(void){return t[3]+al;}\n"
)

PROGRAMS: tuple[Program, ...] = (
    Program("pie"),
    Program("nopie", ("-no-pie",)),
    Program("static", ("-static",)),
    Program("staticpie", ("-static-pie",)),
    Program("stripped-pie", ("-Wl,--build-id=none", "-Wl,--hash-style=sysv")),
    Program("bss1", (), "char b; int main(void){return b;}"),
    Program("bss300m", (), "char b[300<<20]; int main(void){return b[5];}"),
    Program("bss300m-nopie", ("-no-pie",), "char b[300<<20]; int main(void){return b[5];}"),
    Program("static-bss", ("-static",), "char b[30<<20]; int main(void){return b[5];}"),
    Program("data", (), "int d[5000]={1}; int main(void){return d[5];}"),
    Program("nobss", ("-nostartfiles",), "void _start(void){for(;;);} int main(void){return 0;}"),
    Program("tls", (), TLS_SOURCE),
    Program("tls-static", ("-static",), TLS_SOURCE),
    Program("tls-staticpie", ("-static-pie",), TLS_SOURCE),
    Program("runpath8", (*_needs(*F8), *ORIGIN)),
    Program("runpath8-nopie", ("-no-pie", *_needs(*F8), *ORIGIN)),
    Program("rpath", (*_needs("libf1.so", "libf2.so"), "-Wl,-rpath,$ORIGIN:/nonexistent", "-Wl,--disable-new-dtags")),
    Program("rpath-slash", (*_needs("libf3.so"), "-Wl,-rpath,/usr/lib/:$ORIGIN/", "-Wl,--disable-new-dtags")),
    Program("libpath", _needs("libf1.so", "libf5.so"), env=(b"LD_LIBRARY_PATH=@:/nonexistent:",)),
    Program("preload", (), env=(b"LD_PRELOAD=@/libf4.so libm.so.6",)),
    Program("preload-alias", _needs("libsoname.so.1"), env=(b"LD_PRELOAD=@/libsoname-file.so", b"LD_LIBRARY_PATH=@")),
    Program("many30", (*_needs(*(f"libmany{n}.so" for n in range(30))), *ORIGIN)),
    Program("many23", (*_needs(*(f"libmany{n}.so" for n in range(23))), *ORIGIN)),
    Program(
        "many12-rpath",
        (*_needs(*(f"libmany{n}.so" for n in range(12))), "-Wl,-rpath,$ORIGIN/../@", "-Wl,--disable-new-dtags"),
    ),
    Program("deep", (*_needs("libdeep.so", "libf2.so"), *ORIGIN)),
    Program("libs-system", ("-Wl,--no-as-needed", "-lm", "-lpthread", "-ldl", "-lresolv", "-l:libgcc_s.so.1")),
    Program("lib-align", (*_needs("libalign.so", "libf1.so", "libalign2m.so"), *ORIGIN)),
    Program("lib-norelro", (*_needs("libnorelro.so", "libnow.so", "libnocode.so"), *ORIGIN)),
    Program("lib-bss-tls", (*_needs("libbigbss.so", "libtls.so"), *ORIGIN)),
    Program("lib-execstack", (*_needs("libexecstack.so", "libf1.so"), *ORIGIN)),
    Program("lib-nostack", (*_needs("libnostack.so"), *ORIGIN)),
    Program("lib-based", ("-no-pie", *_needs("libbased.so"), *ORIGIN)),
    Program("lib-based-pie", (*_needs("libbased.so", "libversions.so"), *ORIGIN)),
    Program("lib-textrel", (*_needs("libtextrel.so"), *ORIGIN)),
    Program("norelro", ("-Wl,-z,norelro",)),
    Program("now", ("-Wl,-z,now",), '#include <stdio.h>\nint main(void){return puts("");}'),
    Program("execstack", ("-Wl,-z,execstack",)),
    Program("nostack", (), change=without_gnu_stack),
    Program("nostack-static", ("-static",), change=without_gnu_stack),
    Program("omagic", ("-Wl,-N", "-nostdlib", "-static"), LONE),
    Program("nmagic", ("-Wl,-n", "-nostdlib", "-static"), LONE),
    Program("lone-pie", ("-nostdlib", *_needs("libf1.so"), *ORIGIN), LONE),
    Program("align64k", ("-Wl,-z,max-page-size=0x10000",)),
    Program("align2m", ("-Wl,-z,max-page-size=0x200000",)),
    Program("align2m-static-pie", ("-static-pie", "-Wl,-z,max-page-size=0x200000")),
    Program("nocode", ("-Wl,-z,noseparate-code",)),
    Program("high", ("-no-pie", "-Wl,-Ttext-segment=0x30000000")),
    Program("textrel", ("-pie", "-fno-pic", "-Wl,-z,notext", "-Wl,-w"), "int d=4;\nint main(void){return d;}"),
)


ONLY_32 = frozenset({"libtextrel.so", "lib-textrel", "textrel"})
"""The linker of x86-64 makes no relocations in text."""
_BIG = "const char big[3 << 20] = {1}; "
LIBRARIES_64: tuple[tuple[str, tuple[str, ...], str, Callable[[bytes], bytes] | None], ...] = (
    ("libbig.so", (), _BIG + "int bg(void){return big[5];}", None),
    ("libbig2.so", ("-Wl,-z,max-page-size=0x200000",), _BIG.replace("3 <<", "5 <<") + "int bh(void){return 1;}", None),
    ("libalign256m.so", ("-Wl,-z,max-page-size=0x10000000",), "int ag(void){return 1;} int agd[3]={1};", None),
    *(
        (f"lib{linker}.so", (f"-fuse-ld={linker}",), f"int {linker}(void){{return 1;}} int {linker}b[9000];", None)
        for linker in ("gold", "lld", "mold")
    ),
)
"""Large ones, which are aligned to huge pages, and those of other linkers."""
_KINDS = (("pie", ()), ("nopie", ("-no-pie",)), ("static", ("-static",)), ("static-pie", ("-static-pie",)))
PROGRAMS_64: tuple[Program, ...] = (
    *(
        Program(f"{linker}-{kind}", (f"-fuse-ld={linker}", *options))
        for linker in ("gold", "lld", "mold")
        for kind, options in _KINDS
        if (linker, kind) != ("gold", "static-pie")  # it knows none
    ),
    Program("big", (), _BIG + "int main(void){return big[9];}"),
    Program("big-static-pie", ("-static-pie",), _BIG + "int main(void){return big[9];}"),
    Program("bss3m-static-pie", ("-static-pie",), "char b[3<<20]; int main(void){return b[5];}"),
    Program("align256m", ("-Wl,-z,max-page-size=0x10000000",)),
    Program("elsewhere", ("-pie", "-Wl,-Ttext-segment=0x200000")),
    Program("lib-big", (*_needs("libbig.so", "libf1.so", "libbig2.so"), *ORIGIN)),
    Program("lib-align256m", (*_needs("libalign256m.so", "libf2.so"), *ORIGIN)),
    Program("lib-linkers", (*_needs("libgold.so", "liblld.so", "libmold.so"), *ORIGIN)),
    Program("lib-cxx", ("-Wl,--no-as-needed", "-l:libstdc++.so.6")),
)


def linkers_there(options: tuple[str, ...]) -> bool:
    """Whether the linkers that options name are installed."""
    wanted = [option.partition("=")[2] for option in options if option.startswith("-fuse-ld=")]
    return all(shutil.which(f"ld.{name}") for name in wanted)


def programs(bits: int) -> list[Program]:
    """The programs of a word size that can be made here."""
    if bits == 32:
        return list(PROGRAMS)
    known = [program for program in (*PROGRAMS, *PROGRAMS_64) if program.name not in ONLY_32]
    made = {library[0] for library in LIBRARIES_64 if linkers_there(library[1])}
    wanted = {
        program.name: {o.removeprefix("-l:") for o in program.options if o.startswith("-l:lib")} for program in known
    }
    missing = {library[0] for library in LIBRARIES_64} - made
    return [one for one in known if linkers_there(one.options) and not wanted[one.name] & missing]


def build(folder: Path, bits: int = 32) -> None:
    """Compile everything into a folder."""
    libraries = [*LIBRARIES, *(LIBRARIES_64 if bits == 64 else ())]
    libraries = [one for one in libraries if (bits == 32 or one[0] not in ONLY_32) and linkers_there(one[1])]
    (folder / "versions.map").write_text("V1 { global: ve; };\nV2 { } V1;\nV3 { } V2;\nV4 { } V3;\n")
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        _many(folder, bits)
        plain = [entry for entry in libraries if entry[0] != "libdeep.so"]
        list(pool.map(lambda entry: _library(folder, bits, *entry), plain))
        (folder / "libsoname.so.1").symlink_to("libsoname-file.so")
        _library(folder, bits, *next(entry for entry in libraries if entry[0] == "libdeep.so"))
        list(pool.map(lambda program: make(folder, program, bits), programs(bits)))
        list(pool.map(lambda ending: _ends_at_page(folder, bits, *ending), ENDINGS))


def _many(folder: Path, bits: int) -> None:
    """Thirty libraries from one object: what matters is only that there are many."""
    source = "int many(void){return 1;} int manyd[3]={1};"
    compiled(folder, Program("many.o", ("-c", "-fPIC"), source), bits)
    for number in range(30):
        link = [
            "ld",
            "-m",
            "elf_i386" if bits == 32 else "elf_x86_64",
            "-shared",
            "-o",
            f"libmany{number}.so",
            "many.o",
        ]
        subprocess.run(link, cwd=folder, check=True, timeout=60)


def _library(
    folder: Path, bits: int, name: str, options: tuple[str, ...], source: str, change: Callable[[bytes], bytes] | None
) -> None:
    compiled(folder, Program(name, ("-shared", "-fPIC", *options), source, change), bits)


def make(folder: Path, program: Program, bits: int = 32) -> Path:
    """Compile one program."""
    options = tuple(option.replace("@", folder.name) for option in program.options)
    return compiled(folder, program._replace(options=options), bits)


def compiled(folder: Path, program: Program, bits: int = 32) -> Path:
    """Run gcc -m32 or -m64 and change the file as asked."""
    source = folder / f"{program.name}.c"
    source.write_text(program.source)
    out = folder / program.name
    # options that name libraries must follow the source
    subprocess.run(
        ["gcc", f"-m{bits}", "-w", "-o", out.name, source.name, *program.options], cwd=folder, check=True, timeout=60
    )
    if program.change is not None:
        out.write_bytes(program.change(out.read_bytes()))
    return out


ENDINGS: tuple[tuple[str, tuple[str, ...], bool, int], ...] = (
    ("bss-at-end", (), True, 0),
    ("bss-at-end-nopie", ("-no-pie",), True, 0),
    ("bss-over-end", ("-no-pie",), True, 1),
    ("data-at-end", ("-no-pie",), False, 0),
    ("data-at-end-pie", (), False, 0),
    ("data-over-end", ("-no-pie",), False, 16),
    ("static-bss-at-end", ("-static",), True, 0),
)
"""Name, options, whether the BSS (or else the data) shall end there, bytes beyond the page's end."""


def _ends_at_page(folder: Path, bits: int, name: str, options: tuple[str, ...], memory: bool, beyond: int) -> None:
    """Find the array size with which a segment ends just where it shall, by compiling and looking."""
    size = 16
    for _attempt in range(4):
        array = f"char pad[{size}]" + ("" if memory else "={1}") + ";"
        program = Program(name, options, f"{array}\nint main(void){{return pad[1];}}\n")
        end = last_segment_end(compiled(folder, program, bits), memory=memory)
        missing = (beyond - end) % PAGE
        if not missing:
            return
        size += missing


def environment(program: Program, folder: Path) -> tuple[bytes, ...]:
    """The variables that a program needs to find its libraries."""
    return tuple(text.replace(b"@", os.fsencode(folder)) for text in program.env)
