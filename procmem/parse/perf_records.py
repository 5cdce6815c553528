"""The records of perf_event_open's ring, for the events that :mod:`procmem.sources.perf_events` opens.

Records have the machine's byte order. One that is shorter than its own fields ends the piece: nothing behind it can be
found. Source: perf_event_open(2), "MMAP layout"; include/uapi/linux/perf_event.h, enum perf_event_type.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from procmem.model.perf_records import FaultSample, Lost, MappedRange, RecordForm, ThreadName

__all__ = ["parse_records"]

_LOST, _COMM, _SAMPLE, _MMAP2, _LOST_SAMPLES = 2, 3, 9, 10, 13
_HEADER = struct.Struct("=IHH")
_SAMPLE_HEAD = struct.Struct("=QIIQQQ")
"""ip, pid, tid, time, address, number of addresses in the chain."""
_MMAP2_HEAD = struct.Struct("=IIQQQIIQQII")
_PROT_EXEC = 4
_SAMPLE_ID_BYTES = 16
"""What sample_id_all appends: pid, tid, time."""
_CONTEXTS = 0xFFFF_FFFF_FFFF_F000
"""From here on an entry of a chain is no address, but says whose code follows (enum perf_callchain_context)."""
_BITS = {1: 32, 2: 64}
"""Of enum perf_sample_regs_abi."""
_CHAIN_MAX = 1024

Record = FaultSample | MappedRange | ThreadName | Lost


def parse_records(data: bytes, form: RecordForm) -> Iterator[Record]:
    """All records of a piece; kinds that nobody needs are passed over."""
    at, end = 0, len(data)
    registers = struct.Struct(f"={form.registers.bit_count()}Q")
    while at + _HEADER.size <= end:
        kind, _misc, size = _HEADER.unpack_from(data, at)
        if size < _HEADER.size or at + size > end:
            return
        body = at + _HEADER.size
        try:
            if kind == _SAMPLE:
                yield _sample(data, body, form, registers)
            elif kind == _MMAP2:
                yield _mapping(data, body, at + size)
            elif kind == _COMM:
                pid, tid = struct.unpack_from("=II", data, body)
                yield ThreadName(pid, tid, data[body + 8 : at + size - _SAMPLE_ID_BYTES].split(b"\0", 1)[0])
            elif kind == _LOST:
                yield Lost(struct.unpack_from("=QQ", data, body)[1])
            elif kind == _LOST_SAMPLES:
                yield Lost(struct.unpack_from("=Q", data, body)[0])
        except struct.error:
            return
        at += size


def _sample(data: bytes, at: int, form: RecordForm, registers: struct.Struct) -> FaultSample:
    ip, pid, tid, time, address, count = _SAMPLE_HEAD.unpack_from(data, at)
    at += _SAMPLE_HEAD.size
    count = min(count, _CHAIN_MAX)
    chain = struct.unpack_from(f"={count}Q", data, at)
    at += 8 * count
    bits, values, stack = 0, (), b""
    if form.stack_bytes:
        (abi,) = struct.unpack_from("=Q", data, at)
        at += 8
        bits = _BITS.get(abi, 0)
        if bits:
            values = registers.unpack_from(data, at)
            at += registers.size
        (size,) = struct.unpack_from("=Q", data, at)
        at += 8
        if size:
            (used,) = struct.unpack_from("=Q", data, at + size)
            stack = data[at : at + min(used, size)]
    found = tuple(one for one in chain if one < _CONTEXTS)
    return FaultSample(pid, tid, time, ip, address, found, bits, values, stack)


def _mapping(data: bytes, at: int, end: int) -> MappedRange:
    """A new mapping, its name as maps writes it (fs/seq_file.c, seq_path())."""
    pid, _tid, start, length, offset, major, minor, inode, _generation, prot, _flags = _MMAP2_HEAD.unpack_from(data, at)
    name = data[at + _MMAP2_HEAD.size : end - _SAMPLE_ID_BYTES].split(b"\0", 1)[0].replace(b"\n", b"\\012")
    (time,) = struct.unpack_from("=Q", data, end - 8)
    return MappedRange(
        *(pid, time, start, start + length, offset, f"{major:02x}:{minor:02x}", inode, bool(prot & _PROT_EXEC), name)
    )
