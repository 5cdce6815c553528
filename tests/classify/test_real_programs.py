"""Programs that we did not write, against what their own runtimes say of themselves.

Each runtime has figures of its own (Java's native memory tracking, Go's MemStats, V8's heap statistics, redis's
INFO, PHP's memory_get_usage): they are made inside the process and know nothing of ``/proc``.
"""

import contextlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.running import procmem, started, wait_for

MIB = 1 << 20


def sizes(regions: list[dict[str, Any]], kind: str, field: str = "size") -> int:
    """The sum over one kind."""
    return sum(region[field] for region in regions if region["kind"] == kind)


def regions_of(pid: int, *more: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = procmem("inspect", str(pid), "--regions", "--json", *more).json["regions"]
    return found


def check_every_program(pid: int, regions: list[dict[str, Any]]) -> None:
    """Every blocked thread has its stack; next to nothing in memory is left without a purpose."""

    def unnamed(*more: str) -> list[dict[str, Any]]:
        rows = procmem("threads", str(pid), "--json", *more).json["threads"]
        return [row for row in rows if row["stack_kind"] is None]

    # a thread that runs at the moment of looking shows no stack pointer: it blocks again before long
    wait_for(lambda: not unnamed(), 10)
    wait_for(lambda: not unnamed("--deep"), 10)
    resident = sum(region["rss"] for region in regions)
    nameless = sum(region["rss"] for region in regions if region["kind"] == "anon-private")
    assert nameless <= 0.02 * resident, f"{nameless} of {resident} bytes in memory have no purpose"


@contextlib.contextmanager
def talking(*command: str, env: dict[str, str] | None = None) -> Iterator[tuple[int, str]]:
    """A program that writes one line about itself and stays: its pid, and the line."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, text=True)
    try:
        assert process.stdout is not None
        yield process.pid, process.stdout.readline()
    finally:
        process.kill()
        process.communicate()


def test_python_knows_its_arenas() -> None:
    """Blocks of 1 MiB: as many as the interpreter's own statistics count.

    Arenas that the kernel merged with a neighbour into one VMA have no shape of their own, so that these are a guess:
    how many that are depends on where the loader's mappings happened to lie.
    """
    code = (
        "import sys, threading, time\nkeep = [object() for _ in range(10**6)]\n"
        "for _ in range(3): threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()\n"
        "sys._debugmallocstats()\nprint('ready', flush=True)\ntime.sleep(1000)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        arenas = 0
        for line in process.stderr:
            if match := re.match(r"# arenas allocated current += +(\d+)", line):
                arenas = int(match[1])
            if arenas and "total" in line.lower():
                break
        regions = regions_of(process.pid)
        check_every_program(process.pid, regions)
    finally:
        process.kill()
        process.communicate()
    assert arenas > 10
    known = sizes(regions, "cpython-obmalloc")
    guessed = sum(
        region["rss"]
        for region in regions
        if region["kind"] == "glibc-mmap-chunk" and region["certainty"] == "guess" and region["rss"] >= MIB
    )
    assert 0.5 * arenas * MIB <= known <= 1.3 * arenas * MIB
    assert 0.8 * arenas * MIB <= known + guessed


@pytest.mark.needs("node")
def test_node_knows_its_heap() -> None:
    """V8's own committed heap size is the size of the pages that we call V8's."""
    code = """
let keep = []; for (let i = 0; i < 300000; i++) keep.push({i});
setTimeout(() => {
  console.log(require('v8').getHeapStatistics().total_heap_size); setInterval(() => keep, 1000);
}, 300);"""
    with talking("node", "-e", code) as (pid, said):
        regions = regions_of(pid)
        check_every_program(pid, regions)
    assert 0.8 * int(said) <= sizes(regions, "v8") + sizes(regions, "v8-code") <= 1.4 * int(said)


JAVA = """
public class Idle {
    public static void main(String[] words) throws Exception { System.out.println(1); Thread.sleep(1000000); }
}"""


@pytest.mark.needs("java", "jcmd")
@pytest.mark.parametrize("collector", ["G1", "Serial", "Parallel"])
def test_java_knows_its_heap_and_its_code(collector: str, tmp_path: Path) -> None:
    """Native memory tracking: committed and reserved heap to the byte, code cache as a whole."""
    source = tmp_path / "Idle.java"
    source.write_text(JAVA)
    options = ("-Xmx512m", f"-XX:+Use{collector}GC", "-XX:NativeMemoryTracking=summary")
    with talking("java", *options, str(source)) as (pid, _):
        told = subprocess.run(
            ["jcmd", str(pid), "VM.native_memory", "summary", "scale=KB"], capture_output=True, text=True, check=True
        ).stdout
        regions = regions_of(pid)
        check_every_program(pid, regions)

    def tracked(name: str) -> tuple[int, int]:
        match = re.search(rf"{name} \(reserved=(\d+)KB, committed=(\d+)KB\)", told)
        assert match, told
        return int(match[1]) * 1024, int(match[2]) * 1024

    reserved, committed = tracked("Java Heap")
    heap = sizes(regions, "jvm-heap")
    assert abs(heap - committed) <= MIB  # the archive's objects lie at the heap's end, in a file's mapping
    assert abs(heap + sizes(regions, "jvm-heap-reserve") - reserved) <= MIB
    assert sizes(regions, "jvm-code") + sizes(regions, "jvm-code-reserve") == 240 * MIB
    classes, _ = tracked("Class")
    spaces = sizes(regions, "jvm-metaspace") + sizes(regions, "jvm-metaspace-reserve")
    assert abs(spaces - classes) <= 32 * MIB


DIRECT = """
import java.nio.ByteBuffer;
public class Direct {
    static ByteBuffer[] keep = new ByteBuffer[10];
    public static void main(String[] words) throws Exception {
        for (int at = 0; at < keep.length; at++) keep[at] = ByteBuffer.allocateDirect((at + 1) << 20);
        System.out.println(1);
        Thread.sleep(1000000);
    }
}"""


@pytest.mark.needs("java")
@pytest.mark.parametrize(
    "options", [("-XX:+UseSerialGC",), ("-XX:-UseCompressedOops", "-Xmx256m"), ("-XX:NativeMemoryTracking=summary",)]
)
def test_direct_buffers_are_proved_by_the_objects_that_hold_them(options: tuple[str, ...], tmp_path: Path) -> None:
    """Ten of them, of 1 to 10 MiB, each block of malloc a page larger; the same from a recording."""
    source = tmp_path / "Direct.java"
    source.write_text(DIRECT)
    with talking("java", *options, str(source)) as (pid, _):
        regions = regions_of(pid, "--deep")
        saved = tmp_path / "saved.tar.gz"
        procmem("record", "--deep", str(pid), "-o", str(saved))
        replayed = procmem("inspect", "--deep", "--regions", "--json", "--from", str(saved)).json["regions"]
        check_every_program(pid, regions)
    wanted = [(size << 20) + 4096 for size in range(1, 11)]
    found = [row["size"] for row in regions if row["kind"] == "jvm-direct-buffer"]
    assert sorted(found) == wanted
    assert sorted(row["size"] for row in replayed if row["kind"] == "jvm-direct-buffer") == wanted


@pytest.mark.needs("redis-server", "redis-cli")
def test_redis_knows_what_its_allocator_holds(tmp_path: Path) -> None:
    """What jemalloc says that it has in memory is what we see of it in memory."""
    socket = str(tmp_path / "socket")
    with started(["redis-server", "--port", "0", "--unixsocket", socket, "--save", ""], cwd=tmp_path) as server:
        fill = "for i = 1, 200000 do redis.call('set', 'key' .. i, string.rep('x', 100)) end"
        wait_for(lambda: Path(socket).exists())
        subprocess.run(["redis-cli", "-s", socket, "eval", fill, "0"], capture_output=True, check=True)
        info = subprocess.run(["redis-cli", "-s", socket, "info", "memory"], capture_output=True, text=True, check=True)
        regions = regions_of(server.pid)
        check_every_program(server.pid, regions)
    match = re.search(r"allocator_resident:(\d+)", info.stdout)
    assert match
    assert 0.7 * int(match[1]) <= sizes(regions, "jemalloc", "rss") <= 1.3 * int(match[1])


GO = """
package main

import ("encoding/json"; "fmt"; "runtime"; "sync"; "time")

func main() {
	var keep [][]byte
	for i := 0; i < 2000; i++ { b := make([]byte, 10000); for j := range b { b[j] = 1 }; keep = append(keep, b) }
	var group sync.WaitGroup
	for i := 0; i < 1000; i++ { group.Add(1); go func() { group.Wait() }() }
	time.Sleep(100 * time.Millisecond)
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	text, _ := json.Marshal(map[string]uint64{"heap": stats.HeapSys, "stacks": stats.StackSys, "all": stats.Sys})
	fmt.Println(string(text))
	time.Sleep(time.Hour)
	_ = keep
}
"""


@pytest.mark.needs("go")
def test_go_knows_its_heap(tmp_path: Path) -> None:
    """The heap and the goroutines' stacks share the arenas; all of them together are go-heap, to the byte."""
    source = tmp_path / "main.go"
    source.write_text(GO)
    binary = tmp_path / "program"
    env = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin:/usr/local/go/bin", "GOCACHE": str(tmp_path / "cache")}
    subprocess.run(["go", "build", "-o", str(binary), str(source)], env=env, check=True, cwd=tmp_path)
    with talking(str(binary)) as (pid, said):
        told = json.loads(said)
        regions = regions_of(pid)
        check_every_program(pid, regions)
    # what the runtime calls "Sys" for both is whole arenas made accessible
    assert abs(sizes(regions, "go-heap") - told["heap"] - told["stacks"]) <= 4 * MIB
    assert sizes(regions, "go-heap") + sizes(regions, "go-heap-reserve") == 64 * MIB


@pytest.mark.needs("php")
def test_php_knows_its_memory_and_fibers() -> None:
    """memory_get_usage(true) counts the 2 MiB chunks; each started fiber has a stack with a guard."""
    code = (
        "$a = range(0, 300000); $f = []; for ($i = 0; $i < 5; $i++) { $x = new Fiber(function() { Fiber::suspend(); });"
        ' $x->start(); $f[] = $x; } echo memory_get_usage(true), "\\n"; sleep(1000);'
    )
    with talking("php", "-n", "-r", code) as (pid, said):
        regions = regions_of(pid)
        check_every_program(pid, regions)
    assert 0.9 * int(said) <= sizes(regions, "php") <= 1.3 * int(said)
    assert sum(1 for region in regions if region["kind"] == "coroutine") == 5


@pytest.mark.needs("ruby")
def test_ruby_has_its_fibers() -> None:
    """Resumed fibers have stacks; Ruby makes some ahead, so there are at least as many."""
    code = "f = (0..9).map { Fiber.new { Fiber.yield 1 } }; f.each(&:resume); puts 1; $stdout.flush; sleep 1000"
    with talking("ruby", "-e", code) as (pid, _):
        regions = regions_of(pid)
        check_every_program(pid, regions)
    assert sum(1 for region in regions if region["kind"] == "coroutine") >= 10
