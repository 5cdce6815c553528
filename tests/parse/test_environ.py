"""Of the environment only what the dynamic linker looks at."""

from procmem.parse.environ import linker_variables


def test_variables_of_the_linker() -> None:
    """By the beginning of their names; a process may have written anything else there."""
    data = (
        b"HOME=/root\0LD_PRELOAD=/a.so\0LD_LIBRARY_PATH=/x:/y\0GLIBC_TUNABLES=a=1\0OLD_PRELOAD=b\0LD_junk\0cut LD_A=1"
    )
    assert linker_variables(data) == (b"LD_PRELOAD=/a.so", b"LD_LIBRARY_PATH=/x:/y", b"GLIBC_TUNABLES=a=1")
    assert linker_variables(b"") == ()
