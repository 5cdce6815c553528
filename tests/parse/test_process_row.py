"""The fast reader of a row says what the tolerant readers of whole files say."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procmem.model.proc_keys import has_memory
from procmem.parse.process_row import ROLLUP_KEYS, RollupWords, StatusWords, rollup_words, status_words
from procmem.parse.smaps import parse_rollup
from procmem.parse.status import parse_status

NAMES = st.text(st.sampled_from(string.ascii_letters + " \t:()%\\\nVmSize"), max_size=15)
SIZES = st.none() | st.integers(0, 1 << 40)


def escaped(name: str) -> str:
    """As fs/proc/array.c writes a name: newline and backslash escaped."""
    return name.replace("\\", "\\\\").replace("\n", "\\n")


@given(name=NAMES, state=st.sampled_from("RSDZTtX"), uid=st.integers(0, 1 << 32), sizes=st.tuples(SIZES, SIZES, SIZES))
def test_the_fast_reader_of_status_says_the_same(
    name: str, state: str, uid: int, sizes: tuple[int | None, int | None, int | None]
) -> None:
    """Whatever the process calls itself, and whichever lines are there."""
    lines = [f"Name:\t{escaped(name)}", "Umask:\t0022", f"State:\t{state} (x)", "Tgid:\t7", "PPid:\t6"]
    lines += [f"Uid:\t{uid}\t1\t2\t3", "Groups:\t"]
    keys = ("VmSize", "VmRSS", "VmSwap")
    lines += [f"{key}:\t{size:8d} kB" for key, size in zip(keys, sizes, strict=True) if size is not None]
    content = "".join(f"{line}\n" for line in lines).encode()
    fast, whole = status_words(content), parse_status(content)
    assert fast.name == name.encode()
    assert (fast.state.decode(), fast.ppid, fast.uid) == (whole.state, whole.ppid, whole.uid)
    assert [fast.vm_size, fast.vm_rss, fast.vm_swap] == [whole.sizes.get(key) for key in keys]
    assert has_memory(content) is ("VmSize" in whole.sizes)


def test_a_name_cannot_forge_a_line() -> None:
    """A name may hold tabs, blanks at its end, and what looks like another line's key."""
    content = b"Name:\ta\tState:\\nUid: \nState:\tS (sleeping)\nUid:\t7\t8\t9\t9\nVmSize:\t  12 kB\n"
    words = status_words(content)
    assert (words.name, words.state, words.uid, words.vm_size) == (b"a\tState:\nUid: ", b"S", 7, 12 * 1024)
    assert status_words(b"Name:\ta\\nb\\\\nc\n").name == b"a\nb\\nc"


@given(st.lists(st.tuples(st.sampled_from([*ROLLUP_KEYS, "Rss", "Pss_Anon"]), st.integers(0, 1 << 40)), max_size=9))
def test_the_fast_reader_of_the_rollup_says_the_same(counters: list[tuple[str, int]]) -> None:
    """In any order, and with other counters between; each key once, as the kernel has it."""
    lines = ["00400000-7ffe0000 ---p 00000000 00:00 0    [rollup]"]
    lines += [f"{key + ':':15} {size:8d} kB" for key, size in dict(counters).items()]
    content = "".join(f"{line}\n" for line in lines).encode()
    whole = parse_rollup(content)
    assert rollup_words(content).sizes == {key: whole[key] for key in ROLLUP_KEYS if key in whole}
    assert rollup_words(content).span == b"00400000-7ffe0000"


def test_words_in_another_order() -> None:
    """As no kernel has them, but a recording may: each is found, the first line too."""
    words = status_words(b"VmSize:\t 12 kB\nPPid:\t6\nState:\tZ (zombie)\nName:\tx")
    assert (words.name, words.state, words.ppid, words.vm_size) == (b"x", b"Z", 6, 12 * 1024)


@pytest.mark.parametrize(("state", "is_dead"), [("Z", True), ("S", False), ("T", False), ("t", False), ("", False)])
def test_who_is_dead(state: str, is_dead: bool) -> None:
    """A zombie; not one that is stopped."""
    assert status_words(f"State:\t{state}\n".encode()).is_dead is is_dead


def test_words_that_are_not_there() -> None:
    """Are not known; a size has its unit; a rollup without a blank spans nothing."""
    assert status_words(b"") == StatusWords(b"", b"", None, None, None, None, None)
    assert status_words(b"VmSize:\t 12\nVmRSS:\t x kB\nUid:\tx\t1\n")[3:6] == (None, None, None)
    assert rollup_words(b"x\n") == RollupWords({}, b"")
