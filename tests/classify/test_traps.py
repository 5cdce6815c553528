"""Traps that a classifier steps into, one test each: names that lie, files in other places, foreign allocators."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from procmem.model.mapping import Mappings
from procmem.model.raw import PageRuns
from procmem.model.region import Certainty, Regions
from procmem.model.snapshot import Snapshot, Stat
from procmem.queries.examine import Examination, examine
from procmem.sources.live import ProcSource
from procmem.sources.recording.read import RecordedSource
from procmem.text.evidence import evidence_text
from tests.programs.build import build
from tests.support.huge_pages import huge_pages
from tests.support.running import FIXTURES, procmem, started, wait_for

MIB = 1 << 20


def regions_of(pid: int, *, deep: bool = False) -> Regions:
    with ProcSource().open(pid) as target:
        regions = examine(target, deep=deep).regions
    assert regions is not None
    return regions


def kinds(regions: Regions) -> set[str]:
    return {label.kind for label in regions.label}


def examined(name: str) -> Examination:
    source = RecordedSource(str(FIXTURES / name))
    with source.open(source.only()) as target:
        return examine(target)


def classified(seen: Examination, table: Mappings, stat: Stat) -> Regions:
    """The same process, with other mappings and other numbers in stat."""
    from procmem.classify.classifier import layout, regions  # noqa: PLC0415

    shot: Snapshot = seen.snapshot._replace(mappings=table, stat=stat)
    return regions(shot, layout(shot, seen.objects).judged(), PageRuns())


def renamed(table: Mappings, name: bytes, to: bytes, row: int) -> Mappings:
    """The kernel's label taken from one mapping and given to another one, as it is when its address is moved."""
    names = [b"" if own == name else own for own in table.name]
    names[row] = to
    return Mappings(
        start=table.start, end=table.end, perms=table.perms, offset=table.offset, device=table.device,
        inode=table.inode, name=names, flags=table.flags, usage=table.usage,
    )  # fmt: skip


def some_memory(table: Mappings) -> int:
    """A plain writable anonymous mapping, far from the program."""
    return next(
        row
        for row in range(len(table))
        if table.start[row] > 0x7F00_0000_0000 and table.perms[row] == "rw-p"
        and not table.inode[row] and not table.name[row]
        and table.end[row] - table.start[row] >= 64 * 1024
    )  # fmt: skip


def test_a_moved_stack_label_is_not_believed() -> None:
    """PR_SET_MM_START_STACK moves the label [stack]: the memory does not grow down, so nothing there is certain."""
    seen = examined("x86_64-6.18-areas-pie")
    table, stat = seen.snapshot.mappings, seen.snapshot.stat
    assert table is not None
    assert stat is not None
    row = some_memory(table)
    (real,) = [row for row, found in enumerate(table.name) if found == b"[stack]"]
    regions = classified(
        seen, renamed(table, b"[stack]", b"[stack]", row), stat._replace(startstack=table.start[row] + 4096)
    )
    labels = dict(zip(regions.start, regions.label, strict=True))
    assert labels[table.start[row]].certainty is not Certainty.CERTAIN
    assert (labels[table.start[real]].kind, labels[table.start[real]].certainty) == ("main", Certainty.LIKELY)


def test_a_moved_heap_label_is_not_believed() -> None:
    """PR_SET_MM_START_BRK moves the label [heap]: far from the program's end nothing of it is certain."""
    seen = examined("x86_64-6.18-areas-pie")
    table, stat = seen.snapshot.mappings, seen.snapshot.stat
    assert table is not None
    assert stat is not None
    row = some_memory(table)
    regions = classified(seen, renamed(table, b"[heap]", b"[heap]", row), stat._replace(start_brk=table.start[row]))
    labels = dict(zip(regions.start, regions.label, strict=True))
    assert labels[table.start[row]].certainty is not Certainty.CERTAIN
    assert "not where exec put it" in evidence_text(labels[table.start[row]].evidence)


@pytest.mark.needs_root
@pytest.mark.needs_namespaces
@pytest.mark.needs("gcc", "unshare")
def test_a_program_in_a_changed_root(tmp_path: Path) -> None:
    """Its path is that of its own root, where another file has the name today: the mapped file itself is read."""
    program = build("sleeper.c", ("-static",), tmp_path)
    root = tmp_path / "root"
    root.mkdir()
    shutil.copy(program, root / "prog")
    with started(["unshare", "--mount", "chroot", str(root), "/prog"]) as child:
        regions = regions_of(child.pid)
        own = {(label.kind, label.certainty) for label in regions.label if label.kind.startswith("exe-")}
    assert {kind for kind, _ in own} >= {"exe-text", "exe-rodata", "exe-data", "exe-bss"}
    assert {certainty for _, certainty in own} == {Certainty.CERTAIN}


@pytest.mark.needs_root
@pytest.mark.needs_namespaces
@pytest.mark.needs("gcc", "unshare", "mount")
def test_a_library_from_another_mount_namespace(tmp_path: Path) -> None:
    """A file mounted over the program's own path, seen by the program alone."""
    program = build("sleeper.c", (), tmp_path)
    other = tmp_path / "other"
    other.write_bytes(b"no program")
    other.chmod(0o755)
    script = f"mount --bind {program} {other} && exec {other}"
    with started(["unshare", "--mount", "sh", "-c", script]) as child:
        regions = regions_of(child.pid)
    assert {"exe-text", "exe-data", "exe-relro", "exe-bss"} <= kinds(regions)


@pytest.mark.needs32
@pytest.mark.needs("qemu-i386-static")
def test_a_program_inside_an_emulator(tmp_path: Path) -> None:
    """Qemu maps the guest's text without x, moved by its guest base: named by the guest's own headers, as likely."""
    program = build("sleeper.c", ("-m32", "-static", "-no-pie"), tmp_path)
    with started(["qemu-i386-static", str(program)]) as child:
        regions = regions_of(child.pid)
    guest = [label for label in regions.label if label.owner_name == os.fsencode(str(program))]
    assert {label.cls.value for label in guest} >= {"text", "rodata", "data", "bss"}
    assert all(label.certainty is not Certainty.CERTAIN for label in guest)
    assert any(label.kind == "jit" for label in regions.label)


MUSL_THREADS = """
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static void *wait_here(void *nothing) { for (;;) pause(); return nothing; }
int main(void)
{
    pthread_t thread;
    for (int i = 0; i < 3; i++)
        pthread_create(&thread, NULL, wait_here, NULL);
    usleep(200000);
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}
"""


@pytest.mark.needs("musl-gcc")
@pytest.mark.parametrize("flags", [(), ("-static",)], ids=["dynamic", "static"])
def test_threads_of_musl(flags: tuple[str, ...], tmp_path: Path) -> None:
    """Their stacks are small and of musl's own size; each blocked thread's is named, with its id."""
    program = tmp_path / "threads"
    command = ["musl-gcc", *flags, "-x", "c", "-", "-o", str(program)]
    subprocess.run(command, input=MUSL_THREADS, text=True, check=True, capture_output=True)
    with started([str(program)]) as child:
        tids = {int(name) for name in os.listdir(f"/proc/{child.pid}/task")} - {child.pid}
        regions = regions_of(child.pid)
        proved = regions_of(child.pid, deep=True)
    owners = b" ".join(label.owner_name or b"" for label in regions.label if label.cls.value == "stack")
    assert len(tids) == 3
    assert all(b"(%d)" % tid in owners for tid in tids)
    # its own ring proves them, with guards and TLS, each in one block without a hole
    sure = [region for region in proved if "musl's descriptor" in evidence_text(region.label.evidence)]
    assert {region.label.certainty for region in sure} == {Certainty.CERTAIN}
    for tid in tids:
        own = [region for region in sure if (region.label.owner_name or b"").endswith(b" (%d)" % tid)]
        assert [region.label.kind for region in own] == ["stack-guard", "thread", "tls"]
        assert own[0].end == own[1].start
        assert own[1].end == own[2].start


HUGE_ARENAS = """
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void *allocate(void *ready)
{
    memset(malloc(5000), 1, 5000);
    pthread_barrier_wait(ready);
    for (;;)
        pause();
}
int main(void)
{
    pthread_barrier_t ready;
    pthread_t thread;
    pthread_barrier_init(&ready, NULL, 3);
    memset(malloc(1000), 1, 1000);
    pthread_create(&thread, NULL, allocate, &ready);
    pthread_create(&thread, NULL, allocate, &ready);
    pthread_barrier_wait(&ready);
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}
"""


@pytest.mark.needs_root
@pytest.mark.needs("gcc")
@pytest.mark.machine
def test_arenas_of_huge_pages(tmp_path: Path) -> None:
    """With glibc.malloc.hugetlb=2 an arena is four huge pages, named like a file: heap all the same."""
    libc = os.confstr("CS_GNU_LIBC_VERSION") if "CS_GNU_LIBC_VERSION" in os.confstr_names else ""
    version = tuple(int(part) for part in (libc or "0.0").split()[-1].split(".")[:2])
    if not (2, 35) <= version <= (2, 41):
        pytest.skip(f"glibc {version} makes no arenas of huge pages")
    program = tmp_path / "huge"
    command = ["gcc", "-pthread", "-x", "c", "-", "-o", str(program)]
    subprocess.run(command, input=HUGE_ARENAS, text=True, check=True, capture_output=True)
    environment = {**os.environ, "GLIBC_TUNABLES": "glibc.malloc.hugetlb=2"}
    with huge_pages(24), started([str(program)], env=environment) as child:
        regions = regions_of(child.pid)
    arenas = [region for region in regions if region.label.kind == "glibc-arena"]
    reserves = [region for region in regions if region.label.kind == "glibc-arena-reserve"]
    assert [arena.size + rest.size for arena, rest in zip(arenas, reserves, strict=True)] == [8 * MIB, 8 * MIB]
    assert all(region.label.certainty is Certainty.LIKELY for region in (*arenas, *reserves))
    # the main arena, which takes huge pages too
    assert any(region.label.kind == "glibc-mmap-chunk" for region in regions)


MANY_MAPPINGS = """
import ctypes, mmap, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
wanted = int(open('/proc/sys/vm/max_map_count').read()) - 500
for number in range(min(wanted, 60_000)):
    libc.mmap(None, 4096, 1 + 2 * (number % 2), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
print('ready', flush=True)
input()
"""


def test_as_many_mappings_as_the_kernel_allows() -> None:
    """60,000 of them: every one is there, and their sizes add up to VmSize."""
    with started([sys.executable, "-c", MANY_MAPPINGS]) as child:
        count = Path(f"/proc/{child.pid}/maps").read_bytes().count(b"\n")
        run = procmem("inspect", "--json", str(child.pid))
    assert count > 30_000
    assert sum(row["regions"] for row in run.json["classes"]) >= count
    assert sum(row["virt"] for row in run.json["classes"]) == run.json["totals"]["vm_size"]


def test_a_hundred_thousand_mappings_in_a_bare_file(tmp_path: Path) -> None:
    """More than Linux allows by default, in a maps file from elsewhere: read whole, nothing lost."""
    lines = [f"{0x10000 + at * 0x2000:x}-{0x11000 + at * 0x2000:x} rw-p 00000000 00:00 0 \n" for at in range(100_000)]
    path = tmp_path / "maps"
    path.write_text("".join(lines))
    run = procmem("inspect", "--from", str(path), "--json")
    assert run.status == 0, run
    assert run.json["totals"]["virt"] == 100_000 * 4096
    assert sum(row["regions"] for row in run.json["classes"]) == 100_000


@pytest.mark.parametrize("missing", [("smaps",), ("smaps", "auxv", "limits"), ("smaps", "auxv", "stat", "limits")])
def test_kernels_that_lack_files(missing: tuple[str, ...], tmp_path: Path) -> None:
    """As gVisor and WSL 1 have it: with less to read the same areas are named, less surely, never another story."""
    source = FIXTURES / "x86_64-6.18-areas-no-pie"
    copy = tmp_path / "copy"
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns(*missing, "*.txt", "truth.jsonl"))
    whole = procmem("inspect", "--from", str(source), "--json", "--regions").json["regions"]
    run = procmem("inspect", "--from", str(copy), "--json", "--regions")
    assert run.status == 0, run
    assert run.json["totals"]["rss"] is None or "status" not in missing
    story = {region["start"]: region for region in whole}
    order = ("guess", "likely", "certain")
    compared = 0
    for region in run.json["regions"]:
        before = story.get(region["start"])
        if before is None or before["class"] not in ("text", "data", "bss", "stack") or "exe" not in before["kind"]:
            continue
        compared += 1
        assert region["class"] == before["class"]
        assert order.index(region["certainty"]) <= order.index(before["certainty"])
    assert compared >= 4


def test_a_file_that_is_gone_in_the_middle_of_it_all(tmp_path: Path) -> None:
    """The program is deleted, and another file takes its name: what runs is what is read."""
    if not shutil.which("gcc"):
        pytest.skip("gcc is not installed")
    program = build("sleeper.c", (), tmp_path)
    with started([str(program)]) as child:
        program.unlink()
        program.write_bytes(b"\x7fELF but no more")
        wait_for(lambda: b"(deleted)" in os.readlink(os.fsencode(f"/proc/{child.pid}/exe")))
        regions = regions_of(child.pid)
    assert {"exe-text", "exe-data", "exe-bss"} <= kinds(regions)


@pytest.mark.needs_root
@pytest.mark.needs_namespaces
@pytest.mark.needs("gcc", "unshare", "mount")
def test_a_program_on_an_overlay(tmp_path: Path) -> None:
    """As containers have it: the file is that of a lower layer, device and inode are the overlay's."""
    layers = {name: tmp_path / name for name in ("lower", "upper", "work", "merged")}
    for folder in layers.values():
        folder.mkdir()
    build("sleeper.c", (), layers["lower"])
    if subprocess.run(["grep", "-q", "overlay", "/proc/filesystems"], check=False).returncode:
        pytest.skip("this kernel has no overlay file system")
    options = ",".join(f"{name}dir={layers[name]}" for name in ("lower", "upper", "work"))
    script = f"mount -t overlay overlay -o {options} {layers['merged']} && exec {layers['merged']}/sleeper"
    with started(["unshare", "--mount", "sh", "-c", script]) as child:
        regions = regions_of(child.pid)
    own = {(label.kind, label.certainty) for label in regions.label if label.kind.startswith("exe-")}
    assert {kind for kind, _ in own} >= {"exe-text", "exe-data", "exe-relro", "exe-bss"}
    assert {certainty for _, certainty in own} == {Certainty.CERTAIN}
