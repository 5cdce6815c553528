"""What the kernel tells of page faults (perf_event_open(2)): samples, new mappings, names, what got lost.

Here belong the values; bytes are read in ``parse``, and events opened in ``sources``.
"""

from procmem.model.named_tuple import NamedTuple

__all__ = ["FaultSample", "Lost", "MappedRange", "RecordForm", "ThreadName"]


class RecordForm(NamedTuple):
    """What each sample holds besides the fault: a mask of user registers (asm/perf_regs.h), and bytes of the stack."""

    registers: int = 0
    stack_bytes: int = 0


class FaultSample(NamedTuple):
    """One page fault of many.

    ``time`` is nanoseconds of CLOCK_MONOTONIC, ``address`` what was touched, ``ip`` the instruction (the kernel's own
    where a system call touched it). ``chain`` are the code addresses
    that the kernel found by frame pointers, the innermost first; ``bits`` is the width of the registers (0 where there
    are none), ``registers`` their values in the order of the mask, and ``stack`` memory from the stack pointer upward.
    """

    pid: int
    tid: int
    time: int
    ip: int
    address: int
    chain: tuple[int, ...]
    bits: int
    registers: tuple[int, ...]
    stack: bytes


class MappedRange(NamedTuple):
    """A mapping that was made meanwhile; ``offset`` is its place in the file, ``name`` as maps has it."""

    pid: int
    time: int
    start: int
    end: int
    offset: int
    device: str
    inode: int
    executable: bool
    name: bytes


class ThreadName(NamedTuple):
    """A thread has got this name."""

    pid: int
    tid: int
    name: bytes


class Lost(NamedTuple):
    """So many records found no room in the ring."""

    records: int
