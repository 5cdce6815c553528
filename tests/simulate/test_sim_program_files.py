"""Libraries are found in the dynamic linker's own order, and its cache is read as ldconfig wrote it."""

import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from procmem.errors import BadInput
from procmem.model.elf import EM_386, EM_X86_64
from procmem.model.program_files import (
    LdCacheEntry,
    Lookup,
    OpenedFile,
    ProcessorNames,
    ProgramFiles,
    ProgramObject,
    SearchList,
)
from procmem.parse.ld_cache import parse_ld_cache
from procmem.parse.processor_names import processor_names
from procmem.simulate.libc.loader import combined_text
from procmem.sources.library_dirs import Tokens, library_list
from procmem.sources.program_files import Parsers, find_program
from tests.simulate.test_sim_layout import LINKER, image
from tests.support.simulated_elf_bytes import Load

IMAGE = image([Load(0, 0x1000, 0x1000, 5, offset=0)], pie=True)


def _cache(entries: list[tuple[bytes, bytes, int, int]]) -> bytes:
    strings, rows = b"", []
    base = 48 + 24 * len(entries)
    for name, path, flags, hwcap in entries:
        rows.append(struct.pack("<iIIIQ", flags, base + len(strings), base + len(strings) + len(name) + 1, 0, hwcap))
        strings += name + b"\0" + path + b"\0"
    head = b"glibc-ld.so.cache1.1" + struct.pack("<IIB3xI12x", len(entries), len(strings), 2, 0)
    return head + b"".join(rows) + strings


def test_the_cache_is_read_and_nonsense_gives_nothing() -> None:
    """Names, paths, flags and hwcap; a cut or foreign file has no entries, or fewer."""
    entries = [(b"liba.so", b"/lib32/liba.so", 3, 0), (b"liba.so", b"/lib/liba.so", 0x303, 0)]
    data = _cache(entries)
    assert parse_ld_cache(data) == tuple(LdCacheEntry(*entry) for entry in entries)
    assert parse_ld_cache(b"ld.so-1.7.0" + bytes(53) + data)[0].name == b"liba.so"
    assert parse_ld_cache(b"") == ()
    assert parse_ld_cache(b"something else" * 9) == ()
    for cut in range(len(data)):
        parse_ld_cache(data[:cut])
    assert parse_ld_cache(data[:20] + b"\xff" * 4 + data[24:])


def test_the_cache_tells_the_level_of_a_processor(tmp_path: Path) -> None:
    """As ldconfig writes it for libraries below glibc-hwcaps, and as it reads it back itself."""
    ldconfig = shutil.which("ldconfig", path="/sbin:/usr/sbin")
    libc = Path("/lib/x86_64-linux-gnu/libz.so.1")
    if ldconfig is None or not libc.exists():
        pytest.skip("needs ldconfig and a library")
    places = ["", "glibc-hwcaps/x86-64-v2", "glibc-hwcaps/x86-64-v3"]
    for place in places:
        (tmp_path / "lib" / place).mkdir(parents=True, exist_ok=True)
        shutil.copy(libc.resolve(), tmp_path / "lib" / place / "libz.so.1")
    (tmp_path / "conf").write_text(f"{tmp_path}/lib\n")
    command = [ldconfig, "-X", "-C", "cache", "-f", "conf"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=60)
    data = (tmp_path / "cache").read_bytes()
    own = [entry for entry in parse_ld_cache(data) if entry.path.startswith(os.fsencode(tmp_path))]
    assert {(os.fsdecode(entry.path), entry.level, entry.hwcap) for entry in own} == {
        (os.path.join(tmp_path, "lib", place, "libz.so.1"), os.path.basename(place).encode(), 0) for place in places
    }
    for cut in range(0, len(data), 997):
        parse_ld_cache(data[:cut])


def test_lists_are_broken_up_as_the_linker_does() -> None:
    """$ORIGIN is put in, slashes at the end are made one, an empty part is the current folder."""
    found = library_list(b"$ORIGIN/x:/usr/lib//::${ORIGIN}:$LIB", Tokens(b"/opt", b"lib32"))
    assert [place.path for place in found.dirs] == [b"/opt/x/", b"/usr/lib/", b"", b"/opt/", b"lib32/"]


class Folder:
    """Empty files that pretend to be objects, told apart by their path."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.objects: dict[bytes, ProgramObject] = {}

    def add(
        self,
        name: str,
        *needed: str,
        soname: str | None = None,
        rpath: str | None = None,
        runpath: str | None = None,
        interpreter: str | None = None,
    ) -> bytes:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
        key = os.path.realpath(os.fsencode(path))
        self.objects[key] = ProgramObject(
            b"",
            key,
            LINKER if name.startswith("ld") else IMAGE,
            identity=(1, path.stat().st_ino),
            interpreter=os.fsencode(self.root / interpreter) if interpreter else None,
            needed_names=tuple(os.fsencode(one) for one in needed),
            soname=os.fsencode(soname) if soname else None,
            rpath=SearchList(os.fsencode(rpath), ()) if rpath is not None else None,
            runpath=SearchList(os.fsencode(runpath), ()) if runpath is not None else None,
            system_dirs=(os.fsencode(self.root / "system") + b"/",) if name.startswith("ld") else (),
        )
        return key

    def describe(self, opened: OpenedFile) -> ProgramObject | None:
        found = self.objects.get(opened.real)
        return found._replace(opened=opened.opened) if found is not None else None

    def find(self, path: bytes, *env: str) -> ProgramFiles:
        return find_program(
            path, tuple(os.fsencode(text) for text in env), Parsers(self.describe, parse_ld_cache, processor_names)
        )


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.add("ld.so", soname="ld.so")
    return made


def _loaded(files: ProgramFiles, root: Path) -> list[str]:
    return [os.path.relpath(os.fsdecode(library.real), root) for library in files.libraries]


def test_libraries_are_loaded_breadth_first_and_once(folder: Folder) -> None:
    """Those of the program in order, then theirs; the linker itself is there already."""
    for name, needed in (("a", ["c.so", "ld.so"]), ("b", ["c.so", "d.so"]), ("c", []), ("d", ["a.so"])):
        folder.add(f"system/{name}.so", *needed)
    files = folder.find(folder.add("main", "a.so", "b.so", interpreter="ld.so"))
    assert _loaded(files, folder.root) == ["system/a.so", "system/b.so", "system/c.so", "system/d.so"]
    assert [needed.lookup for needed in files.libraries[0].needed] == [Lookup.DEFAULT, Lookup.ALREADY]
    assert files.libraries[1].needed[0].library is None
    assert files.missing is None


def test_rpath_comes_before_the_environment_and_runpath_after_it(folder: Folder) -> None:
    """RPATH, LD_LIBRARY_PATH, RUNPATH, built-in directories; a RUNPATH makes an RPATH void."""
    for place in ("one", "two", "system"):
        folder.add(f"{place}/lib.so")
    env = f"LD_LIBRARY_PATH={folder.root}/two"
    for options, variables, found in (
        ({"rpath": "$ORIGIN/one"}, [env], "one/lib.so"),
        ({"runpath": "$ORIGIN/one"}, [env], "two/lib.so"),
        ({"runpath": "$ORIGIN/one"}, [], "one/lib.so"),
        ({"runpath": "$ORIGIN/none", "rpath": "$ORIGIN/one"}, [], "system/lib.so"),
        ({}, [env], "two/lib.so"),
        ({}, [], "system/lib.so"),
    ):
        files = folder.find(folder.add("main", "lib.so", interpreter="ld.so", **options), *variables)
        assert _loaded(files, folder.root) == [found], options


def test_an_rpath_is_inherited_and_a_runpath_is_not(folder: Folder) -> None:
    """A library's own needs are looked for in the RPATH of the program too."""
    folder.add("one/a.so", "b.so")
    folder.add("one/b.so")
    inherited = folder.find(folder.add("main", "a.so", interpreter="ld.so", rpath="$ORIGIN/one"))
    assert _loaded(inherited, folder.root) == ["one/a.so", "one/b.so"]
    alone = folder.find(folder.add("main", "a.so", interpreter="ld.so", runpath="$ORIGIN/one"))
    assert alone.missing == b"b.so"


def test_an_object_known_by_another_name_is_not_loaded_again(folder: Folder) -> None:
    """By its SONAME, or by being the same file; the linker then notes a further name."""
    folder.add("system/real.so", soname="lib.so.1")
    (folder.root / "system/link.so").symlink_to("real.so")
    files = folder.find(folder.add("main", "real.so", "lib.so.1", "link.so", interpreter="ld.so"))
    assert _loaded(files, folder.root) == ["system/real.so"]
    assert [needed.alias for needed in files.program.needed] == [False, True, True]


def test_preloads_come_first_and_a_missing_one_does_no_harm(folder: Folder) -> None:
    """LD_PRELOAD is loaded before what the program needs."""
    folder.add("system/a.so")
    extra = os.fsdecode(folder.add("extra.so"))
    path = folder.add("main", "a.so", interpreter="ld.so")
    files = folder.find(path, f"LD_PRELOAD={extra} gone.so")
    assert _loaded(files, folder.root) == ["extra.so", "system/a.so"]
    assert files.missing is None


_V3 = b"cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3 avx avx2 bmi1 bmi2 f16c fma abm movbe"
_AVX512 = b"avx512f avx512bw avx512cd avx512dq avx512vl"


@pytest.mark.parametrize(
    ("vendor", "flags", "levels", "platform", "capabilities"),
    [
        (b"GenuineIntel", b"%s %s" % (_V3, _AVX512), 3, b"haswell", (b"x86_64", b"avx512_1")),
        (b"AuthenticAMD", b"%s %s" % (_V3, _AVX512), 3, b"x86_64", (b"x86_64",)),
        (b"GenuineIntel", _V3, 2, b"haswell", (b"x86_64",)),
        (b"GenuineIntel", b"%s avx512f avx512cd avx512er avx512pf" % _V3, 2, b"xeon_phi", (b"x86_64",)),
        (b"GenuineIntel", _V3.replace(b" avx2", b""), 1, b"x86_64", (b"x86_64",)),
        (b"", b"", 0, b"x86_64", (b"x86_64",)),
    ],
)
def test_the_linker_has_names_for_a_processor(
    vendor: bytes, flags: bytes, levels: int, platform: bytes, capabilities: tuple[bytes, ...]
) -> None:
    """Levels for all makers; haswell, xeon_phi and avx512_1 for Intel's only; i386 has the same names everywhere."""
    text = b"processor\t: 0\nvendor_id\t: %s\nflags\t\t: fpu %s\nbugs\t\t:\n" % (vendor, flags)
    names = processor_names(text, EM_X86_64)
    assert (len(names.levels), names.platform, names.capabilities) == (levels, platform, capabilities)
    assert processor_names(text, EM_386) == ProcessorNames((), b"i686", (b"sse2",))


def test_a_library_for_the_processor_comes_before_the_one_for_all(folder: Folder) -> None:
    """Of the combinations of its names the largest is tried first, then fewer of them, at last none."""
    names = ProcessorNames((), b"haswell", (b"x86_64", b"avx512_1"))
    tried = ["tls/haswell/avx512_1/x86_64", "tls/haswell", "tls/avx512_1/x86_64", "haswell/avx512_1", "haswell", ""]
    for place in tried:
        folder.add(f"system/{place}/lib.so")
    main = folder.add("main", "lib.so", interpreter="ld.so")
    parsers = Parsers(folder.describe, parse_ld_cache, lambda _text, _machine: names)
    for place in tried:
        files = find_program(main, (), parsers)
        assert _loaded(files, folder.root) == [os.path.join("system", place, "lib.so")]
        (folder.root / "system" / place / "lib.so").unlink()


@pytest.mark.parametrize(
    ("names", "size"),
    [
        ((b"sse2", b"i686", b"tls"), 23),
        ((b"x86_64", b"x86_64", b"tls"), 29),
        ((b"x86_64", b"haswell", b"tls"), 30),
        ((b"x86_64", b"avx512_1", b"haswell", b"tls"), 78),
        ((), 0),
    ],
)
def test_the_text_of_all_combinations(names: tuple[bytes, ...], size: int) -> None:
    """The bytes that glibc 2.36 asks for: 23 and 29 counted in programs, the others by its formula."""
    assert combined_text(names) == size


def test_a_program_that_is_none_is_refused(folder: Folder) -> None:
    """No such file, another kind of file, an interpreter that is not there."""
    with pytest.raises(BadInput):
        folder.find(b"/no/such/file")
    with pytest.raises(BadInput):
        folder.find(os.fsencode(folder.root))
    with pytest.raises(BadInput, match="interpreter"):
        folder.find(folder.add("main", interpreter="ld-gone.so"))


def test_a_library_without_segments_is_none(folder: Folder) -> None:
    """Nothing of it could be mapped: it is passed over as the linker does with what is no library."""
    folder.add("lib/libempty.so")
    key = os.path.realpath(os.fsencode(folder.root / "lib/libempty.so"))
    folder.objects[key] = folder.objects[key]._replace(image=IMAGE._replace(segments=()))
    program = folder.add("program", "libempty.so", rpath=str(folder.root / "lib"), interpreter="ld.so")
    files = folder.find(program)
    assert (files.libraries, files.missing) == ((), b"libempty.so")
