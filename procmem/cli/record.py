"""``procmem record``: write down what procmem reads of a process, to look at it elsewhere or later."""

import datetime

import click

from procmem import __version__
from procmem.cli.multi_target import for_each
from procmem.cli.targets import target_options
from procmem.model.raw import RawProcess, Refusal
from procmem.queries.record import record_one
from procmem.queries.targets import Selection, TargetRef
from procmem.sources.recording.write import Recorded, save

__all__ = ["record"]

_EPILOG = """\b
Examples:
  procmem record 1234 -o bug.tar.gz       one archive
  procmem record --name nginx -o web      a folder with all of them
  procmem inspect --from bug.tar.gz       look at it, anywhere

A recording holds addresses, file names and numbers, but no memory contents, no environment, and no
command-line arguments unless --keep-args is given. It is readable by its owner only.
"""


@click.command(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@target_options
@click.option("-o", "--output", required=True, metavar="PATH", help="A new folder, or a new file ending in .tar.gz.")
@click.option("--deep", is_flag=True, help="Also keep the few words of memory that inspect --deep reads.")
@click.option("--keep-args", is_flag=True, help="Keep the command line's arguments, which may hold secrets.")
def record(targets: Selection, output: str, *, keep_args: bool, deep: bool) -> int:
    """Write down all that procmem needs of a process; no memory contents, no environment."""

    def answer(ref: TargetRef) -> Recorded:
        with ref.open() as target:
            recorded = record_one(target, deep=deep)
        return recorded if keep_args else recorded._replace(raw=_without_arguments(recorded.raw))

    recorded, status = for_each(targets.refs(), answer)
    if recorded:
        when = datetime.datetime.now(datetime.UTC).replace(microsecond=0).isoformat()
        save(recorded, output, when=when, version=__version__)
        size = len(recorded)
        click.echo(
            f"recorded {size} process{'es' if size > 1 else ''} in {output};"
            " it holds addresses, which defeats address randomisation of processes that still run",
            err=True,
        )
    return status


def _without_arguments(raw: RawProcess) -> RawProcess:
    """Keep the first word of the command line, and how many words followed."""
    files = dict(raw.files)
    for name, content in raw.files.items():
        if name.rsplit("/", 1)[-1] == "cmdline" and not isinstance(content, Refusal):
            words = content.removesuffix(b"\0").split(b"\0") if content else []
            kept = words[:1] + [b"<redacted>"] * (len(words) - 1)
            files[name] = b"".join(word + b"\0" for word in kept)
    return raw._replace(files=files)
