"""Processes to look at: each load differs in every record, and is gone at the end.

Here belongs starting them; what is asked of them is for :mod:`tests.benchmarks.table`.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial

__all__ = ["LOADS", "Load"]

HERE = os.path.dirname(os.path.abspath(__file__))
PROCMEM = os.path.join(os.path.dirname(sys.executable), "procmem")

Load = Callable[[ExitStack], str]
"""Starts something, which ends with the stack; gives its pid, or the path of a recording."""

FAMILY = """
import os, random, sys
draw = random.Random(int(sys.argv[1]))
for name in sys.argv[3].split(","):
    __import__(name)
keep = [bytes([n % 256]) * draw.randint(100, 9000) for n in range(draw.randint(10, 900))]
for _ in range(int(sys.argv[2])):
    if os.fork() == 0:
        keep += [bytes([n % 256]) * draw.randint(100, 9000) for n in range(draw.randint(10, 400))]
        break
os.write(1, b"ready\\n")
sys.stdin.read()
"""
"""A parent and its children, which share what the parent had and differ in what they wrote."""

MODULES = (
    "json",
    "decimal",
    "email.parser",
    "xml.etree.ElementTree",
    "asyncio",
    "ctypes",
    "unittest.mock",
    "logging.config",
)
PROGRAMS: tuple[tuple[str, ...], ...] = (
    ("cat",),
    ("bash", "-c", "read x"),
    ("sh", "-c", "read x"),
    ("perl", "-e", "<STDIN>"),
    ("awk", "{}"),
    ("sed", "-n", "p"),
    ("grep", "x"),
    ("sort",),
    ("wc",),
    ("od",),
    ("tee",),
    ("tr", "a", "b"),
)
"""Twelve programs that wait for their input; with Python of eight kinds they make twenty."""

THREADS = """
import os, random, sys, threading
count, draw, there = int(sys.argv[1]), random.Random(1), threading.Event()
ready = threading.Barrier(count + 1)

def work(size):
    block = bytearray(size)
    ready.wait()
    there.wait()
    del block

for number in range(count):
    threading.stack_size(draw.choice([256, 512, 1024]) << 10)
    threading.Thread(target=work, args=(draw.randint(100, 60000),), name=f"worker-{number}", daemon=True).start()
ready.wait()
os.write(1, b"ready\\n")
sys.stdin.read()
"""

DEEP = """
import os, random, sys, threading
draw = random.Random(3)
keep = [{n: str(n) * draw.randint(1, 40)} for n in range(300_000)]
blocks = [bytearray(draw.randint(1000, 500_000)) for _ in range(2000)]
there = threading.Event()
for _ in range(40):
    threading.Thread(target=lambda: (bytearray(50_000), there.wait()), daemon=True).start()
os.write(1, b"ready\\n")
sys.stdin.read()
"""
"""Many small and large blocks, arenas of threads, the interpreter's own structures: what ``--deep`` walks."""


def _started(stack: ExitStack, command: Sequence[str], ready: int = 1) -> str:
    """Start a program that waits for the end of its input, and wait until it has said so often that it is ready."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0)
    stack.enter_context(_ended(process))
    assert process.stdout is not None
    for _ in range(ready):
        if process.stdout.readline() != b"ready\n":
            raise RuntimeError(f"{command[0]} did not get ready")
    return str(process.pid)


@contextlib.contextmanager
def _ended(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.communicate()


def sleeping(stack: ExitStack) -> str:
    """The smallest process: about 25 mappings."""
    return _started(stack, ["sh", "-c", "echo ready; exec sleep 100000"])


def resident(stack: ExitStack) -> str:
    """About 25 mappings, of which one holds 4 GiB: what dd has read, and nobody takes."""
    process = subprocess.Popen(
        ["dd", "if=/dev/zero", "bs=4G", "count=1", "iflag=fullblock", "status=none"],
        stdout=subprocess.PIPE,
        process_group=0,
    )
    stack.enter_context(_ended(process))
    assert process.stdout is not None
    process.stdout.read(1)  # all was read by then
    return str(process.pid)


def mapped(count: int, stack: ExitStack) -> str:
    """So many mappings, all different."""
    return _started(stack, [sys.executable, os.path.join(HERE, "mapper.py"), str(count)])


def threads(count: int, stack: ExitStack) -> str:
    """So many threads."""
    return _started(stack, [sys.executable, "-c", THREADS, str(count)])


def crowd(count: int, stack: ExitStack) -> str:
    """So many processes of twenty programs, some of them families of a parent and its children."""
    programs = [program for program in PROGRAMS if shutil.which(program[0])]
    left, number = count, 0
    while left > 0:
        kind = number % (len(programs) + len(MODULES))
        if kind < len(programs):
            process = subprocess.Popen(
                programs[kind], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, process_group=0
            )
            stack.enter_context(_ended(process))
            left -= 1
        else:
            children = min(number % 7 * 5, left - 1)
            command = [sys.executable, "-c", FAMILY, str(number), str(children), MODULES[kind - len(programs)]]
            _started(stack, command, ready=children + 1)
            left -= children + 1
        number += 1
    return ""


def recorded(stack: ExitStack) -> str:
    """A recording, with the words that ``--deep`` reads, of a process with many blocks and threads."""
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="recorded-"))
    path = os.path.join(folder, "deep.tar.gz")
    with ExitStack() as its:
        pid = _started(its, [sys.executable, "-c", DEEP])
        subprocess.run([PROCMEM, "record", "--deep", pid, "-o", path], check=True, stdout=subprocess.DEVNULL)
    return path


def nothing(stack: ExitStack) -> str:
    """Nothing to look at."""
    del stack
    return ""


LOADS: dict[str, Load] = {
    "nothing": nothing,
    "sleeping": sleeping,
    "200": partial(mapped, 200),
    "20000": partial(mapped, 20_000),
    "60000": partial(mapped, 60_000),
    "resident": resident,
    "threads": partial(threads, 2000),
    "crowd": partial(crowd, 350),
    "recorded": recorded,
}
