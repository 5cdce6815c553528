"""Reading one process: again while it moves, a few times at most; and what was read last says so."""

from procmem.queries.read import TRIES, read_consistently


class Readings:
    """A process that gives one answer after another."""

    def __init__(self, *answers: int) -> None:
        self.left = list(answers)
        self.count = 0

    def read(self) -> int:
        """The next answer."""
        self.count += 1
        return self.left.pop(0)


def test_what_agrees_is_read_once() -> None:
    """And counts as settled."""
    readings = Readings(1, 2)
    assert read_consistently(readings.read, lambda _: False) == (1, True)
    assert readings.count == 1


def test_what_moves_is_read_until_it_agrees() -> None:
    """The answer is the first that does."""
    readings = Readings(1, 2, 3, 4)
    assert read_consistently(readings.read, lambda answer: answer < 3) == (3, True)
    assert readings.count == 3


def test_what_never_rests_is_read_a_few_times() -> None:
    """The last answer, and that it did not settle."""
    readings = Readings(*range(100))
    assert read_consistently(readings.read, lambda _: True) == (TRIES - 1, False)
    assert readings.count == TRIES


def test_the_number_of_tries_can_be_given() -> None:
    """It is the number of readings."""
    readings = Readings(*range(100))
    assert read_consistently(readings.read, lambda _: True, 2) == (1, False)
    assert readings.count == 2
