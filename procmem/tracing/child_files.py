"""The files of ``/proc`` of a child that we started: traced or not, they are read alike."""

__all__ = ["ChildFiles"]


class ChildFiles:
    """A child by its pid, which is 0 before it is started."""

    def __init__(self) -> None:
        self.pid = 0

    def proc_file(self, name: str) -> bytes:
        """Read a file of ``/proc/PID`` whole.

        Raises:
            OSError: the child is gone, or the file may not be read.
        """
        with open(f"/proc/{self.pid}/{name}", "rb") as file:
            return file.read()
