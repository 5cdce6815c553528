"""``NamedTuple`` whose class costs little until it has a value.

Here belongs how the package's values are made, not what they hold. To whoever reads or type-checks the code they are
``typing.NamedTuple``, and they behave so at run time; but constructor and getters are made when a class gets its first
value, without looking at the annotations. Some seventy such classes are defined before the plainest ``procmem inspect``
starts to work: with ``typing.NamedTuple`` they take a third of the whole command.

What a class gets is what ``collections.namedtuple`` gives, and tests hold the two side by side.
"""

from __future__ import annotations

import sys

# the descriptor of namedtuple's fields: there is no public one as fast, and collections takes longer to load
from _collections import _tuplegetter as _field_getter  # type: ignore[import-not-found]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType, FunctionType
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


_compiled: dict[int, CodeType] = {}
"""Code of a constructor by its number of fields: compiling it for each class would take most of its time."""


def _constructor(fields: tuple[str, ...], defaults: tuple[object, ...]) -> FunctionType:
    """``__new__`` of a class with these fields: the same code for all of as many, with the names of this one."""
    code = _compiled.get(len(fields))
    if code is None:
        names = [f"_{number}" for number in range(len(fields))]
        parameters, values = ", ".join(("_cls", *names)), "".join(f"{name}, " for name in names)
        code = eval(f"lambda {parameters}: _new(_cls, ({values}))").__code__  # noqa: S307  # nothing of the caller's
        _compiled[len(fields)] = code
    named = code.replace(co_varnames=("_cls", *fields), co_name="__new__")
    make: Any = type(_constructor)
    made: FunctionType = make(named, {"_new": tuple.__new__}, "__new__", defaults)
    return made


class _Definition(type):
    """Class of the classes: keeps fields and defaults, and adds what belongs to them when it is asked for."""

    _fields: tuple[str, ...]
    _field_defaults: dict[str, object]

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> _Definition:
        fields = _fields_of(namespace)
        defaults = {field: namespace.pop(field) for field in fields if field in namespace}
        namespace |= {"__slots__": (), "__match_args__": fields, "_fields": fields, "_field_defaults": defaults}
        return super().__new__(cls, name, bases, namespace)

    def complete(cls) -> None:
        """Add constructor and getters.

        Raises:
            TypeError: a field without a default follows one that has a default.
        """
        if cls._fields[len(cls._fields) - len(cls._field_defaults) :] != tuple(cls._field_defaults):
            raise TypeError(f"{cls.__qualname__}: a field without a default follows one that has a default")
        cls.__new__ = _constructor(cls._fields, tuple(cls._field_defaults.values()))  # type: ignore[method-assign]
        for index, field in enumerate(cls._fields):
            setattr(cls, field, _field_getter(index, None))


class _Unfinished(tuple[Any, ...] if TYPE_CHECKING else tuple, metaclass=_Definition):  # type: ignore[misc]
    """What all values have in common; a class makes its own constructor when it is first called."""

    def __new__(cls, *values: Any, **named: Any) -> Self:
        cls.complete()
        return cls.__new__(cls, *values, **named)

    @classmethod
    def _make(cls, values: Iterable[Any]) -> Self:
        """A value from as many values as there are fields."""
        if cls.__new__ is _Unfinished.__new__:
            cls.complete()
        made = tuple.__new__(cls, values)
        if len(made) != len(cls._fields):
            raise TypeError(f"Expected {len(cls._fields)} arguments, got {len(made)}")
        return made

    def _replace(self, /, **named: Any) -> Self:
        """The same value with some fields changed."""
        made = self._make(map(named.pop, self._fields, self))
        if named:
            raise ValueError(f"Got unexpected field names: {list(named)!r}")
        return made

    def _asdict(self) -> dict[str, Any]:
        """Fields and values."""
        return dict(zip(self._fields, self, strict=True))

    def __repr__(self) -> str:
        fields = ", ".join(f"{field}={value!r}" for field, value in zip(self._fields, self, strict=True))
        return f"{type(self).__name__}({fields})"

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self)


if TYPE_CHECKING:
    from typing import NamedTuple
else:
    NamedTuple = _Unfinished
    """Base of the package's values."""
