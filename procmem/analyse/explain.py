"""An annotated map: each region in plain words with the figures of this very process.

The words come from a phrasebook, the figures from the regions, the evidence from classification. Runs of like
regions (a library's parts, a stack with its guard, an arena with its reserve) are one block with one
explanation.
"""

from collections.abc import Sequence

from procmem.analyse.findings import findings
from procmem.analyse.inspection import classic_class
from procmem.model import kinds
from procmem.model.kinds import ByteClass, Grouping, Kind, Role
from procmem.model.region import Region, Regions
from procmem.model.reports.explanation import Block, Explained, Explanation, Finding, PageFacts, Phrasebook
from procmem.model.reports.inspection import Inspection
from procmem.model.snapshot import Snapshot
from procmem.model.units import size_text

__all__ = ["explanation", "region_sentence"]

_INACCESSIBLE = frozenset({ByteClass.GUARD, ByteClass.RESERVED})


def explanation(
    snapshot: Snapshot,
    regions: Regions | None,
    report: Inspection,
    words: Phrasebook,
    *,
    max_map_count: int | None,
    page: PageFacts | None = None,
) -> Explanation:
    """Explain every region, group them, and say what deserves attention."""
    found: tuple[Finding, ...] = ()
    explained: tuple[Explained, ...] = ()
    blocks: tuple[Block, ...] = ()
    if regions is not None:
        perms = regions.mappings.perms
        explained = tuple(
            _explained(region, index, words, writable="w" in perms[region.vma]) for index, region in enumerate(regions)
        )
        blocks = tuple(_blocks(regions, explained, words))
        found = tuple(findings(snapshot, regions, report, words, max_map_count=max_map_count))
    return Explanation(report, tuple(_head(report, words)), explained, blocks, found, page, _layout(report, words))


def _head(report: Inspection, words: Phrasebook) -> Sequence[str]:
    """The three sentences that matter most, written from the figures."""
    totals, account = report.totals, report.account
    if totals.virt is None and totals.rss is None:
        return ()
    if account is None or totals.virt is None or totals.rss is None:
        key = "unknown" if report.regions is None else "no_usage"
        return (words.say("head", key, virt=size_text(totals.virt), rss=size_text(totals.rss)),)
    sentences = []
    sizes = {
        "virt": size_text(totals.virt),
        "rss": size_text(totals.rss),
        "reserved": size_text(account.reserved),
        "untouched": size_text(account.untouched),
        "files": size_text(account.file_not_resident),
        "share": 100 * totals.rss // totals.virt if totals.virt else 0,
    }
    if 2 * totals.rss >= totals.virt:
        sentences.append(words.say("head", "virt_small", **sizes))
    elif account.reserved >= max(account.untouched, account.file_not_resident):
        sentences.append(words.say("head", "virt_reserved", **sizes))
    elif account.untouched >= account.file_not_resident:
        sentences.append(words.say("head", "virt_untouched", **sizes))
    else:
        sentences.append(words.say("head", "virt_files", **sizes))
    by_rss = sorted(report.classes, key=lambda row: row.rss or 0, reverse=True)
    private = size_text(totals.uss)
    if by_rss and by_rss[0].rss:
        first = words.say("classes", by_rss[0].cls)
        if len(by_rss) > 1 and by_rss[1].rss and 10 * by_rss[0].rss < 9 * totals.rss:
            second = words.say("classes", by_rss[1].cls)
            sentences.append(
                words.say(
                    "head",
                    "res",
                    rss=sizes["rss"],
                    first=first,
                    first_size=size_text(by_rss[0].rss),
                    second=second,
                    second_size=size_text(by_rss[1].rss),
                    private=private,
                )
            )
        else:
            sentences.append(words.say("head", "res_one", rss=sizes["rss"], first=first, private=private))
    if totals.swap is None:
        sentences.append(words.say("head", "swap_unknown"))
    elif totals.swap:
        most = max(report.classes, key=lambda row: row.swap or 0)
        sentences.append(
            words.say("head", "swap_some", swap=size_text(totals.swap), first=words.say("classes", most.cls))
        )
    else:
        sentences.append(words.say("head", "swap_none"))
    return sentences


def _layout(report: Inspection, words: Phrasebook) -> str | None:
    """What came of the laws of the kernel's layout, in one sentence."""
    if report.layout is None:
        return None
    key = "layout_broken" if report.layout.broken else "layout_held"
    return words.say("head", key, held=report.layout.held, broken=", ".join(report.layout.broken))


def _explained(region: Region, index: int, words: Phrasebook, *, writable: bool) -> Explained:
    certainty = words.say("certainty", region.label.certainty.value)
    return Explained(
        region=index,
        sentence=region_sentence(region, words, writable=writable),
        why=f"{region.label.evidence} ({certainty})",
        classic=_classic(region, words),
    )


def _classic(region: Region, words: Phrasebook) -> str:
    if region.label.cls is ByteClass.KERNEL:
        return words.say("classic", "kernel")
    return words.say("classic", classic_class(region.label))


def region_sentence(region: Region, words: Phrasebook, *, writable: bool = True) -> str:
    """What it is, and how much of it is in memory."""
    joint = words.say("residency", "joint")
    return f"{_what(region, words, writable=writable)}{joint}{_residency(region, words)}"


def _what(region: Region, words: Phrasebook, *, writable: bool = True) -> str:
    kind: str = region.label.kind.part or region.label.kind
    role = region.label.kind.role or Role.LIB
    if not words.has("kinds", kind):
        kind = "unknown"
    if kind == "file-shared" and not writable:
        kind = "file-shared-readonly"
    owner = region.label.owner_name
    name = "" if owner is None else owner.decode("utf-8", "surrogateescape")
    base = name.removesuffix(" (deleted)").rsplit("/", 1)[-1] if name.startswith("/") else name
    return words.say(
        "kinds",
        kind,
        role=words.say("roles", role),
        object=base or "?",
        owner=name or words.say("kinds_without_owner", region.label.cls.value),
        kind=region.label.kind,
    )


def _residency(region: Region, words: Phrasebook) -> str:
    size = size_text(region.size)
    if region.rss is None:
        return words.say("residency", "unknown")
    private = size_text(region.uss)
    parts = []
    if not region.rss and region.label.cls in _INACCESSIBLE:
        parts.append(words.say("residency", "untouchable", size=size))
    elif not region.rss and region.label.cls is ByteClass.KERNEL:
        parts.append(words.say("residency", "uncounted", size=size))
    elif not region.rss:
        parts.append(words.say("residency", "none", size=size))
    else:
        whole = region.rss >= region.size
        alone = region.uss == region.rss
        key = ("all" if whole else "part") + ("_private" if alone else "")
        parts.append(words.say("residency", key, size=size, rss=size_text(region.rss), private=private))
    if region.swap:
        parts.append(words.say("residency", "swapped", swap=size_text(region.swap)))
    if "rss" in region.about:
        parts.append(words.say("residency", "about"))
    return words.say("residency", "joint").join(parts)


def _blocks(regions: Regions, explained: Sequence[Explained], words: Phrasebook) -> Sequence[Block]:
    """Group neighbours: parts of one object, a stack with guard and TLS, an arena with its rest, repeated kinds."""
    blocks = []
    members: list[int] = []
    for index in range(len(regions)):
        if members and not _belongs(regions, members, index):
            blocks.append(_block(regions, members, explained, words))
            members = []
        members.append(index)
    if members:
        blocks.append(_block(regions, members, explained, words))
    return blocks


def _object_of(regions: Regions, index: int) -> bytes | None:
    label = regions.label[index]
    return label.owner_name if label.kind.grouping is Grouping.OBJECT else None


_STACK_PARTS = frozenset({ByteClass.STACK, ByteClass.TLS})


def _belongs(regions: Regions, members: Sequence[int], index: int) -> bool:
    first, last = members[0], members[-1]
    here, before = regions.label[index], regions.label[last]
    if _object_of(regions, first) is not None:
        return _object_of(regions, index) == _object_of(regions, first)
    if here.kind is kinds.GLIBC_ARENA_RESERVE and before.kind is kinds.GLIBC_ARENA:
        return regions.start[index] == regions.end[last]
    touching = regions.start[index] == regions.end[last]
    if before.kind is kinds.STACK_GUARD and here.cls in _STACK_PARTS:
        return touching
    if before.cls is ByteClass.STACK and before.kind is not kinds.MAIN_STACK and here.cls is ByteClass.TLS:
        return touching
    if here.kind is kinds.COROUTINE_STACK or (
        here.kind is kinds.STACK_GUARD and _next_is(regions, index, kinds.COROUTINE_STACK)
    ):
        return any(regions.label[member].kind is kinds.COROUTINE_STACK for member in members)
    same = here.kind == before.kind and here.cls is before.cls and here.owner == before.owner
    if here.kind.grouping is Grouping.ALLOCATOR:
        return same  # blocks of one allocator, wherever they lie
    return same and touching and here.kind.grouping is Grouping.NEIGHBOURS


def _next_is(regions: Regions, index: int, kind: Kind) -> bool:
    return index + 1 < len(regions) and regions.label[index + 1].kind is kind


def _block(regions: Regions, members: Sequence[int], explained: Sequence[Explained], words: Phrasebook) -> Block:
    chosen = [regions[index] for index in members]
    if len(members) == 1:
        return Block(tuple(members), explained[members[0]].sentence)
    owner = _object_of(regions, members[0])
    if owner is not None:
        return Block(tuple(members), _object_sentence(chosen, owner, words))
    arena = next((index for index in members if regions.label[index].kind is kinds.GLIBC_ARENA), None)
    if arena is not None and len(members) == 2:
        reserve = size_text(chosen[-1].size)
        return Block(tuple(members), words.say("blocks", "arena", sentence=explained[arena].sentence, reserve=reserve))
    stack = [index for index in members if regions.label[index].cls is ByteClass.STACK]
    if len(stack) == 1:
        return Block(tuple(members), words.say("blocks", "stack", sentence=explained[stack[0]].sentence))
    counted = stack or list(members)
    total = size_text(sum(regions.end[index] - regions.start[index] for index in counted))
    rss = [regions.rss[index] for index in counted]
    resident = size_text(None if None in rss else sum(filter(None, rss)))
    sentence = _what(regions[counted[0]], words)
    key = "many_unknown" if None in rss else "many"
    return Block(
        tuple(members), words.say("blocks", key, count=len(counted), size=total, rss=resident, sentence=sentence)
    )


def _object_sentence(parts: Sequence[Region], owner: bytes, words: Phrasebook) -> str:
    """A loaded object as one: its parts with their sizes, and what of it is in memory."""
    role = parts[0].label.kind.role or Role.LIB
    sums: dict[str, int] = {}
    for part in parts:
        name: str = part.label.kind.part or part.label.kind
        sums[name] = sums.get(name, 0) + part.size
    listed = words.say("blocks", "comma").join(
        f"{words.say('parts', name)} {size_text(size)}" for name, size in sums.items()
    )
    rss = None if any(part.rss is None for part in parts) else sum(part.rss or 0 for part in parts)
    uss = None if any(part.uss is None for part in parts) else sum(part.uss or 0 for part in parts)
    path = owner.decode("utf-8", "surrogateescape")
    capital = words.say("roles_capital", role)
    return words.say(
        "blocks",
        "object" if rss is not None and uss is not None else "object_unknown",
        role_capital=capital,
        object=path.removesuffix(" (deleted)").rsplit("/", 1)[-1],
        parts=listed,
        rss=size_text(rss),
        size=size_text(sum(part.size for part in parts)),
        private=size_text(uss),
    )
