"""Ending a command in order when a signal asks for it: for the commands that change something."""

from procmem.sources.signals import interruptible, listening, signals_held

__all__ = ["interruptible", "listening", "signals_held"]
