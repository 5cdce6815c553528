"""What is measured, and what it may take: one row for each goal.

A command is a tuple of words, in which ``PID`` stands for what the load gave, ``procmem`` and ``python`` for the
installed program and its interpreter, and ``OUT`` for a new name each time.
"""

import os
import sys
from collections.abc import Callable
from typing import NamedTuple

from tests.benchmarks import touches

__all__ = ["PLACES", "ROWS", "Measure", "Row"]

BIN = os.path.dirname(sys.executable)
PLACES = {"procmem": os.path.join(BIN, "procmem"), "python": sys.executable}

PASS = ("python", "-c", "pass")
CLICK = ("python", "-c", "import click")
CAT = ("cat", "/proc/PID/smaps")
MEMORY_MAPS = ("python", "-c", "import psutil; psutil.Process(PID).memory_maps(grouped=False)")
INSPECT = ("procmem", "inspect", "PID")
SYSTEM = ("procmem", "system")
REPLAY = ("procmem", "inspect", "--from", "PID")


class Measure:
    """What of a row is held against its limit."""

    RATIO = "ratio"
    SECONDS = "seconds"
    PEAK = "peak, MiB"
    GROWTH = "growth"
    RATE = "million a second"


class Row(NamedTuple):
    """One goal: our command on a load, the peer's (of a ratio), and at most what of it.

    A rate is a figure of ours, and at least; the growth is that of the median from a smaller load to this one.
    """

    load: str
    ours: tuple[str, ...]
    theirs: tuple[str, ...]
    limit: float
    measure: str = Measure.RATIO
    smaller: str = ""
    rate: Callable[[], float] | None = None


ROWS: tuple[Row, ...] = (
    Row("nothing", ("procmem", "--version"), PASS, 1.2),
    Row("sleeping", INSPECT, CLICK, 1.1),
    Row("200", INSPECT, PASS, 4.5),
    Row("20000", INSPECT, CAT, 2.0),
    Row("20000", INSPECT, ("pmap", "-x", "PID"), 1.0),
    Row("20000", INSPECT, ("pmap", "-X", "PID"), 0.40),
    Row("20000", INSPECT, MEMORY_MAPS, 0.36),
    Row("20000", ("procmem", "inspect", "--regions", "PID"), ("pmap", "-X", "PID"), 0.6),
    Row("20000", ("procmem", "explain", "PID"), CAT, 6),
    Row("20000", ("procmem", "account", "PID"), CAT, 5),
    Row("20000", ("procmem", "pmap", "-X", "PID"), CAT, 6),
    Row("20000", ("procmem", "record", "PID", "-o", "OUT"), CAT, 8),
    Row("60000", INSPECT, CAT, 1.75),
    Row("60000", INSPECT, (), 70, Measure.PEAK),
    Row("60000", INSPECT, (), 3.2, Measure.GROWTH, smaller="20000"),
    Row("60000", ("procmem", "inspect", "--regions", "--json", "PID"), CAT, 8),
    Row("60000", ("procmem", "inspect", "--regions", "--json", "PID"), (), 200, Measure.PEAK),
    Row("resident", INSPECT, CAT, 1.6),
    Row("crowd", SYSTEM, ("ps_mem",), 0.6),
    Row("crowd", SYSTEM, ("smemstat",), 0.45),
    Row("crowd", SYSTEM, ("smem",), 0.2),
    Row("crowd", SYSTEM, ("ps", "axo", "pid,rss,pss,uss,comm"), 0.9),
    Row("crowd", ("procmem", "system", "--classes"), ("smem",), 0.6),
    Row("threads", ("procmem", "threads", "PID"), CAT, 25),
    Row("recorded", (*REPLAY, "--deep"), REPLAY, 8),
    Row("recorded", (*REPLAY, "--deep"), (), 3, Measure.SECONDS),
    Row("nothing", ("first touches",), (), 1.2, Measure.RATE, rate=touches.first),
    Row("nothing", ("touches again",), (), 10, Measure.RATE, rate=touches.again),
)
