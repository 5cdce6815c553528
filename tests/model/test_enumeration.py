"""Enumerations are made as ``enum`` makes them, at less cost."""

import copy
import enum
import json
import pickle
import typing

import pytest

from procmem.model.enumeration import Enumeration, TextEnumeration


class Ours(Enumeration):
    """Members."""

    LOW = "low"
    """With a sentence."""
    HIGH = ("high", 2)

    @property
    def is_low(self) -> bool:
        """Whether it is the first."""
        return self is Ours.LOW


class Theirs(enum.Enum):
    """The same, by the standard library."""

    LOW = "low"
    HIGH = ("high", 2)

    @property
    def is_low(self) -> bool:
        """Whether it is the first."""
        return self is Theirs.LOW


class OurTexts(TextEnumeration):
    """Members that are texts."""

    TEXT = "text"
    DATA = "the data"


class TheirTexts(enum.StrEnum):
    """The same, by the standard library."""

    TEXT = "text"
    DATA = "the data"


_BOTH = [(Ours, Theirs), (OurTexts, TheirTexts)]


@pytest.mark.parametrize(("ours", "theirs"), _BOTH)
def test_members_are_those_of_the_standard_library(ours: typing.Any, theirs: typing.Any) -> None:
    """Names, values, order, texts, and how one gets from each to the member."""
    assert [(one.name, one.value) for one in ours] == [(one.name, one.value) for one in theirs]
    assert list(ours.__members__) == list(theirs.__members__)
    assert len(ours) == len(theirs) == 2
    assert bool(ours)
    for own, other in zip(ours, theirs, strict=True):
        assert repr(own).replace("Our", "Their") == repr(other)
        assert str(own).replace("Our", "Their") == str(other)
        assert f"{own}|{own:>12}".replace("Our", "Their") == f"{other}|{other:>12}" or not isinstance(own, str)
        assert ours(own.value) is ours[own.name] is ours(own) is getattr(ours, own.name) is own
        assert type(own) is ours
        assert isinstance(own, ours)
        assert own in ours
        assert bool(own) == bool(other)
        assert {own: 1}[own] == 1


@pytest.mark.parametrize(("ours", "theirs"), _BOTH)
def test_a_member_stays_one(ours: typing.Any, theirs: typing.Any) -> None:
    """Copies and pickles are the member itself."""
    assert theirs
    for one in ours:
        twins = [copy.copy(one), copy.deepcopy(one), *(pickle.loads(pickle.dumps(one, way)) for way in range(6))]
        assert all(twin is one for twin in twins)


def test_texts_are_texts() -> None:
    """They are equal to their values, and documents hold these."""
    one: str = OurTexts.TEXT
    assert one == "text"
    assert hash(OurTexts.TEXT) == hash("text")
    assert json.dumps({OurTexts.TEXT: OurTexts.DATA}) == json.dumps({TheirTexts.TEXT: TheirTexts.DATA})
    assert "-".join(OurTexts) == "text-the data"
    assert "text" in list(OurTexts)


def test_members_are_nothing_but_members() -> None:
    """One is equal to nothing else, not even to its value; properties are none of them."""
    one: object = Ours.LOW
    assert one != "low"
    assert Ours.LOW.is_low
    assert not Ours.HIGH.is_low
    assert "is_low" not in Ours.__members__
    match Ours.HIGH:
        case Ours.LOW:
            pytest.fail("the pattern does not fit")
        case Ours.HIGH:
            pass


@pytest.mark.parametrize("make", [Ours, Theirs, OurTexts, TheirTexts])
def test_mistakes_are_refused(make: typing.Any) -> None:
    """A value or a name that no member has."""
    with pytest.raises(ValueError, match="is not a valid"):
        make("none")
    with pytest.raises(KeyError):
        make["NONE"]
    assert "none" not in make.__members__


def test_two_members_of_one_value_are_refused() -> None:
    """The standard library would make the second one another name of the first, which nobody here wants."""
    with pytest.raises(ValueError, match="SECOND and FIRST"):

        class Twice(Enumeration):
            FIRST = 1
            SECOND = 1
