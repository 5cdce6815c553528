"""Ending a command in order when a signal asks for it: for the commands that change something."""

from procmem.sources.signals import listening

__all__ = ["listening"]
