"""The sentences of ``procmem doctor``: what each check is about, what was found, and the cheapest cure."""

from procmem.model.note import Note
from procmem.model.reports.doctor import Ability
from procmem.text import N_, gettext, say

__all__ = ["ABILITIES", "CHECKS", "CURES", "FOUND", "HEADINGS", "cure_text", "found_text", "line_text", "with_cure"]

HEADINGS = {
    "check": N_("check"),
    "ability": N_("ability"),
    "about": N_("what for"),
    "found": N_("found"),
    "cure": N_("what helps"),
}

ABILITIES = {
    Ability.YES: N_("yes"),
    Ability.PARTLY: N_("partly"),
    Ability.NO: N_("no"),
    Ability.UNKNOWN: N_("unknown"),
    Ability.FIGURE: N_("figure"),
}

CHECKS = {
    "others": N_("Looking at processes of other users"),
    "listed": N_("Finding processes of other users"),
    "machine": N_("Seeing the processes of the whole machine"),
    "smaps": N_("Sizes of each mapping (smaps)"),
    "smaps_rollup": N_("Sums of a process at once (smaps_rollup), which makes system fast"),
    "numa_maps": N_("Which memory node pages are on (numa_maps)"),
    "pagemap": N_("Which pages are in memory (pagemap)"),
    "pagemap-scan": N_("Guard pages and the zero page told apart, large ranges read at once (PAGEMAP_SCAN)"),
    "frames": N_("Page frame numbers (translate)"),
    "map_files": N_("ELF headers of files that were deleted or lie in another mount namespace (map_files)"),
    "deep": N_("Looking into the memory itself (--deep)"),
    "faults": N_("Watching page faults with their code (growth)"),
    "cgroup": N_("Memory of control groups"),
    "pressure": N_("How long tasks waited for memory (pressure)"),
    "cachestat": N_("How much of shared memory is in swap (cachestat)"),
    "programs-32": N_("Running 32-bit x86 programs (crosscheck run, lab)"),
    "lab": N_("Experiments that change the machine (lab)"),
    "randomize_va_space": N_("Random addresses (kernel.randomize_va_space; 0 none, 1 without the heap, 2 all)"),
    "overcommit_memory": N_("Promises of memory (vm.overcommit_memory; 0 by estimate, 1 always, 2 within a limit)"),
    "max_map_count": N_("Mappings that a process may have (vm.max_map_count)"),
    "speed": N_("Speed of reading smaps"),
}

FOUND = {
    "there": N_("this kernel has it"),
    "not-there": N_("it is not there, or may not be read"),
    "capable": N_("{capability} is there"),
    "lacks": N_("{capability} is missing"),
    "root-without": N_("root, but without CAP_SYS_PTRACE"),
    "own-only": N_("only your own"),
    "all-listed": N_("/proc lists all"),
    "hidepid": N_("/proc is mounted with hidepid={value}"),
    "whole-machine": N_("this is the machine's own pid namespace"),
    "namespace": N_("this is a pid namespace of its own, as in a container"),
    "new-enough": N_("this kernel has it, since Linux {major}.{minor}"),
    "too-old": N_("it came with Linux {major}.{minor}, and this one is older"),
    "no-release": N_("the version of the kernel says nothing"),
    "yama-children": N_("only your own, and kernel.yama.ptrace_scope={value} wants them to be children of who looks"),
    "yama": N_("kernel.yama.ptrace_scope={value} forbids it"),
    "faults-all": N_("perf_event_open shows them, those in system calls too"),
    "faults-user": N_("only your own, and not those that happen in system calls"),
    "perf-denied": N_("kernel.perf_event_paranoid={value} forbids it"),
    "perf-forbidden": N_("perf_event_open is forbidden, by a seccomp filter as a rule"),
    "perf-no-ring": N_("no memory may be locked for samples"),
    "perf-absent": N_("this kernel has no perf_event_open"),
    "controller": N_("the memory controller is mounted, version {version}"),
    "no-controller": N_("no memory controller is mounted"),
    "runs": N_("they run"),
    "runs-not": N_("they do not run"),
    "as-root": N_("you are root"),
    "not-root": N_("you are not root, so only those without a star"),
    "setting": N_("{value}"),
    "no-setting": N_("not shown here"),
    "speed": N_("{microseconds:.1f} us a mapping, so about {thousand:.0f} ms for 10,000 of them"),
    "not-measured": N_("nothing could be read"),
}

CURES = {
    "others": N_("run it as root, or give it CAP_SYS_PTRACE"),
    "root-without": N_("in a container: add the capability (--cap-add SYS_PTRACE)"),
    "hidepid": N_("run it as root, or as a member of the group that the mount option gid= names"),
    "namespace": N_("run it outside of the container, or in one with the host's pids (--pid=host)"),
    "smaps": N_("a kernel with CONFIG_PROC_PAGE_MONITOR"),
    "smaps_rollup": N_("Linux 4.14 or newer"),
    "numa_maps": N_("a kernel with CONFIG_NUMA; nothing else needs it"),
    "pagemap": N_("a kernel with CONFIG_PROC_PAGE_MONITOR"),
    "pagemap-scan": N_("a newer kernel; plain pagemap is read instead"),
    "frames": N_("run it as root"),
    "map_files": N_("run it as root; files that have their names still are read by those"),
    "own-only": N_("run it as root, or give it CAP_SYS_PTRACE"),
    "yama-children": N_("sysctl kernel.yama.ptrace_scope=0, or run it as root"),
    "yama": N_("sysctl kernel.yama.ptrace_scope=0 (3 stays until the next boot), or run it as root"),
    "faults": N_("run it as root, or give it CAP_PERFMON"),
    "perf-denied": N_("sysctl kernel.perf_event_paranoid=2 for your own processes, or CAP_PERFMON, or root"),
    "perf-forbidden": N_("in a container: allow perf_event_open in its seccomp profile, or run it outside"),
    "perf-no-ring": N_("raise kernel.perf_event_mlock_kb or ulimit -l"),
    "perf-absent": N_("a kernel with CONFIG_PERF_EVENTS"),
    "cgroup": N_("mount cgroup2 at /sys/fs/cgroup"),
    "pressure": N_("a kernel with CONFIG_PSI, booted with psi=1"),
    "cachestat": N_("a newer kernel; what processes map is counted all the same"),
    "programs-32": N_("a kernel with CONFIG_IA32_EMULATION; simulate works everywhere"),
    "lab": N_("run it as root, on a machine that may be changed for a moment"),
}
"""What helps, by what was found, else by the check; nothing where nothing is needed."""


def found_text(found: Note) -> str:
    """What was found, as a sentence."""
    return say(FOUND[found.code], found.figures)


def cure_text(name: str, found: Note) -> str:
    """The cheapest cure of a check that is not fine; empty where none is known."""
    cure = CURES.get(found.code) or CURES.get(name)
    return "" if cure is None else gettext(cure)


def line_text(name: str, found: Note) -> str:
    """What a check is for, and what was found."""
    return say(N_("{about}: {found}"), {"about": gettext(CHECKS[name]), "found": found_text(found)})


def with_cure(line: str, cure: str) -> str:
    """The same, and what helps behind it."""
    return say(N_("{line} ({cure})"), {"line": line, "cure": cure})
