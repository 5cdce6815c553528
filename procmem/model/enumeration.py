"""``Enum`` and ``StrEnum`` whose classes cost little to define, and whose members are looked up by identity.

Here belongs how members are made, not which there are. To whoever reads or type-checks the code, ``Enumeration`` is
``enum.Enum`` and ``TextEnumeration`` is ``enum.StrEnum``, and at run time they behave so. But there a member's
``value`` is a function in Python and its hash another one, which counts where members are keys of sums over many
thousand mappings. And loading ``enum``, and making the sixteen such classes that the plainest ``procmem inspect``
needs, takes a tenth of that.

What the members can do is held beside the standard library's by tests. Left out is what nobody here needs: ``auto()``,
flags, aliases (two members of one value are refused), and ``_missing_``.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

__all__ = ["Enumeration", "TextEnumeration"]


class _EnumerationType(type):
    """Class of the classes: keeps the members by name and by value."""

    __members__: Mapping[str, Any]
    _by_value: dict[object, Any]

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        values = {key: value for key, value in namespace.items() if key[0] != "_" and not hasattr(value, "__get__")}
        for key in values:
            del namespace[key]
        made: Any = super().__new__(cls, name, bases, {"__slots__": (), **namespace})
        members: dict[str, Any] = {}
        by_value: dict[object, Any] = {}
        for key, value in values.items():
            member = str.__new__(made, value) if issubclass(made, str) else object.__new__(made)
            member.name, member.value = key, value
            if value in by_value:
                raise ValueError(f"{name}: {key} and {by_value[value].name} have the same value")
            members[key] = by_value[value] = member
            setattr(made, key, member)
        made.__members__, made._by_value = members, by_value
        return made

    def __call__(cls, value: object) -> Any:
        """The member that has a value.

        Raises:
            ValueError: none has it.
        """
        found = value if isinstance(value, cls) else cls._by_value.get(value)
        if found is None:
            raise ValueError(f"{value!r} is not a valid {cls.__qualname__}")
        return found

    def __getitem__(cls, name: str) -> Any:
        return cls.__members__[name]

    def __iter__(cls) -> Iterator[Any]:
        return iter(cls.__members__.values())

    def __len__(cls) -> int:
        return len(cls.__members__)

    def __bool__(cls) -> bool:
        return True

    def __contains__(cls, value: object) -> bool:
        return isinstance(value, cls) or value in cls._by_value


class _Members(metaclass=_EnumerationType):
    """What members have in common."""

    __slots__ = ("name", "value")

    name: str
    value: Any

    def __repr__(self) -> str:
        return f"<{type(self).__name__}.{self.name}: {self.value!r}>"

    def __str__(self) -> str:
        return f"{type(self).__name__}.{self.name}"

    def __format__(self, form: str) -> str:
        return format(str(self), form)

    def __reduce__(self) -> tuple[object, tuple[object]]:
        return type(self), (self.value,)


class _TextMembers(str, metaclass=_EnumerationType):
    """The same for members that are texts: their values."""

    __slots__ = ("name", "value")

    name: str
    value: str

    __repr__ = _Members.__repr__
    __reduce__ = _Members.__reduce__
    __str__ = str.__str__


if TYPE_CHECKING:
    from enum import Enum as Enumeration
    from enum import StrEnum as TextEnumeration
else:
    Enumeration = _Members
    TextEnumeration = _TextMembers
