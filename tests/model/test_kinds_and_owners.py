"""One row a kind, and owners that nobody takes apart from text again."""

import re

from procmem.model import kinds, owners
from procmem.model.kinds import KINDS, ByteClass, Grouping, Kind, Part, Role, object_kind
from procmem.model.owners import owner_name


def test_every_kind_is_listed_once() -> None:
    """By class and name; and the module's constants are the rows of the table."""
    names = [(kind.cls, str(kind)) for kind in KINDS]
    assert len(set(names)) == len(names)
    constants = [value for name, value in vars(kinds).items() if isinstance(value, Kind) and name.isupper()]
    listed = [kind for kind in KINDS if kind.role is None]
    assert {id(kind) for kind in constants} == {id(kind) for kind in listed}


def test_every_class_has_kinds_in_the_order_of_tables() -> None:
    """A class that no kind belongs to would be dead."""
    assert {kind.cls for kind in KINDS} == set(ByteClass)


def test_the_parts_of_objects_are_made_of_role_and_part() -> None:
    """``exe-text`` is the text of the program."""
    kind = object_kind(Role.EXE, Part.TEXT)
    assert (kind, kind.cls, kind.role, kind.part) == ("exe-text", ByteClass.TEXT, Role.EXE, Part.TEXT)
    assert all(kind.grouping is Grouping.OBJECT for kind in KINDS if kind.role is not None)


def test_what_is_reserved_folds_to_whom_it_is_kept_for() -> None:
    """A reserve is the heap's in the classic view; address space that nobody claims is the mapping area's."""
    assert all(kind.reserve.classic is ByteClass.HEAP for kind in KINDS if kind.reserve is not None)
    assert kinds.RESERVED.classic is ByteClass.MMAP
    assert kinds.STACK_GUARD.classic is ByteClass.STACK


def test_a_kind_is_its_name() -> None:
    """In JSON, in tables and in comparisons."""
    assert f"{kinds.BRK}" == "brk"
    assert re.fullmatch("[a-z0-9_-]+", "".join(KINDS))


def test_owners_are_written_as_tables_carry_them() -> None:
    """Each sort in its own form; at most eight threads of an arena."""
    assert owner_name(None) is None
    assert owner_name(owners.Thread(12, b"worker")) == b"thread worker (12)"
    assert owner_name(owners.Thread(12)) == b"thread 12"
    assert owner_name(owners.MAIN_THREAD) == b"main thread"
    assert owner_name(owners.Arena(0x7F00_0000_0000)) == b"arena 7f0000000000"
    many = owner_name(owners.Arena(0x1000, tuple(range(1, 20))))
    assert many == b"arena 1000 of thread 1, 2, 3, 4, 5, 6, 7, 8"
    assert owner_name(owners.ObjectFile(b"/bin/x")) == b"/bin/x"
    assert owner_name(owners.Allocator(b"Java")) == b"Java"
