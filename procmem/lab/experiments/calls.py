"""Experiments with what a program may do by itself: private addresses, instructions, calls and stacks."""

from __future__ import annotations

import os
import signal
import stat
import struct

from procmem.lab.children import Child, child, forked, only_x86_64
from procmem.lab.experiment import AT, COUNT, SIZE, Experiment, usage, warmed
from procmem.lab.scratch import scratch_folder
from procmem.model.machine import LAYOUT_X86_64, architecture_of
from procmem.model.note import note
from procmem.model.reports.lab import Figure
from procmem.model.simulation import PAGE
from procmem.sources.signals import interruptible
from procmem.tracing.probe import probe_program
from procmem.tracing.tracee import Started, Tracee

__all__ = ["EXPERIMENTS"]

_RWX = 7
_CODE = AT - (32 << 20)
"""Where machine code is put."""


def _private_spaces() -> list[Figure]:
    """One address in two processes that have nothing to do with each other, then in parent and child."""
    with child() as one, child() as other:
        for subject, value in ((one, "11"), (other, "22")):
            subject.do("map", AT, PAGE)
            subject.do("poke", AT, value)
        figures = [
            Figure(note("value-read", who=note("first")), 0x11, one.do("peek", AT), ""),
            Figure(note("value-read", who=note("second")), 0x22, other.do("peek", AT), ""),
            Figure(note("pss-at", who=note("first")), PAGE, usage(one.pid, AT, AT + PAGE).pss, "bytes"),
        ]
        with forked(one) as copy:
            figures.append(Figure(note("value-read", who=note("child")), 0x11, copy.do("peek", AT), ""))
            pss = usage(one.pid, AT, AT + PAGE).pss
            figures.append(Figure(note("pss-at", who=note("forked")), PAGE // 2, pss, "bytes"))
            copy.do("poke", AT, "33")
            figures += [
                Figure(note("value-read", who=note("child-wrote")), 0x33, copy.do("peek", AT), ""),
                Figure(note("value-read", who=note("parent")), 0x11, one.do("peek", AT), ""),
                Figure(note("pss-at", who=note("parent")), PAGE, usage(one.pid, AT, AT + PAGE).pss, "bytes"),
            ]
    return figures


_INSTRUCTIONS = (
    ("hlt", "f4c3"),
    ("cli", "fac3"),
    ("in", "ecc3"),
    ("mov-cr3", "0f20d8c3"),
    ("wrmsr", "0f30c3"),
    ("lgdt", "0f0110c3"),
)
"""Each with a return behind it, should the processor allow it."""


def _privileged() -> list[Figure]:
    only_x86_64()
    with child() as subject:
        subject.do("map", _CODE, PAGE, "anon", "", _RWX)
        figures = []
        for name, code in (*_INSTRUCTIONS, ("nop", "90c3")):
            subject.do("poke", _CODE, code)
            told = subject.do("fault", "fetch", _CODE)
            allowed = name == "nop"
            expected = 0 if allowed else int(signal.SIGSEGV)
            figures.append(Figure(note("signal-of", of=note(name)), expected, told["signal"] if told else 0, "signal"))
    return figures


_ROUNDS = 100_000
_FUNCTION = "534889fbe8080000004883eb0175f55bc3c3"
"""push rbx; mov rbx, rdi; again: call f; sub rbx, 1; jnz again; pop rbx; ret; f: ret."""
_SYSTEM_CALL = "534889fbb8270000000f054883eb0175f35bc3"
"""push rbx; mov rbx, rdi; again: mov eax, 39 (getpid); syscall; sub rbx, 1; jnz again; pop rbx; ret."""


def _call_costs() -> list[Figure]:
    only_x86_64()
    with child() as subject:
        subject.do("map", _CODE, PAGE, "anon", "", _RWX)
        seconds = []
        for code in (_FUNCTION, _SYSTEM_CALL):
            subject.do("poke", _CODE, code)
            seconds.append(subject.do("time_call", _CODE, _ROUNDS) / _ROUNDS)
        function, call = seconds
        warmed(subject)
        subject.do("map", AT, SIZE)
        first = subject.do("time_write", AT, SIZE) / COUNT
        again = min(subject.do("time_write", AT, SIZE) for _round in range(5)) / COUNT
    return [
        Figure(note("function-call"), None, function, "seconds", relation="measured"),
        Figure(note("system-call"), None, call, "seconds", relation="measured"),
        Figure(note("first-touch"), None, first, "seconds", relation="measured"),
        Figure(note("touch-again"), None, again, "seconds", relation="measured"),
        Figure(note("call-ratio"), 5, round(call / function, 1), "times", relation=">="),
        Figure(note("fault-ratio"), 2, round(first / again, 1), "times", relation=">="),
    ]


_FIRST, _SECOND, _RESULT = 0x1111, 0x2222, 0x3333
_CALLER = {
    64: (b"\xbf%s\xbe%s\xe8\x02\x00\x00\x00\xeb\xfe\xb8%s\xc3", 17),
    32: (b"\x68%s\x68%s\xe8\x02\x00\x00\x00\xeb\xfe\xb8%s\xc3", 17),
}
"""mov edi, 1st; mov esi, 2nd (or push 2nd; push 1st); call f; jmp here; f: mov eax, result; ret. Where f begins."""
_RETURN_AT = 15


def _arguments() -> list[Figure]:
    only_x86_64()
    figures = []
    for bits in (64, 32):
        machine = architecture_of(os.uname().machine, bits)
        if machine.layout is LAYOUT_X86_64 or machine.runs_i386:
            figures += _call_seen(bits)
    return figures


def _call_seen(bits: int) -> list[Figure]:
    form, begin = _CALLER[bits]
    numbers = [struct.pack("<I", number) for number in (_FIRST, _SECOND, _RESULT)]
    if bits == 32:  # the last argument is pushed first
        numbers[:2] = reversed(numbers[:2])
    program = probe_program(bits, form % tuple(numbers))
    entry = struct.unpack_from("<Q" if bits == 64 else "<I", program, 24)[0]
    with scratch_folder() as folder:
        path = os.path.join(folder, "caller")
        with open(path, "wb") as file:
            file.write(program)
        os.chmod(path, stat.S_IRWXU)
        with interruptible(), Tracee(Started(os.fsencode(path), (b"caller",))) as traced:
            if not traced.alive or not traced.run_to(entry + begin):
                return []
            first, second, _ = traced.arguments()
            word = bits // 8
            top = traced.read_memory(traced.registers().sp, 3 * word)
            back, *pushed = struct.unpack("<3Q" if bits == 64 else "<3I", top)
            if bits == 32:
                first, second = pushed
            if not traced.run_to(entry + _RETURN_AT):
                return []
            result = traced.arguments()[2]
    where = note("in-registers" if bits == 64 else "on-stack")
    return [
        Figure(note("argument", number=1, where=where), _FIRST, first, ""),
        Figure(note("argument", number=2, where=where), _SECOND, second, ""),
        Figure(note("return-address", bits=bits), entry + _RETURN_AT, back, ""),
        Figure(note("result", bits=bits), _RESULT, result, ""),
    ]


_DEEP_PAGES = 256
_DEEP = "554889e54881ec00100000c60424004883ef0175ef4889ec5dc3"
"""push rbp; mov rbp, rsp; again: sub rsp, 4096; mov byte [rsp], 0; sub rdi, 1; jnz again; mov rsp, rbp; pop rbp;
ret."""
_POINTER = "4889e0c3"
"""mov rax, rsp; ret."""


def _stack_return() -> list[Figure]:
    only_x86_64()
    with child() as subject:
        subject.do("map", _CODE, PAGE, "anon", "", _RWX)
        subject.do("poke", _CODE, _POINTER)
        pointer = subject.do("call", _CODE, 0)
        subject.do("poke", _CODE, _DEEP)
        subject.do("counted_call", _CODE, 4)
        before = _stack_rss(subject, pointer)
        first, _ = subject.do("counted_call", _CODE, _DEEP_PAGES)
        after = _stack_rss(subject, pointer)
        again, _ = subject.do("counted_call", _CODE, _DEEP_PAGES)
    few = 16  # what the interpreter had touched below already
    return [
        Figure(note("faults-deep"), _DEEP_PAGES, first, "faults", slack=few),
        Figure(note("stack-after"), _DEEP_PAGES * PAGE, after - before, "bytes", slack=few * PAGE),
        Figure(note("faults-deep-again"), 0, again, "faults", slack=2),
    ]


def _stack_rss(subject: Child, pointer: int) -> int:
    """RSS of the mapping that holds the stack pointer: the one that begins below it, at most eight MiB."""
    return usage(subject.pid, pointer - (16 << 20), pointer).rss


EXPERIMENTS = (
    Experiment("private-spaces", "M1", _private_spaces),
    Experiment("privileged", "M11", _privileged),
    Experiment("call-costs", "M11", _call_costs),
    Experiment("arguments", "M16", _arguments),
    Experiment("stack-return", "M16", _stack_return),
)
"""In the order of the theory's rows."""
