"""A file system in user space (FUSE) with one file, which stops answering when it is told to.

Source: fuse(4); include/uapi/linux/fuse.h, for the forms of requests and replies.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support import needs

__all__ = ["UserFileSystem", "user_file_system"]

_SERVER = r"""
import ctypes, os, struct, sys
folder, content = os.fsencode(sys.argv[1]), open(sys.argv[2], 'rb').read()
device = os.open('/dev/fuse', os.O_RDWR)
libc = ctypes.CDLL(None, use_errno=True)
options = b'fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other' % device
if libc.mount(b'procmem-test', folder, b'fuse', 0, options):
    sys.exit(os.strerror(ctypes.get_errno()))
print('ready', flush=True)
HEAD = struct.Struct('<IIQQIIIHH')
def attributes(node):
    size, mode = (4096, 0o40755) if node == 1 else (len(content), 0o100755)
    return struct.pack('<6Q10I', node, size, -(-size // 512), 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)
def reply(unique, error, data=b''):
    os.write(device, struct.pack('<IiQ', 16 + len(data), error, unique) + data)
while True:
    request = os.read(device, 1 << 20)
    _, verb, unique, node, *_ = HEAD.unpack_from(request)
    body = request[HEAD.size:]
    if verb == 26:  # INIT
        reply(unique, 0, struct.pack('<IIIIHHIIHHI28x', 7, 31, 65536, 0, 12, 10, 65536, 1, 0, 0, 0))
    elif verb == 1:  # LOOKUP, and nothing of it may be remembered
        if body.rstrip(b'\0') == b'program':
            reply(unique, 0, struct.pack('<QQQQII', 2, 0, 0, 0, 0, 0) + attributes(2))
        else:
            reply(unique, -2)
    elif verb == 3:  # GETATTR
        reply(unique, 0, struct.pack('<QII', 0, 0, 0) + attributes(node))
    elif verb in (14, 27):  # OPEN, OPENDIR
        reply(unique, 0, struct.pack('<QII', 1, 0, 0))
    elif verb == 15:  # READ
        _, offset, size = struct.unpack_from('<QQI', body)
        reply(unique, 0, content[offset:offset + size])
    elif verb == 28:  # READDIR
        reply(unique, 0)
    elif verb in (18, 25, 29):  # RELEASE, FLUSH, RELEASEDIR
        reply(unique, 0)
    elif verb not in (2, 36, 42):  # FORGET, INTERRUPT, BATCH_FORGET: without a reply
        reply(unique, -38)
"""
_DETACH = 2


class UserFileSystem:
    """One mounted file system; ``file`` is the only file on it."""

    def __init__(self, folder: Path, server: int) -> None:
        self.file = folder / "program"
        self._server = server

    def stop_answering(self) -> None:
        """From now on whoever asks it waits."""
        os.kill(self._server, signal.SIGSTOP)

    def end(self) -> None:
        """Let all that wait for it hear that it is gone; only then can they be killed."""
        os.kill(self._server, signal.SIGKILL)


@contextlib.contextmanager
def user_file_system(folder: Path, content: Path) -> Iterator[UserFileSystem]:
    """Mount one whose file holds what ``content`` does; at the end all that wait for it hear that it is gone."""
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        needs.lacking("there is no FUSE here")
    folder.mkdir()
    with subprocess.Popen([sys.executable, "-c", _SERVER, folder, content], stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            if not server.stdout.readline():
                needs.lacking("a file system in user space cannot be mounted here")
            yield UserFileSystem(folder, server.pid)
        finally:
            server.kill()  # which ends the connection
            server.wait()
            ctypes.CDLL(None).umount2(os.fsencode(folder), _DETACH)
