"""Memory as a profile: what each format holds is the sums of the regions, and its own viewers read it."""

import gzip
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from procmem.analyse.inspection import inspection
from procmem.analyse.profile import memory_profile
from procmem.model.reports.profile import MEASURES
from procmem.render import profiles
from procmem.render.profiles import PROFILES, write_profile
from procmem.render.profiles.frames import memory_stacks
from tests.support import needs
from tests.support.made_processes import made, record
from tests.support.running import COMMAND, FIXTURES, ROOT, procmem
from tests.support.smaps_text import smaps

NODE = str(FIXTURES / "x86_64-6.18-node")
FORK = str(FIXTURES / "x86_64-6.18-fork")


def totals(path: str) -> dict[str, int]:
    """What inspect says of the whole process."""
    found: dict[str, int] = procmem("inspect", "--json", path).json["totals"]
    return found


def binary(*words: str) -> bytes:
    """Standard output as bytes."""
    return subprocess.run([*COMMAND, *words], cwd=ROOT, capture_output=True, check=True).stdout


def folded(text: str) -> Iterator[tuple[list[str], int]]:
    """Each line as a reader of folded stacks takes it."""
    for line in text.splitlines():
        frames, _, size = line.rpartition(" ")
        yield frames.split(";"), int(size)


@pytest.mark.parametrize("measure", MEASURES)
def test_folded_stacks_add_up(measure: str) -> None:
    """To the byte; class, kind, owner, object from the outside in."""
    run = procmem("inspect", NODE, "--format", "folded", "--value", measure)
    lines = list(folded(run.out))
    assert sum(size for _, size in lines) == totals(NODE)[measure]
    if measure == "rss":
        assert run.out == procmem("inspect", NODE, "--format", "folded").out
        assert ["text", "exe-text", "/usr/bin/node"] in [frames for frames, _ in lines]
        assert any(frames[:2] == ["stack", "thread"] and frames[2].startswith("thread ") for frames, _ in lines)


def test_several_processes_are_told_apart() -> None:
    """By the outermost frame."""
    run = procmem("inspect", "--from", FORK, "--format", "folded")
    first = {frames[0] for frames, _ in folded(run.out)}
    assert len(first) == 2
    assert all(re.fullmatch(r".+ \(\d+\)", name) for name in first)


def test_every_format_has_its_module_and_every_module_its_row() -> None:
    """The folder and the table name the same; ``frames`` is what they share."""
    modules = {path.stem for path in Path(profiles.__file__).parent.glob("*.py")} - {"__init__", "frames"}
    assert modules == {one.module for one in PROFILES.values()}


FRAME = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
SPEEDSCOPE: dict[str, Any] = {
    "type": "object",
    "required": ["$schema", "profiles", "shared"],
    "properties": {
        "$schema": {"const": "https://www.speedscope.app/file-format-schema.json"},
        "activeProfileIndex": {"type": "number"},
        "exporter": {"type": "string"},
        "name": {"type": "string"},
        "shared": {
            "type": "object",
            "required": ["frames"],
            "properties": {"frames": {"type": "array", "items": FRAME}},
        },
        "profiles": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["endValue", "name", "samples", "startValue", "type", "unit", "weights"],
                "properties": {
                    "type": {"const": "sampled"},
                    "name": {"type": "string"},
                    "unit": {"enum": ["bytes", "microseconds", "milliseconds", "nanoseconds", "none", "seconds"]},
                    "startValue": {"type": "number"},
                    "endValue": {"type": "number"},
                    "samples": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
                    "weights": {"type": "array", "items": {"type": "number"}},
                },
            },
        },
    },
}
"""What the published schema asks of a sampled profile."""


def test_speedscope() -> None:
    """Every measure is a profile whose weights add up; the one asked for is shown first."""
    document = procmem("inspect", NODE, "--format", "speedscope", "--value", "pss").json
    jsonschema.validate(document, SPEEDSCOPE)
    assert [profile["name"] for profile in document["profiles"]] == list(MEASURES)
    assert document["profiles"][document["activeProfileIndex"]]["name"] == "pss"
    known = totals(NODE)
    for profile in document["profiles"]:
        assert sum(profile["weights"]) == profile["endValue"] == known[profile["name"]]
        assert len(profile["weights"]) == len(profile["samples"])
        frames = len(document["shared"]["frames"])
        assert all(0 <= frame < frames for sample in profile["samples"] for frame in sample)


def fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a message of protocol buffers, read by hand."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        else:
            assert key & 7 == 2
            size = varint()
            yield key >> 3, data[at : at + size]
            at += size


def numbers(data: bytes) -> list[int]:
    """Packed numbers: the same as fields without keys."""
    found, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            found.append(value)
            value = shift = 0
    return found


def test_pprof_holds_the_sums() -> None:
    """Read back field by field: texts, types, and samples from the leaf to the root."""
    found = list(fields(gzip.decompress(binary("inspect", NODE, "--format", "pprof"))))
    texts = [value.decode() for field, value in found if field == 6]
    assert texts[0] == ""
    types = [dict(fields(value)) for field, value in found if field == 1]
    assert [(texts[one[1]], texts[one[2]]) for one in types] == [(name, "bytes") for name in MEASURES]
    functions = {dict(fields(value))[1]: texts[dict(fields(value))[2]] for field, value in found if field == 5}
    locations = {
        dict(fields(value))[1]: functions[dict(fields(dict(fields(value))[4]))[1]]
        for field, value in found
        if field == 4
    }
    sums = dict.fromkeys(MEASURES, 0)
    stacks = []
    for _, value in (one for one in found if one[0] == 2):
        sample = dict(fields(value))
        stacks.append([locations[number] for number in numbers(sample[1])])
        for name, size in zip(MEASURES, numbers(sample[2]), strict=True):
            sums[name] += size
    known = totals(NODE)
    assert sums == {name: known[name] for name in MEASURES}
    assert ["/usr/bin/node", "exe-text", "text"] in stacks
    assert texts[dict(found)[14]] == "rss"


@pytest.mark.needs("go")
def test_pprof_reads_it(tmp_path: Path) -> None:
    """The tool's own table: the total, and the largest frame."""
    path = tmp_path / "memory.pb.gz"
    path.write_bytes(binary("inspect", NODE, "--format", "pprof"))
    command = [needs.program("go"), "tool", "pprof", "-top", "-unit=B", str(path)]
    run = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    )
    assert f"of {totals(NODE)['rss']}B total" in run.stdout
    assert re.search(r"\d+B +[\d.]+% .* /usr/bin/node$", run.stdout, re.MULTILINE)


@pytest.mark.parametrize("form", PROFILES)
def test_hostile_names_stay_one_frame(form: str) -> None:
    """A semicolon, a carriage return, bytes that are no text."""
    name = b"/a;b\rc \xff\xe2\x80\xaed 99"
    shot, regions = made({"smaps": smaps([record(0x1000_0000, 0x1000_1000, "rw-p", name, Rss=4)])})
    assert regions is not None
    profile = memory_profile(inspection(shot, regions).process, regions)
    data = write_profile(form, memory_stacks([profile]), "rss")
    if form == "folded":
        [(frames, size)] = folded(data.decode())
        assert size == 4096
        assert frames[-1] == "/a\\x3bb\\x0dc \\xff\\u202ed 99"
    elif form == "speedscope":
        assert {"name": "/a;b\\x0dc \\xff\\u202ed 99"} in json.loads(data)["shared"]["frames"]
    else:
        assert b"/a;b\\x0dc \\xff\\u202ed 99" in gzip.decompress(data)


@pytest.mark.parametrize("form", PROFILES)
def test_what_is_unknown_is_refused(form: str) -> None:
    """Never counted as nothing: without sizes there is a profile of address space alone."""
    maps = b"10000000-10001000 rw-p 00000000 00:00 0 \n"
    rss = procmem("inspect", "--from", "-", "--format", form, text=maps)
    assert (rss.status, rss.out) == (4, "")
    assert len(rss.trouble.splitlines()) == 1
    virt = procmem("inspect", "--from", "-", "--format", form, "--value", "virt", text=maps)
    assert virt.status == 0
    if form == "speedscope":
        assert [profile["name"] for profile in virt.json["profiles"]] == ["virt"]


def test_who_has_no_memory_has_no_profile() -> None:
    """A kernel thread is refused; where nothing is in memory, that is told of each stack."""
    thread = procmem("inspect", str(FIXTURES / "x86_64-6.18-kernel-thread"), "--format", "folded")
    assert (thread.status, thread.out) == (4, "")
    shot, regions = made({"smaps": smaps([record(0x1000_0000, 0x1000_1000, "rw-p")])})
    assert regions is not None
    profile = memory_profile(inspection(shot, regions).process, regions)
    assert write_profile("folded", memory_stacks([profile]), "rss") == b"mmap;anon-private 0\n"
