"""``NamedTuple`` whose class costs little until it has a value.

Here belongs how the package's values are made, not what they hold. To whoever reads or type-checks the code they are
``typing.NamedTuple``; at run time they are ``collections.namedtuple``: its constructor, getters and methods, made when
a class gets its first value, without looking at the annotations. More than sixty such classes are defined before the
plainest ``procmem inspect`` starts to work; with ``typing.NamedTuple`` they take a third of the whole command.
"""

from __future__ import annotations

import sys
from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Self

__all__ = ["NamedTuple"]


def _fields_of(namespace: dict[str, Any]) -> tuple[str, ...]:
    """The annotated names in the body of a class, in their order."""
    if sys.version_info >= (3, 14) and "__annotations__" not in namespace:  # kept as a function there (PEP 649)
        import annotationlib  # noqa: PLC0415  # new in 3.14

        annotate = annotationlib.get_annotate_from_class_namespace(namespace)
        if annotate is None:
            return ()
        return tuple(annotationlib.call_annotate_function(annotate, annotationlib.Format.FORWARDREF))
    return tuple(namespace.get("__annotations__", ()))


class _Definition(type):
    """Class of the classes: keeps fields and defaults, and adds what ``namedtuple`` makes when it is asked for."""

    _fields: tuple[str, ...]
    _field_defaults: dict[str, object]

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> _Definition:
        fields = _fields_of(namespace)
        defaults = {field: namespace.pop(field) for field in fields if field in namespace}
        namespace |= {"__slots__": (), "__match_args__": fields, "_fields": fields, "_field_defaults": defaults}
        return super().__new__(cls, name, bases, namespace)

    def complete(cls) -> None:
        """Add constructor, getters and methods.

        Raises:
            TypeError: a field without a default follows one that has a default.
        """
        plain = namedtuple(cls.__name__, cls._fields, defaults=cls._field_defaults.values())  # type: ignore[misc]
        if plain._field_defaults != cls._field_defaults:
            raise TypeError(f"{cls.__qualname__}: a field without a default follows one that has a default")
        for name, value in vars(plain).items():
            if name not in cls.__dict__:
                setattr(cls, name, value)


class _Unfinished(tuple[Any, ...] if TYPE_CHECKING else tuple, metaclass=_Definition):  # type: ignore[misc]
    """What a class is until its first value; both methods are then those of ``namedtuple``."""

    def __new__(cls, *values: Any, **named: Any) -> Self:
        cls.complete()
        return cls.__new__(cls, *values, **named)

    @classmethod
    def _make(cls, values: Iterable[Any]) -> Self:
        cls.complete()
        return cls._make(values)


if TYPE_CHECKING:
    from typing import NamedTuple
else:
    NamedTuple = _Unfinished
    """Base of the package's values."""
