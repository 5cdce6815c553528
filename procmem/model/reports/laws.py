"""The answer of ``procmem crosscheck TARGET``: laws, the textbook's areas, and the comparison line by line."""

from procmem.model.laws import Law, Outcome
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note
from procmem.model.reports.crosscheck import CrossReport
from procmem.model.reports.inspection import ProcessFacts

__all__ = ["Counterpart", "LawReport"]


class Counterpart(NamedTuple):
    """An area of the textbook's 32-bit picture, and where this process has it; None where it has none."""

    area: str
    here: tuple[int, int] | None


class LawReport(NamedTuple):
    """The answer of ``procmem crosscheck TARGET``.

    ``exact`` is the line-by-line comparison with the simulator, for a 32-bit process whose files are at hand;
    else ``not_exact`` says why there is none.
    """

    process: ProcessFacts
    laws: tuple[Law, ...]
    counterparts: tuple[Counterpart, ...]
    exact: CrossReport | None
    not_exact: Note | None

    @property
    def holds(self) -> bool:
        """Whether nothing contradicts the kernel's rules."""
        return not any(law.outcome is Outcome.BROKEN for law in self.laws) and (self.exact is None or self.exact.holds)
