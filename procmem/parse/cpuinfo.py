"""``/proc/cpuinfo``: what it tells of addresses. Source: proc_cpuinfo(5), arch/x86/kernel/cpu/proc.c."""

import re

__all__ = ["parse_virtual_bits"]

_ADDRESS_SIZES = re.compile(rb"(?m)^address sizes\b.*?(\d{1,4}) bits virtual")


def parse_virtual_bits(cpuinfo: bytes) -> int | None:
    """How many bits a virtual address has, by the first processor; None where no line tells it."""
    found = _ADDRESS_SIZES.search(cpuinfo)
    return int(found[1]) if found else None
