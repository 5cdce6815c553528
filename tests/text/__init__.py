"""Tests of ``procmem.text``."""
