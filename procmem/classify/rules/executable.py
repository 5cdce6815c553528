"""Whether "x" says what memory is for.

It does where code and data have permissions of their own. It does not where reading implies executing, for a whole
process (personality READ_IMPLIES_EXEC: programs without PT_GNU_STACK, on x86-64 until Linux 5.8, on 32-bit x86 and ARM
still), and not under a tool that maps the whole process executable (valgrind). There writable memory is looked at as if
it were not executable.

Source: fs/binfmt_elf.c, elf_read_implies_exec(); mm/mmap.c, do_mmap().
"""

from procmem.model.mapping import Mappings
from procmem.model.permissions import permissions, without_execute
from procmem.model.proc_keys import SmapsKey
from procmem.model.vma_names import Backing, KernelName

__all__ = ["as_if_not_executable", "execute_proves"]

_FEW = 2
_MOST = 4


def execute_proves(mappings: Mappings) -> bool:
    """Whether executable memory is code: not where (nearly) all that may be written to may be executed as well."""
    if not mappings.of_shape("executable-data", lambda: _any_executable_data(mappings)):
        return True  # as in most processes
    writable = mappings.rows_where(lambda row: _is_own_data(mappings, row))
    executable = [row for row in writable if permissions(mappings.perms[row]).executable]
    heap = mappings.rows_labelled(KernelName.HEAP)
    if heap and set(heap).issubset(executable):
        return False  # brk() gives "x" only where the whole process has it; mprotect() leaves a part without
    if len(executable) < _FEW:
        return True
    if len(executable) == len(writable):
        return False
    # one large range beside others is a code cache; several, and little else in memory, is a tool's way to map
    code, all_of_it = _weight(mappings, executable), _weight(mappings, writable)
    return len(executable) * 2 < len(writable) or code < _MOST * (all_of_it - code)


def _any_executable_data(mappings: Mappings) -> bool:
    sorts = [row for row in mappings.one_of_each_sort() if permissions(mappings.perms[row]).executable]
    return any(_is_own_data(mappings, row) for row in sorts)


def _is_own_data(mappings: Mappings, row: int) -> bool:
    found = permissions(mappings.perms[row])
    return found.read_write and found.private and mappings.named(row).backing in (Backing.ANONYMOUS, Backing.FILE)


def _weight(mappings: Mappings, rows: list[int]) -> int:
    """What they hold in memory; address space, where that is not known."""
    resident = mappings.column(SmapsKey.RSS)
    if resident is not None and any(resident):
        return sum(resident[row] or 0 for row in rows)
    return sum(mappings.end[row] - mappings.start[row] for row in rows)


def as_if_not_executable(mappings: Mappings) -> Mappings:
    """The same table, in which nothing that is private and writable is executable."""
    wrong = set(mappings.rows_where(lambda row: _is_own_data(mappings, row)))
    return mappings.with_permissions(
        [without_execute(text) if row in wrong else text for row, text in enumerate(mappings.perms)]
    )
