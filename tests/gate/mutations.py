"""Seeded damage: to bytes, to the texts of the kernel, to archives, and to folders of recordings.

Here belongs how things are spoiled. What is then asked of them, and what the answer must be, stands in the parts.
"""

import gzip
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from tests.support.tar_blocks import END, header

__all__ = ["Member", "archive", "folder", "packed", "spoil_members", "spoiled_bytes", "spoiled_text"]

EDGES = (0, 1, 127, 128, 4095, 4096, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**47, 2**63 - 1, 2**63, 2**64 - 1, 2**64)
WORDS = (
    b"",
    b"-1",
    b"0",
    b"kB",
    b"[heap]",
    b"[stack]",
    b"[anon: \x1b[2J]",
    b"/memfd:x (deleted)",
    b"/SYSV00000000",
    b"//anon",
    b" (deleted)",
    b"%s%n{0}{x}",
    b"= + @ -cmd|'/x'!A1",
    b"a|b\\|c`d`*e*<f>",
    b"\xff\xfe\x80\x9b",
    b"\xc2\x9b31m",
    b"\xe2\x80\xae\xe2\x80\xa8",
    b"\x1b]0;owned\x07",
    b"\r\rX",
    b"\x00",
    b"\t",
    "\N{ARABIC-INDIC DIGIT THREE}".encode(),
    b"1_000",
    b"1e9",
    b"0x10",
    b"NaN",
    b"Infinity",
    b"9" * 5000,
    b"f" * 5000,
    b"n" * 70_000,
    b"/" + b"d/" * 3000,
)


def spoiled_bytes(random: Random, data: bytes) -> bytes:
    """Bytes in which some are others, or missing, or too many."""
    spoiled = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 5, 40))):
        at = random.randrange(len(spoiled) + 1)
        match random.randrange(5):
            case 0 if at < len(spoiled):
                spoiled[at] ^= 1 << random.randrange(8)
            case 1 if at < len(spoiled):
                spoiled[at] = random.choice((0, 10, 27, 127, 128, 155, 255, random.randrange(256)))
            case 2:
                del spoiled[at : at + random.choice((1, 7, 512, 4096))]
            case 3:
                spoiled[at:at] = random.randbytes(random.choice((1, 3, 64)))
            case _:
                spoiled[at:at] = random.choice(WORDS)
    if random.random() < 0.1:
        del spoiled[random.randrange(len(spoiled) + 1) :]
    return bytes(spoiled)


def spoiled_text(random: Random, data: bytes) -> bytes:
    """A text of lines in which lines, words or numbers are other than they were."""
    lines = data.split(b"\n")
    for _ in range(random.choice((1, 1, 1, 2, 6))):
        at = random.randrange(len(lines))
        line = lines[at]
        match random.randrange(16):
            case 0:
                del lines[at : at + random.choice((1, 1, 5, 100))]
                lines = lines or [b""]
            case 1:
                lines[at:at] = [line] * random.choice((1, 2, 50))
            case 2:
                other = random.randrange(len(lines))
                lines[at], lines[other] = lines[other], line
            case 3:
                lines[at] = line[: random.randrange(len(line) + 1)]
            case 4 | 5 | 12 | 13 | 14 | 15:
                lines[at] = _other_number(random, line)
            case 6 | 7:
                lines[at] = _other_word(random, line)
            case 8:
                lines[at] = spoiled_bytes(random, line)
            case 9:
                lines[at : at + 2] = [b"".join(lines[at : at + 2])]
            case 10:
                lines[at] = line + random.choice((b"\r", b" ", b"\t\t", b"\x00", b" (deleted)", b"\xff"))
            case _:
                lines[at] = random.choice(WORDS)
    text = b"\n".join(lines)
    match random.randrange(30):
        case 0:
            return text.replace(b"\n", b"\r\n")
        case 1:
            return text[: random.randrange(len(text) + 1)]
        case 2:
            return text.decode("latin-1").encode("utf-16")
        case 3:
            return b"\n".join(b"> " + line for line in text.split(b"\n"))
        case 4:
            return b""
        case 5:
            return text + text
    return text


def _other_number(random: Random, line: bytes) -> bytes:
    """One of the numbers of a line is another: mostly one that may stand there, else any."""
    words = line.split(b" ")
    places = [place for place, word in enumerate(words) if word[:1].isdigit()]
    if not places:
        return line
    place = random.choice(places)
    pieces = words[place].split(b"-")
    which = random.randrange(len(pieces))
    old = pieces[which]
    is_decimal = old.isdigit() and len(old) < 8
    if random.random() < 0.7:
        value = random.choice((0, 4, random.getrandbits(16), random.getrandbits(random.randrange(1, 46)) & ~0xFFF))
        pieces[which] = b"%d" % value if is_decimal else b"%0*x" % (len(old), value)
    else:
        value = random.choice((random.choice(EDGES), random.getrandbits(random.randrange(1, 80))))
        pieces[which] = random.choice((b"%d", b"%x", b"%08x", b"-%d")) % value
    words[place] = b"-".join(pieces)
    return b" ".join(words)


def _other_word(random: Random, line: bytes) -> bytes:
    words = line.split(b" ")
    words[random.randrange(len(words))] = random.choice(WORDS)
    return b" ".join(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An entry of an archive; ``kind`` is tar's letter, ``size`` what the header says where that is not the truth."""

    name: str
    data: bytes = b""
    kind: bytes = b"0"
    link: bytes = b""
    size: int | None = None


def spoil_members(random: Random, members: list[Member]) -> list[Member]:
    """Entries of which one or some are spoiled: their content, their names, their sort, their number."""
    spoiled = list(members)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        at = random.randrange(len(spoiled))
        one = spoiled[at]
        match random.randrange(20):
            case 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 16 | 17 | 18 | 19:
                spoil = spoiled_bytes if one.name.endswith((".bin", "auxv", "cmdline")) else spoiled_text
                spoiled[at] = replace(one, data=spoil(random, one.data))
            case 8:
                spoiled[at] = replace(one, name=_other_name(random, one.name))
            case 9:
                other = random.randrange(len(spoiled))
                spoiled[at] = replace(one, data=spoiled[other].data)
                spoiled[other] = replace(spoiled[other], data=one.data)
            case 10:
                spoiled.insert(random.randrange(len(spoiled)), one)
            case 11:
                del spoiled[at]
                spoiled = spoiled or [one]
            case 12:
                sort = random.choice(
                    (b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"S", b"x", b"g", b"L", b"K", b"D", b"V")
                )
                spoiled[at] = replace(one, kind=sort, link=random.choice((b"/dev/zero", b"../..", b"7/maps", b"")))
            case 13:
                spoiled[at] = replace(one, size=random.choice(EDGES[:9]))
            case 14:
                spoiled.insert(
                    at, Member(name="x", data=_extended(random), kind=random.choice((b"x", b"g", b"L", b"K")))
                )
            case _:
                pid = random.choice(("1", "0", "4294967296", "-1", "9" * 90, "self", "x"))
                spoiled += [replace(old, name=f"{pid}/{old.name.partition('/')[2]}") for old in members[:20]]
    return spoiled


def _other_name(random: Random, name: str) -> str:
    folder, _, last = name.rpartition("/")
    return random.choice(
        (
            f"../{name}",
            f"/{name}",
            f"./{name}",
            f"{folder}//{last}",
            f"{'d/' * 120}{last}"[-99:],
            f"{folder}/{last}\x1b[31m",
            f"{folder}/{'n' * 90}"[:99],
            "about.toml",
            "smaps",
            f"{folder}/smaps",
            f"{folder}/task/1/stat",
            f"{'9' * 90}/{last}"[:99],
            f"\N{SUPERSCRIPT TWO}/{last}",
            "",
        )
    )


def _extended(random: Random) -> bytes:
    """The content of an extended header."""
    records = random.choice(
        (
            b"path=7/maps\n",
            b"size=99999999999\n",
            b"size=-1\n",
            b"GNU.sparse.major=1\n",
            b"GNU.sparse.realsize=4294967296\n",
            b"path=" + b"n" * 5000 + b"\n",
            b"=\n",
        )
    )
    length = len(records) + len(str(len(records))) + 1
    return random.choice((b"%d %s" % (length, records), b"999 " + records, b"\0" * 40_000, b"1" * 40_000, b""))


def archive(members: list[Member]) -> bytes:
    """The entries as an archive of tar; a name that does not fit into a header is cut."""
    pieces = []
    for one in members:
        name = one.name.encode("utf-8", "surrogateescape")[:99]
        size = len(one.data) if one.size is None else min(one.size, 8**11 - 1)
        pieces += [header(name, size, one.kind, link=one.link[:99]), one.data, b"\0" * (-len(one.data) % 512)]
    return b"".join([*pieces, END])


_ZEROS = gzip.compress(bytes(64 << 20), 1)


def packed(random: Random, data: bytes) -> bytes:
    """The bytes packed by gzip, and often not as they should be."""
    whole = gzip.compress(data, 1, mtime=0)
    match random.randrange(20):
        case 0:
            return data
        case 1:
            return whole[: random.randrange(len(whole))]
        case 2:
            return whole + whole
        case 3:
            half = len(data) // 2
            return gzip.compress(data[:half], 1, mtime=0) + gzip.compress(data[half:], 1, mtime=0)
        case 4:
            return whole + random.randbytes(random.choice((1, 8, 600)))
        case 5:
            return spoiled_bytes(random, whole)
        case 6:
            return gzip.compress(whole, 1, mtime=0)
        case 7:
            return whole[:-8] + random.randbytes(8)
        case 8 if random.random() < 0.2:
            return gzip.compress(data[:-1024], 1, mtime=0) + _ZEROS
    return whole


def folder(random: Random, members: list[Member], into: Path) -> None:
    """The entries as files of a folder, with a few things in it that are none."""
    into.mkdir()
    for one in members:
        path = into / one.name.replace("\0", "").lstrip("/").replace("..", "dots")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(one.data)
        except OSError:
            continue  # a name that this file system does not take, or a file where a folder was to be
    files = [path for path in sorted(into.rglob("*")) if path.is_file()]
    if files and random.random() < 0.4:
        _replace_by_special(random.choice(files), random)


def _replace_by_special(path: Path, random: Random) -> None:
    """Something that is no regular file stands where one was."""
    path.unlink()
    makers: tuple[Callable[[], object], ...] = (
        lambda: os.mkfifo(path),
        lambda: path.symlink_to("/dev/zero"),
        lambda: path.symlink_to("/etc/hostname"),
        lambda: path.symlink_to(path.name),
        path.mkdir,
        lambda: _bind(path),
    )
    random.choice(makers)()


def _bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as end:
        try:
            end.bind(str(path))
        except OSError:
            path.write_bytes(b"")  # the path is too long for a socket's address
