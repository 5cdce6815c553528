"""Numbers and pointers as DWARF and exception frames write them, one after the other.

What the numbers mean is for who reads them. Source: DWARF 5, section 7.6; Linux Standard Base, "DWARF Exception Header
Encoding".
"""

__all__ = ["ABSOLUTE", "DATA_RELATIVE", "OMITTED", "SDATA4", "BadDwarf", "DwarfCursor"]

ABSOLUTE, _UDATA2, _UDATA4, _UDATA8, _SIGNED, SDATA4 = 0x00, 0x02, 0x03, 0x04, 0x08, 0x0B
_PC_RELATIVE, DATA_RELATIVE, OMITTED = 0x10, 0x30, 0xFF
_SIZES = {_UDATA2: 2, _UDATA4: 4, _UDATA8: 8}


class BadDwarf(Exception):
    """The bytes contradict themselves, or say what is not understood here."""


class DwarfCursor:
    """Numbers one after the other, as DWARF writes them."""

    def __init__(self, data: bytes, address: int, word: int, order: str) -> None:
        self.data = data
        self.at = 0
        self.address = address
        self.word = word
        self.order = order

    @property
    def is_done(self) -> bool:
        """Whether nothing is left."""
        return self.at >= len(self.data)

    def byte(self) -> int:
        """One byte."""
        if self.at >= len(self.data):
            raise BadDwarf
        self.at += 1
        return self.data[self.at - 1]

    def number(self, size: int, *, signed: bool = False) -> int:
        """A number of so many bytes."""
        piece = self.data[self.at : self.at + size]
        if len(piece) < size:
            raise BadDwarf
        self.at += size
        return int.from_bytes(piece, "little" if self.order == "<" else "big", signed=signed)

    def uleb(self) -> int:
        """An unsigned number of any length (DWARF 5, section 7.6)."""
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value
            if shift > 63:
                raise BadDwarf

    def sleb(self) -> int:
        """A signed one."""
        before = self.at
        value = self.uleb()
        bits = 7 * (self.at - before)
        return value - (1 << bits) if value >> (bits - 1) & 1 else value

    def block(self) -> bytes:
        """Bytes behind their number."""
        size = self.uleb()
        piece = self.data[self.at : self.at + size]
        if len(piece) < size:
            raise BadDwarf
        self.at += size
        return piece

    def pointer(self, encoding: int, base: int = 0) -> int:
        """A pointer in an encoding (DW_EH_PE_...); ``base`` is what data-relative ones count from."""
        here = self.address + self.at
        form = encoding & 0x0F
        if form & 0x07 in _SIZES:
            value = self.number(_SIZES[form & 0x07], signed=bool(form & _SIGNED))
        elif form == ABSOLUTE:
            value = self.number(self.word)
        else:
            value = self.sleb() if form & _SIGNED else self.uleb()
        application = encoding & 0x70
        if application == _PC_RELATIVE:
            value += here
        elif application == DATA_RELATIVE:
            value += base
        elif application:
            raise BadDwarf
        return value & ((1 << 8 * self.word) - 1)
