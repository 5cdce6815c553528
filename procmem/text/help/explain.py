"""The help of ``procmem explain``."""

from procmem.text import N_

__all__ = [
    "ADDRESS",
    "BRIEF",
    "DEEP",
    "DESCENDING",
    "EPILOG",
    "FINDINGS",
    "FLAGS",
    "FLAT",
    "GLOSSARY",
    "HELP",
    "WHY",
]

HELP = N_("Explain the memory map of a process, line by line, in plain words.")
FLAT = N_("Explain each region alone, without grouping.")
DESCENDING = N_("High addresses first, as the theory draws it.")
WHY = N_("Add the evidence in full, and the place in the classic layout.")
BRIEF = N_("One sentence each.")
ADDRESS = N_("Only the region that holds an address (hexadecimal), and its page.")
FINDINGS = N_("Only what deserves attention.")
GLOSSARY = N_("Explain words instead; TARGET is then a term, or nothing for all.")
DEEP = N_("Also read a few words of the target's memory; see inspect --help.")
FLAGS = {
    "--csv": N_("Every region with its sentence as CSV, in bytes; with --findings what deserves attention."),
    "--markdown": N_("The same as a Markdown table."),
}
EPILOG = N_("""\b
Examples:
  procmem explain 1234                      the map, each block explained
  procmem explain 1234 --brief --class heap
  procmem explain 1234 --address 0x7ffd1000 one region, and its page
  procmem explain 1234 --findings           only what deserves attention
  procmem explain --glossary PSS            what a word means
""")
