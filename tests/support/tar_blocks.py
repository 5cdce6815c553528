"""Archives of tar, block by block: what no program would write, and plain ones."""

import io
import tarfile

__all__ = ["END", "header", "member", "plain"]

END = b"\0" * 1024
"""The two blocks of zeros that an archive ends with."""


def header(name: bytes, size: int, kind: bytes, *, link: bytes = b"") -> bytes:
    """One block of tar, its checksum right."""
    block = bytearray(512)
    block[: len(name)] = name
    block[100:108], block[124:136], block[156:157] = b"0000644\0", b"%011o\0" % size, kind
    block[157 : 157 + len(link)] = link
    block[257:265] = b"ustar  \0"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def member(name: bytes, data: bytes, kind: bytes = b"0") -> bytes:
    """A header with its content."""
    return header(name, len(data), kind) + data + b"\0" * (-len(data) % 512)


def plain(*members: tuple[str, bytes]) -> bytes:
    """Regular files, as the standard library writes them."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()
