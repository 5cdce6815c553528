"""Helpers of the tests: running the command, processes to look at, texts as the kernel writes them."""
