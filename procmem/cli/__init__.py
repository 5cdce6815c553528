"""The command line: one module per command, and the one door where an error becomes a line and a status.

``COMMANDS`` lists every command with its one-line help, so that ``procmem --help`` imports none of them.
"""

__all__ = ["COMMANDS"]

COMMANDS = {
    "inspect": "Say what is in a process's memory: by class, by region, VIRT against RES.",
    "explain": "Explain the memory map line by line, in plain words, with what deserves attention.",
    "pmap": "Print the memory map just as pmap does.",
    "threads": "Show each thread with its stack, and what threads share.",
    "shared": "Show who else maps what a process maps, and what is private to it.",
    "account": "Divide VIRT, RES, PSS and swap into parts that add up, and say why tools differ.",
    "system": "Show the memory of all processes, without counting shared pages twice.",
    "swap": "Say who has what in swap, whether that hurts, and what swapoff would do.",
    "diff": "Show what grew, shrank, came and went between two recordings, or since one.",
    "watch": "Show how the memory of processes changes, while they run.",
    "simulate": "Predict the memory map of a 32-bit program from its files, before it runs.",
    "crosscheck": "Hold the simulator against the real kernel, line by line.",
    "translate": "Say how a virtual address becomes a physical one, bit by bit, simulated or real.",
    "lab": "Ask the real kernel: experiments, predicted and measured side by side.",
    "record": "Write down all that procmem needs of a process, to look at it elsewhere or later.",
}
"""Command name to its line of help; the module ``procmem.cli.<name>`` has a click command of that name."""
