"""The help of ``procmem crosscheck``."""

from procmem.text import N_

__all__ = [
    "ALL",
    "ALL_STAGES",
    "EPILOG",
    "HELP",
    "REPEAT",
    "RUN",
    "RUN_FLAGS",
    "SCRIPT",
    "STAGE",
    "TARGET",
    "TARGET_FLAGS",
]

HELP = N_("Check the simulator, and the laws it is made of, against the real kernel.")
TARGET = N_("""Check a process that runs, or a recording; the word "target" may be left out.

Every law by which the kernel lays out an address space is held against its map; an x86 process that runs here
is predicted from its files and compared line by line, with the drawn values filled in.
""")
ALL_STAGES = N_("The maps of all stages, not only of the last.")
ALL = N_("Every law with its figures, not only those that are broken.")
TARGET_FLAGS = {"--csv": N_("The laws as CSV."), "--markdown": N_("The laws in Markdown.")}
RUN = N_("""Predict a program's map, then run the program and compare, line by line.

Options may stand anywhere. Arguments of the program that begin with - stand behind --.
""")
RUN_FLAGS = {
    "--json": N_("Schema procmem/crosscheck/1; with --script procmem/crosscheck-script/1."),
    "--csv": N_("The lines as CSV; with --repeat the bases."),
    "--markdown": N_("The same as a Markdown table."),
}
STAGE = N_("Only this stage (repeatable). Default: all three.")
SCRIPT = N_("Do these steps in a real process too, from main on; ELF may be left out. - is standard input.")
REPEAT = N_("With --aslr: the bases of N runs.")
EPILOG = N_("""\b
Examples:
  procmem crosscheck 1234                a process that runs, and the laws
  procmem crosscheck 1234 --all          each law with its figures
  procmem crosscheck run ./prog arg      predict, run, compare at 3 stages
  procmem crosscheck run --all ./prog    with the maps of each stage
  procmem crosscheck run --aslr ./prog   the same with randomisation
  procmem crosscheck run --aslr --repeat 500 ./prog
  printf 'malloc a 200K\\nthread\\n' | procmem crosscheck run --script -

Exit status: 0 when all that was called exact is exact, 7 when it is not, 4 where nothing may be traced.
""")
