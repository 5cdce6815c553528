"""Tests of ``procmem.queries``."""
