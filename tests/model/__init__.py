"""Tests of ``procmem.model``."""
