"""The help of options that several commands share."""

from procmem.text import N_

__all__ = [
    "CHILDREN",
    "CLASS",
    "COLOR",
    "COLUMNS",
    "FLAGS",
    "FORMAT",
    "FROM",
    "KIND",
    "LANG",
    "MIN_SIZE",
    "NAME",
    "OWNER",
    "PAGER",
    "PATH",
    "PERMS",
    "PID",
    "PROCFS",
    "USER",
    "WIDTH",
]

FLAGS = {
    "--bytes": N_("Sizes in bytes."),
    "--human": N_("Sizes with units, such as 1.5 MiB."),
    "--json": N_("Schema {schema}; a list, for several targets."),
    "--csv": N_("The table as CSV, in bytes."),
    "--markdown": N_("The table in Markdown."),
    "--wide": N_("Leave no column out, however long lines get."),
}
"""By the word of the flag; commands may have words of their own for it."""
FORMAT = N_("The report in this format.")
"""Of a format that has no sentence of its own."""
COLUMNS = N_("Only these columns of the table, in this order.")
WIDTH = N_("Columns of the output; the terminal's when not given.")
COLOR = N_("Colour by class.")
PAGER = N_("Page long output on a terminal (on).")
LANG = N_("Language: en or zh; from LANG when not given.")
PROCFS = N_("Read another /proc tree, mounted or copied.")
FROM = N_(
    "Read a recording (a folder, a .tar.gz), a core file, or a text (maps, smaps, status, what pmap prints, ...); - is stdin."
)
CLASS = N_("Only regions of this class (repeatable).")
KIND = N_("Only regions of this kind, as --regions names it (repeatable).")
OWNER = N_("Only regions whose owner has this in its name, or fits it (*, ?).")
PATH = N_("Only mappings whose name has this in it, or fits it ('*.so').")
PERMS = N_("Only mappings with these permissions: all of 'rw-p', or letters ('wx').")
MIN_SIZE = N_("Only regions of at least this size (4096, 64K, 1M).")
PID = N_("Also this process (repeatable); of a recording, only this one.")
NAME = N_("Also processes of this name (exact, or a regular expression that fits it whole).")
USER = N_("Also processes of this user, by name or uid; with --name, both must fit.")
CHILDREN = N_("Also all children of the targets, and theirs.")
