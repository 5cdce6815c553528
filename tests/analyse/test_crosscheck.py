"""A prediction beside a real map: which lines are paired, what is said of each, and what is no contradiction."""

import pytest

from procmem.analyse.crosscheck import (
    compare,
    compare_running,
    drawn_addresses,
    drawn_as_predicted,
    drawn_rows,
    entropy_bits,
    failure_report,
    still_there,
    under_the_limit_at_exec,
)
from procmem.model.laws import MMAP_BASE_LAW, Law, Outcome
from procmem.model.note import note
from procmem.model.reports.crosscheck import CrossReport, LineVerdict, RealLine, RealSpace
from procmem.model.simulation import (
    Base,
    Exactness,
    KernelKind,
    Prediction,
    Range,
    Registers,
    Settings,
    SimLayout,
    SimSpace,
    SimVma,
    Stage,
    VmBit,
)
from procmem.simulate.arch.abis import abi_of

A = SimVma(0x1000, 0x3000, "r--p", 0, b"/a")
HEAP = SimVma(0x9000, 0xA000, "rw-p", 0, b"[heap]")
STACK = SimVma(0xC000, 0xF000, "rw-p", 0, b"[stack]", VmBit.GROWSDOWN)
NAMELESS = SimVma(0x5000, 0x7000, "rw-p", 0)


def real(vma: SimVma, **other: object) -> RealLine:
    """The line that maps shows for it."""
    changed = vma._replace(**other)  # type: ignore[arg-type]
    return (changed.start, changed.end, changed.perms, changed.offset, changed.name)


def predicted(*vmas: SimVma, space: SimSpace | None = None) -> Prediction:
    """A prediction of these lines."""
    return Prediction(Stage.MAIN, Settings(), vmas, space)


def shown(*lines: RealLine, esp: int | None = None, stage: Stage = Stage.MAIN) -> RealSpace:
    """What a process shows."""
    return RealSpace(stage, lines, esp)


def verdicts(report: CrossReport) -> list[tuple[int, LineVerdict]]:
    """By the address at which a line is listed."""
    found = []
    for line in report.lines:
        assert line.real is not None or line.predicted is not None
        found.append((line.real[0] if line.real else line.predicted.start, line.verdict))  # type: ignore[union-attr]
    return found


SHAPE = A._replace(status=Exactness.SHAPE)
MOVED = real(A, start=0x2000, end=0x4000)
GROWN = real(A, start=0x2000, end=0x5000)


@pytest.mark.parametrize(
    ("vmas", "lines", "found"),
    [
        ((A,), (real(A),), [(0x1000, LineVerdict.SAME)]),
        ((A,), (MOVED,), [(0x2000, LineVerdict.DIFFERS)]),
        ((SHAPE,), (real(A),), [(0x1000, LineVerdict.SAME)]),
        ((SHAPE,), (MOVED,), [(0x2000, LineVerdict.SHAPE)]),
        ((SHAPE,), (GROWN,), [(0x2000, LineVerdict.DIFFERS)]),
        ((A,), (), [(0x1000, LineVerdict.MISSING)]),
        ((), (real(A),), [(0x1000, LineVerdict.EXTRA)]),
        ((A,), (real(A, perms="r-xp"),), [(0x1000, LineVerdict.MISSING), (0x1000, LineVerdict.EXTRA)]),
        ((A,), (real(A, offset=1),), [(0x1000, LineVerdict.MISSING), (0x1000, LineVerdict.EXTRA)]),
        ((A,), (real(A, name=b"/b"),), [(0x1000, LineVerdict.MISSING), (0x1000, LineVerdict.EXTRA)]),
        ((A,), (GROWN, MOVED), [(0x2000, LineVerdict.DIFFERS), (0x2000, LineVerdict.EXTRA)]),
        ((HEAP, A), (real(A), real(HEAP)), [(0x1000, LineVerdict.SAME), (0x9000, LineVerdict.SAME)]),
    ],
)
def test_lines_and_their_verdicts(
    vmas: tuple[SimVma, ...], lines: tuple[RealLine, ...], found: list[tuple[int, LineVerdict]]
) -> None:
    """Equal ones are paired first, then what has the same name, rights and offset; in the order of addresses."""
    assert verdicts(compare(predicted(*vmas), shown(*lines))) == found


def test_of_lines_alike_the_one_of_the_same_size_is_paired() -> None:
    """Each real line once, the equal one with its own."""
    report = compare(predicted(A), shown(GROWN, MOVED))
    assert [(line.real, line.verdict) for line in report.lines] == [
        (MOVED, LineVerdict.DIFFERS), (GROWN, LineVerdict.EXTRA),
    ]  # fmt: skip
    later = A._replace(start=0x11000, end=0x13000)
    report = compare(predicted(later, A), shown(real(A), MOVED))
    assert [(line.predicted, line.real) for line in report.lines] == [(A, real(A)), (later, MOVED)]


def space(**fields: object) -> SimSpace:
    """A space of which only what is given matters."""
    layout = SimLayout(
        abi=abi_of(KernelKind.COMPAT),
        task_size=0xF000, mmap_base=0x8000, legacy_base=0x4000, top_down=True, program_base=0, guard_gap=0,
        min_address=0, stack_limit=None, read_implies_exec=False, heap_label_inclusive=False,
    )  # fmt: skip
    return SimSpace(layout)._replace(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("prediction", "esp", "found"),
    [
        (predicted(space=space(registers=Registers(esp=7))), 8, (7, 8)),
        (predicted(space=space()), 0, (0, 0)),
        (predicted(space=space()), None, None),
        (predicted(), 8, None),
        (predicted(space=space())._replace(failure=note("gone")), 8, None),
    ],
)
def test_stack_pointers(prediction: Prediction, esp: int | None, found: tuple[int, int] | None) -> None:
    """Where both are known, and there is a process at all."""
    assert compare(prediction, shown(esp=esp)).esp == found


def test_a_running_process() -> None:
    """The heap and what it has mapped since count for nothing, nor does the stack pointer."""
    lines = (real(A), real(HEAP, end=0xB000), real(NAMELESS))
    report = compare_running(predicted(A, HEAP, space=space()), shown(*lines, esp=8), draws=None, within=())
    assert (verdicts(report), report.esp) == ([(0x1000, LineVerdict.SAME)], None)
    report = compare_running(predicted(A, NAMELESS), shown(), draws=None, within=((Base.MMAP, True),))
    assert verdicts(report) == [(0x1000, LineVerdict.FREED), (0x5000, LineVerdict.FREED)]
    # part of it has other rights now; another file lies there
    pieces = (real(A, end=A.start + 0x800, perms="---p"), real(A, start=A.start + 0x800, offset=A.offset + 0x800))
    changed = compare_running(predicted(A), shown(*pieces), draws=None, within=())
    assert [line.verdict for line in changed.lines] == [LineVerdict.CHANGED]
    assert changed.holds
    other = compare_running(predicted(A), shown(real(A, name=b"/b")), draws=None, within=())
    assert [line.verdict for line in other.lines] == [LineVerdict.MISSING]
    assert not other.holds
    assert report.within == ((Base.MMAP, True),)


DATA = SimVma(0x4000, 0x7000, "rw-p", 0x1000, b"/a")
RELRO = real(DATA, end=0x5000, perms="r--p")
REST = real(DATA, start=0x5000, offset=0x2000)


@pytest.mark.parametrize(
    ("vma", "lines", "found"),
    [
        (DATA, (real(DATA),), real(DATA)),
        (DATA, (RELRO, REST), real(DATA)),
        (DATA, (real(DATA, perms="r--p"),), real(DATA)),
        (DATA, (RELRO,), None),
        (DATA, (real(DATA, end=0x5000), REST), real(DATA, end=0x5000)),
        (DATA, (RELRO, real(DATA, start=0x5000, perms="r--p")), None),
        (DATA, (RELRO, real(DATA, start=0x5000, end=0x6000)), real(DATA, start=0x5000, end=0x6000)),
        (DATA, (real(DATA, start=0x7000, end=0xA000),), real(DATA, start=0x7000, end=0xA000)),
        (DATA, (RELRO, real(DATA, start=0x5000, offset=0x2000, name=b"/b")), None),
        (A, (real(A, end=0x4000),), real(A, end=0x4000)),
        (A, (real(A, end=0x4000, offset=1),), None),
        (NAMELESS, (real(NAMELESS, start=0x4000, end=0x8000),), real(NAMELESS)),
        (NAMELESS, (real(NAMELESS, start=0x5000, end=0x8000),), real(NAMELESS)),
        (NAMELESS, (real(NAMELESS, start=0x6000, end=0x8000),), None),
        (NAMELESS, (real(NAMELESS, start=0x4000, end=0x6000),), None),
        (NAMELESS, (real(NAMELESS, start=0x4000, perms="rwxp"),), None),
        (NAMELESS, (real(NAMELESS, start=0x4000, name=b"/a"),), None),
        (STACK, (real(STACK, start=0xB000),), real(STACK)),
        (STACK, (real(STACK, end=0x10000),), real(STACK, end=0x10000)),
        (STACK, (real(STACK, start=0xB000, end=0x10000, offset=1),), None),
    ],
)
def test_what_a_predicted_line_has_become(
    vma: SimVma, lines: tuple[RealLine, ...], found: tuple[int, int, str, int, bytes] | None
) -> None:
    """The same, split by RELRO, grown (a stack, memory without a name), or only alike."""
    assert still_there(vma, shown(*lines, stage=Stage.EXEC)) == found


def test_only_exec_leaves_data_to_be_split() -> None:
    """Later stages have it split already; nor is code, or memory without a name."""
    assert still_there(DATA, shown(RELRO, REST, stage=Stage.MAIN)) is None
    for vma in (DATA._replace(perms="rwxp"), DATA._replace(name=b"")):
        assert still_there(vma, shown(real(vma, perms="r--p"), stage=Stage.EXEC)) is None


def test_bases_that_were_drawn() -> None:
    """Of those that move, whether each lay in its range."""
    prediction = predicted()._replace(ranges=(Range(Base.MMAP, 0, 9, 1, 10),))
    assert drawn_as_predicted(prediction, {Base.BRK: True, Base.MMAP: False}) == ((Base.MMAP, False),)


LAW = Law(MMAP_BASE_LAW, "row", "says", Outcome.NOT_APPLICABLE, note("x"), "source")


@pytest.mark.parametrize(
    ("law", "within", "found"),
    [
        (LAW, False, None),
        (LAW, True, True),
        (LAW._replace(outcome=Outcome.HOLDS), False, False),
        (LAW._replace(outcome=Outcome.BROKEN), False, False),
        (LAW._replace(name="other"), False, False),
    ],
)
def test_the_limit_that_decides_may_have_changed(law: Law, within: bool, found: bool | None) -> None:
    """Then only a base that fits says something; other bases do not depend on it."""
    report = CrossReport(predicted(), (), within=((Base.MMAP, within), (Base.STACK, False)))
    other = LAW._replace(name="stack", outcome=Outcome.HOLDS)
    assert under_the_limit_at_exec(report, (other, law)).within == ((Base.MMAP, found), (Base.STACK, False))


def test_a_stage_that_was_not_reached() -> None:
    """Each line is missing; why is told beside what was predicted."""
    prediction = predicted(A, HEAP)._replace(failure=note("expected"))
    report = failure_report(prediction, note("real"))
    assert [(line.predicted, line.real, line.verdict) for line in report.lines] == [
        (A, None, LineVerdict.MISSING), (HEAP, None, LineVerdict.MISSING),
    ]  # fmt: skip
    assert report.failures == (note("expected"), note("real"))


def test_addresses_of_the_bases() -> None:
    """Those for which there is a range; the stack's is where it ends."""
    ranges = tuple(Range(base, 0, 9, 1, 10) for base in (Base.STACK, Base.MMAP, Base.PROGRAM, Base.BRK, Base.FIXED))
    fitted = space(vmas=(A, STACK), program_bias=0x100, start_brk=0x9000)
    assert drawn_addresses(fitted, ranges) == {
        Base.STACK: 0xF000, Base.MMAP: 0x8000, Base.PROGRAM: 0x100, Base.BRK: 0x9000,
    }  # fmt: skip
    upward = fitted._replace(layout=fitted.layout._replace(top_down=False), vmas=(A,))
    assert drawn_addresses(upward, ranges[:2]) == {Base.STACK: 0, Base.MMAP: 0x4000}


def test_bases_of_many_runs() -> None:
    """Under their ranges, run by run; a run that lacks one is left out there."""
    ranges = (Range(Base.MMAP, 0, 9, 1, 10), Range(Base.BRK, 0, 9, 1, 10))
    rows = drawn_rows(ranges, [{Base.MMAP: 3, Base.BRK: 4}, {Base.MMAP: 5}])
    assert [(row.range, row.seen) for row in rows] == [(ranges[0], (3, 5)), (ranges[1], (4,))]


@pytest.mark.parametrize(
    ("values", "bits"), [([], 0), ([7], 0), ([1, 2], 1), ([1, 1, 2, 2], 1), ([1, 2, 3, 4], 2), ([1, 1, 1, 2], 0.811)]
)
def test_entropy(values: list[int], bits: float) -> None:
    """In bits, by how often each value was seen."""
    assert entropy_bits(values) == pytest.approx(bits, abs=0.001)
