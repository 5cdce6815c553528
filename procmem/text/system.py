"""The words of ``procmem system``: what a cgroup is charged for."""

from procmem.text import N_, gettext

__all__ = ["charge_text"]

CHARGES = {
    "page cache": N_("page cache of files that nobody maps"),
    "shmem": N_("shared memory and tmpfs that no process maps"),
    "shmem mapped": N_("of the processes' PSS: shared memory and tmpfs that they map"),
    "page cache, shmem": N_("page cache, shared memory and tmpfs that nobody maps"),
    "kernel": N_("kernel memory"),
    "sockets": N_("sockets"),
    "slab": N_("of kernel memory: slab"),
    "others": N_("charged here for pages that processes elsewhere map, and for what memory.stat does not name"),
    "elsewhere": N_("pages of its processes that other cgroups are charged for (who touches first, pays)"),
}
"""What a cgroup is charged for besides the PSS of its processes."""


def charge_text(name: str) -> str:
    """One of the things that a cgroup is charged for."""
    return gettext(CHARGES[name])
