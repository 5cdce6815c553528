"""The experiments, one module for each theme."""
