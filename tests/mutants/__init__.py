"""Mutation testing by samples: what the tests would not notice if it broke. See :mod:`tests.mutants.__main__`."""
