"""The sentences of ``procmem simulate`` and of the comparisons of ``procmem crosscheck``."""

from procmem.text import N_, Sentence, gettext, plural, say

__all__ = ["BASES", "HEADINGS", "VERDICTS", "base", "told"]

HEADINGS = {
    "range": N_("range"),
    "start": N_("start"),
    "end": N_("end"),
    "size": N_("size"),
    "perms": N_("perms"),
    "offset": N_("offset"),
    "area": N_("area"),
    "class": N_("class"),
    "base": N_("base"),
    "status": N_("status"),
    "name": N_("name"),
    "rule": N_("rule"),
    "step": N_("step"),
    "stage": N_("stage"),
    "predicted": N_("predicted"),
    "real": N_("real"),
    "verdict": N_("verdict"),
    "runs": N_("runs"),
    "distinct": N_("distinct"),
    "outside": N_("outside"),
    "values": N_("values"),
    "entropy_bits": N_("bits seen"),
    "predicted_bits": N_("bits predicted"),
    "pid": N_("pid"),
    "virt": N_("VIRT"),
    "rss": N_("RSS"),
    "pss": N_("PSS"),
    "swap": N_("swap"),
    "minor": N_("minor"),
    "major": N_("major"),
    "tables": N_("tables"),
}

BASES = {
    "mmap": N_("mapping area (its border)"),
    "program": N_("program"),
    "stack": N_("stack (its end)"),
    "brk": N_("heap (its start)"),
    "fixed": N_("fixed"),
}
VERDICTS = {
    "same": N_("same"),
    "differs": N_("differs"),
    "missing": N_("missing"),
    "extra": N_("extra"),
    "in range": N_("in range"),
    "same shape": N_("same shape"),
    "freed since": N_("freed since"),
    "changed since": N_("changed since"),
}

_SENTENCES: dict[str, Sentence] = {
    "no process": N_("no process: {reason}"),
    "at stage": N_("at stage {stage}:"),
    "total": plural("VIRT {kib}K in {count} area", "VIRT {kib}K in {count} areas"),
    "esp": N_("stack pointer at exec {esp:#010x}, heap from {heap:#010x}"),
    "marks": N_("~ drawn at each run: shown with the zero draw    ? size and order certain, address not"),
    "places": plural(
        "{base}: {first:#010x} to {last:#010x} in steps of {step:size}, {count} place",
        "{base}: {first:#010x} to {last:#010x} in steps of {step:size}, {count} places",
    ),
    "facts": N_("kernel facts from {origin}"),
    "note": N_("note: {text}"),
    "arm64": plural(
        "arm64, pages of {page:size}, {bits} bits of an address, {count} level of page tables:",
        "arm64, pages of {page:size}, {bits} bits of an address, {count} levels of page tables:",
    ),
    "likely": N_("likely: by the kernel's documentation (Linux 6.12); no process of arm64 was held against it"),
    "native": N_("kernel space of a native i386 kernel:"),
    "stage": N_("stage {stage}: {summary}"),
    "was predicted": N_("predicted: {what}"),
    "was real": N_("really:    {what}"),
    "gets here": N_("it gets here"),
    "got here": N_("it got here"),
    "esp differs": N_("stack pointer: predicted {predicted:08x}, real {real:08x}, differs"),
    "esp same": N_("stack pointer: predicted {predicted:08x}, real {real:08x}, same"),
    "right": N_("The prediction holds: all that was called exact is exact."),
    "right, as far as it got": N_("The prediction holds, as far as it could be looked at: see the stages below."),
    "script right": plural(
        "The simulation holds: after the {count} step the map is as predicted, in all that was called exact.",
        "The simulation holds: after each of {count} steps the map is as predicted, in all that was called exact.",
    ),
    "script right, as far as it got": N_(
        "The simulation holds, as far as it could be looked at: see the last step below."
    ),
    "script wrong": N_("The simulation is WRONG after line {line} of the script: {step}"),
    "sides of a script": N_(
        "Left is the simulated process, right a real one of {program:name}, which was made to do the same."
    ),
    "script step": N_("line {line}: {step}: {summary}"),
    "script ended": N_("the process ends"),
    "other result": N_("the call really gave {real}"),
    "other end": N_("really: {real}"),
    "wrong": N_("The prediction is WRONG at stage {stages}."),
    "nothing looked at": N_("Nothing could be compared."),
    "sides": N_(
        "Left is what was predicted from the program's files before it was started, right what the kernel then did."
    ),
    "inside": N_("{base}: in its range {first:08x}-{last:08x}"),
    "outside": N_("{base}: OUTSIDE its range {first:08x}-{last:08x}"),
    "undecided": N_("{base}: outside {first:08x}-{last:08x}; the stack limit at exec may have been another one"),
    "unchecked": N_("not checked: {reason}"),
    "does not get here": N_("as predicted, it does not get here"),
    "not as predicted": N_("NOT as predicted"),
    "exact": plural("{exact} of {count} line called exact is exact", "{exact} of {count} lines called exact are exact"),
    "exact once fitted": plural(
        "{exact} of {count} line called exact is exact once fitted",
        "{exact} of {count} lines called exact are exact once fitted",
    ),
    "shape only": N_("{others} known in shape only"),
    "not predicted": N_("{extra} not predicted"),
    "drawn": plural(
        "{base}: {count} run, {distinct} places of {values}, {outside} outside {first:08x}-{last:08x};"
        " {seen:.1f} bits seen, {predicted:.1f} predicted",
        "{base}: {count} runs, {distinct} places of {values}, {outside} outside {first:08x}-{last:08x};"
        " {seen:.1f} bits seen, {predicted:.1f} predicted",
    ),
    "runs": plural(
        "{count} run; so many can show no more than {bits:.1f} bits",
        "{count} runs; so many can show no more than {bits:.1f} bits",
    ),
    "KiB": N_("sizes in KiB; faults are counted from main on"),
    "RAM": N_("RAM {ram:size}: {used:size} used, of it {cache:size} page cache and shared memory"),
    "swap": N_(
        "swap {swap:size}: {used:size} used; {out} pages went out, {back} came in, {dropped} file pages were dropped"
    ),
}


def base(code: str) -> str:
    """What addresses are counted from."""
    return gettext(BASES[code])


def told(code: str, /, **figures: object) -> str:
    """The sentence of a code."""
    return say(_SENTENCES[code], figures)
