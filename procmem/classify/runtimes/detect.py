"""Which allocators and language runtimes of the table a process has, from the objects that it maps."""

from __future__ import annotations

from bisect import bisect_left

from procmem.classify.runtimes.blocks import AnonymousRange
from procmem.classify.runtimes.table import NO_LIBRARY, RUNTIMES, Runtime
from procmem.model.elf import PT_INTERP
from procmem.model.kinds import Kind
from procmem.model.mapping import Mappings
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note, note
from procmem.model.region import Certainty, Claim, ElfObject
from procmem.model.snapshot import Snapshot
from procmem.model.vma_names import without_deleted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    GuessRule = tuple["Guess", Callable[[AnonymousRange], bool]]
    """A guess, and of which blocks it is made."""

__all__ = ["Guess", "Runtimes", "first_guess", "places_begun", "runtimes_of"]


_ORDER = {certainty: at for at, certainty in enumerate(Certainty)}


Guess = tuple[Runtime, Kind, Certainty]
"""Whose a block may be, its kind, and how sure that is."""


class Detection(NamedTuple):
    """What was seen of a runtime, and how sure that makes it: code and symbols prove it, names and places do not."""

    seen: Note
    certainty: Certainty


class Runtimes(NamedTuple):
    """The runtimes and allocators that were found, each with what was seen.

    ``static`` says that the program asks for no interpreter: what it has, it brought along.
    """

    found: Mapping[str, Detection]
    static: bool

    def has(self, name: str) -> bool:
        """Whether a runtime was found."""
        return name in self.found

    @property
    def map_noreserve(self) -> bool:
        """Whether one of them is known to map its memory with MAP_NORESERVE."""
        return any(runtime.noreserve for runtime in RUNTIMES if runtime.name in self.found)

    @property
    def heap_is_executable(self) -> bool:
        """Whether one of them keeps objects and code in one heap, so that "x" tells nothing."""
        return any(runtime.heap_is_executable for runtime in RUNTIMES if runtime.name in self.found)

    def certainty(self, name: str) -> Certainty:
        """How sure a claim for a runtime may be at most: likely, and a guess where the runtime itself is one."""
        return Certainty.GUESS if self.found[name].certainty is Certainty.GUESS else Certainty.LIKELY

    def claims(self, mappings: Mappings, snapshot: Snapshot) -> Iterator[Claim]:
        """The claims of those that place their memory by rules of their own."""
        for runtime in RUNTIMES:
            if runtime.module is not None and runtime.name in self.found:
                from importlib import import_module  # noqa: PLC0415  # few processes have such a runtime

                yield from import_module(f"{__package__}.{runtime.module}").claims(mappings, self, snapshot)

    def patterns(self) -> list[GuessRule]:
        """What is guessed of a block that nothing else explains, and when: the first that fits, in this order."""
        return [
            ((runtime, kind, max(certainty, self.certainty(runtime.name), key=_ORDER.__getitem__)), fits)
            for runtime in RUNTIMES
            if runtime.name in self.found
            for kind, certainty, fits in runtime.patterns
        ]


def first_guess(patterns: Iterable[GuessRule], block: AnonymousRange) -> Guess | None:
    """Whose a block is that nothing else explains, its kind, and how sure that is; None where no pattern fits."""
    return next((guess for guess, fits in patterns if fits(block)), None)


def runtimes_of(objects: Sequence[ElfObject], mappings: Mappings) -> Runtimes:
    """Look at the mapped objects' symbols and names, at the section names of the program, and at places."""
    found: dict[str, Detection] = {}

    def add(runtime: Runtime, seen: Note, certainty: Certainty) -> None:
        before = found.get(runtime.name)
        if before is None or _ORDER[certainty] < _ORDER[before.certainty]:
            found[runtime.name] = Detection(seen, certainty)

    program = next((item for item in objects if item.file.is_program), None)
    for item in objects:
        path = without_deleted(item.file.path)
        base = path.rsplit(b"/", 1)[-1]
        if not (item.exports or item.mentions or _is_any_library(path, base, item.soname or b"")):
            continue  # as most objects
        for runtime in RUNTIMES:
            symbols = item.exports.intersection(runtime.symbols) if item.exports else None
            if symbols:
                add(runtime, note("exports-symbol", name=base, symbol=min(symbols)), Certainty.CERTAIN)
            elif _is_library_of(runtime, path, base, item.soname or b""):
                add(runtime, note("library-mapped", name=base), Certainty.LIKELY)
            elif item.mentions & runtime.words:
                add(runtime, note("mentions-word", name=base, runtime=runtime.title), Certainty.LIKELY)
    if program is not None:
        base = without_deleted(program.file.path).rsplit(b"/", 1)[-1]
        sections = {section.name for section in program.sections or ()}
        for runtime in RUNTIMES:
            if sections & runtime.sections:
                add(
                    runtime,
                    note("runtime-sections", runtime=runtime.called or runtime.name.capitalize()),
                    Certainty.CERTAIN,
                )
            if sections & runtime.static_sections:
                add(runtime, note("linked-statically", runtime=runtime.title), Certainty.CERTAIN)
            if _is_program_of(runtime, base):
                add(runtime, note("program-is", name=base), Certainty.LIKELY)
    for runtime in RUNTIMES:
        if runtime.place is not None and runtime.name not in found and _begins_at(mappings, runtime.place):
            add(runtime, note("memory-at-place", start=runtime.place, runtime=runtime.title), Certainty.GUESS)
    static = program is not None and program.image is not None and program.image.first(PT_INTERP) is None
    if static and not found:
        found[NO_LIBRARY] = Detection(note("no-library-known"), Certainty.GUESS)
    return Runtimes(found, static)


_PLACES = tuple(runtime.place for runtime in RUNTIMES if runtime.place is not None)


def places_begun(mappings: Mappings) -> tuple[bool, ...]:
    """All that :func:`runtimes_of` sees of mappings: whether memory begins at each place that tells of a runtime."""
    return tuple([_begins_at(mappings, place) for place in _PLACES])


def _begins_at(mappings: Mappings, address: int) -> bool:
    """Whether anonymous memory begins at an address at which the kernel by itself puts nothing."""
    at = bisect_left(mappings.start, address)
    return at < len(mappings) and mappings.start[at] == address and not mappings.inode[at]


def _is_library_of(runtime: Runtime, path: bytes, base: bytes, soname: bytes) -> bool:
    names = runtime.libraries
    return base == runtime.exact or bool(
        names and (base.startswith(names) or path.endswith(names) or soname.startswith(names))
    )


_LIBRARIES = tuple({name for runtime in RUNTIMES for name in runtime.libraries})
_EXACT = frozenset(runtime.exact for runtime in RUNTIMES)


def _is_any_library(path: bytes, base: bytes, soname: bytes) -> bool:
    """Whether :func:`_is_library_of` holds of any runtime at all."""
    return base in _EXACT or base.startswith(_LIBRARIES) or path.endswith(_LIBRARIES) or soname.startswith(_LIBRARIES)


def _is_program_of(runtime: Runtime, base: bytes) -> bool:
    """By its name alone, or with a version behind it (python3.12); a name that ends in "-" may go on anyhow."""
    return any(
        base == name or (base.startswith(name) and (name.endswith(b"-") or base[len(name) :][:1].isdigit()))
        for name in runtime.programs
    )
