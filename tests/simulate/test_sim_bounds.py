"""Scripts of strangers: what would take very long, or very much memory, is refused; what is cheaper gives the same."""

import time
from random import Random

import pytest

from procmem.errors import BadScript
from procmem.model.simulated_memory import AccessOutcome, MemorySettings, SimMemory
from procmem.model.simulation import PAGE, Settings, SimSpace, SimVma, Stage
from procmem.queries.simulate import play_memory, predictions
from procmem.simulate.arch.layout import layout_for
from procmem.simulate.kernel import memory as kernel_memory
from procmem.simulate.kernel.events import Map
from procmem.simulate.kernel.frames import TooMuchWork
from procmem.simulate.kernel.memory import LiveMachine, cost, run
from procmem.simulate.kernel.memory_events import Access, Begin, Do, Scatter
from procmem.simulate.programs import textbook
from procmem.simulate.programs.predict import start
from procmem.simulate.script.run import Moment, parse_script, run_script

AT = 0x10000000
MANY = [f"mmap a{number} 4K {('r--', 'rw-')[number % 2]}\n" for number in range(20_000)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("mmap b 1900M\nscatter b 1000000\n", "too-much-work"),
        ("mmap b 1400M\nmmap c 1400M\ntouch b 0 1400M\ntouch c 0 1400M\ntouch b 0 1400M\n", "too-much-work"),
        ("share b 1900M\ntouch b 0 1900M\n", "too-much-work"),
        ("mmap b 1400M\nread b\n" + "fork\n" * 100, "too-much-work"),
        ("mmap b 1G\ntouch b 0 1G\n" + "touch b\n" * 40_000, "too-much-work"),
        ("mmap b 800M\ntouch b 0 800M\n" + "pageout b\nread b\n" * 100, "too-much-work"),
        ("cache /x 1900M\n" * 40, "too-much-work"),
        ("".join(MANY), "too-much-work"),
        ("fork\n" * 40_000, "too-much-shown"),
        ("scatter b 1000001\n", "no-block"),
        ("mmap b 1M\nscatter b 1000001\n", "too-many-touches"),
        ("settle\n" * 50_001, "too-many-steps"),
    ],
    ids=lambda value: value[:30],
)
def test_what_takes_too_long_is_refused_soon(text: str, code: str) -> None:
    """With the number of the line, after a second or two: here ten times as much is given, for a busy machine."""
    began = time.process_time()
    with pytest.raises(BadScript) as caught:
        play_memory(textbook.files(), Settings(), text, MemorySettings(ram=1 << 31, swap=1 << 30))
    assert time.process_time() - began < 20
    assert caught.value.code == code


def test_maps_after_each_step_have_a_bound_together() -> None:
    """A map after each of twenty thousand steps is more than anybody reads; the last one alone is no more work."""
    with pytest.raises(BadScript) as caught:
        predictions(textbook.files(), Settings(), Stage.MAIN, "".join(MANY), every=True)
    assert (caught.value.code, caught.value.fields["most"]) == ("too-much-shown", 150_000)
    last = predictions(textbook.files(), Settings(), Stage.MAIN, "mmap a 4K\nmmap b 4K r--\n", every=False)
    every = predictions(textbook.files(), Settings(), Stage.MAIN, "mmap a 4K\nmmap b 4K r--\n", every=True)
    assert (len(last), len(every)) == (1, 3)
    assert last[0] == every[-1]
    assert predictions(textbook.files(), Settings(), Stage.MAIN, "", every=False) == every[:1]


def test_ordinary_scripts_are_far_from_the_bounds() -> None:
    """64 MiB touched and a hundred steps; a thousand steps on little memory; a gibibyte touched once."""
    machine = MemorySettings(ram=1 << 31, swap=1 << 30)
    for text in (
        "mmap a 64M\ntouch a 0 64M\n" + "touch a\n" * 100,
        "mmap a 1M\nscatter a 1000\n" + "touch a\n" * 1000,
        "mmap a 1G\ntouch a 0 1G\nfork\n",
    ):
        assert len(play_memory(textbook.files(), Settings(), text, machine)) == len(text.splitlines())


LINES = (
    "mmap {n} 96K\nmmap {n} 40K r--\nshare {n} 64K\nshare {n} 64K /lib/x.so\ntouch {n}\ntouch {n} 0 32K\n"
    "read {n}\npopulate {n}\nscatter {n} 30 {s}\ndontneed {n} 4K 8K\nlazyfree {n}\npageout {n}\n"
    "munmap {n} 4K 8K\nmprotect {n} r--\nmprotect {n} rw- 0 8K\nsettle\nfork\nas 1\nas 2\n"
    "cache /lib/x.so 64K\nthread 64K\nmalloc {n} 5000\nscatter {n} 0\n"
).splitlines()


@pytest.mark.parametrize("seed", range(12))
def test_a_machine_that_goes_on_gives_what_one_that_is_kept_does(seed: int) -> None:
    """Step by step, on little memory: figures, books and notes, until a step is wrong or all have ended."""
    dice = Random(seed)
    text = "mmap a 96K\nmmap b 96K\nshare c 64K\n" + "".join(
        dice.choice(LINES).format(n=dice.choice("abc"), s=dice.randrange(9)) + "\n" for _ in range(60)
    )
    running = [start(textbook.files(), Settings(), Stage.MAIN) for _ in range(2)]
    machine = MemorySettings(ram=400 << 10, swap=120 << 10, page_cluster=1, trace=bool(seed % 2))
    steps = parse_script(text)
    kept = run_script(running[0], steps, cpus=2, memory=machine)
    live = run_script(running[1], steps, cpus=2, memory=machine, keeps_moments=False)
    for _ in steps:
        told: list[object] = []
        for moments in (kept, live):
            try:
                told.append(next(moments))
            except BadScript as error:
                told.append((error.code, error.fields))
        assert told[0] == told[1]
        if not isinstance(told[0], Moment):
            break


def machine_of(pages: int, *, ram: int, perms: str = "rw-") -> SimMemory:
    space = SimSpace(layout_for(Settings(), read_implies_exec=False), (), start_brk=0x8050000, brk=0x8050000)
    settings = MemorySettings(ram=ram * PAGE, swap=8 * PAGE, page_cluster=1)
    return run(SimMemory(settings), [Begin(1, space), Do(1, Map(pages * PAGE, perms, AT, fixed=True))])


@pytest.mark.parametrize(
    ("pages", "ram", "perms"), [(20, 100, "rw-"), (40, 40, "rw-"), (60, 40, "rw-"), (20, 100, "r--")], ids=str
)
@pytest.mark.parametrize("seed", range(4))
def test_scattered_writes_are_those_one_by_one(pages: int, ram: int, perms: str, seed: int) -> None:
    """Where memory is enough, where it is short, where it ends, and where none may be written."""
    before = machine_of(pages, ram=ram, perms=perms)
    dice = Random(seed)
    numbers = [AT // PAGE + dice.randrange(pages + seed % 2) for _ in range(300)]
    one_by_one = run(before, [Access(1, page * PAGE, 1, True) for page in numbers])
    assert run(before, [Scatter(1, iter(numbers))]) == one_by_one
    if one_by_one.processes:
        assert cost(one_by_one, 1).minor == cost(run(before, [Scatter(1, numbers)]), 1).minor
    ends_there = next(
        (at for at in range(len(numbers)) if not run(before, [Scatter(1, numbers[: at + 1])]).processes), None
    )
    if ends_there is not None:
        killed = run(before, [Scatter(1, numbers[: ends_there + 1])])
        assert (killed.outcome, killed.killed) == (AccessOutcome.OOM, 1)
        assert run(before, [Scatter(1, numbers)]).outcome is AccessOutcome.DONE


def test_work_is_counted_over_all_steps() -> None:
    """A machine that may do little stops in the midst of it; one without a bound does not."""
    before = machine_of(1000, ram=4000)
    events = [Access(1, AT, 1000 * PAGE)]
    with pytest.raises(TooMuchWork):
        LiveMachine(before, most_work=1000).go_on(events)
    machine = LiveMachine(before, most_work=10_000)
    assert machine.go_on(events) == run(before, events)

    def go_on_for_long() -> None:
        for _ in range(1000):
            machine.go_on([])

    with pytest.raises(TooMuchWork):
        go_on_for_long()


def areas(dice: Random) -> tuple[SimVma, ...]:
    """A few, in order, that do not overlap."""
    borders = sorted(dice.sample(range(40), 2 * dice.randrange(8)))
    pairs = zip(borders[::2], borders[1::2], strict=True)
    return tuple(SimVma(low * PAGE, high * PAGE, "rw-p", 0) for low, high in pairs)


def test_what_lost_its_area() -> None:
    """Page by page: what had one, and has none."""
    dice = Random(3)
    space = SimSpace(layout_for(Settings(), read_implies_exec=False), (), start_brk=0, brk=0)

    def pages(vmas: tuple[SimVma, ...]) -> set[int]:
        return {page for vma in vmas for page in range(vma.start // PAGE, vma.end // PAGE)}

    for _ in range(500):
        before, after = areas(dice), areas(dice)
        lost = kernel_memory._lost(space._replace(vmas=before), space._replace(vmas=after))
        found = [page for low, high in lost for page in range(low // PAGE, high // PAGE)]
        assert len(found) == len(set(found))
        assert set(found) == pages(before) - pages(after)
