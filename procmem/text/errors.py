"""What went wrong, and what helps: the sentence and the hint of each error's code."""

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
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note
from procmem.model.raw import MissingRight, Refusal
from procmem.text import N_, gettext, say
from procmem.text.failures import FAILURES, HEADER_PROBLEMS, failure_text
from procmem.text.refusals import RIGHTS, refusal_text
from procmem.text.system_errors import system_text

__all__ = ["ERRORS", "ErrorWords", "error_line", "error_text", "failed_text", "hint_text"]


class ErrorWords(NamedTuple):
    """The sentence of a code, and its hint; None where the kind of error has one for all its codes, or there is none."""

    sentence: str
    hint: str | None = None


_TEXTS_HINT = N_(
    "read are: maps, smaps, smaps_rollup, status, hs_err, tombstones, and what pmap, gdb, vmmap and ASan print"
)
_STEPS_HINT = N_("procmem simulate --help lists them")

ERRORS = {code: ErrorWords(sentence) for code, sentence in (*FAILURES.items(), *HEADER_PROBLEMS.items())} | {
    "exec-not-x86": ErrorWords(FAILURES["exec-not-x86"]),
    # the target
    "no-process": ErrorWords(N_("no such process")),
    "not-there-then": ErrorWords(N_("it was not there at that look"), ""),
    "pid-zero": ErrorWords(N_("no such process"), N_("pids begin with 1")),
    "no-folder": ErrorWords(N_("no such process"), N_("{source} has no folder {pid}")),
    "ended": ErrorWords(N_("it has ended")),
    "several-ended": ErrorWords(N_("{count} processes have ended: {pids}")),
    "many-ended": ErrorWords(N_("{count} processes have ended: {pids} and {more} more")),
    "ended-while-read": ErrorWords(N_("ended while it was read")),
    "no-memory-or-ended": ErrorWords(N_("it has no memory of its own, or has ended")),
    "not-recorded": ErrorWords(N_("not in {source}"), N_("it holds {known}")),
    "nothing-recorded": ErrorWords(N_("not in {source}")),
    "hidepid": ErrorWords(N_("this /proc hides other users' processes (hidepid)")),
    "nothing-readable": ErrorWords(N_("nothing of it may be read")),
    "cannot-open": ErrorWords(N_("it cannot be opened: {reason}"), ""),
    "cannot-read": ErrorWords(N_("it cannot be read: {refusal}"), ""),
    "too-many-files": ErrorWords(
        N_("too many open files in this process"), N_("raise the limit: ulimit -n; or name fewer processes")
    ),
    "too-many-files-in-all": ErrorWords(
        N_("too many open files in the whole system"), N_("see /proc/sys/fs/file-nr and fs.file-max")
    ),
    "no-extra": ErrorWords(N_("the module {module} is not installed"), N_("pip install '{extra}'")),
    "file-failed": ErrorWords(N_("{path}: {reason}")),
    "cannot-listen": ErrorWords(
        N_("cannot listen at {address}, port {port}: {reason}"), N_("--listen ADDRESS:PORT takes another one")
    ),
    "look-failed": ErrorWords(N_("a look at the processes has failed: {reason}"), ""),
    "system-failed": ErrorWords(N_("the system failed: {reason}")),
    "read-failed": ErrorWords(N_("it cannot be read: {refusal}")),
    "no-child": ErrorWords(
        N_("no process can be started for reading"), N_("look at ulimit -u, at pids.max of the cgroup, and at free")
    ),
    "no-memory-to-read": ErrorWords(N_("no memory for reading"), N_("look at procmem system, free, and dmesg")),
    "nothing-to-compare": ErrorWords(N_("it has no mappings, so there is nothing to compare"), ""),
    "no-threads": ErrorWords(N_("its threads are not known: a text or a copied file does not tell them"), ""),
    "several-nameless": ErrorWords(N_("several texts that do not say whose they are; record each by itself")),
    "clear-refs-denied": ErrorWords(
        N_("clear_refs may not be written: permission denied"),
        N_("only the process's own user or root may, and not where /proc is mounted read-only"),
    ),
    "clear-refs-refused": ErrorWords(
        N_("clear_refs could not be written: {refusal}"), N_("the kernel needs CONFIG_PROC_PAGE_MONITOR for it")
    ),
    "perf-denied": ErrorWords(
        N_("its page faults may not be watched: permission denied (kernel.perf_event_paranoid is {setting})"),
        N_("run it as root or with CAP_PERFMON; for your own processes sysctl kernel.perf_event_paranoid=2 is enough"),
    ),
    "perf-forbidden": ErrorWords(
        N_("its page faults may not be watched: perf_event_open is forbidden here"),
        N_("a seccomp filter (of a container, as a rule) forbids it; run it outside, or allow perf_event_open"),
    ),
    "perf-absent": ErrorWords(N_("its page faults cannot be watched: this kernel has no perf_event_open"), ""),
    "faults-recorded": ErrorWords(
        N_("page faults can be watched of living processes alone"), N_("--from takes what growth -o has written")
    ),
    "not-growth": ErrorWords(N_("{path}: not what growth -o has written"), ""),
    "perf-no-ring": ErrorWords(
        N_("no room for samples of its page faults may be locked in memory"),
        N_("raise kernel.perf_event_mlock_kb or ulimit -l, or run it as root"),
    ),
    "no-mappings": ErrorWords(N_("its mappings are not known: neither smaps nor maps could be read"), ""),
    "nothing-to-draw": ErrorWords(N_("it has no address space of its own"), ""),
    "no-sizes": ErrorWords(N_("its sizes in memory and in swap are not known: smaps could not be read"), ""),
    "smaps-denied": ErrorWords(N_("smaps: permission denied")),
    "no-process-named": ErrorWords(N_("no process has name {name!r}")),
    "no-process-of": ErrorWords(N_("no process has user {user!r}")),
    "no-process-named-of": ErrorWords(N_("no process has name {name!r} and user {user!r}")),
    "no-process-in": ErrorWords(N_("{source}: no process in it")),
    "no-process-fits": ErrorWords(N_("no process with memory of its own fits the filters")),
    "none-may-be-read": ErrorWords(N_("no process is left to show: {count} may not be read")),
    "no-user": ErrorWords(N_("there is no user {user!r}")),
    "no-target": ErrorWords(
        N_("{word}: no such file or folder"), N_("a target is a pid, 'self', or a recording's path")
    ),
    "no-procfs": ErrorWords(N_("{path}: {reason}"), N_("--procfs names a mounted or copied /proc")),
    # what was asked
    "no-language": ErrorWords(N_("no words for language {language!r}"), N_("there are {languages}")),
    "no-term": ErrorWords(N_("no word {term!r} in the glossary"), N_("there are {terms}")),
    "not-mapped": ErrorWords(N_("nothing is mapped at {address:#x}"), N_("procmem inspect --regions lists what is")),
    "address-too-large": ErrorWords(N_("{text} is no address of {bits} bits")),
    "not-32-bit": ErrorWords(N_("{address:#x} is no address of a 32-bit machine")),
    "no-lesson": ErrorWords(N_("{name}: neither a lesson nor a process"), N_("procmem learn --list shows the lessons")),
    "two-targets-to-learn": ErrorWords(N_("{first} and {second}: lessons look at one process at a time")),
    "all-and-lessons": ErrorWords(N_("--all already means every lesson")),
    "no-experiment": ErrorWords(N_("no experiment is called {name!r}"), N_("procmem lab lists them")),
    "special-file": ErrorWords(N_("{path}: it is {kind}, and no file that could be read")),
    "no-text": ErrorWords(N_("{name}: it is no text in UTF-8")),
    "text-too-large": ErrorWords(N_("{name}: more than {most} characters")),
    "unreadable-text": ErrorWords(N_("{name}: {reason}")),
    "no-steps": ErrorWords(N_("the script has no steps"), _STEPS_HINT),
    "all-ended": ErrorWords(N_("the script ends all its processes")),
    # options that make no sense
    "bad-size": ErrorWords(N_("{option} {text!r}: not a size such as 4096, 64K or 1M, below 2^64")),
    "no-dataset": ErrorWords(N_("{path}: no dataset"), N_("procmem dataset add -o DIR makes one")),
    "other-dataset": ErrorWords(
        N_("{path}: a dataset of schema {schema!r}; known is {known}"), N_("another release of procmem wrote it")
    ),
    "bad-parquet": ErrorWords(N_("{path}: a file of the dataset cannot be read: {reason}"), ""),
    "not-empty": ErrorWords(N_("there are other things in that folder"), N_("name a new or empty one")),
    "no-exchange": ErrorWords(
        N_("this file system cannot exchange two folders"), N_("compact it on a local disk, such as ext4, xfs or btrfs")
    ),
    "no-named-query": ErrorWords(N_("no query is called {name!r}"), N_("there are {known}")),
    "not-one-select": ErrorWords(
        N_("not one statement that reads"), N_("one SELECT; the views are processes and regions")
    ),
    "query-outside": ErrorWords(N_("a query may read the dataset, and nothing else: {reason}")),
    "query-too-large": ErrorWords(N_("no memory for the answer"), N_("ask for fewer rows or columns")),
    "bad-query": ErrorWords(
        N_("the query has a mistake: {reason}"), N_("procmem dataset schema shows tables and columns")
    ),
    "all-and-targets": ErrorWords(N_("--all already means every process")),
    "sql-or-named": ErrorWords(N_("one query: SQL, or --named NAME")),
    "bad-host": ErrorWords(N_("--host {name!r}: not the name of a machine"), N_("letters, digits, dots and dashes")),
    "bad-host-recorded": ErrorWords(N_("{name!r} is not the name of a machine"), N_("--host NAME gives another one")),
    "no-moment": ErrorWords(N_("it does not say when it was made"), N_("--at TIME says it")),
    "core-no-look": ErrorWords(N_("a core file does not say what was in memory"), N_("add recordings: procmem record")),
    "bad-listen": ErrorWords(N_("--listen {text!r}: not an address and a port, such as 127.0.0.1:9917 or [::1]:9917")),
    "bad-growth": ErrorWords(
        N_("--fail-if-grows {text!r}: not CLASS>10% or CLASS>64M, where CLASS is one of {classes}")
    ),
    "exclusive-options": ErrorWords(N_("{first} and {second} exclude each other")),
    "option-needs": ErrorWords(N_("{option} says nothing without {others}")),
    "pae-is-native": ErrorWords(N_("--pae is of a native kernel: add --kernel native")),
    "sort-needs-regions": ErrorWords(N_("--sort {column} sorts regions: add --regions")),
    "sort-of-processes": ErrorWords(N_("--sort {column} sorts processes, of which --mappings lists none")),
    "sort-needs-sizes": ErrorWords(N_("--sort {column} needs sizes that --quick does not read")),
    "interval-of-recording": ErrorWords(N_("--interval measures what moves, and a recording does not")),
    "recording-still": ErrorWords(N_("a recording does not change; compare two with: procmem diff A B")),
    "recording-still-of": ErrorWords(N_("{name}: a recording does not change; compare two with: procmem diff A B")),
    "touches-nothing": ErrorWords(
        N_("{name}: a recording touches no memory"), N_("name a process of this machine that runs")
    ),
    "script-begins-at-main": ErrorWords(N_("--script and --threads begin at main: leave --stage away")),
    "now-a-command": ErrorWords(N_("what {option} did is a command of its own now: {command}")),
    "memory-needs-script": ErrorWords(N_("what a script does is counted: give one by --script")),
    "ram-out-of-range": ErrorWords(N_("--ram lies between 1M and 64G, and --swap is no more than that")),
    "no-program-to-run": ErrorWords(
        N_("no program is named"), N_("procmem crosscheck run ./prog; only --script does without one")
    ),
    "arm64-is-not-simulated": ErrorWords(
        N_("of arm64 only the borders are known: leave program, script and other views away")
    ),
    "repeat-needs-aslr": ErrorWords(N_("--repeat needs --aslr: without it every run is the same")),
    "pmap-forms": ErrorWords(N_("options -d, -x, -X and -XX exclude each other")),
    "no-pid": ErrorWords(N_("{word!r} is no pid")),
    "pmap-range": ErrorWords(N_("-A {text!r}: not LOW[,HIGH] in hexadecimal")),
    "no-class": ErrorWords(N_("--class {name!r}: it is one of {known}")),
    "no-kind": ErrorWords(
        N_("--kind {name!r}: there is no such kind"), N_("procmem inspect --regions names the kinds of a process")
    ),
    "bad-perms": ErrorWords(
        N_("--perms {text!r}: permissions are as maps writes them ('rw-p'), or letters of r, w, x, s, p")
    ),
    "all-and-names": ErrorWords(N_("--all runs every experiment: name none")),
    "restore-and-names": ErrorWords(N_("--restore runs no experiment: name none")),
    "restore-needs-root": ErrorWords(N_("only root may undo what experiments changed"), N_("run it as root")),
    "cannot-restore": ErrorWords(N_("nothing can be undone now: {why}"), ""),
    "report-needs-results": ErrorWords(N_("--report needs results: --all, or names of experiments")),
    "env-form": ErrorWords(N_("--env {text!r}: not NAME=VALUE")),
    "name-an-address": ErrorWords(N_("name an address of the simulated machine, such as 0x08048400")),
    "name-process-and-addresses": ErrorWords(N_("name a process and addresses, or --sim and addresses")),
    "bad-address": ErrorWords(N_("{text!r}: not a hexadecimal address")),
    "one-process": ErrorWords(N_("{option} is about one process, and {count} were named")),
    "columns-of-json": ErrorWords(N_("--columns does not go with --json: a document is whole")),
    "name-a-process": ErrorWords(N_("name a process: a pid, 'self', a recording, or --name, --user, --from")),
    "second-look-missing": ErrorWords(
        N_("{name!r} is no series: name a second recording or pid to compare it with"),
        N_("procmem record --every 10s writes a series"),
    ),
    "bad-trigger": ErrorWords(N_("--when {text!r}: not NAME>2G, NAME>+200M or NAME>80%, where NAME is one of {names}")),
    "bad-until": ErrorWords(N_("--until {text!r}: not NAME>2G or NAME>+200M, where NAME is one of {names}")),
    "bad-duration": ErrorWords(N_("{option} {text!r}: not a time such as 10s, 5m, 1h")),
    "bad-moment": ErrorWords(N_("--at {text!r}: not a moment such as +90s, -5m, 14:30:00, 2026-01-31T14:30")),
    "series-as-recording": ErrorWords(
        N_("{name!r} is a series: it keeps what fills memory, and no single regions"),
        N_("procmem inspect, diff and watch read it"),
    ),
    "not-a-series": ErrorWords(N_("{name!r} is no series (procmem record --every writes one)")),
    "none-recorded-so": ErrorWords(N_("{source:name}: no recorded process fits")),
    "no-command": ErrorWords(
        N_("no such command: {name!r}"), N_("procmem --help lists them; a pid alone is looked into")
    ),
    "no-command-but": ErrorWords(N_("no such command: {name!r}; did you mean {close}?")),
    "option-of-others": ErrorWords(N_("{name!r} is an option of {commands}, not of {command}")),
    "one-recording": ErrorWords(N_("a recording or a series is browsed alone"), N_("name it without other targets")),
    "needs-terminal": ErrorWords(N_("{command} fills a terminal, and input, output or stderr is none, or it is dumb")),
    "archive-to-terminal": ErrorWords(
        N_("what is no text does not go to a terminal"), N_("send it to a file or a pipe: ... > FILE, ... | PROGRAM")
    ),
    "not-a-target": ErrorWords(N_("{word!r} is neither a pid nor a recording (see --name to find processes by name)")),
    "bad-pattern": ErrorWords(N_("--name {name!r} is no regular expression: {reason}")),
    "bad-pattern-at": ErrorWords(N_("--name {name!r} is no regular expression: {reason}, at character {place}")),
    "large-pattern": ErrorWords(N_("--name {name!r} is nested too deeply, or repeats too often")),
    "slow-pattern": ErrorWords(
        N_("--name {name!r} takes too long to compare with a name"), N_("repeat nothing that is repeated itself")
    ),
    "no-column": ErrorWords(N_("--columns {name}: the columns are {known}")),
    # programs that are predicted or run
    "no-interpreter": ErrorWords(
        N_("{path:name}: the program's interpreter is not there, or not for its machine"),
        N_("install the 32-bit C library of this program"),
    ),
    "no-answer": ErrorWords(N_("{path:name}: it, or a file that it needs, lies where nobody answers")),
    "not-x86": ErrorWords(N_("{path:name}: no x86 ELF file that can be read")),
    "no-tracing": ErrorWords(
        N_("process {pid}: tracing our own child failed: {reason}"),
        N_("a sandbox or seccomp filter may forbid ptrace"),
    ),
    "no-process-at-stage": ErrorWords(N_("no process at stage {stage}: {failure}")),
    "exec-failed": ErrorWords(N_("{failure}"), N_("procmem simulate tells more")),
    "no-32-bit": ErrorWords(
        N_("this machine does not run 32-bit x86 programs, so there is nothing to compare with"),
        N_("procmem simulate works everywhere; the kernel needs CONFIG_IA32_EMULATION for this"),
    ),
    "no-x86-64": ErrorWords(
        N_("this machine does not run x86-64 programs, so there is nothing to compare with"),
        N_("procmem simulate works everywhere"),
    ),
    "other-kernel-kind": ErrorWords(
        N_("--kernel {kernel}: this machine runs the other kind, so nothing can be compared")
    ),
    # steps of a script
    "no-function": ErrorWords(
        N_("{verb}: the program has no function {name}, which a real process needs for it"),
        N_("name a program that loads the C library, or has it linked in with its symbols"),
    ),
    "not-at-main": ErrorWords(
        N_("the program does not come to main, where the script begins: {reason}"), N_("name another program")
    ),
    "dlopen-needs-glibc": ErrorWords(
        N_("dlopen is simulated for dynamic programs of glibc only"),
        N_("name one: procmem simulate ./prog --script FILE"),
    ),
    "not-opened-there": ErrorWords(N_("{path:name}: the real program cannot open it: {reason}")),
    "script-is-done-once": ErrorWords(N_("--script is done once: leave --repeat away")),
    "no-room-for-code": ErrorWords(
        N_("no object of the program has room for our code behind its own"), N_("name another program")
    ),
    "step-without-end": ErrorWords(N_("a thread or child of the real process does not come to rest"), N_("try again")),
    "no-step": ErrorWords(N_("no step is called {verb!r}")),
    "wrong-word-count": ErrorWords(N_("{verb} takes {least} to {most} words")),
    "too-many-steps": ErrorWords(N_("more than {most} steps")),
    "size-too-large": ErrorWords(N_("not a size of a {bits}-bit program: {word!r}")),
    "not-rights": ErrorWords(N_("not rights as maps writes them: {rights!r}")),
    "no-block": ErrorWords(N_("no such block: {name!r}")),
    "too-much-work": ErrorWords(
        N_("with this step the script looks at more pages than are simulated: smaller sizes show the same")
    ),
    "too-much-shown": ErrorWords(N_("all steps together would show more than {most} lines")),
    "too-many-touches": ErrorWords(N_("more than {most} touches")),
    "no-living-process": ErrorWords(N_("no process {pid} lives")),
    "needs-memory": ErrorWords(N_("{verb} needs memory: procmem simulate-memory")),
    "not-in-child": ErrorWords(N_("{verb} in a child is not simulated: as {pid} goes back")),
    "unknown-thread-option": ErrorWords(N_("thread knows no {name!r}")),
    # lines of the kernel's files
    "not-a-mapping": ErrorWords(N_("not 'start-end perms offset dev inode path'")),
    "no-mapping-line": ErrorWords(N_("not a mapping line")),
    "not-smaps": ErrorWords(N_("neither a mapping nor 'Key: value'")),
    "not-key-value": ErrorWords(N_("not 'Key: value'")),
    "not-key-size": ErrorWords(N_("not 'Key: N kB'")),
    "not-meminfo": ErrorWords(N_("not 'Key: number kB'")),
    "not-swaps": ErrorWords(N_("not 'Filename Type Size Used Priority'")),
    "not-name-number": ErrorWords(N_("not 'name number'")),
    "not-a-limit": ErrorWords(N_("not 'name soft hard unit'")),
    "limit-no-number": ErrorWords(N_("a limit that is no number")),
    "not-a-size": ErrorWords(N_("a size that is not 'N kB'")),
    "not-a-counter": ErrorWords(N_("a counter that is not 'N kB'")),
    "counter-too-large": ErrorWords(N_("a counter beyond 64 bits")),
    "counter-before-mapping": ErrorWords(N_("a counter before the first mapping")),
    "counter-twice": ErrorWords(N_("a counter that the mapping has already")),
    "record-without-flags": ErrorWords(N_("the last record is cut off: it has no VmFlags, all others have")),
    "record-without-counters": ErrorWords(N_("the last record is cut off: it has no counters, others have")),
    "last-line-cut": ErrorWords(N_("the last line is cut off")),
    "line-cut": ErrorWords(N_("the line is cut off")),
    "range-backwards": ErrorWords(N_("a range that is empty or backwards")),
    "inode-too-large": ErrorWords(N_("an inode beyond 64 bits")),
    "no-command-name": ErrorWords(N_("no command name in brackets")),
    "too-few-fields": ErrorWords(N_("{fields} fields, where at least {least} are due")),
    "field-no-number": ErrorWords(N_("a field that is no number")),
    "not-statm": ErrorWords(N_("not seven numbers")),
    "not-syscall": ErrorWords(N_("neither 'running' nor a stack pointer at its end")),
    "not-hexadecimal": ErrorWords(N_("not a hexadecimal number")),
    # recordings
    "no-recording": ErrorWords(N_("no such file or folder")),
    "not-opened": ErrorWords(N_("{reason}")),
    "recording-refused": ErrorWords(N_("{refusal}")),
    "no-process-recorded": ErrorWords(
        N_("holds no process: neither a folder named by a pid, nor maps, smaps or status")
    ),
    "bad-core": ErrorWords(N_("a damaged core file")),
    "core-empty": ErrorWords(N_("a core file without memory")),
    "elf-no-core": ErrorWords(
        N_("an ELF file, and no core"), N_("procmem simulate predicts the memory map of a program")
    ),
    "bad-series": ErrorWords(N_("a look in it is damaged")),
    "bad-look": ErrorWords(N_("look {number} is none that this version reads")),
    "no-look": ErrorWords(N_("it holds no whole look")),
    "look-too-large": ErrorWords(N_("a look in it is larger than any may be")),
    "several-recorded": ErrorWords(N_("holds {count} processes"), N_("name a pid: {known}")),
    "recording-too-large": ErrorWords(N_("unpacks to more than a recording may hold")),
    "too-many-mappings": ErrorWords(N_("more than {most} mappings")),
    "too-many-members": ErrorWords(N_("more than {most} members")),
    "too-many-page-runs": ErrorWords(N_("pagemap.runs: more than {most} lines")),
    "too-many-lines": ErrorWords(N_("more than {most} lines"), N_("cut out the part about the process")),
    "long-line": ErrorWords(N_("a line is longer than {most:size}")),
    "packed-otherwise": ErrorWords(N_("it is packed by {packer}, which is not unpacked here"), N_("unpack it first")),
    "no-archive": ErrorWords(N_("a text, and no archive")),
    "empty-text": ErrorWords(N_("nothing stands in it"), _TEXTS_HINT),
    "unknown-text": ErrorWords(
        N_("a text, but neither maps nor smaps nor another that is read: line {number} is {text!r}"), _TEXTS_HINT
    ),
    "line-ends": ErrorWords(N_("lines end as on Windows (CR LF)")),
    "member-hard-link": ErrorWords(N_("{name!r} in it is a hard link, which no recording holds")),
    "member-device": ErrorWords(N_("{name!r} in it is a device, which no recording holds")),
    "member-fifo": ErrorWords(N_("{name!r} in it is a named pipe, which no recording holds")),
    "member-sparse": ErrorWords(N_("{name!r} in it is a sparse file, which no recording holds")),
    "member-unknown": ErrorWords(N_("{name!r} in it is of a sort that no recording holds")),
    "member-too-large": ErrorWords(N_("{name!r} in it is larger than {most:size}")),
    "member-twice": ErrorWords(N_("{name!r} stands twice in it")),
    "member-outside": ErrorWords(N_("{name!r} in it leads out of it")),
    "archive-long-header": ErrorWords(N_("a damaged archive: a header is too long")),
    "archive-checksum": ErrorWords(N_("a damaged archive: the checksum of a header is wrong")),
    "archive-size": ErrorWords(N_("a damaged archive: a size is no number")),
    "archive-deep-name": ErrorWords(N_("a name in it has more parts than any in a recording")),
    "archive-long-names": ErrorWords(N_("its names are longer, all together, than those of any recording")),
    "archive-long-name": ErrorWords(N_("a damaged archive: a name is too long")),
    "archive-extended": ErrorWords(N_("a damaged archive: an extended header has not its form")),
    "archive-cut": ErrorWords(N_("a damaged archive: it ends before its end mark")),
    "bad-archive": ErrorWords(N_("not a readable archive: it is damaged or cut off")),
    "bad-about": ErrorWords(N_("about.toml is no TOML")),
    "bad-about-line": ErrorWords(N_("about.toml, line {line}: no TOML")),
    "unknown-schema": ErrorWords(N_("has schema {schema!r}; this procmem reads {known}")),
    "no-table": ErrorWords(N_("about.toml: {key} is no table")),
    "objects-refused": ErrorWords(N_("{file}: {refusal}")),
    "bad-objects": ErrorWords(N_("{file}: it is damaged")),
    "bad-page-runs": ErrorWords(N_("pagemap.runs, line {number}: not 'start-end letters'")),
    "bad-memory-words": ErrorWords(N_("memory.words, line {number}: not 'address hex'")),
    # output
    "output-failed": ErrorWords(N_("output: {reason}"), N_("write elsewhere")),
    "no-space-for-output": ErrorWords(N_("output: {reason}"), N_("free some space, or write elsewhere")),
    "output-closed": ErrorWords(N_("output: it is closed"), N_("do not close it, or write to /dev/null")),
    "series-in-use": ErrorWords(N_("another procmem is writing this series"), N_("write to another file")),
    "series-damaged": ErrorWords(
        N_("there is a damaged series, which cannot be gone on with"), N_("write to another file")
    ),
    "exists": ErrorWords(N_("there is something already"), N_("name a new path, or remove it first")),
    "system-error": ErrorWords(N_("{reason}")),
    "no-answer-there": ErrorWords(N_("it lies where nobody answers"), N_("write elsewhere")),
    "no-folder-to-write": ErrorWords(N_("no such folder")),
    "not-regular": ErrorWords(N_("it is a link, or no regular file")),
    "folder-read-only": ErrorWords(N_("the folder may not be written")),
}

_DEFAULT_HINTS = {
    AccessRefused: N_("run it as the same user, or as root"),
    MalformedFile: N_("the file is damaged, cut off, or no such file"),
    BadScript: N_("procmem simulate --help lists the steps"),
    BrokenRecording: N_("make it anew with: procmem record PID -o PATH"),
}
"""What helps against an error of a kind whose code has no hint of its own."""


FAILED = {
    "nested": N_("internal error: input nested too deeply"),
    "internal": N_("internal error: {kind}: {reason} (set PROCMEM_DEBUG=1 for a traceback)"),
}
"""What ends a command besides errors with codes: the output, or a mistake of ours."""


def failed_text(code: str, **figures: object) -> str:
    """What ended the command."""
    reason = figures.get("reason")
    return say(FAILED[code], {**figures, "reason": system_text(reason)} if isinstance(reason, str) else figures)


SPECIAL_FILES = {
    "folder": N_("a folder"),
    "fifo": N_("a named pipe"),
    "socket": N_("a socket"),
    "device": N_("a device"),
    "stream": N_("a stream of the kernel's"),
}
"""Files that are none to read."""


def _fields(error: ProcmemError) -> dict[str, object]:
    """The fields of an error; a refusal, a predicted failure and what the system said among them in words."""
    return {name: _field_text(name, value) for name, value in error.fields.items()}


def _field_text(name: str, value: object) -> object:
    if isinstance(value, Note):
        return failure_text(value)
    if isinstance(value, Refusal):
        return refusal_text(value)
    if isinstance(value, str) and name == "reason":
        return system_text(value)
    if isinstance(value, str) and name == "kind" and value in SPECIAL_FILES:
        return gettext(SPECIAL_FILES[value])
    return value


def error_text(error: ProcmemError) -> str:
    """What went wrong, where, and why: one line."""
    why = say(ERRORS[error.code].sentence, _fields(error))
    match error:
        case MalformedFile(name=name, line=line, text=text, pid=pid):
            where = say(N_("{name}, line {line}"), {"name": name, "line": line}) if line else name
            shown = f": {text[:80]!r}" if text else ""
            told = say(N_("{where}: {why}{shown}"), {"where": where, "why": why, "shown": shown})
            return told if pid is None else say(N_("process {pid}: {why}"), {"pid": pid, "why": told})
        case BadScript(line=line):
            return say(N_("script, line {line}: {why}"), {"line": line, "why": why})
        case AccessRefused(pid=None):
            return why
        case ProcessGone(pid=pid) | AccessRefused(pid=pid):
            return say(N_("process {pid}: {why}"), {"pid": pid, "why": why})
        case BrokenRecording(path=path) | CannotWrite(path=path):
            return say(N_("{path}: {why}"), {"path": path, "why": why})
    return why


def hint_text(error: ProcmemError) -> str:
    """What to do about it; empty where nothing is known."""
    hint = ERRORS[error.code].hint
    if isinstance(error, AccessRefused) and isinstance(error.right, MissingRight):
        hint = RIGHTS[error.right]
    if hint is None:
        hint = next((text for kind, text in _DEFAULT_HINTS.items() if isinstance(error, kind)), "")
    return say(hint, _fields(error)) if hint else ""


def error_line(error: ProcmemError) -> str:
    """What went wrong and what to do about it: one line."""
    text, hint = error_text(error), hint_text(error)
    return say(N_("{error} ({hint})"), {"error": text, "hint": hint}) if hint else text


tell_errors_by(error_text, hint_text)
