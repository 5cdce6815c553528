"""Tests of ``procmem.api``, the public interface."""
