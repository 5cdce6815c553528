"""Which options exclude each other, and which say nothing without another: one table a command.

An option that would be passed over in silence is a wrong use. A module of a command holds none of this: the tables are
read by the command class, and by the plainest command lines, which leave what is wrong to click.
"""

from __future__ import annotations

from procmem.render.formats import FORMATS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = ["first_apart", "first_lacking", "rules_of"]

_FORMATS = tuple(form.option for form in FORMATS)
_OF_REGIONS = ("--class", "--kind", "--owner", "--path", "--perms", "--min-size")

_Apart = tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
"""Each of the first words excludes each of the second."""
_Needs = tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
"""Each of the first words needs one of the second."""

_OF_ALL: _Apart = (
    (("--human",), ("--json", "--csv")),  # which count in bytes
    (("--width", "--wide"), _FORMATS),  # which are as wide as they are
)
_OF_TARGETS: _Apart = (
    (("--from",), ("--procfs", "--children")),
    (("--procfs",), ("--name", "--user", "--children")),  # which look at this machine's own /proc
)
_APART: dict[str, _Apart] = {
    "inspect": (
        (
            ("--picture",),
            (*_FORMATS, *_OF_REGIONS, "--regions", "--sort", "--columns", "--bytes", "--human"),
        ),
        (
            ("--svg", "--format"),
            (*_FORMATS, *_OF_REGIONS, "--regions", "--classic", "--picture", "--sort", "--since", "--at", "--columns",
             "--bytes", "--human", "--width", "--wide"),
        ),
        (("--svg",), ("--format",)),
    ),
    "explain": (
        (
            ("--glossary",),
            (*_OF_REGIONS, "--flat", "--descending", "--why", "--brief", "--address", "--findings", "--deep",
             "--procfs", "--from", "--name", "--user", "--children", "--bytes", "--human"),
        ),
        (
            ("--findings",),
            ("--flat", "--descending", "--why", "--brief", *_OF_REGIONS, "--address", "--bytes", "--human"),
        ),
        (("--address",), ("--flat", "--descending", *_OF_REGIONS)),
        (("--why",), ("--brief",)),
        (("--flat", "--descending", "--why", "--brief"), _FORMATS),
        (_OF_REGIONS, ("--json",)),
    ),
    "system": (
        (("--classes",), ("--by", "--sort", "--top", "--reverse", "--quick", "--min-size", "--mappings")),
        (("--mappings",), ("--by", "--quick")),
        (("--from",), ("--procfs",)),
        (("--watch",), ("--from", "--markdown")),
    ),
    "growth": (
        (("--from",), ("--seconds", "--until", "--name", "--user")),
        (
            ("--format",),
            (*_FORMATS, "--by", "--top", "--columns", "--bytes", "--human", "--width", "--wide", "--output"),
        ),
    ),
    "account": ((("--tools",), (*_FORMATS, "--columns")),),
    "swap": ((("--top",), ("--json",)),),
    "record": ((("--every",), ("--from", "--procfs")),),
    "watch": ((("--reset-peak", "--keep"), ("--from",)), (("--keep",), ("--procfs",))),
    "serve": (
        (("--textfile",), ("--listen", "--host-name", "--print-manifest")),
        (("--no-detail",), ("--detail-every", "--kind")),
        (("--print-unit",), ("--print-manifest", "--print-dashboard")),
        (("--print-manifest",), ("--print-dashboard",)),
    ),
    "add": (
        (("--all",), ("--from", "--name", "--user", "--children")),
        (("--from",), ("--name", "--user")),
        (("--host",), ("--host-by-folder",)),
    ),
    "query": ((("--show-sql",), (*_FORMATS, "--columns", "--rows")),),
    "lab": ((("--restore",), ("--all", "--report")),),
    "translate": ((("--pae",), ("--levels",)),),
    "simulate": (
        (("--picture",), ("--no-picture", *_FORMATS)),
        (("--no-picture",), ("--scale", *_FORMATS)),
        (("--scale",), _FORMATS),
        (("--as",), ("--picture", "--no-picture", "--scale", "--kernel-map")),
    ),
    "run": ((("--repeat",), ("--stage",)),),
}  # fmt: skip
_NEEDS: dict[str, _Needs] = {
    "report": (
        (
            (
                "--stage",
                "--script",
                "--kernel",
                "--limit-3gb",
                "--no-limit-3gb",
                "--aslr",
                "--no-aslr",
                "--legacy",
                "--stack-limit",
                "--execstack",
                "--env",
            ),
            ("--simulate",),
        ),
    ),
    "growth": ((("--value",), ("--format",)),),
    "inspect": ((("--scale",), ("--svg",)), (("--value",), ("--format",))),
    "simulate": ((("--ram", "--pae"), ("--kernel-map",)),),
    "system": ((("--class",), ("--mappings",)), (("--count",), ("--watch",))),
    "serve": ((("--count",), ("--textfile",)),),
    "query": ((("--show-sql",), ("--named",)),),
    "record": ((("--for", "--when", "--max-size"), ("--every",)),),
    "translate": (
        (("--script", "--access", "--kernel-mode", "--pae", "--levels", "--thp"), ("--sim",)),
        (("--thp",), ("--levels", "--pae")),
    ),
}


def rules_of(command: str, options: Collection[str]) -> tuple[_Apart, _Needs]:
    """The rules of a command, which has these options."""
    of_targets = _OF_TARGETS if "--children" in options else ()
    return (*_OF_ALL, *of_targets, *_APART.get(command, ())), _NEEDS.get(command, ())


def first_apart(apart: _Apart, given: Collection[str]) -> tuple[str, str] | None:
    """The first two options among those given that exclude each other."""
    for firsts, seconds in apart:
        for first in _of(firsts, given):
            for second in _of(seconds, given):
                return first, second
    return None


def first_lacking(needs: _Needs, given: Collection[str]) -> tuple[str, tuple[str, ...]] | None:
    """The first option among those given that says nothing without one of others."""
    for firsts, others in needs:
        for first in _of(firsts, given):
            if not any(_of(others, given)):
                return first, others
    return None


def _of(words: Iterable[str], given: Collection[str]) -> list[str]:
    return [word for word in words if word in given]
