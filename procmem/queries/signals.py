"""Ending a command in order when a signal asks for it: for the commands that change something."""

from procmem.sources.signals import end_asked, interruptible, listening, signals_held

__all__ = ["end_asked", "interruptible", "listening", "signals_held"]
