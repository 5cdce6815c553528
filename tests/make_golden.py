"""Write the pages in ``tests/golden/`` anew, after a change that is meant to change them.

    .venv/bin/python -m tests.make_golden && git diff tests/golden

Look at every difference before it is kept: a page that was copied can pin a mistake. The sums in each page are
checked by the tests, whoever wrote it.
"""

from pathlib import Path

from tests.support.running import FIXTURES, pids_in, procmem

GOLDEN = Path(__file__).resolve().parent / "golden"
SLEEP, BASH, THREADS = "x86_64-6.18-sleep", "x86_64-6.18-bash", "x86_64-6.18-python-threads"
PIE, LIMITED = "x86_64-6.18-areas-pie", "i386-6.18-areas-3gib"

PAGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "sleep.txt": (SLEEP, ()),
    "sleep-regions.txt": (SLEEP, ("--regions",)),
    "sleep-classic.txt": (SLEEP, ("--classic", "--human")),
    "sleep-bytes.txt": (SLEEP, ("--bytes", "--sort", "pss")),
    "sleep.json": (SLEEP, ("--json", "--regions")),
    "sleep.csv": (SLEEP, ("--csv", "--regions")),
    "sleep.md": (SLEEP, ("--markdown",)),
    "bash.txt": (BASH, ()),
    "python-threads.txt": (THREADS, ()),
    "areas-pie.txt": (PIE, ()),
    "areas-pie-classic.txt": (PIE, ("--classic",)),
    "areas-3gib.txt": (LIMITED, ()),
    "areas-3gib.json": (LIMITED, ("--json",)),
    "kernel-thread.txt": ("x86_64-6.18-kernel-thread", ()),
    "zombie.txt": ("x86_64-6.18-zombie", ()),
    "dead-leader.txt": ("x86_64-6.18-dead-leader", ()),
    "sleep-picture.txt": (SLEEP, ("--picture",)),
    "python-threads-picture.txt": (THREADS, ("--picture",)),
    "areas-pie-picture.txt": (PIE, ("--picture",)),
    "areas-3gib-picture.txt": (LIMITED, ("--picture", "--classic")),
    "dead-leader-picture.txt": ("x86_64-6.18-dead-leader", ("--picture",)),
    "denied.txt": ("x86_64-6.18-denied", ()),
}
"""File name to the fixture and the options of ``procmem inspect``."""

EXPLAINED: dict[str, tuple[str, tuple[str, ...]]] = {
    "explain-bash.page": (BASH, ()),
    "explain-bash-zh.page": (BASH, ("--lang", "zh", "--brief")),
    "explain-sleep-why.page": (SLEEP, ("--why", "--descending")),
    "explain-python-threads.page": (THREADS, ()),
    "explain-areas-pie.page": (PIE, ()),
    "explain-areas-3gib.page": (LIMITED, ()),
}
"""The same for ``procmem explain``, at 100 columns."""

LEDGERS: dict[str, tuple[str, ...]] = {
    "account-python-threads.page": ("account", f"fixtures/{THREADS}"),
    "account-areas-3gib.page": ("account", "--human", f"fixtures/{LIMITED}"),
    "system-fork.page": ("system", "--from", "fixtures/x86_64-6.18-fork"),
    "system-fork-tree.page": ("system", "--by", "tree", "--from", "fixtures/x86_64-6.18-fork"),
    "system-fork-mappings.page": ("system", "--mappings", "--from", "fixtures/x86_64-6.18-fork"),
    "system-fork-classes.page": ("system", "--classes", "--from", "fixtures/x86_64-6.18-fork"),
    "swap-sleep.page": ("swap", "--from", f"fixtures/{SLEEP}"),
    "diff-sleep-bash.page": ("diff", f"fixtures/{SLEEP}", f"fixtures/{BASH}"),
    "shared-python-threads.page": ("shared", f"fixtures/{THREADS}"),
    "threads-python-threads.page": ("threads", f"fixtures/{THREADS}"),
}
"""Pages of the other commands that read a recording: the whole command line."""

DOCUMENTS: dict[str, tuple[str, ...]] = {
    "account.json": ("account", f"fixtures/{THREADS}"),
    "crosscheck.json": ("crosscheck", f"fixtures/{THREADS}"),
    "diff.json": ("diff", f"fixtures/{SLEEP}", f"fixtures/{BASH}"),
    "explain.json": ("explain", "--lang", "en", "--from", f"fixtures/{THREADS}"),
    "inspect.json": ("inspect", "--regions", f"fixtures/{THREADS}"),
    "lab-list.json": ("lab",),
    "shared.json": ("shared", f"fixtures/{THREADS}"),
    "simulate.json": ("simulate",),
    "simulate-memory.json": ("simulate-memory",),
    "swap.json": ("swap", "--from", f"fixtures/{SLEEP}"),
    "system.json": ("system", "--from", "fixtures/x86_64-6.18-fork"),
    "system-classes.json": ("system", "--classes", "--from", "fixtures/x86_64-6.18-fork"),
    "system-mappings.json": ("system", "--mappings", "--from", "fixtures/x86_64-6.18-fork"),
    "system-tree.json": ("system", "--by", "tree", "--from", "fixtures/x86_64-6.18-fork"),
    "threads.json": ("threads", f"fixtures/{THREADS}"),
    "translate.json": ("translate", "--sim", "0x08048123"),
}
"""One document of every command that gives JSON without a living process; ``--json`` is added."""

ALL = (*PAGES, *EXPLAINED, *LEDGERS, *DOCUMENTS)


def page(name: str) -> str:
    """What the command prints today."""
    words: tuple[str, ...]
    if name in LEDGERS:
        words = LEDGERS[name]
    elif name in DOCUMENTS:
        words = (*DOCUMENTS[name], "--json")
    else:
        command: tuple[str, ...] = ("inspect",)
        if name in EXPLAINED:
            command = ("explain", "--width", "100", *(() if "--lang" in EXPLAINED[name][1] else ("--lang", "en")))
        fixture, options = (PAGES | EXPLAINED)[name]
        recording = FIXTURES / fixture
        words = (*command, *options, "--from", str(recording), str(pids_in(recording)[0]))
    run = procmem(*words, env={"PYTHONUTF8": "1"})
    assert (run.status, run.trouble) == (0, ""), run
    return run.out


def main() -> None:
    """Write every page; what is no longer in the table goes."""
    GOLDEN.mkdir(exist_ok=True)
    for path in GOLDEN.iterdir():
        if path.name not in ALL:
            path.unlink()
    for name in ALL:
        (GOLDEN / name).write_text(page(name), encoding="utf-8")


if __name__ == "__main__":
    main()
