"""Tests of ``procmem.render``."""
