"""Tests of ``procmem.lab``."""
