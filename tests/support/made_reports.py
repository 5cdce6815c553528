"""Things for reports to show: a series that grew as a test says, a process whose names are an attack, a large one."""

import gzip
import shutil
from collections.abc import Sequence
from pathlib import Path

from procmem.model.kinds import ByteClass
from procmem.model.reports.inspection import Inspection
from procmem.model.series import SeriesLook, SeriesProcess
from procmem.queries.inspect import InspectOptions, inspect
from procmem.queries.targets import source_of
from procmem.render.json.series import look_line
from tests.support.running import FIXTURES
from tests.support.smaps_text import KEYS_6_18, Record, smaps

__all__ = ["HOSTILE", "MIB", "hostile_recording", "large_smaps", "write_series"]

MIB = 1 << 20
SLEEP = FIXTURES / "x86_64-6.18-sleep"
HOSTILE = (
    b"/<script>hacked=1</script>",
    b"/</script><img src=x onerror=hacked=2>",
    b"/--><b>bold</b><!--",
    b"/\"onfocus='hacked=3' autofocus=\"",
    b"/{{ 7 * 7 }}{% raw %}",
    "/\u202etxt.exe".encode(),
    b"/\x1b[31mred\x07\x9b",
    b"/bytes \xff\xfe\xc3",
    b"/&lt;b&gt; &amp; ]]>",
    "/\u2028line".encode(),
)
"""Names that are markup, script, template, escapes of a terminal, and no text at all."""


def write_series(path: Path, heap: Sequence[int], *, every: float = 10.0) -> None:
    """A series of one process in which nothing changes but its heap: so many MiB in memory at each look."""
    source = source_of(None, str(SLEEP))
    with source.open(2557) as target:
        report = inspect(target, InspectOptions())
    report = report._replace(picture=(), regions=None, tiles=())
    looks = [
        SeriesLook(1_800_000_000.0 + every * at, 0.01, (SeriesProcess(2557, 7, _with_heap(report, size * MIB)),))
        for at, size in enumerate(heap)
    ]
    path.write_bytes(b"".join(gzip.compress(look_line(look)) for look in looks))


def _with_heap(report: Inspection, size: int) -> Inspection:
    """The same process, whose heap is another."""
    of_heap = ByteClass.HEAP.value
    classes = tuple(row._replace(rss=size, virt=size) if row.cls == of_heap else row for row in report.classes)
    consumers = tuple(
        row._replace(rss=size, virt=size) if row.kind is not None and row.kind.cls is ByteClass.HEAP else row
        for row in report.consumers
    )
    rss = sum(row.rss or 0 for row in classes)
    return report._replace(classes=classes, consumers=consumers, totals=report.totals._replace(rss=rss))


def hostile_recording(folder: Path) -> Path:
    """A recorded process that maps files of all hostile names, and is called so itself."""
    recording = folder / "hostile"
    shutil.copytree(SLEEP, recording)
    process = recording / "2557"
    (process / "comm").write_bytes(b"<b>x</b>\n")
    (process / "cmdline").write_bytes(b"\0".join(HOSTILE) + b"\0")
    text = (process / "smaps").read_bytes()
    more = [
        Record(
            0x6000_0000_0000 + at * 0x100_0000,
            0x6000_0000_0000 + at * 0x100_0000 + 0x10_0000,
            "r--p" if at % 2 else "rw-p",
            0,
            "00:99",
            1000 + at,
            name,
            tuple((dict.fromkeys(KEYS_6_18, 0) | {"Rss": 1024, "Pss": 1024, "Private_Dirty": 1024}).items()),
        )
        for at, name in enumerate(HOSTILE)
    ]
    at = text.index(b"7fa69426d000-")
    (process / "smaps").write_bytes(text[:at] + smaps(more) + text[at:])
    (process / "maps").unlink()
    return recording


def large_smaps(count: int) -> bytes:
    """Regions that differ in place, size, name and figures."""
    return smaps(
        [
            Record(
                0x10_0000_0000 + at * 0x40_0000,
                0x10_0000_0000 + at * 0x40_0000 + 0x1000 * (1 + at * 7 % 200),
                ("rw-p", "r--p", "r-xp", "rw-s")[at % 4],
                at * 0x1000,
                "00:01",
                at + 1,
                b"/usr/lib/some/longer/folder/name-%d.so" % (at // 3),
                tuple((dict.fromkeys(KEYS_6_18, 0) | {"Rss": 4 * (1 + at % 90), "Pss": 4 + at % 90}).items()),
            )
            for at in range(count)
        ]
    )
