"""A thousand goroutines, a thousand Java threads: small programs for the runtimes that are installed.

Each is written to a folder of its own, run from there, and gone with it; no cache is left behind.
"""

import os
import shutil

from procmem.lab.children import output_of
from procmem.lab.scratch import scratch_folder
from procmem.model.reports.lab import Skipped

__all__ = ["goroutines", "java_objects", "java_threads"]

_SECONDS = 20

_GO = """\
package main

import (
	"fmt"
	"runtime"
	"time"
)

func main() {
	const n = 10000
	gate := make(chan bool)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	for i := 0; i < n; i++ {
		go func() { <-gate }()
	}
	made := time.Since(began)
	time.Sleep(100 * time.Millisecond)
	runtime.ReadMemStats(&after)
	ping, pong := make(chan bool), make(chan bool)
	go func() {
		for range ping {
			pong <- true
		}
	}()
	began = time.Now()
	for i := 0; i < n; i++ {
		ping <- true
		<-pong
	}
	fmt.Println((after.StackInuse-before.StackInuse)/n, made.Nanoseconds()/n, time.Since(began).Nanoseconds()/(2*n))
}
"""
"""Prints bytes of stack of a goroutine, nanoseconds to make one, nanoseconds of a switch."""

_JAVA = """\
import java.nio.file.*;
import java.util.concurrent.CountDownLatch;

class Many {
    static long size() throws Exception {
        for (String line : Files.readAllLines(Path.of("/proc/self/status")))
            if (line.startsWith("VmSize:")) return Long.parseLong(line.replaceAll("[^0-9]", ""));
        return 0;
    }
    public static void main(String[] words) throws Exception {
        int n = 1000;
        CountDownLatch gate = new CountDownLatch(1);
        long before = size(), began = System.nanoTime();
        for (int i = 0; i < n; i++) {
            Thread one = new Thread(() -> { try { gate.await(); } catch (InterruptedException e) { } });
            one.setDaemon(true);
            one.start();
        }
        long nanos = (System.nanoTime() - began) / n;
        System.out.println((size() - before) * 1024 / n + " " + nanos);
    }
}
"""
"""Prints bytes of address space of a thread, nanoseconds to make one."""


_JAVA_OBJECTS = """\
import java.nio.file.*;

class Garbage {
    static long resident() throws Exception {
        for (String line : Files.readAllLines(Path.of("/proc/self/status")))
            if (line.startsWith("VmRSS:")) return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
        return 0;
    }
    public static void main(String[] words) throws Exception {
        long before = resident();
        byte[][] kept = new byte[160000][];
        for (int i = 0; i < kept.length; i++) kept[i] = new byte[1000];
        long full = resident();
        kept = null;
        System.gc();
        Thread.sleep(200);
        System.out.println(before + " " + full + " " + resident());
    }
}
"""
"""Prints RSS before 160 MB of objects, with them, and after they were collected."""


def java_objects() -> tuple[int, int, int]:
    """RSS of a Java program before it has many objects, with them, and after a collection; bytes.

    Raises:
        Skipped: Java is not installed, or does not run.
    """
    options = ("-XX:-UsePerfData", "-Xmx512m", "Garbage.java")
    before, full, after = _printed("java", "Garbage.java", _JAVA_OBJECTS, options, 3)
    return before, full, after


def goroutines() -> tuple[int, int, int]:
    """Bytes of stack of one goroutine, nanoseconds to make it, nanoseconds of one switch.

    Raises:
        Skipped: Go is not installed, or cannot build in time.
    """
    stack, made, switch = _printed("go", "many.go", _GO, ("run", "many.go"), 3)
    return stack, made, switch


def java_threads() -> tuple[int, int]:
    """Bytes of address space of one thread, nanoseconds to make it.

    Raises:
        Skipped: Java is not installed, or does not run.
    """
    options = ("-XX:-UsePerfData", "-XX:TieredStopAtLevel=1", "Many.java")
    virtual, made = _printed("java", "Many.java", _JAVA, options, 2)
    return virtual, made


def _printed(program: str, name: str, text: str, words: tuple[str, ...], count: int) -> list[int]:
    if shutil.which(program) is None:
        raise Skipped("not-installed", program=program)
    with scratch_folder() as folder:
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
        places = {"GOCACHE": os.path.join(folder, "cache"), "GOTMPDIR": folder, "GO111MODULE": "off", "HOME": folder}
        env = {**os.environ, **places, "MALLOC_ARENA_MAX": "1"}
        status, out, err = output_of((program, *words), cwd=folder, env=env, seconds=_SECONDS)
    if status is None and not err:
        raise Skipped("not-in-time", program=program, seconds=_SECONDS)
    numbers = out.split()
    if status or status is None or len(numbers) != count or not all(number.isdigit() for number in numbers):
        why = err.decode("utf-8", "replace").strip().splitlines()[-1:] or [f"status {status}"]
        raise Skipped("does-not-run", program=program, reason=why[0][:200])
    return [int(number) for number in numbers]
