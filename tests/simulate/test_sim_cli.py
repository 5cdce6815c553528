"""The two commands: what they print, what they promise in JSON, and their exit statuses."""

import json
import os
import stat
import struct
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from procmem.cli.crosscheck import crosscheck
from procmem.cli.simulate import simulate
from procmem.cli.simulate_memory import simulate_memory
from procmem.errors import BadInput
from procmem.model.machine import GAP_MIN
from procmem.model.reports.crosscheck import MISMATCH
from procmem.queries import crosscheck_program
from procmem.simulate.arch import layout
from procmem.tracing import probe as probe_module
from tests.programs.build import build
from tests.support import simulated_programs as sim_programs
from tests.support.simulated_elf_bytes import Load, elf32
from tests.support.simulated_support import need_32bit

TEXT = Load(0x8048000, 0x1000, 0x1000, 5, offset=0)
DATA = Load(0x8049123, 0x300, 0x12345, 6)


def call(command: click.Command, *words: str, given: str | None = None) -> Result:
    result = CliRunner().invoke(command, list(words), input=given, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result


def document(command: click.Command, *words: str) -> Any:
    return json.loads(call(command, *words, "--json").stdout)


@pytest.fixture
def small(tmp_path: Path) -> str:
    path = tmp_path / "small"
    path.write_bytes(elf32([TEXT, DATA]))
    path.chmod(stat.S_IRWXU)
    return str(path)


def test_without_a_file_the_textbook_program_is_drawn_and_listed() -> None:
    """The picture of the theory, each line with its rule, and where the kernel's facts come from."""
    page = call(simulate).stdout
    for word in ("kernel space", "stack", "mapping area", "heap", "bss", "data", "text", "c0000000", "b8000000"):
        assert word in page
    assert "08048000-08070000" in page
    assert "ld.so: highest free place below mmap_base 0xb8000000" in page
    assert "kernel facts from" in page


def test_options_stand_before_and_behind_the_program(small: str) -> None:
    """The order does not matter; behind ``--`` words are the program's own, and a wrong option is told."""
    answers = [
        json.loads(call(simulate, *words).stdout)
        for words in (
            ("--stage", "exec", "--json", small, "word"),
            (small, "--stage", "exec", "word", "--json"),
            (small, "word", "--json", "--stage", "exec"),
        )
    ]
    assert answers[0] == answers[1] == answers[2]
    own = json.loads(call(simulate, small, "--stage", "exec", "--json", "--", "--csv").stdout)
    assert own["inputs"]["argv"] == [small, "--csv"]
    for command in (simulate, crosscheck.commands["run"]):
        with pytest.raises(click.NoSuchOption):
            call(command, small, "--nonsense")


def test_the_json_has_the_promised_form(small: str) -> None:
    """Schema procmem/simulate/1; addresses are strings, numbers are bytes, the sum of the areas is VIRT."""
    answer = json.loads(call(simulate, "--stage", "exec", "--json", small, "--", "-x").stdout)
    assert answer["schema"] == "procmem/simulate/1"
    assert set(answer) >= {"inputs", "kernel", "vmas", "registers", "ranges"}
    assert answer["inputs"]["argv"] == [small, "-x"]
    first = answer["vmas"][0]
    assert (first["start"], first["end"], first["perms"], first["status"]) == (
        "0x8048000",
        "0x8049000",
        "r-xp",
        "exact",
    )
    assert {"offset", "name", "class", "rule"} <= set(first)
    assert answer["virt_bytes"] == sum(int(vma["end"], 16) - int(vma["start"], 16) for vma in answer["vmas"])
    assert int(answer["registers"]["esp"], 16) % 16 == 0
    drawn = json.loads(call(simulate, "--aslr", "--stage", "exec", "--json", small).stdout)
    assert {wanted["base"] for wanted in drawn["ranges"]} == {"mmap", "stack", "brk"}


def test_options_change_the_layout(small: str) -> None:
    """Legacy, 4 GiB, execstack and a stack limit are seen in the lines; a native kernel in its facts."""
    assert "f7ffe000" in call(simulate, "--no-limit-3gb", "--stage", "exec", small).stdout
    assert "40000000-" in call(simulate, "--legacy", "--stage", "exec", small).stdout
    assert "rwxp" in call(simulate, "-X", "--stage", "exec", small).stdout
    assert "b3700000" in call(simulate, "--stack-limit", "200M", "--stage", "exec", small).stdout
    native = call(
        simulate, "--kernel", "native", "--kernel-map", "6.1", "--scale", "linear", "--stage", "exec", small
    ).stdout
    assert "direct map" in native
    assert "f73fe000" in native
    for scale in ("plain", "log"):
        assert "kernel space" in call(simulate, "--scale", scale).stdout


def test_a_script_shows_the_map_after_each_step(tmp_path: Path) -> None:
    """From a file and from standard input; threads are steps too."""
    script = tmp_path / "steps"
    script.write_text("malloc a 300K\nfree a\n")
    page = call(simulate, "--no-picture", "--script", str(script)).stdout
    assert page.count("at stage main") == 3
    assert "== malloc a 300K = 0x" in page
    assert call(simulate, "--script", "-", given="thread 64K\n").stdout.count("pthread_create") == 1
    assert call(simulate, "--threads", "2", "--no-picture").stdout.count("guard page of a thread") == 2
    documents = json.loads(call(simulate, "--script", str(script), "--json").stdout)
    assert [one["schema"] for one in documents] == ["procmem/simulate/1"] * 3


def test_wrong_words_are_usage_errors(small: str) -> None:
    """Sizes that are none, variables without =, steps before main."""
    for words in (["--stack-limit", "big"], ["--env", "X"], ["--threads", "1", "--stage", "exec"], ["--ram", "x"]):
        with pytest.raises(click.UsageError):
            call(simulate, *words, *(["--kernel-map", "6.1"] if "--ram" in words else []), small)
    with pytest.raises(BadInput):
        call(simulate, "/etc/passwd")
    with pytest.raises(BadInput):
        call(simulate, "--script", "/no/such/file")
    need_32bit()
    with pytest.raises(click.UsageError):
        call(crosscheck, "run", "--repeat", "5", small)


def test_a_program_that_cannot_start_is_told(tmp_path: Path) -> None:
    """A failure is a prediction like any other, and the cross-check agrees with it."""
    path = tmp_path / "stuck"
    path.write_bytes(elf32([Load(0xBFFFE000, 0x1000, 0x1000, 5, offset=0)]))
    path.chmod(stat.S_IRWXU)
    assert "no process" in call(simulate, "--stage", "exec", str(path)).stdout
    need_32bit()
    result = call(crosscheck, "run", "--stage", "exec", str(path))
    assert result.return_value == 0
    assert "as predicted" in result.stdout


def test_crosscheck_says_same_line_by_line(small: str) -> None:
    """Predicted, real, verdict, rule and the count; 0 when all that is called exact is exact."""
    need_32bit()
    result = call(crosscheck, "run", "--stage", "exec", small, "argument")
    assert result.return_value == 0
    assert "7 of 7 lines called exact are exact" in result.stdout
    assert "differs" not in result.stdout
    answer = json.loads(call(crosscheck, "run", "--stage", "exec", "--json", "--aslr", small).stdout)
    assert answer["schema"] == "procmem/crosscheck/1"
    assert answer["holds"]
    assert answer["stages"][0]["draws"] is not None


def test_crosscheck_ends_with_7_when_a_constant_is_wrong(small: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One page too much in a constant is found out."""
    need_32bit()
    monkeypatch.setattr(layout, "GAP_MIN", GAP_MIN + 4096)
    result = call(crosscheck, "run", "--stage", "exec", small)
    assert result.return_value == MISMATCH == 7
    assert "differs" in result.stdout


def test_repeated_runs_stay_in_their_ranges(small: str) -> None:
    """Histogram and entropy of the bases drawn."""
    need_32bit()
    result = call(crosscheck, "run", "--aslr", "--repeat", "40", small)
    assert result.return_value == 0
    assert "40 runs" in result.stdout
    assert "bits seen" in result.stdout
    answer = json.loads(call(crosscheck, "run", "--aslr", "--repeat", "20", "--json", small).stdout)
    assert [row["outside"] for row in answer["bases"]] == [0] * len(answer["bases"])


def test_where_32_bit_programs_do_not_run(small: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate works from the dated table and says so; crosscheck says clearly why it cannot."""
    monkeypatch.setattr(crosscheck_program, "probe", lambda **_wanted: None)
    assert "kernel facts from table of 2026-11: Linux" in call(simulate, "--stage", "exec", small).stdout
    with pytest.raises(BadInput, match="does not run 32-bit"):
        call(crosscheck, "run", small)


def test_another_kind_of_kernel_cannot_be_checked(small: str) -> None:
    """A native layout is predicted here, not compared."""
    need_32bit()
    with pytest.raises(click.UsageError, match="other kind"):
        call(crosscheck, "run", "--kernel", "native", small)


def test_the_probe_is_a_whole_program_of_93_bytes() -> None:
    """Header, one segment, nine bytes of code; it shows the kernel's own pages and the vector."""
    assert len(probe_module.probe_program()) == 93
    need_32bit()
    reading = probe_module.probe()
    assert reading is not None
    assert b"[vdso]" in reading.maps
    assert reading.auxv


@pytest.mark.needs("gcc")
@pytest.mark.needs32
def test_a_compiled_program_from_the_command_line(tmp_path: Path) -> None:
    """The whole road: files found, three stages predicted and compared, drawn or not."""
    need_32bit()
    path = str(sim_programs.compiled(tmp_path, sim_programs.Program("plain")))
    for words in ([], ["--aslr"], ["--legacy"]):
        result = call(crosscheck, "run", *words, "--env", "A=b", path)
        assert result.return_value == 0, result.stdout
        assert result.stdout.count("lines called exact are exact") == 3
    assert os.path.basename(path) in result.stdout


def test_memory_after_each_step() -> None:
    """Layout and memory steps in one script: 8 MiB touched, forked, 2 MiB written by the child, who ends."""
    text = "mmap a 8M\ntouch a 0 8M\nfork\nas 2\ntouch a 0 2M\nexit\nscatter a 500 7\nmunmap a\n"
    answer = json.loads(call(simulate_memory, "--json", "--script", "-", given=text).stdout)
    assert answer["schema"] == "procmem/simulate-memory/1"
    mib = 1 << 20
    pss = [[one["pss"] for one in step["processes"]] for step in answer["steps"]]
    assert pss == [[0], [8 * mib], [4 * mib] * 2, [4 * mib] * 2, [5 * mib] * 2, [8 * mib], [8 * mib], [0]]
    assert call(simulate_memory, "--script", "-", given=text).stdout.count("\n") == 1 + 1 + 11 + 2
    traced = call(simulate_memory, "--trace", "--script", "-", given="mmap a 8K\nread a\ntouch a\n").stdout
    assert "the zero page" in traced
    assert "copy on write" in traced


def test_the_killer_is_seen() -> None:
    """Out of memory: the step says so, nobody lives, and what comes after does nothing."""
    text = "mmap a 24M\ntouch a 0 24M\nread a\n"
    page = call(simulate_memory, "--ram", "16M", "--swap", "0", "--script", "-", given=text).stdout
    assert "touch a 0 24M out of memory: process 1 is killed" in page
    assert "read a nothing: its process has ended" in page


def test_memory_steps_need_memory(small: str) -> None:
    """And a child has no malloc of its own; a number that is none is told with its line."""
    for text, why in (
        ("mmap a 8K\nread a\n", "line 2: read needs memory"),
        ("as 2\n", "needs memory"),
    ):
        with pytest.raises(BadInput, match=why):
            call(simulate, "--script", "-", given=text)
    with pytest.raises(BadInput, match="in a child"):
        call(simulate_memory, "--script", "-", given="fork\nas 2\nmalloc a 8\n")
    with pytest.raises(BadInput, match="no process 7"):
        call(simulate_memory, "--script", "-", given="as 7\n")
    with pytest.raises(click.UsageError):
        call(simulate_memory, small)
    assert "touch buffer" in call(simulate_memory).stdout  # the textbook's own steps


def test_a_segment_that_lies_otherwise_in_its_page_than_in_the_file_is_refused(tmp_path: Path) -> None:
    """vm_mmap() takes offsets of whole pages alone: predicted, and so it is."""
    path = tmp_path / "program"
    path.write_bytes(elf32([Load(0x804867A, 0x200, 0x200, 5, offset=0)]))
    path.chmod(stat.S_IRWXU)
    failure = document(simulate, "--stage", "exec", str(path))["failure"]
    assert "otherwise in its page" in failure
    need_32bit()
    (found,) = document(crosscheck.commands["run"], "--stage", "exec", str(path))["stages"]
    assert found["failure"]["predicted"] == failure
    assert "signal" in found["failure"]["real"]


@pytest.mark.needs32
def test_a_symbol_table_that_the_file_ends_in_is_read_so_far(tmp_path: Path) -> None:
    """Whole entries only; what is damaged gives a prediction without main, or none."""
    data = bytearray(build("sleeper.c", ("-m32", "-static"), tmp_path).read_bytes())
    sections, size, count = (*struct.unpack_from("<I", data, 32), *struct.unpack_from("<2H", data, 46))
    for at in range(sections, sections + size * count, size):
        if struct.unpack_from("<I", data, at + 4) == (2,):  # SHT_SYMTAB
            (offset,) = struct.unpack_from("<I", data, at + 16)
            struct.pack_into("<I", data, at + 20, (len(data) - offset) // 16 * 16 + 160)
            data += b"x" * (7 if (len(data) - offset) % 16 == 0 else 0)
    path = tmp_path / "cut"
    path.write_bytes(data)
    path.chmod(stat.S_IRWXU)
    assert call(simulate, str(path)).exit_code == 0
