"""Inode numbers of the namespaces that the machine began with (include/linux/proc_ns.h); others count elsewhere."""

__all__ = ["FIRST_PID_NAMESPACE", "FIRST_USER_NAMESPACE"]

FIRST_PID_NAMESPACE = 0xEFFFFFFC
"""PROC_PID_INIT_INO."""
FIRST_USER_NAMESPACE = 0xEFFFFFFD
"""PROC_USER_INIT_INO."""
