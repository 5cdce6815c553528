"""The brk heap and the main stack: what is certain of them, what is only likely, and what adjoins them."""

from typing import Any

import pytest

from procmem.classify.partition import Rank
from procmem.classify.rules.brk_and_main_stack import area_claims
from procmem.model import kinds
from procmem.model.kinds import Part, Role, object_kind
from procmem.model.region import Certainty
from procmem.model.snapshot import Stat
from tests.support.made_processes import made, record
from tests.support.smaps_text import Record, smaps

HEAP, STACK = 0x55_0000_0000, 0x7FFC_0000_0000
PAGE = 4096
CERTAIN, LIKELY = Certainty.CERTAIN, Certainty.LIKELY
PLAIN, GROWS = "rd wr mr mw me ac", "rd wr mr mw me gd ac"


def claims(*records: Record, stat: dict[str, int | None] | None = None, **how: Any) -> list[tuple[Any, ...]]:
    """Start, end, rank, kind, certainty and evidence of each claim."""
    shot, _ = made({"smaps": smaps(list(records))})
    table = shot.mappings
    assert table is not None
    values = dict.fromkeys(Stat._fields) | (stat or {})
    shot = shot._replace(stat=None if stat is None else Stat(**values), exe=b"/bin/p")  # type: ignore[arg-type]
    return [
        (one.start, one.end, one.rank, one.label.kind, one.label.certainty, one.label.evidence.code)
        for one in area_claims(shot, table, **({"program_end": None, "tls_size": None} | how))
    ]


def heap(start: int = HEAP, size: int = 16 * PAGE) -> Record:
    """A mapping that is named so."""
    return record(start, start + size, name=b"[heap]")


END = HEAP + 16 * PAGE
BRK, BSS = kinds.BRK, object_kind(Role.EXE, Part.BSS)


@pytest.mark.parametrize(
    ("start_brk", "expected"),
    [
        (None, [(HEAP, END, Rank.BRK, BRK, LIKELY, "heap-alone")]),
        (HEAP, [(HEAP, END, Rank.BRK, BRK, CERTAIN, "heap-above")]),
        (HEAP - 1, [(HEAP, END, Rank.BRK, BRK, CERTAIN, "heap-above")]),
        (
            HEAP + 8,
            [
                (HEAP, HEAP + 8, Rank.NAME, BRK, LIKELY, "heap-below"),
                (HEAP + 8, END, Rank.BRK, BRK, CERTAIN, "heap-from"),
            ],
        ),
        (
            END - 1,
            [
                (HEAP, END - 1, Rank.NAME, BRK, LIKELY, "heap-below"),
                (END - 1, END, Rank.BRK, BRK, CERTAIN, "heap-from"),
            ],
        ),
        (END, [(HEAP, END, Rank.BRK, BSS, LIKELY, "heap-bss")]),
    ],
)
def test_the_heap_begins_at_start_brk(start_brk: int | None, expected: list[tuple[Any, ...]]) -> None:
    """What lies below it is the program's; where stat is not known, the name alone is likely."""
    assert claims(heap(), stat={"start_brk": start_brk}) == expected
    if start_brk is None:
        assert claims(heap()) == expected


def test_static_tls_at_the_start_of_the_heap() -> None:
    """Of a static program, where a mapping begins at start_brk."""
    tls = (HEAP, HEAP + 2048, Rank.BRK + 1, kinds.TLS, LIKELY, "static-tls")
    assert claims(heap(), stat={"start_brk": HEAP}, tls_size=2048)[1:] == [tls]
    assert claims(heap(), stat={"start_brk": HEAP + 8}, tls_size=2048)[2:] == []
    assert claims(heap(), tls_size=2048)[1:] == []


def stack(flags: str | None = GROWS, size: int = 33 * PAGE) -> Record:
    """A mapping that is named so."""
    return record(STACK, STACK + size, name=b"[stack]")._replace(flags=flags)


TOP = STACK + 33 * PAGE


@pytest.mark.parametrize(
    ("flags", "start_stack", "certainty", "code"),
    [
        (GROWS, STACK, CERTAIN, "stack-by-stat"),
        (GROWS, TOP - 1, CERTAIN, "stack-by-stat"),
        (None, STACK, CERTAIN, "stack-by-stat"),
        (PLAIN, STACK, LIKELY, "stack-not-growing"),
        (GROWS, TOP, CERTAIN, "stack-growing"),
        (GROWS, STACK - 1, CERTAIN, "stack-growing"),
        (GROWS, None, CERTAIN, "stack-growing"),
        (PLAIN, TOP, LIKELY, "stack-alone"),
        (None, None, LIKELY, "stack-alone"),
    ],
)
def test_how_sure_the_main_stack_is(
    flags: str | None, start_stack: int | None, certainty: Certainty, code: str
) -> None:
    """By the stack pointer at exec, which lies in it, and by its growing down."""
    expected = [(STACK, TOP, Rank.BRK, kinds.MAIN_STACK, certainty, code)]
    assert claims(stack(flags), stat={"startstack": start_stack}) == expected


def part(start: int, size: int, perms: str = "r--p", name: bytes = b"", flags: str = GROWS) -> Record:
    """Another mapping, counted from the stack."""
    return record(STACK + start, STACK + start + size, perms, name)._replace(flags=flags)


@pytest.mark.parametrize(
    ("one", "is_part"),
    [
        (part(-PAGE, PAGE), True),
        (part(33 * PAGE, PAGE), True),
        (part(-2 * PAGE, PAGE), False),
        (part(35 * PAGE, PAGE), False),
        (part(-PAGE, PAGE, flags=PLAIN), False),
        (part(-PAGE, PAGE, name=b"[anon:x]"), False),
    ],
)
def test_parts_that_lost_the_name(one: Record, is_part: bool) -> None:
    """What grows down and adjoins the stack, above or below."""
    rows = sorted([stack(), one], key=lambda row: row.start)
    found = [claim for claim in claims(*rows) if claim[0] == one.start]
    expected = [(one.start, one.end, Rank.BRK, kinds.MAIN_STACK, LIKELY, "stack-part")]
    assert found == (expected if is_part else [])


def test_a_stack_that_nothing_names() -> None:
    """Is what grows down."""
    one = part(0, PAGE)
    assert claims(one) == [(one.start, one.end, Rank.BRK, kinds.MAIN_STACK, LIKELY, "stack-unnamed")]


@pytest.mark.parametrize(
    ("one", "is_special"),
    [
        (part(33 * PAGE, PAGE, "r-xp", flags=PLAIN), True),
        (part(34 * PAGE, 64 * 1024, "rwxp", flags=PLAIN), True),
        (part(34 * PAGE, 64 * 1024 + PAGE, "r-xp", flags=PLAIN), False),
        (part(34 * PAGE, PAGE, "r--p", flags=PLAIN), False),
        (part(34 * PAGE, PAGE, "r-xs", flags=PLAIN), False),
        (part(34 * PAGE, PAGE, "r-xp", b"[vdso]", flags=PLAIN), False),
        (part(34 * PAGE, PAGE, "r-xp", b"/x", flags=PLAIN), False),
        (part(-PAGE, PAGE, "r-xp", flags=PLAIN), False),
    ],
)
def test_a_page_of_code_above_the_stack(one: Record, is_special: bool) -> None:
    """Exec mapped it (MIPS)."""
    rows = sorted([stack(), one], key=lambda row: row.start)
    found = [claim for claim in claims(*rows) if claim[0] == one.start]
    assert found == ([(one.start, one.end, Rank.BRK, kinds.SPECIAL, LIKELY, "page-above-stack")] if is_special else [])
    assert claims(one) == []
