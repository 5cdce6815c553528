"""Looks at the processes of many machines over many days, made of real recordings.

Each is one of the fixtures with other pids, addresses, sizes, owners and names: what is the same in all rows would be
stored for nothing, and be found at once. Processes live for some looks, grow, and are known again by their start.
"""

import random
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from procmem.analyse.dataset import look_id
from procmem.queries.dataset import LookWriter
from procmem.queries.dataset_looks import PackedLook, packed, rows_of
from procmem.queries.examine import examine
from procmem.queries.targets import source_of
from procmem.sources.dataset.folder import DatasetFolder
from procmem.text.dataset import MEANINGS
from tests.support.running import recordings

FIRST_DAY = 1_790_000_000.0
DAY = 86_400.0
_PAGE = 4096
_TOP = 1 << 47


class Template(NamedTuple):
    """A recorded process: its figures, and the columns of its regions."""

    process: dict[str, Any]
    regions: dict[str, Sequence[Any]]


def templates() -> list[Template]:
    """Every recorded process that has regions with sizes."""
    found = []
    for path in recordings():
        source = source_of(None, str(path))
        for pid in source.pids():
            with source.open(pid) as target:
                process, regions = rows_of(target, examine(target))
            if regions and None not in regions["rss"]:
                found.append(Template(process, regions))
    return found


def looks(*, rows: int, hosts: int, days: int, seed: int = 19) -> Iterator[PackedLook]:
    """Looks with so many regions in all, day by day; a host has about as many processes on each."""
    draw = random.Random(seed)
    known = templates()
    average = sum(len(one.regions["start"]) for one in known) / len(known)
    slots = max(round(rows / average / hosts / days), 1)
    made = 0
    for day in range(days):
        for host in range(hosts):
            for slot in range(slots):
                if made >= rows:
                    return
                look = _look(draw, known, day, f"host{host:03d}.example.org", slot)
                made += look.rows
                yield look


def _look(draw: random.Random, known: Sequence[Template], day: int, host: str, slot: int) -> PackedLook:
    """The process in a slot of a host; it is started again every ten days, not on all hosts at once."""
    template = known[slot % len(known)]
    life = (day + len(host) + slot) // 10
    own = random.Random(f"{host} {slot} {life}")
    pid, start = own.randrange(300, 4_000_000), own.randrange(1_000, 90_000_000)
    size = 2.0 ** own.uniform(-1, 3 if own.random() < 0.05 else 1)
    when = FIRST_DAY + day * DAY + slot * 7.0 + draw.random()
    service = f"{template.process['name']}-{slot % 40}" if slot % 3 else f"{template.process['name']}.service"
    process = _process(template.process, own, draw, size * (1 + day / 50))
    process |= {"pid": pid, "start_ticks": start, "name": template.process["name"], "service": service}
    regions = _regions(template.regions, own, draw, size, day)
    return packed(when, host, look_id(host.encode(), str(when).encode(), str(pid).encode()), process, regions)


def _process(process: dict[str, Any], own: random.Random, draw: random.Random, size: float) -> dict[str, Any]:
    grown = {
        name: None if process[name] is None else int(process[name] * size) // _PAGE * _PAGE + _PAGE * draw.randrange(8)
        for name in ("virt", "rss", "pss", "uss", "page_tables", "peak_rss", "peak_virt", "arenas_virt", "arenas_rss")
    }
    swap = own.randrange(1 << 14) * _PAGE if own.random() < 0.2 else 0
    more = {"swap": swap, "swap_pss": swap, "uid": own.randrange(2000), "oom_score": own.randrange(1000)}
    if process["arenas"]:
        more["arenas"] = process["arenas"] + own.randrange(60)
    return process | grown | more


def _regions(
    regions: dict[str, Sequence[Any]], own: random.Random, draw: random.Random, size: float, day: int
) -> dict[str, Sequence[Any]]:
    shift = own.randrange(1 << 32) * _PAGE
    version = own.randrange(9)
    tid = own.randrange(100_000)
    swapped, gone = own.random() < 0.1, own.random() < 0.05
    heap = 1 + day * own.random() / 5
    factors = [size * (heap if cls == "heap" else 1.0) * draw.uniform(0.9, 1.1) for cls in regions["class"]]
    columns: dict[str, Sequence[Any]] = {
        "start": [f"{(int(start, 16) + shift) % _TOP:016x}" for start in regions["start"]],
        "size": [_scaled(value, factor) for value, factor in zip(regions["size"], factors, strict=True)],
        "owner": [_varied(owner, version, tid) for owner in regions["owner"]],
        "path": [_varied(path, version, tid) for path in regions["path"]],
        "deleted": [
            gone and flag and cls == "text" for flag, cls in zip(regions["executable"], regions["class"], strict=True)
        ],
        "swap": [draw.randrange(64) * _PAGE if swapped else 0 for _ in factors],
    }
    for name in ("rss", "pss", "uss"):
        columns[name] = [_scaled(value, factor) for value, factor in zip(regions[name], factors, strict=True)]
    return regions | columns


def _scaled(value: int | None, factor: float) -> int | None:
    return None if value is None else int(value * factor) // 1024 * 1024


def _varied(text: str | None, version: int, tid: int) -> str | None:
    """Another release of a file, another thread or arena."""
    if text is None:
        return None
    if ".so" in text:
        return f"{text}.{version}"
    return f"{text} {tid}" if text.startswith(("thread", "arena")) else text


def write_fleet(path: str, *, rows: int, hosts: int, days: int) -> tuple[int, float]:
    """A new dataset of :func:`looks`; the rows that it has, and the seconds that writing them took."""
    writer = LookWriter(DatasetFolder(path, make={"schema": "procmem/dataset/1"}), MEANINGS)
    writing = 0.0
    for look in looks(rows=rows, hosts=hosts, days=days):
        began = time.perf_counter()
        writer.add([look])
        writing += time.perf_counter() - began
    began = time.perf_counter()
    writer.write()
    return writer.change.regions, writing + time.perf_counter() - began
