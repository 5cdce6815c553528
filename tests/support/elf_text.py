"""What ``readelf`` says about a file, as values to compare with."""

import re
import subprocess
from pathlib import Path
from typing import NamedTuple


class Header(NamedTuple):
    """One program header, as ``readelf -lW`` prints it."""

    type: str
    offset: int
    vaddr: int
    filesz: int
    memsz: int
    flags: str


class SectionLine(NamedTuple):
    """One section header, as ``readelf -SW`` prints it."""

    name: str
    addr: int
    offset: int
    size: int
    flags: str


def program_headers(path: Path) -> list[Header]:
    """All program headers."""
    text = subprocess.check_output(["readelf", "-lW", str(path)], text=True, stderr=subprocess.DEVNULL)
    line = re.compile(
        r"^ +([A-Z_]+) +0x([0-9a-f]+) 0x([0-9a-f]+) 0x[0-9a-f]+ 0x([0-9a-f]+) 0x([0-9a-f]+) ([RWE ]{3}) ", re.MULTILINE
    )
    found = []
    for kind, offset, vaddr, filesz, memsz, flags in line.findall(text):
        found.append(Header(kind, int(offset, 16), int(vaddr, 16), int(filesz, 16), int(memsz, 16), flags.strip()))
    return found


def sections(path: Path) -> dict[str, SectionLine]:
    """The section headers by name."""
    text = subprocess.check_output(["readelf", "-SW", str(path)], text=True, stderr=subprocess.DEVNULL)
    line = re.compile(
        r"^ +\[ *[0-9]+\] (\S+) +[A-Z_]+ +([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+) [0-9a-f]+ +([A-Za-z]*) ", re.MULTILINE
    )
    return {
        name: SectionLine(name, int(addr, 16), int(offset, 16), int(size, 16), flags)
        for name, addr, offset, size, flags in line.findall(text)
    }
