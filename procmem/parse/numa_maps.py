"""``/proc/<pid>/numa_maps``: on which memory nodes the pages of a process lie; and which nodes there are.

Source: Documentation/filesystems/proc.rst, numa_maps; fs/proc/task_mmu.c, show_numa_map(). Each line is a mapping,
with ``N<node>=<pages>`` for each node that has some, in pages of ``kernelpagesize_kB`` (since 3.10).
"""

import re

__all__ = ["parse_nodes", "parse_numa_nodes"]

_NODE = re.compile(rb" N([0-9]{1,5})=([0-9]{1,20})")
_NODE_OF_ZONE = re.compile(rb"^Node +([0-9]{1,5}),", re.MULTILINE)
_PAGE_SIZE = re.compile(rb" kernelpagesize_kB=([0-9]{1,20})")


def parse_numa_nodes(data: bytes, page_size: int) -> dict[int, int]:
    """Bytes on each node, by its number, all mappings together; ``page_size`` where a line does not say its own."""
    nodes: dict[int, int] = {}
    for line in data.split(b"\n"):
        # a file's name stands before the counters, with blanks escaped
        told = _PAGE_SIZE.search(line)
        size = int(told[1]) * 1024 if told else page_size
        for node, pages in _NODE.findall(line):
            nodes[int(node)] = nodes.get(int(node), 0) + int(pages) * size
    return dict(sorted(nodes.items()))


def parse_nodes(buddyinfo: bytes) -> frozenset[int]:
    """The numbers of the machine's memory nodes, by ``/proc/buddyinfo`` (mm/vmstat.c, frag_show_print())."""
    return frozenset(int(number) for number in _NODE_OF_ZONE.findall(buddyinfo))
