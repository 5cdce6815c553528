"""The help of ``procmem pmap``."""

from procmem.text import N_

__all__ = ["DEVICE", "EPILOG", "EXTENDED", "FROM", "HELP", "MORE", "PATH", "QUIET", "RANGE"]

HELP = N_("Print the memory map of processes just as pmap does.")
EXTENDED = N_("Show details: RSS and dirty.")
MORE = N_("Show more details; -XX everything the kernel provides.")
DEVICE = N_("Show the device format.")
QUIET = N_("Do not show header and footer.")
PATH = N_("Show full paths.")
RANGE = N_("Limit results to a range of addresses.")
FROM = N_("Read a recording or a text instead of this machine; - is standard input.")
EPILOG = N_("""\b
Examples:
  procmem pmap 1234
  procmem pmap -x 1234 5678
  procmem pmap -X 1234 --from bug.tar.gz

Prints what procps-ng 4.0.2's pmap prints, byte for byte, but for control characters in names, which are
shown as escapes. Exit status 42 where a process was not found, as pmap has it. See also: procmem explain.
""")
