"""Experiments that make a situation on the real kernel and compare its figures with the simulator's."""
