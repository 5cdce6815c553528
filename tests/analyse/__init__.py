"""Tests of ``procmem.analyse``."""
