"""Which control group a process's memory is charged to, and where its files are, of both versions and mixed."""

import pytest

from procmem.parse.cgroup import memory_cgroup, memory_mount

UNIFIED = b"30 22 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n"
OLD_MEMORY = b"33 22 0:29 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory\n"
OLD_CPU = b"34 22 0:30 / /sys/fs/cgroup/cpu rw,nosuid - cgroup cgroup rw,cpu,cpuacct\n"


@pytest.mark.parametrize(
    ("content", "group"),
    [
        (b"0::/user.slice\n", b"/user.slice"),
        (b"12:cpu,cpuacct:/cpu\n9:memory:/mem\n1:name=systemd:/init\n0::/unified\n", b"/mem"),
        (b"0::/unified\n9:hugetlb,memory:/mem\n", b"/mem"),
        (b"12:cpu:/cpu\n0::/unified\n", b"/unified"),
        (b"12:cpu:/cpu\n1:name=memory:/x\n", None),
        (b"0:cpu:/cpu\n", None),
        (b"0::/a:b\n", b"/a:b"),
        (b"", None),
    ],
)
def test_the_group_that_memory_is_charged_to(content: bytes, group: bytes | None) -> None:
    """The controller's own hierarchy where there is one, else the unified one."""
    assert memory_cgroup(content) == group


@pytest.mark.parametrize(
    ("mounts", "found"),
    [
        (UNIFIED, (b"/sys/fs/cgroup", 2)),
        (OLD_CPU + OLD_MEMORY, (b"/sys/fs/cgroup/memory", 1)),
        (UNIFIED + OLD_MEMORY, (b"/sys/fs/cgroup/memory", 1)),
        (OLD_CPU + UNIFIED, (b"/sys/fs/cgroup", 2)),
        (OLD_CPU, None),
        (b"22 1 8:1 / / rw - ext4 /dev/sda1 rw,memory\n", None),
    ],
)
def test_where_its_files_are(mounts: bytes, found: tuple[bytes, int] | None) -> None:
    """Both versions may be mounted; memory belongs to one of them."""
    assert memory_mount(mounts) == found
