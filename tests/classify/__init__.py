"""Tests of ``procmem.classify``."""
