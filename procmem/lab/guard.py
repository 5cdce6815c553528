"""Runs one program, and ends it with all that it has started when whoever asked is gone.

It is run by itself (``python -I -S guard.py PID``) as the leader of a session: reads one JSON object with ``words``,
``cwd``, ``env`` and ``seconds`` from standard input, and answers with ``status``, ``out`` and ``err``; the status is
None where the time was over, or where it could not be started, which ``err`` then tells. A program such as ``go``
starts others, which know nothing of who asked: it is this process that hears of the end, and it ends its whole group.
"""

import json
import os
import signal
import subprocess
import sys
from types import FrameType

__all__: list[str] = []


def _end_all(number: int, frame: FrameType | None) -> None:
    del number, frame
    os.killpg(0, signal.SIGKILL)


def _run(words: list[str], cwd: str, env: dict[str, str], seconds: float) -> dict[str, object]:
    process = subprocess.Popen(
        words, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        return {"status": None, "out": "", "err": ""}
    return {"status": process.returncode, "out": out.decode("utf-8", "replace"), "err": err.decode("utf-8", "replace")}


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    from parent_death import end_with  # type: ignore[import-not-found]

    signal.signal(signal.SIGTERM, _end_all)
    end_with(int(sys.argv[1]), signal.SIGTERM)
    try:
        answer = _run(**json.loads(sys.stdin.readline()))
    except OSError as error:
        answer = {"status": None, "out": "", "err": error.strerror or str(error)}
    print(json.dumps(answer), flush=True)  # noqa: T201  # its answer
    sys.stdin.read()  # whoever asked ends us, and with us what is left of the group
