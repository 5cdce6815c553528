"""Tests of ``procmem.parse``."""
