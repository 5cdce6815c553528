"""What went wrong, and what helps: the sentence and the hint of each error's code."""

from typing import NamedTuple

from procmem.errors import (
    AccessRefused,
    BadScript,
    BrokenRecording,
    CannotWrite,
    MalformedFile,
    ProcessGone,
    ProcmemError,
    tell_errors_by,
)
from procmem.model.note import Note
from procmem.model.raw import Refusal
from procmem.text import N_, say
from procmem.text.failures import FAILURES, HEADER_PROBLEMS, failure_text
from procmem.text.refusals import refusal_text

__all__ = ["ERRORS", "Words", "error_text", "failed_text", "hint_text"]


class Words(NamedTuple):
    """The sentence of a code, and its hint; None where the kind of error has one for all its codes, or there is none."""

    sentence: str
    hint: str | None = None


_STEPS_HINT = N_("procmem simulate --help lists them")

ERRORS = {code: Words(sentence) for code, sentence in (*FAILURES.items(), *HEADER_PROBLEMS.items())} | {
    "exec-not-i386": Words(FAILURES["exec-not-i386"], N_("the simulator knows the classic 32-bit layout only")),
    # the target
    "no-process": Words(N_("no such process")),
    "pid-zero": Words(N_("no such process"), N_("pids begin with 1")),
    "no-folder": Words(N_("no such process"), N_("{source} has no folder {pid}")),
    "ended": Words(N_("it has ended")),
    "ended-while-read": Words(N_("ended while it was read")),
    "no-memory-or-ended": Words(N_("it has no memory of its own, or has ended")),
    "not-recorded": Words(N_("not in {source}"), N_("it holds {known}")),
    "nothing-recorded": Words(N_("not in {source}")),
    "hidepid": Words(N_("this /proc hides other users' processes (hidepid)")),
    "nothing-readable": Words(N_("nothing of it may be read")),
    "nothing-to-compare": Words(N_("its smaps may not be read, so there is nothing to compare")),
    "smaps-denied": Words(N_("smaps: permission denied")),
    "no-process-named": Words(N_("no process has name {name!r}")),
    "no-process-of": Words(N_("no process has user {user!r}")),
    "no-process-named-of": Words(N_("no process has name {name!r} and user {user!r}")),
    "no-process-in": Words(N_("{source}: no process in it")),
    "no-process-fits": Words(N_("no process with memory of its own fits the filters")),
    "no-user": Words(N_("there is no user {user!r}")),
    "no-target": Words(N_("{word}: no such file or folder"), N_("a target is a pid, 'self', or a recording's path")),
    "no-procfs": Words(N_("{path}: {reason}"), N_("--procfs names a mounted or copied /proc")),
    # what was asked
    "no-language": Words(N_("no words for language {language!r}"), N_("there are {languages}")),
    "no-term": Words(N_("no word {term!r} in the glossary"), N_("there are {terms}")),
    "not-mapped": Words(N_("nothing is mapped at {address:#x}"), N_("procmem inspect --regions lists what is")),
    "address-too-large": Words(N_("{text} is no address of {bits} bits")),
    "not-32-bit": Words(N_("{address:#x} is no address of a 32-bit machine")),
    "no-experiment": Words(N_("no experiment is called {name!r}"), N_("procmem lab lists them")),
    "unreadable-script": Words(N_("{name}: {reason}")),
    "no-steps": Words(N_("the script has no steps"), _STEPS_HINT),
    "all-ended": Words(N_("the script ends all its processes")),
    # options that make no sense
    "bad-size": Words(N_("{option} {text!r}: not a size such as 4096, 64K or 1M, below 2^64")),
    "bad-growth": Words(N_("--fail-if-grows {text!r}: not CLASS>10% or CLASS>64M, where CLASS is one of {classes}")),
    "exclusive-options": Words(N_("{first} and {second} exclude each other")),
    "recording-still": Words(N_("a recording does not change; compare two with: procmem diff A B")),
    "recording-still-of": Words(N_("{name}: a recording does not change; compare two with: procmem diff A B")),
    "script-begins-at-main": Words(N_("--script and --threads begin at main: leave --stage away")),
    "memory-needs-script": Words(N_("--memory counts what a script does: give one by --script")),
    "ram-out-of-range": Words(N_("--ram lies between 1M and 64G, and --swap is no more than that")),
    "repeat-needs-aslr": Words(N_("--repeat needs --aslr: without it every run is the same")),
    "pmap-forms": Words(N_("options -d, -x, -X and -XX exclude each other")),
    "no-pid": Words(N_("{word!r} is no pid")),
    "pmap-range": Words(N_("-A {text!r}: not LOW[,HIGH] in hexadecimal")),
    "no-class": Words(N_("--class {name!r}: it is one of {known}")),
    "all-and-names": Words(N_("--all runs every experiment: name none")),
    "report-needs-results": Words(N_("--report needs results: --all, or names of experiments")),
    "address-not-hexadecimal": Words(N_("--address {text!r}: not a hexadecimal number")),
    "env-form": Words(N_("--env {text!r}: not NAME=VALUE")),
    "name-an-address": Words(N_("name an address of the simulated machine, such as 0x08048400")),
    "name-process-and-addresses": Words(N_("name a process and addresses, or --sim and addresses")),
    "bad-address": Words(N_("{text!r}: not a hexadecimal address")),
    "columns-of-json": Words(N_("--columns does not go with --json: a document is whole")),
    "name-a-process": Words(N_("name a process: a pid, 'self', a recording, or --name, --user, --from")),
    "not-a-target": Words(N_("{word!r} is neither a pid nor a recording (see --name to find processes by name)")),
    "bad-pattern": Words(N_("--name {name!r}: {reason}")),
    "no-column": Words(N_("--columns {name}: the columns are {known}")),
    # programs that are predicted or run
    "no-interpreter": Words(
        N_("{path:name}: the program's interpreter is not there, or not for i386"),
        N_("install the 32-bit C library of this program"),
    ),
    "not-i386": Words(N_("{path:name}: no 32-bit x86 ELF file that can be read")),
    "no-tracing": Words(
        N_("process {pid}: tracing our own child failed: {reason}"),
        N_("a sandbox or seccomp filter may forbid ptrace"),
    ),
    "no-process-at-stage": Words(N_("no process at stage {stage}: {failure}")),
    "exec-failed": Words(N_("{failure}"), N_("procmem simulate without --memory tells more")),
    "no-32-bit": Words(
        N_("this machine does not run 32-bit x86 programs, so there is nothing to compare with"),
        N_("procmem simulate works everywhere; the kernel needs CONFIG_IA32_EMULATION for this"),
    ),
    "other-kernel-kind": Words(N_("--kernel {kernel}: this machine runs the other kind, so nothing can be compared")),
    # steps of a script
    "no-step": Words(N_("no step is called {verb!r}")),
    "wrong-word-count": Words(N_("{verb} takes {least} to {most} words")),
    "too-many-steps": Words(N_("more than {most} steps")),
    "size-too-large": Words(N_("not a size of a 32-bit program: {word!r}")),
    "not-rights": Words(N_("not rights as maps writes them: {rights!r}")),
    "no-block": Words(N_("no such block: {name!r}")),
    "too-many-touches": Words(N_("more than {most} touches")),
    "no-living-process": Words(N_("no process {pid} lives")),
    "needs-memory": Words(N_("{verb} needs memory: --memory")),
    "not-in-child": Words(N_("{verb} in a child is not simulated: as {pid} goes back")),
    "unknown-thread-option": Words(N_("thread knows no {name!r}")),
    # lines of the kernel's files
    "not-a-mapping": Words(N_("not 'start-end perms offset dev inode path'")),
    "no-mapping-line": Words(N_("not a mapping line")),
    "not-smaps": Words(N_("neither a mapping nor 'Key: value'")),
    "not-key-value": Words(N_("not 'Key: value'")),
    "not-key-size": Words(N_("not 'Key: N kB'")),
    "not-meminfo": Words(N_("not 'Key: number kB'")),
    "not-swaps": Words(N_("not 'Filename Type Size Used Priority'")),
    "not-name-number": Words(N_("not 'name number'")),
    "not-a-limit": Words(N_("not 'name soft hard unit'")),
    "limit-no-number": Words(N_("a limit that is no number")),
    "not-a-size": Words(N_("a size that is not 'N kB'")),
    "not-a-counter": Words(N_("a counter that is not 'N kB'")),
    "counter-too-large": Words(N_("a counter beyond 64 bits")),
    "counter-before-mapping": Words(N_("a counter before the first mapping")),
    "counter-twice": Words(N_("a counter that the mapping has already")),
    "record-without-flags": Words(N_("the last record is cut off: it has no VmFlags, all others have")),
    "record-without-counters": Words(N_("the last record is cut off: it has no counters, others have")),
    "last-line-cut": Words(N_("the last line is cut off")),
    "line-cut": Words(N_("the line is cut off")),
    "range-backwards": Words(N_("a range that is empty or backwards")),
    "inode-too-large": Words(N_("an inode beyond 64 bits")),
    "no-command-name": Words(N_("no command name in brackets")),
    "too-few-fields": Words(N_("{fields} fields, where at least {least} are due")),
    "field-no-number": Words(N_("a field that is no number")),
    "not-statm": Words(N_("not seven numbers")),
    "not-syscall": Words(N_("neither 'running' nor a stack pointer at its end")),
    "not-hexadecimal": Words(N_("not a hexadecimal number")),
    # recordings
    "no-recording": Words(N_("no such file or folder")),
    "not-opened": Words(N_("{reason}")),
    "recording-refused": Words(N_("{refusal}")),
    "no-process-recorded": Words(N_("holds no process: neither a folder named by a pid, nor maps, smaps or status")),
    "several-recorded": Words(N_("holds {count} processes"), N_("name a pid: {known}")),
    "recording-too-large": Words(N_("unpacks to more than a recording may hold")),
    "too-many-members": Words(N_("more than {most} members")),
    "bad-archive": Words(N_("not a readable archive: {reason}")),
    "bad-about": Words(N_("about.toml: {reason}")),
    "unknown-schema": Words(N_("has schema {schema!r}; this procmem reads {known}")),
    "no-table": Words(N_("about.toml: {key} is no table")),
    "objects-refused": Words(N_("{file}: {refusal}")),
    "bad-objects": Words(N_("{file}: {reason}")),
    "bad-page-runs": Words(N_("pagemap.runs, line {number}: not 'start-end letters'")),
    "bad-memory-words": Words(N_("memory.words, line {number}: not 'address hex'")),
    # output
    "exists": Words(N_("there is something already"), N_("name a new path, or remove it first")),
    "system-error": Words(N_("{reason}")),
    "no-folder-to-write": Words(N_("no such folder")),
    "not-regular": Words(N_("it is a link, or no regular file")),
    "folder-read-only": Words(N_("the folder may not be written")),
}

_DEFAULT_HINTS = {
    AccessRefused: N_("run it as the same user, or as root"),
    MalformedFile: N_("the file is damaged, cut off, or no such file"),
    BadScript: N_("procmem simulate --help lists the steps"),
    BrokenRecording: N_("make it anew with: procmem record PID -o PATH"),
}
"""What helps against an error of a kind whose code has no hint of its own."""


FAILED = {
    "output": N_("output: {reason} (free some space, or write elsewhere)"),
    "nested": N_("internal error: input nested too deeply"),
    "internal": N_("internal error: {kind}: {reason} (set PROCMEM_DEBUG=1 for a traceback)"),
}
"""What ends a command besides errors with codes: the output, or a mistake of ours."""


def failed_text(code: str, **figures: object) -> str:
    """What ended the command."""
    return say(FAILED[code], figures)


def _fields(error: ProcmemError) -> dict[str, object]:
    """The fields of an error; a refusal or a predicted failure among them in words."""
    return {
        name: failure_text(value)
        if isinstance(value, Note)
        else refusal_text(value)
        if isinstance(value, Refusal)
        else value
        for name, value in error.fields.items()
    }


def error_text(error: ProcmemError) -> str:
    """What went wrong, where, and why: one line."""
    why = say(ERRORS[error.code].sentence, _fields(error))
    match error:
        case MalformedFile(name=name, line=line, text=text):
            where = say(N_("{name}, line {line}"), {"name": name, "line": line}) if line else name
            shown = f": {text[:80]!r}" if text else ""
            return say(N_("{where}: {why}{shown}"), {"where": where, "why": why, "shown": shown})
        case BadScript(line=line):
            return say(N_("script, line {line}: {why}"), {"line": line, "why": why})
        case ProcessGone(pid=pid) | AccessRefused(pid=pid):
            return say(N_("process {pid}: {why}"), {"pid": pid, "why": why})
        case BrokenRecording(path=path) | CannotWrite(path=path):
            return say(N_("{path}: {why}"), {"path": path, "why": why})
    return why


def hint_text(error: ProcmemError) -> str:
    """What to do about it; empty where nothing is known."""
    hint = ERRORS[error.code].hint
    if hint is None:
        hint = next((text for kind, text in _DEFAULT_HINTS.items() if isinstance(error, kind)), "")
    return say(hint, _fields(error)) if hint else ""


tell_errors_by(error_text, hint_text)
