"""Predictions from a program's files, and the program of the textbook."""
