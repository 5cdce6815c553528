"""Tests of ``procmem.simulate``."""
