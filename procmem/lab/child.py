"""The subject of an experiment: a process that does to its memory exactly what it is told, and nothing else.

It is run by itself (``python -I -S child.py``), reads one JSON list a line from standard input, does that, and
answers with one JSON value. Memory is touched by one call of the C library over the whole range, so that page faults of
the interpreter do not come between; they are counted by getrusage(2) right before and after.
"""

import binascii
import ctypes
import gc
import json
import mmap
import os
import resource
import signal
import sys
import time
from typing import Any, BinaryIO

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from parent_death import end_with  # type: ignore[import-not-found]

if __name__ == "__main__":
    end_with(int(sys.argv[1]))  # before anything else: it never outlives who asked

__all__: list[str] = []

PAGE = mmap.PAGESIZE
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = LIBC.memchr.restype = LIBC.malloc.restype = LIBC.shmat.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
LIBC.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
LIBC.memchr.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
LIBC.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
LIBC.mprotect.argtypes = LIBC.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
LIBC.malloc.argtypes, LIBC.free.argtypes = [ctypes.c_size_t], [ctypes.c_void_p]
LIBC.shmat.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
FIXED_NOREPLACE, NORESERVE, POPULATE, HUGETLB = 0x100000, 0x4000, 0x8000, 0x40000
NOHUGEPAGE, RMID = 15, 0
PR_SET_THP_DISABLE = 41
ERROR_CODE, FAULT_ADDRESS = 19, 22
"""Indexes of REG_ERR and REG_CR2 in ``gregs`` of x86-64's ucontext, which begins after 40 bytes."""


class Refused(Exception):
    """A system call failed; the text says which and how."""


def checked(value: int, what: str) -> int:
    if value in (-1, None, (1 << 64) - 1):
        raise Refused(f"{what}: {os.strerror(ctypes.get_errno())}")
    return value


BLOCKS: dict[int, int] = {}
COUNTED = resource.getrusage(resource.RUSAGE_SELF)


def counted() -> tuple[int, int]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_minflt, usage.ru_majflt


def do_map(at: int, size: int, kind: str = "anon", path: str = "", prot: int = 3, flags: int = 0) -> int:
    """Map memory at a fixed free place; ``kind`` is anon, shared, file (private), shared-file, memfd, posix, sysv.

    ``path`` is the file, or what shm_open(3) would open.
    """
    if kind == "sysv":
        key = checked(LIBC.shmget(0, ctypes.c_size_t(size), 0o1600), "shmget")
        place = LIBC.shmat(key, at, 0)
        LIBC.shmctl(key, RMID, None)  # it lives as long as somebody has it attached
        return checked(place, "shmat")
    fd = -1
    if kind == "memfd":
        fd = os.memfd_create("lab")
    elif kind == "posix":
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        os.unlink(path)
    elif path:
        fd = os.open(path, os.O_RDWR if kind == "shared-file" else os.O_RDONLY)
    if kind in ("memfd", "posix"):
        os.ftruncate(fd, size)
    private = kind in ("anon", "file")
    flags |= (2 if private else 1) | FIXED_NOREPLACE | (0x20 if fd < 0 else 0)
    place = checked(LIBC.mmap(at, size, prot, flags, fd, 0), "mmap")
    if fd >= 0:
        os.close(fd)
    return place


def do_write(at: int, size: int) -> tuple[int, int]:
    """Write every page of a range; minor and major faults."""
    minor, major = counted()
    LIBC.memset(at, 1, size)
    after = counted()
    return after[0] - minor, after[1] - major


def do_read(at: int, size: int) -> tuple[int, int]:
    """Read a range that holds no byte 255, to its end; minor and major faults."""
    minor, major = counted()
    LIBC.memchr(at, 255, size)
    after = counted()
    return after[0] - minor, after[1] - major


def do_scan(at: int, size: int) -> int:
    """Read a range of any bytes, by a checksum."""
    return binascii.crc32((ctypes.c_char * size).from_address(at))


def do_stream(path: str) -> int:
    """Read a file from its beginning to its end, once."""
    with open(path, "rb", buffering=0) as file:
        piece = bytearray(1 << 16)
        while file.readinto(piece):
            pass
    return 0


def do_unmap(at: int, size: int) -> int:
    return checked(LIBC.munmap(at, size), "munmap")


def do_protect(at: int, size: int, prot: int) -> int:
    return checked(LIBC.mprotect(at, size, prot), "mprotect")


def do_advise(at: int, size: int, advice: int) -> int:
    return checked(LIBC.madvise(at, size, advice), "madvise")


def do_touch_each(first: int, step: int, count: int) -> tuple[int, int]:
    """Write one byte at each of several places."""
    places = [first + step * number for number in range(count)]
    minor, major = counted()
    for place in places:
        LIBC.memset(place, 1, 1)
    after = counted()
    return after[0] - minor, after[1] - major


def do_fault(access: str, at: int) -> dict[str, int] | None:
    """Make one access in a child of its own; what the signal told, or None where the access passed."""
    read_end, write_end = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        end_with(parent)
        os.close(read_end)
        _fault_here(access, at, write_end)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        text = pipe.read()
    os.waitpid(pid, 0)
    return json.loads(text) if text else None


def _fault_here(access: str, at: int, pipe: int) -> None:
    """Never comes back."""
    handler_type = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)

    def caught(number: int, info: int, context: int) -> None:
        registers = ctypes.cast(context + 40, ctypes.POINTER(ctypes.c_ulonglong))
        told = {
            "signal": number,
            "code": registers[ERROR_CODE],
            "address": registers[FAULT_ADDRESS],
            "si_code": ctypes.cast(info, ctypes.POINTER(ctypes.c_int))[2],
        }
        os.write(pipe, json.dumps(told).encode())
        os._exit(1)

    class Action(ctypes.Structure):
        _fields_ = (
            ("handler", handler_type),
            ("mask", ctypes.c_ulong * 16),
            ("flags", ctypes.c_int),
            ("restorer", ctypes.c_void_p),
        )

    stack = ctypes.create_string_buffer(1 << 20)

    class Stack(ctypes.Structure):
        _fields_ = (("sp", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))

    # the handler runs on a stack of its own: the usual one may be what cannot grow
    LIBC.sigaltstack(ctypes.byref(Stack(ctypes.addressof(stack), 0, len(stack))), None)
    action = Action(handler_type(caught), (ctypes.c_ulong * 16)(), 4 | 0x08000000, None)
    for number in (signal.SIGSEGV, signal.SIGBUS):
        LIBC.sigaction(number, ctypes.byref(action), None)
    if access == "write":
        LIBC.memset(at, 1, 1)
    elif access == "read":
        LIBC.memchr(at, 255, 1)
    else:
        ctypes.CFUNCTYPE(None)(at)()
    os._exit(0)


def do_stack_limit(size: int) -> None:
    """Set the soft stack limit."""
    resource.setrlimit(resource.RLIMIT_STACK, (size, resource.getrlimit(resource.RLIMIT_STACK)[1]))


def do_kernel_reads(at: int) -> int:
    """Ask the kernel to read an address for us (write(2)): the error number, 0 where it did."""
    read_end, write_end = os.pipe()
    LIBC.write.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
    failed = LIBC.write(write_end, at, 1) < 0
    error = ctypes.get_errno() if failed else 0
    os.close(read_end)
    os.close(write_end)
    return error


def do_malloc(count: int, size: int) -> list[int]:
    """Get blocks from malloc and write each; the first and the last address."""
    table = (ctypes.c_void_p * count)()
    for index in range(count):
        table[index] = LIBC.malloc(size)
        LIBC.memset(table[index], 1, size)
    BLOCKS.clear()
    BLOCKS.update(enumerate(list(table)))
    return [BLOCKS[0], BLOCKS[count - 1]]


def do_free(first: int, end: int) -> int:
    """Give some of them back, by number."""
    for index in range(first, end):
        LIBC.free(BLOCKS.pop(index))
    return 0


def do_load(path: str) -> int:
    """Load a shared library."""
    ctypes.CDLL(path)
    return 0


def do_fork(read_path: str, write_path: str) -> int:
    """Fork; the child takes its orders from the two named pipes."""
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        end_with(parent)
        with open(read_path, "rb") as orders, open(write_path, "wb") as answers:
            serve(orders, answers)
        os._exit(0)
    return pid


def do_peek(at: int) -> int:
    """The byte at an address."""
    return ctypes.c_ubyte.from_address(at).value


def do_poke(at: int, text: str) -> int:
    """Write bytes, given as hexadecimal digits."""
    data = bytes.fromhex(text)
    ctypes.memmove(at, data, len(data))
    return 0


def do_try_map(size: int, flags: int) -> int:
    """Ask for private writable memory anywhere, and give it back at once: the error number, 0 where it was granted."""
    place = LIBC.mmap(None, size, 3, 0x22 | flags, -1, 0)
    if place in (None, (1 << 64) - 1):
        return ctypes.get_errno()
    LIBC.munmap(place, size)
    return 0


def do_call(at: int, argument: int) -> int:
    """Call machine code as a function of one number; what it gives back."""
    return int(ctypes.CFUNCTYPE(ctypes.c_ulonglong, ctypes.c_ulonglong)(at)(argument))


def do_time_call(at: int, argument: int) -> float:
    """The same; the seconds that the fastest of five calls took."""
    function = ctypes.CFUNCTYPE(ctypes.c_ulonglong, ctypes.c_ulonglong)(at)
    times = []
    for _round in range(5):
        began = time.perf_counter()
        function(argument)
        times.append(time.perf_counter() - began)
    return min(times)


def do_counted_call(at: int, argument: int) -> tuple[int, int]:
    """The same; minor and major faults meanwhile."""
    function = ctypes.CFUNCTYPE(ctypes.c_ulonglong, ctypes.c_ulonglong)(at)
    minor, major = counted()
    function(argument)
    after = counted()
    return after[0] - minor, after[1] - major


def do_time_write(at: int, size: int) -> float:
    """Write every page of a range; the seconds that it took."""
    began = time.perf_counter()
    LIBC.memset(at, 1, size)
    return time.perf_counter() - began


def do_time_read(at: int, size: int) -> float:
    """Read a range that holds no byte 255; the seconds that it took."""
    began = time.perf_counter()
    LIBC.memchr(at, 255, size)
    return time.perf_counter() - began


def do_read_file(path: str, piece: int) -> tuple[int, float]:
    """Read a file from its beginning to its end by read(2): how many calls, as the kernel counts, and seconds."""
    fd = os.open(path, os.O_RDONLY)
    room = ctypes.create_string_buffer(piece)
    before, began = _calls(), time.perf_counter()
    while LIBC.read(fd, room, piece) > 0:
        pass
    seconds, after = time.perf_counter() - began, _calls()
    os.close(fd)
    return after - before, seconds


def _calls() -> int:
    with open("/proc/self/io", "rb", buffering=0) as file:
        return int(file.read().split(b"syscr:")[1].split()[0])


def do_objects(count: int) -> int:
    """Make so many objects, which stay."""
    OBJECTS.extend([number] for number in range(count))
    return len(OBJECTS)


def do_forget() -> int:
    """Let them go, all at once."""
    OBJECTS.clear()
    return gc.collect()


OBJECTS: list[list[int]] = []


def do_wait(pid: int) -> int:
    return os.waitpid(pid, 0)[1]


def do_many(kind: str, count: int) -> Any:
    import many  # type: ignore[import-not-found]  # noqa: PLC0415  # beside this file; only one experiment needs it

    return many.many(kind, count)


def serve(orders: BinaryIO, answers: BinaryIO) -> None:
    """Do what is asked, one line at a time, until there is no more."""
    for line in iter(orders.readline, b""):
        verb, *words = json.loads(line)
        try:
            answer = {"value": globals()[f"do_{verb}"](*words)}
        except (Refused, OSError, ValueError) as error:
            answer = {"error": str(error)}
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


if __name__ == "__main__":
    if sys.argv[2:] != ["thp"]:
        LIBC.prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)
    serve(sys.stdin.buffer, sys.stdout.buffer)
