"""The help of ``procmem browse``."""

from procmem.text import N_

__all__ = ["EPILOG", "EVERY", "HELP"]

HELP = N_("Walk through processes and their memory on the whole screen.")
EVERY = N_("Seconds between looks (2).")
EPILOG = N_("""\b
Examples:
  procmem browse                      all processes; Enter looks into one
  procmem browse 1234
  procmem browse --name 'gunicorn.*'
  procmem browse before.tar.gz        a recording
  procmem browse leak.series          a series, look by look ([ and ])

Needs a terminal of at least 80 columns and 24 lines, and the extra tui: pip install 'procmem[tui]'. Keys are those of
htop and of vim; ? lists them. A process is looked at for at most 1 % of the time, all of them together for at most a
tenth of a processor: where looking costs more, looks come less often.
""")
