"""The help of ``procmem doctor``."""

from procmem.text import N_

__all__ = ["EPILOG", "FLAGS", "HELP"]

HELP = N_("Say what this machine and this user allow, and what helps where something is missing.")
FLAGS = {"--json": N_("Schema procmem/doctor/1."), "--csv": N_("The table of checks as CSV.")}
EPILOG = N_("""\b
Examples:
  procmem doctor                  what can be seen from here, one line each
  sudo procmem doctor             the same for root
  procmem doctor --json           for programs

Nothing is changed. It reads files of /proc, and starts one tiny 32-bit program
to see whether such programs run. Exit status: 0.
""")
