"""The screens of ``procmem browse``: widgets, a list of processes, one process, help.

Here belongs what is shown where, and which key does what; what is looked at is asked of ``queries.browse``, and pages
are those of ``render``. Only this package knows textual, which is an extra.
"""
