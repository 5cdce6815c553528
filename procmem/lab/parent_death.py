"""A process that ends with whoever started it, however that one ends.

It is imported by the programs of this folder that run by themselves, so it needs nothing of the package.
"""

import ctypes
import os
import signal

__all__ = ["end_with"]

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def end_with(parent: int, number: int = signal.SIGKILL) -> None:
    """Have the kernel send us a signal when ``parent`` ends (prctl(2)); each fork has to ask anew.

    Where it has ended already nothing would be sent any more, so that is asked behind it. The kernel means the thread
    that started us: whoever calls from a thread that ends before the rest would lose us with it.
    """
    _LIBC.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(number), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0))
    if os.getppid() != parent:
        os.kill(os.getpid(), number)
