"""What the tables of a dataset mean, column by column, what each named query answers, and the words of the command."""

from procmem.text import N_, Sentence, gettext, plural, say

__all__ = ["HEADINGS", "MEANINGS", "QUERIES", "meaning_of", "query_text", "told"]

_SAME = {
    "look_id": N_("one process at one moment: a digest of what it was read from"),
    "time": N_("when it was looked at, UTC"),
    "pid": N_("its pid"),
    "name": N_("its name (comm)"),
    "service": N_("its unit of systemd, else its name"),
}
MEANINGS: dict[str, dict[str, str]] = {
    "processes": {
        **_SAME,
        "start_ticks": N_("when it was started, in clock ticks since boot: with host and pid it tells processes apart"),
        "ppid": N_("its parent"),
        "uid": N_("its real user id"),
        "exe": N_("the path of its program"),
        "cgroup": N_("the control group that its memory is charged to"),
        "container": N_("the container, by the path of the group"),
        "pod": N_("the pod, by the path of the group"),
        "unit": N_("the unit of systemd, by the path of the group"),
        "bits": N_("64 or 32"),
        "machine": N_("the architecture, as uname tells it"),
        "kernel": N_("the release of the kernel"),
        "page_size": N_("bytes of a page"),
        "state": N_("the letter of its state"),
        "threads": N_("how many threads it has"),
        "virt": N_("bytes of address space"),
        "rss": N_("bytes in memory"),
        "pss": N_("bytes in memory, each shared page divided among those who map it"),
        "uss": N_("bytes in memory that nobody else maps"),
        "swap": N_("bytes in swap"),
        "swap_pss": N_("bytes in swap, divided among those who share them"),
        "hugetlb": N_("bytes of hugetlb pages, which rss leaves out"),
        "page_tables": N_("bytes of page tables, which rss leaves out"),
        "peak_rss": N_("the most bytes that it had in memory"),
        "peak_virt": N_("the most bytes of address space that it had"),
        "mappings": N_("how many mappings it has"),
        "max_map_count": N_("how many mappings it may have"),
        "arenas": N_("arenas of glibc's malloc besides the main one, at least so many"),
        "arenas_virt": N_("bytes of address space of these"),
        "arenas_rss": N_("bytes in memory of these"),
        "oom_score": N_("its OOM score"),
        "oom_score_adj": N_("by how much that is adjusted"),
        "findings": N_("what procmem explain finds in it, by name, parted by commas; unknown in series"),
    },
    "regions": {
        **_SAME,
        "start": N_("its first address, 16 hexadecimal digits; unknown in series"),
        "ranges": N_("how many ranges the row stands for: 1, but for those of series, which keep classes alone"),
        "size": N_("bytes of address space"),
        "perms": N_("permissions as maps writes them"),
        "writable": N_("it may be written"),
        "executable": N_("it may be run"),
        "private": N_("copied when written, and not shared"),
        "class": N_("what it is for: text, heap, stack, ..."),
        "kind": N_("the same in detail, as inspect --regions names it"),
        "certainty": N_("how sure that is: certain, likely or guess"),
        "owner": N_("the object, thread or allocator that it belongs to"),
        "path": N_("the mapping's name as maps writes it"),
        "deleted": N_("its file is gone"),
        "rss": N_("bytes in memory"),
        "pss": N_("bytes in memory, each shared page divided among those who map it"),
        "uss": N_("bytes in memory that nobody else maps"),
        "swap": N_("bytes in swap"),
        "shared_out": N_("its figures are its part of a mapping's, and some of them are not exact"),
    },
}
"""By table and column; both tables have ``date`` and ``host`` besides, which are the names of folders."""
QUERIES = {
    "growth-by-class": N_("what grew between the first and the last look at each process, by service and class"),
    "most-arenas": N_("hosts and services with most arenas of malloc"),
    "swap-by-service": N_("swap by day and service"),
    "writable-code": N_("memory that may be written and run (W+X)"),
    "deleted-executables": N_("code that runs from files which are gone"),
    "outliers": N_("hosts where a service takes far more than elsewhere"),
}
HEADINGS = {
    "table": N_("view"),
    "column": N_("column"),
    "type": N_("type"),
    "meaning": N_("meaning"),
    "query": N_("query"),
    "answers": N_("what it answers"),
}
_SENTENCES: dict[str, Sentence] = {
    "partitions": N_("Both tables have {names} as well: the names of folders."),
    "added": plural(
        "{count} look added with {regions} regions; {known} were there already",
        "{count} looks added with {regions} regions; {known} were there already",
    ),
    "unknown host": plural(
        "{count} look does not say of which machine it is, and stands below host={host} (--host NAME, or --host-by-folder; record --keep-host writes it down)",
        "{count} looks do not say of which machine they are, and stand below host={host} (--host NAME, or --host-by-folder; record --keep-host writes it down)",
    ),
    "compacted": plural("{count} file is {after} now", "{count} files are {after} now"),
    "no rows": N_("the answer has no rows"),
    "cut": plural(
        "only the first row is shown: --rows N gives more", "only the first {count} rows are shown: --rows N gives more"
    ),
}


def told(code: str, /, **figures: object) -> str:
    """The sentence of a code."""
    return say(_SENTENCES[code], figures)


def meaning_of(table: str, column: str) -> str:
    """What a column means."""
    return gettext(MEANINGS[table][column])


def query_text(name: str) -> str:
    """What a named query answers."""
    return gettext(QUERIES[name])
