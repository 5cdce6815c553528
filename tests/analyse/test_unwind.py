"""Chains of callers: frames made by hand, and every way in which a chain ends."""

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from procmem.analyse.unwind import unwound
from procmem.model.code import AMD64, I386, CallerRule, ChainEnd, CodeChain, Operation, SavedBy, SavedRegister
from procmem.model.perf_records import FaultSample

STACK = 0x7FFF_0000
RETURN, FRAME, SP = 16, 6, 7


def rule(offset: int, *saved: SavedRegister, **other: object) -> CallerRule:
    """The frame address is the stack pointer plus an offset, and the return address just below it."""
    fields: dict[str, object] = {
        "start": 0x1000, "cfa_register": SP, "cfa_offset": offset, "cfa_operations": (),
        "saved": (SavedRegister(RETURN, SavedBy.OFFSET, -8), *saved), "returns_to": RETURN,
        "is_last": False, "is_signal": False, **other,
    }  # fmt: skip
    return CallerRule(**fields)  # type: ignore[arg-type]  # of any kind


def sample(
    words: list[int], *, ip: int = 0x1000, bp: int = 0, chain: tuple[int, ...] = (), bits: int = 64
) -> FaultSample:
    """A sample whose stack holds these words."""
    machine = AMD64 if bits == 64 else I386
    by_number = dict.fromkeys(machine.order, 0x55)
    by_number |= {machine.instruction: ip, machine.stack: STACK, machine.frame: bp}
    stack = struct.pack(f"={len(words)}{'Q' if bits == 64 else 'I'}", *words)
    return FaultSample(1, 1, 0, ip, 0x9000, chain, bits, tuple(by_number[one] for one in machine.order), stack)


def chain(one: FaultSample, rules: dict[int, CallerRule], code: range = range(0x1000, 0x9000)) -> CodeChain:
    return unwound(one, rules.get, lambda address: address in code)


LAST = rule(8, is_last=True)


def test_by_rules_alone() -> None:
    """A caller is the instruction before its return address, and the last one says so."""
    rules = {0x1000: rule(16), 0x1FFF: rule(24), 0x2FFF: LAST}
    found = chain(sample([1, 0x2000, 2, 3, 0x3000]), rules)
    assert found == CodeChain((0x1000, 0x1FFF, 0x2FFF), 3, ChainEnd.COMPLETE)


def test_saved_registers_come_back() -> None:
    """The caller's frame address is counted from a register that its callee has saved."""
    callee = rule(24, SavedRegister(FRAME, SavedBy.OFFSET, -16))
    caller = rule(16, cfa_register=FRAME)
    found = chain(sample([0, STACK + 24, 0x2000, 7, 0x3000]), {0x1000: callee, 0x1FFF: caller, 0x2FFF: LAST})
    assert found.addresses == (0x1000, 0x1FFF, 0x2FFF)


def test_a_return_address_of_zero_ends_it() -> None:
    """As the kernel starts a program."""
    assert chain(sample([0]), {0x1000: rule(8)}) == CodeChain((0x1000,), 1, ChainEnd.COMPLETE)


@pytest.mark.parametrize(
    ("words", "rules", "end", "frames"),
    [
        ([1], {0x1000: rule(16)}, ChainEnd.STACK_CUT, 1),
        ([0x99_9999], {0x1000: rule(8)}, ChainEnd.CONTRADICTION, 1),
        ([0x2000], {0x1000: rule(8)}, ChainEnd.NO_RULE, 2),
        ([0x2000], {}, ChainEnd.NO_RULE, 1),
        ([0x2000], {0x1000: rule(8, cfa_register=99)}, ChainEnd.NO_RULE, 1),
        ([0x2000, 0x2000], {0x1000: rule(8), 0x1FFF: rule(0)}, ChainEnd.CONTRADICTION, 2),
    ],
)
def test_each_early_end(words: list[int], rules: dict[int, CallerRule], end: ChainEnd, frames: int) -> None:
    """With its reason, and no frame more than is known."""
    found = chain(sample(words, bp=0x1), rules)
    assert found.end is end
    assert found.addresses == (0x1000, 0x1FFF)[:frames]


def test_frame_pointers_where_there_is_no_rule() -> None:
    """From there on frames are less sure; a frame pointer of zero is the outermost frame."""
    words = [1, STACK + 24, 0x2000, 0, 0x3000]
    found = chain(sample(words, bp=STACK + 8), {})
    assert found == CodeChain((0x1000, 0x1FFF, 0x2FFF), 1, ChainEnd.COMPLETE)


def test_what_the_kernel_found_goes_on_where_the_copy_ends() -> None:
    """If it knows the frame that was reached last."""
    one = sample([1, 0x2000], chain=(0x1000, 0x2000, 0x3000, 0x4000))
    found = chain(one, {0x1000: rule(16), 0x1FFF: rule(4096)})
    assert found.addresses == (0x1000, 0x1FFF, 0x2FFF, 0x3FFF)
    assert (found.certain, found.end) == (2, ChainEnd.STACK_CUT)
    stranger = chain(one._replace(chain=(0x1000, 0x5000)), {0x1000: rule(16), 0x1FFF: rule(4096)})
    assert stranger.addresses == (0x1000, 0x1FFF)


def test_without_registers_there_is_what_the_kernel_found() -> None:
    """Up to what is no code."""
    one = sample([], chain=(0x1000, 0x2000, 0x66_6666, 0x3000))._replace(bits=0)
    assert chain(one, {}).addresses == (0x1000, 0x1FFF)


def test_behind_a_signal_handler_the_caller_was_interrupted() -> None:
    """It is where it was, and not before it: the first instruction of a function may be it."""
    rules = {0x1000: rule(8, is_signal=True), 0x2000: LAST}
    assert chain(sample([0x2000]), rules).addresses == (0x1000, 0x2000)


def test_expressions() -> None:
    """As those of the procedure linkage table: the frame address depends on the instruction."""
    plt = (
        Operation(0x77, (8,)), Operation(0x80, (0,)), Operation(0x3F), Operation(0x1A), Operation(0x3B),
        Operation(0x2A), Operation(0x33), Operation(0x24), Operation(0x22),
    )  # fmt: skip
    before = chain(sample([0x2000, 0x3000], ip=0x1005), {0x1005: rule(0, cfa_operations=plt), 0x1FFF: LAST})
    behind = chain(sample([1, 0x2000], ip=0x100B), {0x100B: rule(0, cfa_operations=plt), 0x1FFF: LAST})
    assert before.addresses == (0x1005, 0x1FFF)
    assert behind.addresses == (0x100B, 0x1FFF)
    saved = SavedRegister(RETURN, SavedBy.EXPRESSION, 0, (Operation(0x08, (16,)), Operation(0x1C)))
    odd = rule(24)._replace(saved=(saved,))
    assert chain(sample([1, 0x2000]), {0x1000: odd, 0x1FFF: LAST}).addresses == (0x1000, 0x1FFF)


@pytest.mark.parametrize("bits", [64, 32])
def test_numbers_with_signs_in_expressions(bits: int) -> None:
    """A constant below zero is a word of the machine: it is compared as what it is, and shifts by nothing less."""
    word, stack = bits // 8, 0x77 if bits == 64 else 0x74
    place = SavedRegister(RETURN if bits == 64 else 8, SavedBy.OFFSET, -word)
    below_zero = Operation(0x09, (-1,))
    for one_word in (
        (below_zero, Operation(0x30), Operation(0x2D)),  # -1 < 0
        (Operation(0x31), below_zero, Operation(0x25), Operation(0x31), Operation(0x22)),  # (1 >> -1) + 1
    ):
        frame = (*one_word, Operation(0x08, (word,)), Operation(0x1E), Operation(stack, (0,)), Operation(0x22))
        odd = CallerRule(0x1000, 0, 0, frame, (place,), place.register, False, False)
        found = chain(sample([0x2000], bits=bits), {0x1000: odd, 0x1FFF: odd._replace(is_last=True)})
        assert found.addresses == (0x1000, 0x1FFF)


def test_32_bit_frames() -> None:
    """Words of four bytes, other numbers of registers."""
    one = CallerRule(0x1000, 4, 8, (), (SavedRegister(8, SavedBy.OFFSET, -4),), 8, False, False)
    last = one._replace(is_last=True)
    assert chain(sample([1, 0x2000], bits=32), {0x1000: one, 0x1FFF: last}).addresses == (0x1000, 0x1FFF)


def test_an_endless_chain_has_an_end() -> None:
    """A function that calls itself."""
    found = chain(sample([0x1001] * 400), {0x1000: rule(8)})
    assert found.end is ChainEnd.TOO_DEEP
    assert len(found.addresses) == 127


OPERATIONS = st.builds(
    Operation,
    st.sampled_from([*range(0x60), 0x77, 0x92, 0x96]),
    st.lists(st.integers(-(1 << 63), (1 << 64) - 1), max_size=2).map(tuple),
)


@example([Operation(0x31), Operation(0x09, (-1,)), Operation(0x24)], [])
@given(st.lists(OPERATIONS, max_size=12), st.lists(st.integers(0, (1 << 64) - 1), max_size=8))
def test_any_rule_ends_well(operations: list[Operation], words: list[int]) -> None:
    """Whatever a stranger's file says."""
    odd = rule(0, cfa_operations=tuple(operations) or (Operation(0x30),))
    found = chain(sample(words), {0x1000: odd, 0x1FFF: odd})
    assert found.addresses[0] == 0x1000
