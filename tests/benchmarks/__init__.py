"""Benchmarks that people start; none of them is a test."""
