"""Tests of ``procmem.sources``."""
