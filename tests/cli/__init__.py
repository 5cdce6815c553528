"""Tests of ``procmem.cli``."""
