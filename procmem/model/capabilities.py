"""Numbers of the capabilities that looking at processes takes (capabilities(7); include/uapi/linux/capability.h)."""

__all__ = ["CAP_CHECKPOINT_RESTORE", "CAP_PERFMON", "CAP_SYS_ADMIN", "CAP_SYS_PTRACE", "holds"]

CAP_SYS_PTRACE = 19
CAP_SYS_ADMIN = 21
CAP_PERFMON = 38
CAP_CHECKPOINT_RESTORE = 40


def holds(capabilities: int, number: int) -> bool:
    """Whether a set of capabilities, a bit for each, has one."""
    return bool(capabilities >> number & 1)
