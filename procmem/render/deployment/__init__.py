"""What runs ``procmem serve`` elsewhere: a unit for systemd, a manifest for Kubernetes, a dashboard for Grafana.

Each is a file beside this module in which words between two ``@`` are filled in.
"""

import json
from collections.abc import Sequence
from importlib import resources

__all__ = ["dashboard", "kubernetes_manifest", "systemd_unit"]


def systemd_unit(command: str, words: Sequence[str]) -> str:
    """A unit that runs the command with these words, and least rights."""
    return _filled("procmem.service", COMMAND=_unit_word(command), WORDS=" ".join(map(_unit_word, words)))


def kubernetes_manifest(words: Sequence[str], *, port: int, version: str) -> str:
    """A DaemonSet that runs it on every node; JSON's strings and lists are YAML's."""
    return _filled("daemonset.yaml", ARGS=json.dumps(list(words)), PORT=str(port), VERSION=version)


def dashboard() -> str:
    """A dashboard, to be imported."""
    return _filled("dashboard.json")


def _filled(name: str, **words: str) -> str:
    text = resources.files(__name__).joinpath(name).read_text("utf-8")
    for word, value in words.items():
        text = text.replace(f"@{word}@", value)
    return text


def _unit_word(word: str) -> str:
    """A word of a command line in a unit (systemd.service(5), systemd.syntax(7)): quoted, specifiers and all."""
    escaped = word.replace("%", "%%").replace("$", "$$")
    if escaped.isalnum() or not set(escaped) - _PLAIN:
        return escaped
    return json.dumps(escaped, ensure_ascii=False)


_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@+")
