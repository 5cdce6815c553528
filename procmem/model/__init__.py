"""The values that pass between the rooms: frozen, in bytes, and ignorant of files and terminals.

Most are named tuples, not dataclasses: both are frozen, but a slotted frozen dataclass costs a
millisecond each time the program starts, and a memory tool that starts slowly is not used.
"""
