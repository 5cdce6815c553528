"""The words of ``procmem translate``: what the bits of an entry say, and why something is not known."""

from procmem.model.note import Note
from procmem.text import N_, gettext, say
from procmem.text.notes import told, with_cure

__all__ = [
    "answer_text",
    "bit_text",
    "buffer_text",
    "error_bit_text",
    "level_text",
    "pagemap_bit_text",
    "reason_text",
    "segment_kind_text",
]

PAGEMAP_BITS = {
    "present": N_("present"),
    "swapped": N_("swapped"),
    "file page or shared memory": N_("file page or shared memory"),
    "write-protected for userfaultfd": N_("write-protected for userfaultfd"),
    "guard": N_("guard"),
    "mapped only here": N_("mapped only here"),
    "soft-dirty": N_("soft-dirty"),
}

REASONS = {
    "levels": N_("levels: not known for this machine (only x86 is)"),
    "maps": N_("maps may not be read"),
    "not canonical": N_(
        "pagemap: the highest bits of the address are not all alike (no canonical address), so no table is looked at"
    ),
    "kernel space": N_("pagemap: the address lies in kernel space, which it does not show"),
    "pagemap": N_("pagemap: {refusal}"),
    "frame": N_("frame: hidden without CAP_SYS_ADMIN (run it as root); its flags and count as well"),
    "kpageflags": N_("kpageflags: not permitted, or this kernel has none"),
}


LEVELS = {
    "page directory pointers": N_("page directory pointers"),
    "page directory": N_("page directory"),
    "page table": N_("page table"),
}
"""The levels of i386; those of x86-64 have Linux's names (PGD, P4D, PUD, PMD, PTE), which stay as they are."""

BITS = {
    "present": N_("present"),
    "writable": N_("writable"),
    "user": N_("user"),
    "write-through": N_("write-through"),
    "cache-off": N_("cache off"),
    "accessed": N_("accessed"),
    "dirty": N_("dirty"),
    "pat": N_("PAT"),
    "large-page": N_("large page"),
    "global": N_("global"),
    "no-execute": N_("no execute"),
    "swap-slot": N_("not present: a place in swap, slot {slot}"),
    "kept": N_("not present, but kept: PROT_NONE"),
    "empty": N_("not present: empty"),
}
"""The bits of an entry of a page table, or what else it holds."""

ERROR_BITS = {
    "not-present": N_("the page was not present"),
    "protection": N_("the page was present: a right is missing"),
    "read": N_("a read"),
    "write": N_("a write"),
    "kernel-mode": N_("in kernel mode"),
    "user-mode": N_("in user mode"),
    "reserved-bit": N_("a reserved bit was set"),
    "fetch": N_("an instruction fetch"),
    "protection-key": N_("a protection key forbids it"),
}
"""What each bit of a page fault's error code says."""

ANSWERS = {
    "kernel-space": N_("SIGSEGV: kernel space, reached only by a system call or a trap"),
    "kernel-space-hidden": N_(
        "SIGSEGV: kernel space, reached only by a system call or a trap; of any address there a program is told that it is present (the processor said {said:#x})"
    ),
    "oops": N_("kernel oops: nothing is mapped there"),
    "not-executable": N_("SIGSEGV: the area may not be executed"),
    "not-allowed": N_("SIGSEGV: the area does not allow it"),
    "not-canonical": N_("SIGSEGV: general protection, error code 0"),
    "no-area": N_("SIGSEGV: no area holds the address"),
    "out-of-memory": N_("out of memory: the process is killed"),
    "minor": N_("minor fault; {how}; the access is made again"),
    "major": N_("major fault: a page was read from disk; {how}; the access is made again"),
}
"""What the kernel does with a page fault."""

MENDED = {
    "stack-grows": N_("the stack grows down to it, and gets a page"),
    "copied": N_("copy on write: the page was shared, now it has its own"),
    "reused": N_("the page is nobody else's, so it becomes writable without a copy"),
    "private-copy": N_("a private copy of the file's page"),
    "zero-page": N_("the page of zeros, which all share until they write"),
    "from-swap": N_("brought back from swap"),
    "file-page": N_("the file's page in the page cache is mapped"),
    "huge-page": N_("a huge page, filled with zeros"),
    "fresh": N_("a fresh page, filled with zeros"),
}
"""How a page fault is mended."""

BUFFER = {
    "hit": N_("page {page:#x}, set {set} of {sets}: hit, no walk is needed"),
    "miss": N_("page {page:#x}, set {set} of {sets}: miss, so the tables are walked"),
    "not-kept": N_("what is not present, or not allowed, is not kept"),
    "filled": N_("filled by the walk: the next access to this page needs none"),
}
"""What the TLB does."""

SEGMENT_KINDS = {"code": N_("code, may be read"), "data": N_("data, may be written")}


def level_text(level: str) -> str:
    """A level of the page tables."""
    return gettext(LEVELS[level]) if level in LEVELS else level


def bit_text(bit: Note) -> str:
    """A bit of an entry, or what else the entry holds."""
    return say(BITS[bit.code], bit.figures)


def error_bit_text(bit: str) -> str:
    """What a bit of the error code says."""
    return gettext(ERROR_BITS[bit])


def answer_text(answer: Note) -> str:
    """What the kernel does with a fault."""
    figures = answer.figures
    if "how" in figures:
        figures["how"] = gettext(MENDED[str(figures["how"])])
    return say(ANSWERS[answer.code], figures)


def buffer_text(note: Note) -> str:
    """What the TLB does with an access."""
    return say(BUFFER[note.code], note.figures)


def segment_kind_text(kind: str) -> str:
    """What a segment is for, and what may be done with it."""
    return gettext(SEGMENT_KINDS[kind])


def pagemap_bit_text(bit: str) -> str:
    """A bit of a word of pagemap."""
    return gettext(PAGEMAP_BITS[bit])


def reason_text(reason: Note) -> str:
    """Why something is not known."""
    return with_cure(told(REASONS, reason), reason)
