"""The help of ``procmem`` itself, and the one-line help of every command."""

from procmem.text import N_

__all__ = ["COMMANDS", "EPILOG", "EXIT_STATUS", "HELP", "MANUAL", "VERSION"]

HELP = N_("Look into the memory of Linux processes: every byte range named, accounted for and explained.")
VERSION = N_("Show the version and exit.")
MANUAL = "procmem manual"
"""What manual pages, which are in English, say at their foot."""
COMMANDS = {
    "inspect": N_("Say what is in a process's memory: by class, by region, VIRT against RES."),
    "explain": N_("Explain the memory map line by line, in plain words, with what deserves attention."),
    "pmap": N_("Print the memory map just as pmap does."),
    "browse": N_("Walk through processes and their memory on the whole screen."),
    "threads": N_("Show each thread with its stack, and what threads share."),
    "shared": N_("Show who else maps what a process maps, and what is private to it."),
    "account": N_("Divide VIRT, RES, PSS and swap into parts that add up, and say why tools differ."),
    "system": N_("Show the memory of all processes, without counting shared pages twice."),
    "swap": N_("Say who has what in swap, whether that hurts, and what swapoff would do."),
    "diff": N_("Show what grew, shrank, came and went between two recordings, or since one."),
    "watch": N_("Show how the memory of processes changes, while they run."),
    "working-set": N_("Show which part of RES a process touches within some seconds, and which it does not."),
    "growth": N_("Show which code fills the memory of a process, while it does."),
    "report": N_("Write all that is known of processes into one HTML file, with pictures."),
    "serve": N_("Serve the memory of groups of processes, by class, to Prometheus and its like."),
    "dataset": N_("Keep recordings and looks of many machines as Parquet, and ask them by SQL."),
    "simulate": N_("Predict the memory map of an x86 program from its files, before it runs."),
    "simulate-memory": N_("Say what each step of a program costs: page frames, faults, sharing, swap, page tables."),
    "crosscheck": N_("Hold the simulator against the real kernel, line by line."),
    "translate": N_("Say how a virtual address becomes a physical one, bit by bit, simulated or real."),
    "lab": N_("Ask the real kernel: experiments, predicted and measured side by side."),
    "learn": N_("Go through the theory lesson by lesson, with the commands that show it here."),
    "doctor": N_("Say what this machine and this user allow, and what helps where something is missing."),
    "completion": N_("Print what a shell needs to complete procmem's commands, options, pids and names."),
    "record": N_("Write down all that procmem needs of a process, to look at it elsewhere or later."),
}
"""Command name to its line of help; the module ``procmem.cli.<name>`` has a click command of that name.

A dash in the name is an underscore in those of the module and of the command in it.
"""
EPILOG = N_("""\b
Examples:
  procmem inspect 1234              what is in process 1234's memory
  procmem inspect --regions self    every byte range of procmem itself
  procmem record 1234 -o bug.tar.gz then: procmem inspect --from bug.tar.gz
""")
EXIT_STATUS = N_(
    "Exit status: 0 done, 1 the system failed, or an internal error, 2 usage, 3 no such process, 4 not permitted, 5 bad input file, 6 could not write, 7 a check found a difference, 42 some of several processes not found, 130 interrupted."
)
