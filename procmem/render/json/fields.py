"""Fields that many documents have: addresses, and who a process is."""

from __future__ import annotations

from procmem.model.reports.inspection import ProcessFacts
from procmem.render.escaping import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["address", "facts_json", "process_json"]


def address(value: int | None) -> str | None:
    """An address as a string in hexadecimal."""
    return None if value is None else f"{value:#x}"


def process_json(pid: int | None, comm: bytes | None) -> dict[str, Any]:
    """Whom a report is about, in short."""
    return {"pid": pid, **json_text("comm", comm)}


def facts_json(process: ProcessFacts) -> dict[str, Any]:
    """Who a process is, as plain values."""
    return {
        "pid": process.pid,
        "ppid": process.ppid,
        "uid": process.uid,
        **json_text("comm", process.comm),
        "cmdline": None if process.cmdline is None else [json_text("word", word)["word"] for word in process.cmdline],
        **json_text("exe", process.exe),
        "bits": process.bits,
        "machine": process.machine,
        "kernel": process.kernel,
        "page_size": process.page_size,
        "state": process.state,
        "threads": process.threads,
        "nature": process.nature.value,
        "age_seconds": None if process.age_seconds is None else round(process.age_seconds, 2),
        "thread_of": process.thread_of,
        "read_through": process.read_through,
    }
