"""Records of the ring of perf_event_open: made by hand as the kernel lays them out, whole, cut, and hostile."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from procmem.model.code import AMD64
from procmem.model.perf_records import FaultSample, Lost, MappedRange, RecordForm, ThreadName
from procmem.parse.perf_records import parse_records

PLAIN = RecordForm()
WITH_STACK = RecordForm(AMD64.mask, 64)


def record(kind: int, body: bytes) -> bytes:
    """A record of a kind, its length made a multiple of eight as the kernel does."""
    body += bytes(-len(body) % 8)
    return struct.pack("=IHH", kind, 0, 8 + len(body)) + body


def sample(*, chain: tuple[int, ...] = (0x401000,), abi: int | None = None, used: int = 0) -> bytes:
    """PERF_RECORD_SAMPLE with ip, tid, time, addr, callchain; and registers and stack where there is an ABI."""
    body = struct.pack("=QIIQQQ", 0x401000, 7, 8, 123, 0x7000, len(chain)) + struct.pack(f"={len(chain)}Q", *chain)
    if abi is not None:
        body += struct.pack("=Q", abi)
        if abi:
            body += struct.pack("=17Q", *range(17))
        body += struct.pack("=Q", 64 if abi else 0)
        if abi:
            body += bytes(range(64)) + struct.pack("=Q", used)
    return record(9, body)


def test_a_sample_without_a_stack() -> None:
    """The markers that say whose code follows are no addresses."""
    [found] = parse_records(sample(chain=(0xFFFF_FFFF_FFFF_FE00, 0x401000, 0x402000)), PLAIN)
    assert found == FaultSample(7, 8, 123, 0x401000, 0x7000, (0x401000, 0x402000), 0, (), b"")


def test_a_sample_with_registers_and_stack() -> None:
    """Only so much of the stack as was copied; a task without user registers has neither."""
    [found] = parse_records(sample(abi=2, used=24), WITH_STACK)
    assert isinstance(found, FaultSample)
    assert (found.bits, found.registers, found.stack) == (64, tuple(range(17)), bytes(range(24)))
    [of_32_bits] = parse_records(sample(abi=1, used=999), WITH_STACK)
    assert isinstance(of_32_bits, FaultSample)
    assert (of_32_bits.bits, len(of_32_bits.stack)) == (32, 64)
    [without] = parse_records(sample(abi=0), WITH_STACK)
    assert isinstance(without, FaultSample)
    assert (without.bits, without.registers, without.stack) == (0, (), b"")


def test_other_records() -> None:
    """New mappings, names, losses; kinds that nobody needs are passed over."""
    identity = struct.pack("=IIQ", 7, 8, 99)
    mapping = struct.pack("=IIQQQIIQQII", 7, 8, 0x1000, 0x2000, 0x3000, 8, 17, 42, 0, 5, 2) + b"/lib/x y" + bytes(8)
    data = (
        record(10, mapping + identity)
        + record(3, struct.pack("=II", 7, 9) + b"worker\0\0" + identity)
        + record(2, struct.pack("=QQ", 1, 17) + identity)
        + record(13, struct.pack("=Q", 5) + identity)
        + record(4, bytes(24) + identity)
    )
    assert list(parse_records(data, PLAIN)) == [
        MappedRange(7, 99, 0x1000, 0x3000, 0x3000, "08:11", 42, True, b"/lib/x y"),
        ThreadName(7, 9, b"worker"),
        Lost(17),
        Lost(5),
    ]


@given(st.integers(0, 400))
def test_a_cut_piece_ends_there(length: int) -> None:
    """What is whole is read, and nothing is made of a part."""
    data = sample(abi=2, used=64) + record(2, struct.pack("=QQ", 1, 17) + bytes(16))
    whole = list(parse_records(data, WITH_STACK))
    assert (
        list(parse_records(data[:length], WITH_STACK)) == whole[: len(list(parse_records(data[:length], WITH_STACK)))]
    )


@given(st.lists(st.tuples(st.sampled_from([2, 3, 9, 10, 13, 99]), st.binary(max_size=300)), max_size=5), st.booleans())
def test_any_bytes_end_well(parts: list[tuple[int, bytes]], with_stack: bool) -> None:
    """Whatever a record holds."""
    data = b"".join(record(kind, body) for kind, body in parts)
    list(parse_records(data, WITH_STACK if with_stack else PLAIN))


@given(st.binary(max_size=600))
def test_any_bytes_at_all(data: bytes) -> None:
    """A length of zero would never end."""
    list(parse_records(data, WITH_STACK))
