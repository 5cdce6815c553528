"""The parts of the gate, in the order in which they run."""

from tests.gate import elf, faults, hostile, laboratory, limits, races, recordings, signals

__all__ = ["PARTS"]

PARTS = {
    module.PART.name: module.PART for module in (recordings, elf, hostile, faults, limits, races, signals, laboratory)
}
