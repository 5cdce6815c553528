"""Tests of ``procmem.tracing``."""
