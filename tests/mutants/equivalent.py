"""Mutants that change nothing that anybody could see, and why: no test can kill them.

A row names the module, the line as it stands (so that the row stays true when lines move, and is void when the line
changes), and what the operator's name begins with, after the column in that line where it matters.
"""

import re
from pathlib import Path

from tests.mutants.sample import Mutant

__all__ = ["ROWS", "why_equivalent"]

ROWS: tuple[tuple[str, str, str, str], ...] = (
    (
        "procmem/sources/reading_ahead.py",
        "CHUNK_BYTES = 65_536",
        "NumberReplacer",
        "how much is read at a call: the bytes are the same",
    ),
    (
        "procmem/sources/prefetch.py",
        "_END = 1 << 62",
        "12:NumberReplacer",
        "any number beyond the size of a file, and below 2^64",
    ),
    (
        "procmem/analyse/shared.py",
        "is_complete = looked_at > 0 and not unreadable",
        "ReplaceComparisonOperator_Gt_NotEq",
        "a count is never negative",
    ),
    (
        "procmem/parse/symbols.py",
        "_FAR = 1 << 40",
        "12:NumberReplacer",
        "any number beyond the size of a file",
    ),
    (
        "procmem/sources/files.py",
        "return _read_opened(name, OPEN_FLAGS | (0 if follow else os.O_NOFOLLOW), dir_fd, content)",
        "ReplaceBinaryOperator_BitOr_BitXor",
        "flags that share no bit",
    ),
    (
        "procmem/sources/live.py",
        'if answer is Refusal.DENIED and name != "exe":  # needs CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN',
        "ReplaceComparisonOperator_NotEq_Gt",
        "any other name begins with map_files, and is greater",
    ),
    (
        "procmem/sources/reading_ahead.py",
        "FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC",
        "ReplaceBinaryOperator_BitOr_BitAnd",
        "a folder opens without the flag as well, and Python asks for close-on-exec by itself",
    ),
    (
        "procmem/sources/recording/read.py",
        "if at < 0 or length <= 0:",
        "ReplaceComparisonOperator_LtE_Lt",
        "no bytes from an offset on are none",
    ),
    (
        "procmem/sources/pagemap.py",
        "return PageRuns(found, [start + page_size for start in found], list(filter(None, states)))",
        "ReplaceBinaryOperator_Add_BitOr",
        "an address that is aligned, and the size that it is aligned to, share no bit",
    ),
    (
        "procmem/sources/pagemap.py",
        "_GAP_BYTES = 64 << 10",
        "NumberReplacer",
        "how much is scanned at a call: what is told is the same",
    ),
    (
        "procmem/sources/pagemap.py",
        "_ENTRIES_AT_ONCE = 64 * 1024",
        "NumberReplacer",
        "how much is read at a call: the entries are the same",
    ),
    (
        "procmem/sources/parallel.py",
        "break",
        "ReplaceBreakWithContinue",
        "where one thread cannot be started, another may be: only the time differs",
    ),
    (
        "procmem/sources/recording/store.py",
        "_HEAD_BYTES = 512  # one block of tar",
        "NumberReplacer",
        "what is looked for stands in its first 263 bytes",
    ),
    (
        "procmem/sources/prefetch.py",
        "_PAGE_MAX = 65_536",
        "NumberReplacer",
        "room for the largest page that a kernel writes at once; how much is read at a call",
    ),
    (
        "procmem/sources/script_file.py",
        "text = file.read(most + 1)",
        "ReplaceBinaryOperator_Add_LShift",
        "how much is read of what is refused",
    ),
    (
        "procmem/sources/recording/write.py",
        "fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)",
        "ReplaceBinaryOperator_BitOr_BitAnd",
        "a folder opens without the flag as well",
    ),
    (
        "procmem/sources/scratch.py",
        "path = os.path.join(parent, PREFIX + os.urandom(8).hex())",
        "NumberReplacer",
        "a name nobody else has, by 7 or 9 bytes as well",
    ),
    (
        "procmem/classify/rules/elf_segments.py",
        "if gap_start < gap_end:",
        "ReplaceComparisonOperator_Lt_IsNot",
        "a claim on no bytes is left out by the partition",
    ),
    (
        "procmem/classify/target_memory/glibc_malloc.py",
        "first = arena in (base + 4 * words.size, base + 6 * words.size)",
        "ReplaceBinaryOperator_Add_BitOr",
        "a heap begins at a multiple of 1 MiB",
    ),
    (
        "procmem/classify/target_memory/glibc_malloc.py",
        "first = arena in (base + 4 * words.size, base + 6 * words.size)",
        "ReplaceBinaryOperator_Add_BitXor",
        "a heap begins at a multiple of 1 MiB",
    ),
    (
        "procmem/analyse/laws.py",
        "aligned = page is None or all(table.start[row] % page == 0 and table.end[row] % page == 0 for row in rows)",
        "ReplaceComparisonOperator_Eq_LtE",
        "a remainder is never negative",
    ),
    (
        "procmem/sources/file_helper.py",
        "_READ_AHEAD = 16_384",
        "NumberReplacer",
        "how much comes along with the answer: the bytes are the same",
    ),
    (
        "procmem/sources/recording/store.py",
        "_CHUNK = 65_536",
        "NumberReplacer",
        "how much is read at a call: the bytes are the same",
    ),
    (
        "procmem/analyse/explain.py",
        "if arena is not None and len(members) == 2:",
        "ReplaceComparisonOperator_Eq_LtE",
        "a block of one region was told before",
    ),
    (
        "procmem/analyse/laws.py",
        "held = not any(map(gt, steps, steps[1:])) and steps[0] % 16 == 0",
        "ReplaceComparisonOperator_Eq_LtE",
        "a remainder is never negative",
    ),
    (
        "procmem/classify/target_memory/glibc_chunks.py",
        "at = -(-(start - lead) // 16) * 16 + lead",
        "ReplaceBinaryOperator_Add_BitXor",
        "a multiple of 16, and 0 or 8: they share no bit",
    ),
    (
        "procmem/classify/target_memory/glibc_chunks.py",
        "at = -(-(start - lead) // 16) * 16 + lead",
        "ReplaceBinaryOperator_Add_BitOr",
        "a multiple of 16, and 0 or 8: they share no bit",
    ),
    (
        "procmem/classify/evidence.py",
        "if resident[row] == 0 == swapped[row] and table.sizes[row] >= SMALL_BYTES",
        "ReplaceComparisonOperator_Eq_LtE",
        "a counter is never negative",
    ),
    (
        "procmem/classify/rules/own_stacks.py",
        "_MANY = 1 << 30",
        "NumberReplacer",
        "any number beyond that of the stacks that a process may have",
    ),
    (
        "procmem/parse/smaps.py",
        "if self._shape is None and end - at < _SHORT_BYTES:",
        "ReplaceComparisonOperator",
        "which of two readers takes it: both give the same table, and only the time differs",
    ),
)


_JOINING = ("ReplaceBinaryOperator_BitOr_Add", "ReplaceBinaryOperator_BitOr_BitXor")
_ASSERTS = re.compile(r".*\bzip\((?!\*).*\bstrict=")
_OPEN_FLAGS = re.compile(r".*\bos\.O_[A-Z]+(?: \| os\.O_[A-Z]+)+(?:, dir_fd=.*)?\)*")


def why_equivalent(root: Path, mutant: Mutant) -> str | None:
    """Why a mutant changes nothing; None where that is not known of it."""
    whole = (root / mutant.path).read_text().split("\n")[mutant.line - 1]
    line = whole.strip()
    operator = mutant.operator.removeprefix("core/")
    if operator in _JOINING and _OPEN_FLAGS.fullmatch(line):
        return "flags of open(2) that share no bit"
    if operator == "ReplaceTrueWithFalse" and _ASSERTS.fullmatch(whole[: mutant.column]):
        return "columns of one length: zip(strict=True) only asserts it"
    at_column = f"{mutant.column - whole.index(line)}:{operator}"
    for path, text, begins, why in ROWS:
        if (mutant.path, line) == (path, text) and (operator.startswith(begins) or at_column.startswith(begins)):
            return why
    return None
