"""What a report has to say beside its figures: what could not be read, what is out of the ordinary about a process."""

from __future__ import annotations

from procmem.model.note import Note
from procmem.model.raw import MissingRight, Refusal
from procmem.text import N_, Sentence, gettext, plural, say
from procmem.text.refusals import RIGHTS, refusal_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["note_text", "told", "with_cure"]

NOTES: dict[str, Sentence] = {
    "thread": N_("{tid} is a thread of process {pid}; the memory is that of the whole process"),
    "kernel thread": N_("a kernel thread: it runs in the kernel's own address space and has no memory of its own"),
    "zombie": N_("a zombie: it has ended, its memory is freed, and only its exit status waits for its parent"),
    "dead leader": N_("its main thread has ended; read through its live thread {tid}"),
    "dead leader, unread": N_("its main thread has ended, and none of its other threads could be read"),
    "cmdline cut": N_("cmdline: the first {size:size} are read and shown; it goes on"),
    "unstable": N_("changed while reading: {why}; the figures may not belong together"),
    "ended": N_("the process ended while it was read"),
    "ended watched": N_("the process has ended; this shows what was sampled before that"),
    "executed watched": N_("the process runs another program by now (exec): what was there before is gone"),
    "executed": N_("the process ran another program (exec) while it was read"),
    "grown": N_("{count} of its mappings grew between two pieces of the file"),
    "moved": N_("VIRT was between {least:size} and {most:size}"),
    "memory refused": N_("mem: {refusal}; --deep told nothing more, and labels are less certain for it"),
    "no answer": plural(
        "{first:name}: {refusal}; which of its parts are code, data or BSS is told by their permissions alone",
        "{first:name} and others, {count} files: {refusal}; which of their parts are code, data or BSS is told by "
        "their permissions alone",
    ),
    "files unanswered": N_(
        "{folder:name} or another file system in memory lies beyond one that does not answer: its files are missing here"
    ),
    "maps instead": N_("{file}: {refusal}; maps was read instead, so sizes in memory are unknown"),
    "refused": N_("{file}: {refusal}; unknown: {unknown}"),
    "shared out": N_(
        "some mappings hold several ranges, and pagemap did not say which pages are whose: shared out (about)"
    ),
    "shared memory in swap": N_(
        "swap of {swap_kib} kB holds {shared_kib} kB of shared memory, which VmSwap leaves out"
    ),
    "hugetlb beside": N_("{size:size} in huge pages (hugetlb) are in memory besides: RSS, PSS and swap leave them out"),
    "hugetlb untold": N_(
        "how much of {size:size} mapped in huge pages (hugetlb) is in memory is not known (before Linux 4.4 no counter tells it); here they are among what was never touched"
    ),
    "core": N_(
        "a core file: how much was in memory is not in it; {dumped:size} of {mapped:size} were dumped, and of what was mapped but not dumped (coredump_filter) only the place is known"
    ),
    "core of gdb": N_(
        "gdb wrote the core: it leaves out what files hold unchanged, and calls inaccessible memory readable; both are told here as the headers of the files and the zeros suggest"
    ),
    "core, no files": N_("the core does not say which files were mapped (NT_FILE, Linux 3.7)"),
    # texts that were pasted, mailed or saved
    "text in UTF-16": N_("the text is in UTF-16, as PowerShell writes it"),
    "byte order mark": N_("a byte order mark before the text was left out"),
    "colours": N_("the colours of a terminal were left out"),
    "line ends": plural(
        "a line ends as on Windows (CR LF) or on an old Macintosh: {count} carriage return was left out",
        "its lines end as on Windows (CR LF) or on an old Macintosh: {count} carriage returns were left out",
    ),
    "some line ends": plural(
        "{count} line ends in a carriage return, and others do not: it was kept, as part of names",
        "{count} lines end in a carriage return, and others do not: it was kept, as part of names",
    ),
    "no line end": N_("the last line has no end: what it says last may be cut off"),
    "cut off": N_("the text is cut off behind {at:#x}: what follows there is not known, and no sum has it"),
    "last cut off": N_("the text is cut off within the mapping at {at:#x}, which was left out, and no sum has it"),
    "log prefix": plural(
        "{count} line begins with what a log puts before it, which was left out: '{text:name}'",
        "{count} lines begin with what a log puts before them, which was left out; the first with '{text:name}'",
    ),
    "json lines": N_("each line is a JSON object: what it holds as '{member:name}' was read"),
    "other lines": plural(
        "{count} other line was passed over",
        "{count} other lines were passed over",
    ),
    "other maps": plural(
        "{count} other map in the text was passed over",
        "{count} other maps in the text were passed over",
    ),
    "other processes": plural(
        "{count} other process in the text was passed over",
        "{count} other processes in the text were passed over",
    ),
    "broken lines": plural(
        "{count} name stood on a line of its own, and was joined to the line before it",
        "{count} names stood on a line of their own, and were joined to the lines before them",
    ),
    "backwards": plural(
        "{count} mapping without a size, or of an impossible one, was left out, and no sum has it",
        "{count} mappings without a size, or of an impossible one, were left out, and no sum has them",
    ),
    "without counters": plural(
        "{count} of {of} mappings has no counters: sums are of the others alone",
        "{count} of {of} mappings have no counters: sums are of the others alone",
    ),
    "rollup alone": N_("smaps_rollup alone: totals are known, and neither VIRT nor any mapping"),
    "status alone": N_("status alone: totals are known, and no mapping"),
    "pmap": N_("read from what pmap prints, which calls all memory without a file [ anon ], the heap among it"),
    "names without folders": N_("pmap names files without their folder: /.../ stands for it (pmap -p shows it)"),
    "no total": N_("pmap's last line, the total, is missing: the text may be cut off"),
    "total differs": N_("pmap's total is {total:size}, and the lines here add up to {seen:size}: some are missing"),
    "debugger": N_("read from what a debugger prints, which tells no device and no inode"),
    "sanitizer": N_("read from a sanitizer's report, which tells nothing but addresses and names"),
    "tombstone": N_("read from an Android tombstone, which tells no device, no inode, and not what is shared"),
    "no permissions": N_("permissions are not known: what is code, data, reserved or shared cannot be told apart"),
    "of": N_("{name}: {note}"),
}

TELLS = {
    "smaps": N_("resident, proportional and swapped sizes of each mapping"),
    "auxv": N_("where the program's headers and entry point lie"),
    "cmdline": N_("the command line"),
    "exe": N_("which file the program is"),
}
"""What stays unknown where a file may not be read."""

CURES = {
    Refusal.STUCK: N_("the process is stuck in the kernel"),
    Refusal.GONE: N_("the process has ended"),
}
"""What helps, or why nothing does."""


def told(table: Mapping[str, Sentence], note: Note, **more: object) -> str:
    """A note by a table of words; notes among its figures are of the same table, and refusals are put into words."""
    figures = {
        name: told(table, value)
        if isinstance(value, Note)
        else refusal_text(value)
        if isinstance(value, Refusal)
        else value
        for name, value in note.values
    }
    return say(table[note.code], figures | more)


def note_text(note: Note) -> str:
    """A note as a sentence."""
    if note.code == "of":
        return say(NOTES["of"], {**note.figures, "note": note_text(_note_in(note))})
    base, refusal = note.figures.get("base"), note.figures.get("refusal")
    if not isinstance(base, str):
        return with_cure(told(NOTES, note), note)
    text = told(NOTES, note, unknown=gettext(TELLS[base]))
    if isinstance(refusal, Refusal) and refusal in CURES:
        return say(N_("{text} ({cure})"), {"text": text, "cure": gettext(CURES[refusal])})
    return with_cure(text, note)


def with_cure(text: str, note: Note) -> str:
    """The sentence of a note, and behind it what helps where a right is missing."""
    right = note.figures.get("right")
    if not isinstance(right, MissingRight):
        return text
    return say(N_("{text} ({cure})"), {"text": text, "cure": gettext(RIGHTS[right])})


def _note_in(note: Note) -> Note:
    inner = note.figures["note"]
    assert isinstance(inner, Note)
    return inner
