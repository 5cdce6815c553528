"""Values are made as ``typing.NamedTuple`` makes them, only later."""

import copy
import pickle
import typing

import pytest

from procmem.model import named_tuple
from procmem.model.named_tuple import NamedTuple


class Ours(NamedTuple):
    """A value."""

    start: int
    end: int
    name: str = "?"

    @property
    def size(self) -> int:
        """Bytes."""
        return self.end - self.start


class Theirs(typing.NamedTuple):
    """The same, by the standard library."""

    start: int
    end: int
    name: str = "?"

    @property
    def size(self) -> int:
        """Bytes."""
        return self.end - self.start


def test_a_class_is_finished_by_its_first_value() -> None:
    """Until then its constructor is that of the base; what it is called with counts all the same."""

    class Fresh(NamedTuple):
        low: int
        high: int = 7

    class Filled(NamedTuple):
        low: int
        high: int

    base = vars(named_tuple.NamedTuple)
    assert "__new__" not in vars(Fresh)
    assert Fresh._fields == ("low", "high")
    assert Fresh(low=1) == (1, 7)
    assert vars(Fresh)["__new__"] is not base["__new__"]
    assert Filled._make([3, 4]) == Filled(3, high=4) == (3, 4)


def test_values_behave_as_those_of_the_standard_library() -> None:
    """Text, equality, fields, defaults, copies, dictionaries, unpacking, patterns, pickles."""
    ours, theirs = Ours(1, end=5), Theirs(1, end=5)
    assert repr(ours) == repr(theirs).replace("Theirs", "Ours")
    assert (tuple(ours), hash(ours), ours.size, ours.name) == (tuple(theirs), hash(theirs), theirs.size, theirs.name)
    assert Ours._fields == Theirs._fields
    assert Ours._field_defaults == Theirs._field_defaults
    assert Ours.__match_args__ == Theirs.__match_args__
    assert tuple(ours._replace(name="x")) == tuple(theirs._replace(name="x"))
    assert ours._asdict() == theirs._asdict()
    for twin in (copy.copy(ours), copy.deepcopy(ours), pickle.loads(pickle.dumps(ours))):
        assert twin == ours
        assert type(twin) is Ours
    match ours:
        case Ours(start, end, name="?"):
            assert (start, end) == (1, 5)
        case _:
            pytest.fail("the pattern does not fit")


def test_mistakes_are_refused() -> None:
    """Too few, too many and unknown values; new attributes; a required field behind one with a default."""
    make: typing.Any = Ours
    for values, named in (((1,), {}), ((1, 2, "x", 4), {}), ((1, 2), {"other": 3})):
        with pytest.raises(TypeError):
            make(*values, **named)
    with pytest.raises(TypeError):
        Ours._make([1])
    value = make(1, 2)
    for name in ("start", "other"):
        with pytest.raises(AttributeError):
            setattr(value, name, 1)

    class Wrong(NamedTuple):  # the type checker refuses it as well
        first: int = 1
        second: int  # type: ignore[misc]

    with pytest.raises(TypeError, match="default"):
        Wrong(second=2)


def test_a_value_may_have_no_fields() -> None:
    """Steps of scripts have none: the class alone says which it is."""

    class Nothing(NamedTuple):
        pass

    assert Nothing() == ()
    assert repr(Nothing()) == "Nothing()"
    with pytest.raises(TypeError):
        Nothing(1)  # type: ignore[call-arg]
