"""Which control group a process's memory is charged to, and where its files are, of both versions and mixed."""

import pytest

from procmem.parse.cgroup import cgroup_text, memory_cgroup, memory_group, memory_mount, parse_cgroup_text

UNIFIED = b"30 22 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n"
OLD_MEMORY = b"33 22 0:29 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory\n"
IN_A_CONTAINER = b"30 22 0:26 /docker/x /sys/fs/cgroup rw - cgroup2 none rw\n"
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


@pytest.mark.parametrize(
    ("mounts", "cgroup", "found"),
    [
        (UNIFIED, b"0::/a/b\n", (b"/sys/fs/cgroup", b"/a/b", 2)),
        (OLD_MEMORY, b"9:memory:/a\n", (b"/sys/fs/cgroup/memory", b"/a", 1)),
        (IN_A_CONTAINER, b"0::/docker/x/y\n", (b"/sys/fs/cgroup", b"/y", 2)),
        (IN_A_CONTAINER, b"0::/docker/x\n", (b"/sys/fs/cgroup", b"/", 2)),
        (IN_A_CONTAINER, b"0::/docker/xy\n", (b"/sys/fs/cgroup", b"/docker/xy", 2)),
        (OLD_CPU, b"9:memory:/a\n", None),
        (UNIFIED, b"12:cpu:/cpu\n", None),
    ],
)  # fmt: skip
def test_where_the_group_of_a_process_is(mounts: bytes, cgroup: bytes, found: tuple[bytes, bytes, int] | None) -> None:
    """A container may see a part of the tree, as if it were all."""
    assert memory_group(mounts, cgroup) == found


def test_groups_as_a_text_and_back() -> None:
    """Both versions, each group with what it has; of many lines of a file the first is kept."""
    pressure = b"some avg10=1.25 avg60=0.00 avg300=0.00 total=5\nfull avg10=0.10 total=1\n"
    text = cgroup_text(
        2,
        [
            (b"/a/b [x]", {"memory.current": b"4096\n", "memory.max": b"max\n", "memory.pressure": pressure}),
            (b"/a", {"memory.current": b"8192\n", "memory.max": b"16384\n", "memory.swap.max": b"0\n"}),
        ],
    )
    (path, own), (above, parent) = parse_cgroup_text(text)
    assert (path, own.current, own.limit, own.pressure) == (b"/a/b [x]", 4096, None, 1.25)
    assert (above, parent.current, parent.limit, parent.swap_limit) == (b"/a", 8192, 16384, 0)


def test_limits_of_version_1() -> None:
    """Memsw is memory and swap together; 2^63 without the last page is no limit."""
    none = b"9223372036854771712\n"
    first = {"memory.usage_in_bytes": b"100", "memory.limit_in_bytes": b"1000", "memory.memsw.usage_in_bytes": b"130"}
    ((_, own),) = parse_cgroup_text(cgroup_text(1, [(b"/", first | {"memory.memsw.limit_in_bytes": b"1500"})]))
    assert (own.current, own.limit, own.swap, own.swap_limit) == (100, 1000, 30, 500)
    ((_, own),) = parse_cgroup_text(cgroup_text(1, [(b"/", first | {"memory.memsw.limit_in_bytes": none})]))
    assert own.swap_limit is None
    ((_, own),) = parse_cgroup_text(cgroup_text(1, [(b"/", {"memory.limit_in_bytes": none})]))
    assert (own.current, own.limit) == (None, None)


@pytest.mark.parametrize(
    ("content", "share"),
    [
        (b"some avg10=0.00 avg60=0", 0.0),
        (b"some avg10=100.00", 100.0),
        (b"some avg10=7", 7.0),
        (b"some avg10=999.9", 100.0),
        (b"full avg10=3.00", None),
        (b"some avg10=nan", None),
        (b"some avg10=1.x", None),
        (b"some avg60=1.0", None),
        (b"", None),
    ],
)
def test_pressure(content: bytes, share: float | None) -> None:
    """The ten seconds of the line "some", as percent."""
    ((_, own),) = parse_cgroup_text(b"version 2\n[/]\nmemory.pressure " + content)
    assert own.pressure == share


@pytest.mark.parametrize(
    "content", [b"", b"version 2", b"memory.current 5\n", b"[/a", b"\n" * 5000, b"version 2\n]\n["]
)
def test_a_strangers_text_is_never_an_error(content: bytes) -> None:
    """A recording may hold anything."""
    assert parse_cgroup_text(content) == []
