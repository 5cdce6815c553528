"""Making text printable: the one function that all text of other processes passes on its way out.

A process chooses its own name, arguments and file names. They may hold terminal escapes, line breaks,
direction marks and bytes of no encoding; here they become visible escapes. Each format adds its own
escaping (of quotes, pipes, formulas) on top.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re

__all__ = ["csv_safe", "json_text", "markdown_safe", "printable", "printable_text"]

_UNPRINTABLE = (
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
    "|[\U000e0000-\U000e0fff]"
)
"""Control characters, direction marks, zero-width characters, separators, and bytes that were no UTF-8."""


def printable(data: bytes | None) -> str:
    """Decode bytes of a process for a person: what is no character, or moves the cursor, becomes an escape."""
    return "" if data is None else printable_text(data.decode("utf-8", "surrogateescape"))


def printable_text(text: str) -> str:
    """The same for text that was decoded with surrogateescape."""
    if text.isascii() and text.isprintable():
        return text
    import re  # noqa: PLC0415  # most names are plain

    return re.sub(_UNPRINTABLE, _escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def csv_safe(text: str) -> str:
    """Keep a spreadsheet from taking a name for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def markdown_safe(text: str) -> str:
    """Keep a name within its cell of a Markdown table, and from being markup."""
    import re  # noqa: PLC0415  # only for this format

    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&])", r"\\\1", text)


def json_text(key: str, data: bytes | None) -> dict[str, str | None]:
    """Text of a process for JSON; where it is not UTF-8, a twin in hexadecimal keeps it lossless."""
    if data is None:
        return {key: None}
    try:
        return {key: data.decode("utf-8")}
    except UnicodeDecodeError:
        return {key: data.decode("utf-8", "backslashreplace"), f"{key}_hex": data.hex()}
