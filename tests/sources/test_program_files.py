"""The files that a dynamic linker would load: where it looks, in which order, and what it remembers."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from procmem.errors import BadInput
from procmem.model.elf import EM_386, ET_DYN, PT_LOAD, ElfImage, Segment
from procmem.model.note import note
from procmem.model.program_files import (
    LdCacheEntry,
    Lookup,
    Needed,
    OpenedFile,
    ProcessorNames,
    ProgramFiles,
    ProgramObject,
    SearchDir,
)
from procmem.sources import program_files
from procmem.sources.library_dirs import Tokens, library_list
from procmem.sources.object_file import open_file
from procmem.sources.program_files import Parsers, _LibraryWalk, _origin_of, _version

TOKENS = Tokens(b"/opt/app", b"lib32")
LOADS = (Segment(PT_LOAD, 5, 0, 0, 1, 1, 4096),)


@pytest.mark.parametrize(
    ("text", "dirs"),
    [
        (b"/a:/b/", [(b"/a", b"/a/"), (b"/b/", b"/b/")]),
        (b"", [(b"", b"")]),
        (b"/a::/b", [(b"/a", b"/a/"), (b"", b""), (b"/b", b"/b/")]),
        (b"/", [(b"/", b"/")]),
        (b"//", [(b"//", b"/")]),
        (b"/a//", [(b"/a//", b"/a/")]),
        (b"$ORIGIN/x", [(b"$ORIGIN/x", b"/opt/app/x/")]),
        (b"${ORIGIN}/../$LIB", [(b"${ORIGIN}/../$LIB", b"/opt/app/../lib32/")]),
        (b"/$PLATFORM/${LIB}", [(b"/$PLATFORM/${LIB}", b"/i686/lib32/")]),
        (b"rel", [(b"rel", b"rel/")]),
        (b"/a;/b", [(b"/a;/b", b"/a;/b/")]),
    ],
)
def test_a_list_of_directories(text: bytes, dirs: list[tuple[bytes, bytes]]) -> None:
    """Each as it stands, and as it is looked into; an empty one is the current folder."""
    found = library_list(text, TOKENS)
    assert (found.text, list(found.dirs)) == (text, [SearchDir(*one) for one in dirs])


def test_a_list_with_other_marks() -> None:
    """LD_LIBRARY_PATH may be cut by semicolons too."""
    found = library_list(b"/a;/b:/c", TOKENS, marks=b":;")
    assert [one.path for one in found.dirs] == [b"/a/", b"/b/", b"/c/"]


def test_a_word_that_has_become_nothing() -> None:
    """Is no folder."""
    [one] = library_list(b"$LIB", Tokens(b"/", b"")).dirs
    assert one == SearchDir(b"$LIB", b"")


@pytest.mark.parametrize(
    ("mode", "changes"), [(0o755, False), (0o4755, True), (0o2755, True), (0o2745, False), (0o1755, False)]
)
def test_a_file_that_is_opened(tmp_path: Path, mode: int, changes: bool) -> None:
    """By which path, which it really is, and whether exec changes the user or group for it."""
    file, link = tmp_path / "a\nb", tmp_path / "link"
    file.write_bytes(b"hello")
    file.chmod(mode)
    link.symlink_to(file)
    found = open_file(os.fsencode(link))
    assert found is not None
    status = file.stat()
    real = os.fsencode(tmp_path.resolve()) + b"/a\\012b"
    assert found[:4] == (os.fsencode(link), real, 5, (status.st_dev, status.st_ino))
    assert found.changes_ids is changes
    assert found.is_secure is False
    assert found.reader.read_at(1, 3) == b"ell"


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    """A folder, nothing, a name with a zero byte."""
    for path in (os.fsencode(tmp_path), os.fsencode(tmp_path / "none"), b"/a\0b"):
        assert open_file(path) is None


def test_the_folder_of_an_object() -> None:
    """As it was spelt, made absolute."""
    assert _origin_of(b"/a/b") == b"/a"
    assert _origin_of(b"/a") == b"/"
    assert _origin_of(b"x/y") == os.getcwdb() + b"/x"


def test_versions_are_numbers() -> None:
    """2.4 is older than 2.37; where none is told, it is older than any."""
    assert _version("2.4") < _version("2.37") == (2, 37)
    assert _version(None) == _version("") == ()


class Machine:
    """Folders with objects in them, and what the linker's cache says."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = os.fsencode(folder.resolve())
        self.objects: dict[bytes, dict[str, object]] = {}
        self.cached: tuple[LdCacheEntry, ...] = ()
        self.processor = ProcessorNames()
        monkeypatch.setattr(program_files, "LD_CACHE", self.at(b"ld.so.cache"))
        monkeypatch.setattr(program_files, "LD_PRELOAD", self.at(b"ld.so.preload"))
        self.add(b"lib/ld-linux.so.2", soname=b"ld-linux.so.2", glibc_version="2.37", system_dirs=(self.at(b"lib/"),))

    def at(self, path: bytes) -> bytes:
        """Below the folder."""
        return self.folder + b"/" + path

    def add(self, path: bytes, *needed: bytes, loads: object = True, **fields: object) -> None:
        """An object in a file."""
        whole = self.at(path)
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        Path(os.fsdecode(whole)).write_bytes(b"\x7fELF")
        image = ElfImage(32, True, ET_DYN, 3, 0, 52, 0, 0, 0, 0, LOADS if loads else ())
        self.objects[whole] = {"image": image, "needed_names": needed, **fields}

    def describe(self, opened: OpenedFile) -> ProgramObject | None:
        """What the object of a file is."""
        fields = self.objects.get(opened.real)
        if fields is None:
            return None
        return ProgramObject(opened=opened.opened, real=opened.real, identity=opened.identity, **fields)  # type: ignore[arg-type]

    def cache(self, *entries: LdCacheEntry) -> None:
        """Write a cache."""
        self.cached = entries
        Path(os.fsdecode(self.at(b"ld.so.cache"))).write_bytes(bytes(1234))

    def find(self, *needed: bytes, env: Mapping[bytes, bytes] | None = None, **fields: object) -> ProgramFiles:
        """The files of a program that needs these."""
        fields.setdefault("interpreter", self.at(b"lib/ld-linux.so.2"))
        self.add(b"bin/program", *needed, **fields)
        parsers = Parsers(self.describe, lambda _data: self.cached, lambda _cpuinfo, _machine: self.processor)
        walk = _LibraryWalk(parsers, EM_386, env or {})
        program = walk.open_object(self.at(b"bin/program"))
        assert program is not None
        return walk.find(program)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """An empty one, but for the linker."""
    return Machine(tmp_path, monkeypatch)


def names(found: ProgramFiles) -> list[bytes]:
    """The libraries in the order in which they are loaded."""
    return [library.real.rpartition(b"/")[2] for library in found.libraries]


def test_libraries_are_loaded_breadth_first(machine: Machine) -> None:
    """Each once, with who asked for it; the linker is there already, and so is the kernel's object."""
    machine.add(b"lib/a.so", b"c.so", b"b.so")
    machine.add(b"lib/b.so", b"d.so")
    machine.add(b"lib/c.so", b"a.so", b"ld-linux.so.2")
    machine.add(b"lib/d.so", b"linux-gate.so.1")
    found = machine.find(b"a.so", b"b.so")
    assert names(found) == [b"a.so", b"b.so", b"c.so", b"d.so"]
    assert [needed.library for needed in found.program.needed] == [0, 1]
    assert [[needed.lookup for needed in library.needed] for library in found.libraries] == [
        [Lookup.DEFAULT, Lookup.ALREADY],
        [Lookup.DEFAULT],
        [Lookup.ALREADY, Lookup.ALREADY],
        [Lookup.ALREADY],
    ]
    assert found.program.needed[0] == Needed(b"a.so", Lookup.DEFAULT, 0, machine.at(b"lib/a.so"), (), True)
    assert (found.missing, found.preload, found.library_path, found.cache_size) == (None, (), None, 0)
    assert found.system_dirs == (machine.at(b"lib/"),)


def test_what_is_missing_is_told_once(machine: Machine) -> None:
    """The first of them; an object without a segment, or of another machine, is none."""
    machine.add(b"lib/empty.so", loads=False)
    machine.add(b"lib/other.so")
    del machine.objects[machine.at(b"lib/other.so")]
    found = machine.find(b"empty.so", b"none.so", b"other.so", machine.at(b"nowhere/x.so"))
    assert names(found) == []
    assert {needed.lookup for needed in found.program.needed} == {Lookup.MISSING}
    assert found.missing == b"empty.so"
    assert found.program.needed[1] == Needed(b"none.so", Lookup.MISSING, cache_used=True)
    assert found.program.needed[3] == Needed(machine.at(b"nowhere/x.so"), Lookup.MISSING)


def test_an_interpreter_that_is_not_there(machine: Machine) -> None:
    """Is refused with its path."""
    with pytest.raises(BadInput):
        machine.find(interpreter=machine.at(b"lib/none"))


def test_a_static_program_loads_nothing(machine: Machine) -> None:
    """And tells its C library's version itself."""
    found = machine.find(b"a.so", interpreter=None, glibc_version="2.5", env={b"LD_PRELOAD": b"x.so"})
    assert (found.libraries, found.program.needed, found.preload) == ((), (), ())
    assert (found.interpreter, found.libc_version, found.system_dirs) == (None, "2.5", ())


def test_whose_version_counts(machine: Machine) -> None:
    """The C library's word, else the linker's."""
    assert machine.find().libc_version == "2.37"
    machine.add(b"lib/libc.so.6", soname=b"libc.so.6", glibc_version="2.36")
    assert machine.find(b"libc.so.6").libc_version == "2.36"


def test_the_order_of_the_places(machine: Machine) -> None:
    """RPATH, LD_LIBRARY_PATH, RUNPATH, cache, built-in folders; a RUNPATH makes RPATHs void."""
    places = (b"rpath", b"env", b"runpath", b"cached", b"lib")
    for folder in places:
        machine.add(folder + b"/a.so")
    machine.cache(LdCacheEntry(name=b"a.so", path=machine.at(b"cached/a.so"), flags=3, hwcap=0))
    env = {b"LD_LIBRARY_PATH": machine.at(b"env")}

    def lists(*which: str) -> dict[str, object]:
        return {name: library_list(machine.at(name.encode()), TOKENS) for name in which}

    def place(**how: object) -> tuple[bytes, Lookup]:
        found = machine.find(b"a.so", **how)  # type: ignore[arg-type]
        [needed] = found.program.needed
        assert needed.opened
        return needed.opened.split(b"/")[-2], needed.lookup

    assert place(env=env, **lists("rpath")) == (b"rpath", Lookup.RPATH)
    assert place(env=env, **lists("rpath", "runpath")) == (b"env", Lookup.LD_LIBRARY_PATH)
    assert place(env=env) == (b"env", Lookup.LD_LIBRARY_PATH)
    assert place(**lists("runpath")) == (b"runpath", Lookup.RUNPATH)
    assert place() == (b"cached", Lookup.CACHE)
    os.unlink(machine.at(b"cached/a.so"))
    assert place() == (b"lib", Lookup.DEFAULT)


def test_the_rpath_of_who_loaded_it_counts_too(machine: Machine) -> None:
    """And what was consulted is told, from the object up to the program."""
    machine.add(b"one/a.so", b"b.so", rpath=library_list(machine.at(b"nothing"), TOKENS))
    machine.add(b"one/b.so")
    found = machine.find(b"a.so", rpath=library_list(machine.at(b"one"), TOKENS))
    assert names(found) == [b"a.so", b"b.so"]
    assert found.program.needed[0].consulted == ((-1, Lookup.RPATH),)
    assert found.libraries[0].needed[0].consulted == ((0, Lookup.RPATH), (-1, Lookup.RPATH))
    machine.add(b"one/a.so", b"b.so", runpath=library_list(machine.at(b"nothing"), TOKENS))
    found = machine.find(b"a.so", rpath=library_list(machine.at(b"one"), TOKENS))
    [needed] = found.libraries[0].needed
    assert (needed.lookup, needed.consulted) == (Lookup.MISSING, ((0, Lookup.RUNPATH),))


@pytest.mark.parametrize(("flags", "hwcap", "is_used"), [(3, 0, True), (0x303, 0, False), (1, 0, False), (3, 1, False)])
def test_which_entries_of_the_cache_count(machine: Machine, flags: int, hwcap: int, is_used: bool) -> None:
    """Those of i386, for every processor; the first of a name."""
    machine.add(b"cached/a.so")
    machine.add(b"later/a.so")
    machine.cache(
        LdCacheEntry(name=b"a.so", path=machine.at(b"cached/a.so"), flags=flags, hwcap=hwcap),
        LdCacheEntry(name=b"a.so", path=machine.at(b"later/a.so"), flags=3, hwcap=0),
    )
    found = machine.find(b"a.so")
    assert found.cache_size == 1234
    path = found.program.needed[0].opened
    assert path == machine.at(b"cached/a.so" if is_used else b"later/a.so")


@pytest.mark.parametrize(
    ("levels", "used"), [((), b"plain"), ((b"v3", b"v2"), b"third"), ((b"v2",), b"second"), ((b"v1",), b"plain")]
)
def test_the_best_level_of_the_processor_is_taken_from_the_cache(
    machine: Machine, levels: tuple[bytes, ...], used: bytes
) -> None:
    """And what lies there for better processors is passed over; without a level it is for all."""
    for place in (b"plain", b"second", b"third"):
        machine.add(place + b"/a.so")
    entries = [(b"plain", b""), (b"second", b"v2"), (b"third", b"v3")]
    machine.cache(*(LdCacheEntry(b"a.so", machine.at(place + b"/a.so"), 3, 0, level) for place, level in entries))
    machine.processor = ProcessorNames(tuple(b"glibc-hwcaps/%s/" % level for level in levels))
    assert machine.find(b"a.so").program.needed[0].opened == machine.at(used + b"/a.so")


@pytest.mark.parametrize(("version", "is_used"), [("2.36", True), ("2.37", False), ("2.38", False), (None, True)])
def test_folders_for_better_processors(machine: Machine, version: str | None, is_used: bool) -> None:
    """Until 2.36, the most special first."""
    for part in (b"", b"sse2/", b"tls/i686/"):
        machine.add(b"lib/" + part + b"a.so")
    fields = {"soname": b"ld-linux.so.2", "system_dirs": (machine.at(b"lib/"),)}
    machine.add(b"lib/ld-linux.so.2", glibc_version=version, **fields)
    path = machine.find(b"a.so").program.needed[0].opened
    assert path == machine.at(b"lib/tls/i686/a.so" if is_used else b"lib/a.so")


def test_a_file_of_two_names_is_one_library(machine: Machine) -> None:
    """By its identity, or by the name that it gives itself; from then on it is known by that."""
    machine.add(b"lib/a.so.1", soname=b"a.so")
    os.symlink(machine.at(b"lib/a.so.1"), machine.at(b"lib/link.so"))
    found = machine.find(b"a.so.1", b"link.so", b"a.so", b"a.so", b"link.so")
    assert names(found) == [b"a.so.1"]
    assert [(one.lookup, one.alias) for one in found.program.needed] == [
        (Lookup.DEFAULT, False),
        (Lookup.ALREADY, True),
        (Lookup.ALREADY, True),
        (Lookup.ALREADY, False),
        (Lookup.ALREADY, False),
    ]


def test_a_name_with_a_slash_is_a_path(machine: Machine) -> None:
    """With its tokens: the folder of who asks."""
    machine.add(b"bin/a.so", b"$ORIGIN/b.so")
    machine.add(b"bin/b.so")
    found = machine.find(b"${ORIGIN}/a.so")
    assert names(found) == [b"a.so", b"b.so"]
    assert found.program.needed[0].lookup is Lookup.PATH
    assert found.libraries[0].needed[0].opened == machine.at(b"bin/b.so")


def test_preloads_come_first(machine: Machine) -> None:
    """Cut by blanks and colons; one that is not found is no reason to stop."""
    machine.add(b"pre/p.so", b"b.so")
    machine.add(b"lib/q.so")
    machine.add(b"lib/a.so")
    machine.add(b"lib/b.so")
    found = machine.find(b"a.so", env={b"LD_PRELOAD": machine.at(b"pre/p.so") + b" q.so::none.so"})
    assert names(found) == [b"p.so", b"q.so", b"a.so", b"b.so"]
    assert [one.lookup for one in found.preload] == [Lookup.PRELOAD, Lookup.DEFAULT, Lookup.MISSING]
    assert found.missing is None


def test_what_else_would_change_the_answer_is_told(machine: Machine) -> None:
    """Variables that are set, and a file of preloads that is not empty."""
    assert machine.find(env={b"LD_AUDIT": b"", b"PATH": b"/bin"}).notes == ()
    preload = Path(os.fsdecode(machine.at(b"ld.so.preload")))
    preload.write_bytes(b"")
    assert machine.find().notes == ()
    preload.write_bytes(b"x")
    set_ones = {b"LD_AUDIT": b"x", b"GLIBC_TUNABLES": b"y"}
    expected = (note("variable", name=b"LD_AUDIT"), note("variable", name=b"GLIBC_TUNABLES"), note("preload"))
    assert machine.find(env=set_ones).notes == expected


def test_musls_linker_is_its_c_library(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for by many names; it has folders of its own, and no cache."""
    monkeypatch.setattr(program_files, "_MUSL_DIRS", (machine.at(b"muslib/"),))
    machine.add(b"lib/ld-musl-i386.so.1")
    machine.add(b"muslib/a.so")
    machine.add(b"cached/a.so")
    machine.cache(LdCacheEntry(name=b"a.so", path=machine.at(b"cached/a.so"), flags=3, hwcap=0))
    needed = (b"libc.so", b"libpthread.so.0", b"libm.so.6", b"a.so")
    found = machine.find(*needed, interpreter=machine.at(b"lib/ld-musl-i386.so.1"))
    assert [one.lookup for one in found.program.needed] == [Lookup.ALREADY] * 3 + [Lookup.DEFAULT]
    assert found.program.needed[3].opened == machine.at(b"muslib/a.so")
    assert found.system_dirs == (machine.at(b"muslib/"),)
