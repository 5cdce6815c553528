"""The walk over the rules: from a snapshot and the ELF objects in it to regions.

Order does not matter here, rank does: each rule yields claims, the partition lets the strongest win, and
what nobody claims keeps the label that its mapping has by itself.
"""

from __future__ import annotations

from itertools import chain

from procmem.classify.apportion import shared_out
from procmem.classify.object_facts import ObjectFacts
from procmem.classify.page_states import NOTHING_KNOWN, PageStates
from procmem.classify.partition import ClaimGroup, ClaimGroups, Partition, partition
from procmem.classify.rules.brk_and_main_stack import area_claims
from procmem.classify.rules.elf_segments import LoadedObject, ObjectRoles, code_mapped_again, elf_claims, load_biases
from procmem.classify.rules.executable import as_if_not_executable, execute_proves
from procmem.classify.rules.fallback import fallback_rules
from procmem.classify.rules.kernel_names import MappingKey, label_of
from procmem.classify.rules.loose_threads import place_loose_threads
from procmem.classify.rules.malloc_arenas import arena_claims
from procmem.classify.rules.thread_stacks import marked_stack_claims, stack_claims
from procmem.classify.runtimes.detect import Runtimes, places_begun, runtimes_of
from procmem.model.auxv import AT_BASE, AT_ENTRY, AT_PHDR
from procmem.model.elf import ET_EXEC, PT_INTERP, PT_TLS, ElfImage
from procmem.model.kinds import Role
from procmem.model.libc_files import is_library
from procmem.model.mapping import Mappings
from procmem.model.named_tuple import NamedTuple
from procmem.model.permissions import permissions
from procmem.model.proc_keys import SmapsKey
from procmem.model.raw import MappedFile, PageRuns, Refusal
from procmem.model.region import Claim, ElfObject, Label, Regions
from procmem.model.snapshot import Snapshot
from procmem.model.vma_names import KernelName, is_file_in_memory, without_deleted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from procmem.model.deep import DeepLook

__all__ = ["Claimed", "KnownClaims", "layout", "mapped_files", "regions", "split_ranges"]

_JIT = b"jit"
"""In the name of a memory file: compiled code, and no ELF object."""
_HOLD_OBJECTS = frozenset({KernelName.FILE, KernelName.MEMFD})
"""What an ELF object can be loaded from; opening a device may have effects."""


def mapped_files(snapshot: Snapshot) -> tuple[MappedFile, ...]:
    """The mapped files that may be ELF objects: loaded ones have an executable mapping, or several parts."""
    mappings = snapshot.mappings
    if mappings is None:
        return ()
    auxv = snapshot.auxv or {}
    marks = [auxv[key] for key in (AT_PHDR, AT_ENTRY) if key in auxv]
    if not marks and snapshot.stat is not None and snapshot.stat.startcode is not None:
        marks = [snapshot.stat.startcode]
    rows = mappings.of_shape("rows-of-files", lambda: list(chain.from_iterable(mappings.rows_of_files().values())))
    name = ("mapped-files", *marks, snapshot.exe)
    return mappings.of_place(name, rows, lambda: _mapped_files(snapshot, mappings, marks))


def _mapped_files(snapshot: Snapshot, mappings: Mappings, marks: Sequence[int]) -> tuple[MappedFile, ...]:
    files = []
    marked = {row for address in marks if (row := mappings.row_at(address)) is not None}
    for (device, inode, path), rows in mappings.rows_of_files().items():
        named = mappings.named(rows[0]).named
        if named not in _HOLD_OBJECTS or (named is KernelName.MEMFD and _JIT in path.lower()):
            continue
        if not _may_be_object(mappings, rows):
            continue
        ranges = zip(map(mappings.start.__getitem__, rows), map(mappings.end.__getitem__, rows), strict=True)
        # a process that remaps while it is read gives its mappings out of order
        files.append(MappedFile(device, inode, path, tuple(sorted(ranges)), not marked.isdisjoint(rows)))
    if not marks and snapshot.exe is None:
        return tuple(_with_program(files))
    if snapshot.exe is not None and not any(file.is_program for file in files):
        # its headers and entry point may be anonymous memory by now (code moved to huge pages)
        return tuple(file._replace(is_program=file.path == snapshot.exe) for file in files)
    return tuple(files)


def _with_program(files: Sequence[MappedFile]) -> Iterator[MappedFile]:
    """The same, the program marked, where nothing but maps is known: the lowest object that is no library by its name.

    The kernel maps a program below its heap, and libraries where mmap() has its area, above it.
    """
    lowest = min(
        (
            file
            for file in files
            if not is_file_in_memory(file.path) and not is_library(without_deleted(file.path).rsplit(b"/", 1)[-1])
        ),
        key=lambda file: file.ranges[0],
        default=None,
    )
    for file in files:
        yield file._replace(is_program=file is lowest)


def _may_be_object(mappings: Mappings, rows: Sequence[int]) -> bool:
    first = mappings.offset[rows[0]]
    if any(mappings.offset[row] != first for row in rows):
        return True
    return any(permissions(perms).executable for perms in {mappings.perms[row] for row in rows})


class ObjectClaims(NamedTuple):
    """The claims for one object, and its first load bias: None where it has none."""

    image: ElfImage
    bias: int | None
    group: ClaimGroup


KnownClaims = dict[tuple[object, ...], ObjectClaims]
"""By all that claims depend on: forked processes have the same. An image is known by its id, and kept so long."""


class _AllClaims(NamedTuple):
    """The claims of all objects, and each path's first load bias."""

    claims: ClaimGroups
    biases: dict[bytes, int]


class Claimed(NamedTuple):
    """Ranges with the labels of rules on evidence of their own; ``mappings`` and ``runtimes`` are what rules saw.

    ``facts`` are of the objects that the runtimes were found in.
    """

    cut: Partition
    mappings: Mappings
    runtimes: Runtimes
    deep: bool
    facts: ObjectFacts

    def judged(self, pages: PageStates = NOTHING_KNOWN) -> Partition:
        """The same ranges, those that no rule explains judged by pattern and neighbour.

        ``pages`` may know more than the rules did: by now it is known which mappings are divided.
        """
        return fallback_rules(self.mappings, self.cut, self.runtimes, pages, deep=self.deep, facts=self.facts)


def layout(
    snapshot: Snapshot,
    objects: Sequence[ElfObject],
    pages: PageStates = NOTHING_KNOWN,
    look: DeepLook | None = None,
    known: KnownClaims | None = None,
    facts: ObjectFacts | None = None,
) -> Claimed:
    """Cut every mapping into labelled ranges; what no rule explains is left to :meth:`Claimed.judged`.

    ``pages`` are the populated pages of anonymous memory, as far as pagemap was read; ``look`` is the target's memory,
    where it may be looked into. ``known`` remembers what was claimed for an object from one process to the next, and
    ``facts`` what follows from all of them, where other processes have these very objects.
    """
    mappings = as_read = snapshot.mappings
    assert mappings is not None
    assert as_read is not None
    facts = ObjectFacts() if facts is None else facts
    runtimes = facts.of(("runtimes", places_begun(mappings)), lambda: runtimes_of(objects, as_read))
    if facts.of(("executable", id(runtimes)), lambda: runtimes.heap_is_executable) or not execute_proves(mappings):
        mappings = as_if_not_executable(mappings)
        facts = ObjectFacts()  # they are of the table as it was read
    auxv = snapshot.auxv or {}
    marks = (mappings.shape, snapshot.page_size, auxv.get(AT_PHDR), auxv.get(AT_BASE), snapshot.exe)
    of_objects, biases = facts.of(
        ("claims", *marks), lambda: _object_claims(snapshot, objects, mappings, {} if known is None else known)
    )
    tls_size = facts.of(("tls", id(runtimes), snapshot.bits), lambda: _static_tls_estimate(snapshot, objects, runtimes))
    claims: list[Claim | ClaimGroups] = [
        *area_claims(snapshot, mappings, tls_size if runtimes.static else None, _program_end(objects, biases)),
        of_objects,
        *marked_stack_claims(mappings),
    ]
    of_runtimes = list(runtimes.claims(mappings, snapshot))
    claims += of_runtimes
    blocks: Mapping[int, tuple[int, int]] = {}
    listed, complete = None, False
    disproved: frozenset[int] = frozenset()
    if look is not None:
        from procmem.classify.target_memory.look import proofs  # noqa: PLC0415  # only for --deep

        proved = proofs(
            snapshot,
            mappings,
            look,
            pages,
            biases,
            list(of_objects.each()),
            of_runtimes,
            tls_size,
            static=runtimes.static,
        )
        claims += proved.claims
        blocks = proved.blocks
        listed, complete = list(blocks.values()), proved.complete
        disproved = proved.disproved
    claims += arena_claims(mappings, snapshot.bits, runtimes, pages, disproved)
    claims += stack_claims(snapshot, mappings, pages, runtimes, tls_size, listed, complete)
    cut = place_loose_threads(snapshot, mappings, partition(mappings, claims, _defaults(mappings)), blocks)
    return Claimed(cut, mappings, runtimes, look is not None, facts)


def _program_end(objects: Sequence[ElfObject], biases: Mapping[bytes, int]) -> int | None:
    """Where the program ends above which exec put start_brk; None for one whose heap lies elsewhere (static PIE)."""
    for item in objects:
        image, bias = item.image, biases.get(item.file.path)
        if item.file.is_program and image is not None and bias is not None and image.loads:
            fixed = image.type == ET_EXEC or image.first(PT_INTERP) is not None
            return bias + max(segment.vaddr + segment.memsz for segment in image.loads) if fixed else None
    return None


_PTHREAD_SIZE = {64: 2368, 32: 1216}  # struct pthread of glibc 2.36; neighbours differ by some tens of bytes
_STATIC_TLS_SURPLUS = 800  # the same for static programs, which reserve less for dlopen
_TLS_SURPLUS = 1664  # glibc elf/dl-tls.c, _dl_tls_static_surplus_init(), with default tunables


def _static_tls_estimate(snapshot: Snapshot, objects: Sequence[ElfObject], runtimes: Runtimes) -> int | None:
    """About how many bytes at the top of a thread's stack glibc takes for static TLS and struct pthread."""
    if not runtimes.has("glibc") or snapshot.bits not in _PTHREAD_SIZE:
        return None
    used, align = 0, 64
    surplus = _STATIC_TLS_SURPLUS if runtimes.static else _TLS_SURPLUS
    for item in objects:
        segment = item.image.first(PT_TLS) if item.image is not None else None
        if segment is not None and segment.memsz < 1 << 20:
            align = max(align, segment.align)
            used = -(-(used + segment.memsz) // max(segment.align, 1)) * max(segment.align, 1)
    size = used + surplus + _PTHREAD_SIZE[snapshot.bits]
    return -(-size // align) * align


def _defaults(mappings: Mappings) -> list[Label]:
    """The label that each mapping has by itself; mappings that say the same share one."""
    return mappings.of_shape("default-labels", lambda: _labels_by_themselves(mappings))


def _labels_by_themselves(mappings: Mappings) -> list[Label]:
    known: dict[tuple[str, bytes, int, bool], Label] = {}
    labels = []
    for row in mappings.one_of_each_sort():
        perms, name, read, has_inode = (
            mappings.perms[row],
            mappings.name[row],
            mappings.named(row),
            mappings.inode[row] != 0,
        )
        said = (perms, name, id(read), has_inode)
        if said not in known:
            known[said] = label_of(MappingKey(perms, name, read, has_inode))
        labels.append(known[said])
    return list(map(labels.__getitem__, mappings.sort))


def _object_claims(
    snapshot: Snapshot,
    objects: Sequence[ElfObject],
    mappings: Mappings,
    known: KnownClaims,
) -> _AllClaims:
    """Claims on every loaded object."""
    groups: list[ClaimGroup] = []
    biases: dict[bytes, int] = {}
    rows = mappings.rows_of_files()
    headers = (snapshot.auxv or {}).get(AT_PHDR)
    roles = ObjectRoles(objects, snapshot.auxv, snapshot.exe)
    for item in objects:
        own = rows[(item.file.device, item.file.inode, item.file.path)]
        role = roles.of(item)
        if item.image is None and not item.readable:
            from procmem.classify.rules.elf_without_headers import unread_claims  # noqa: PLC0415  # seldom

            groups.append(ClaimGroup(list(unread_claims(item, role, mappings, own, snapshot))))
        if item.image is None:
            continue  # a file that is no ELF file is never loaded as one, however it is mapped
        mapped = tuple([(mappings.perms[row], mappings.offset[row]) for row in own])
        marks = (role, snapshot.page_size, headers if item.file.is_program else None)
        key = (id(item.image), item.file, mapped, marks)
        found = known.get(key)
        if found is None:
            found = known[key] = _claims_of_object(item, item.image, role, mappings, own, snapshot)
        if found.bias is not None:
            biases.setdefault(item.file.path, found.bias)
        groups.append(found.group)
    return _AllClaims(ClaimGroups(groups), biases)


def _claims_of_object(
    item: ElfObject, image: ElfImage, role: Role, mappings: Mappings, rows: Sequence[int], snapshot: Snapshot
) -> ObjectClaims:
    """The claims for an object at every load bias."""
    claims: list[Claim] = []
    first = None
    for bias, why, certainty in load_biases(item, mappings, rows, snapshot.page_size, snapshot.auxv):
        first = bias if first is None else first
        claims += elf_claims(LoadedObject(item, image, bias, role, certainty, why), snapshot.page_size)
    claims += code_mapped_again(item, image, role, mappings, rows)
    return ObjectClaims(image, first, ClaimGroup(claims))


def split_ranges(snapshot: Snapshot, cut: Partition) -> tuple[tuple[int, int], ...]:
    """The mappings that hold several ranges and something in memory: what pagemap is asked about, ascending."""
    mappings = snapshot.mappings
    assert mappings is not None
    ranges = []
    rss, swap = mappings.column(SmapsKey.RSS), mappings.column(SmapsKey.SWAP)
    for row in sorted(cut.split, key=mappings.start.__getitem__):
        if (rss and rss[row]) or (swap and swap[row]):
            ranges.append((mappings.start[row], mappings.end[row]))
    return tuple(ranges)


def regions(snapshot: Snapshot, cut: Partition, runs: PageRuns | Refusal) -> Regions:
    """Put figures to the ranges: a mapping's own, or shares of them by what pagemap said."""
    mappings = snapshot.mappings
    assert mappings is not None
    shares = shared_out(mappings, cut, runs, snapshot.page_size)
    return Regions(mappings=mappings, vma=cut.vma, start=cut.start, end=cut.end, label=cut.label, shares=shares)
