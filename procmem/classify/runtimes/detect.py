"""Which allocators and language runtimes of the table a process has, from the objects that it maps."""

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module

from procmem.classify.runtimes.table import RUNTIMES, AnonymousRange, Runtime
from procmem.model.elf import PT_INTERP
from procmem.model.kinds import Kind
from procmem.model.mapping import Mappings
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note, note
from procmem.model.region import Certainty, Claim, ElfObject
from procmem.model.vma_names import without_deleted

__all__ = ["Runtimes", "runtimes_of"]


class Runtimes(NamedTuple):
    """The runtimes and allocators that were found, each with what was seen.

    ``static`` says that the program asks for no interpreter: what it has, it brought along.
    """

    found: Mapping[str, Note]
    static: bool

    def has(self, name: str) -> bool:
        """Whether a runtime was found."""
        return name in self.found

    def claims(self, mappings: Mappings) -> Iterator[Claim]:
        """The claims of those that place their memory by rules of their own."""
        for runtime in RUNTIMES:
            if runtime.module is not None and runtime.name in self.found:
                yield from import_module(f"{__package__}.{runtime.module}").claims(mappings, self)

    def guess(self, block: AnonymousRange) -> tuple[str, Kind, Certainty] | None:
        """Whose a block is that nothing else explains, its kind, and how sure that is; None where no pattern fits."""
        for runtime in RUNTIMES:
            if runtime.name in self.found:
                for kind, certainty, fits in runtime.patterns:
                    if fits(block):
                        return runtime.name, kind, certainty
        return None


def runtimes_of(objects: Sequence[ElfObject]) -> Runtimes:
    """Look at the mapped objects' names, and at the section names of the program."""
    found: dict[str, Note] = {}
    program = next((item for item in objects if item.file.is_program), None)
    for item in objects:
        path = without_deleted(item.file.path)
        base = path.rsplit(b"/", 1)[-1]
        for runtime in RUNTIMES:
            if _is_library_of(runtime, path, base, item.soname or b""):
                found.setdefault(runtime.name, note("library-mapped", name=base))
    if program is not None:
        base = without_deleted(program.file.path).rsplit(b"/", 1)[-1]
        sections = {section.name for section in program.sections or ()}
        for runtime in RUNTIMES:
            if _is_program_of(runtime, base):
                found.setdefault(runtime.name, note("program-is", name=base))
            if sections & runtime.sections:
                found[runtime.name] = note("runtime-sections", runtime=runtime.name.capitalize())
            if sections & runtime.static_sections:
                found.setdefault(runtime.name, note("linked-statically", runtime=runtime.name))
    static = program is not None and program.image is not None and program.image.first(PT_INTERP) is None
    return Runtimes(found, static)


def _is_library_of(runtime: Runtime, path: bytes, base: bytes, soname: bytes) -> bool:
    names = runtime.libraries
    return base == runtime.exact or bool(
        names and (base.startswith(names) or path.endswith(names) or soname.startswith(names))
    )


def _is_program_of(runtime: Runtime, base: bytes) -> bool:
    """By its name alone, or with a version behind it (python3.12)."""
    return any(base == name or (base.startswith(name) and base[len(name) :][:1].isdigit()) for name in runtime.programs)
