"""``procmem serve``: the memory of groups of processes for Prometheus and its like."""

from __future__ import annotations

import gc
import signal
import sys

import click

from procmem import __version__
from procmem.cli.error_handling import complain, say
from procmem.cli.lazy_completion import completed_by, completed_from
from procmem.cli.options import Seconds, command
from procmem.cli.output import echo
from procmem.errors import ExitStatus, Misuse
from procmem.model.kinds import KINDS
from procmem.queries.metrics import GROUPED_BY, Metrics, MetricsOptions
from procmem.queries.save import may_save_text, save_text
from procmem.queries.serve import ServeOptions, address_of, metrics_server
from procmem.queries.signals import end_asked
from procmem.render.deployment import dashboard, kubernetes_manifest, systemd_unit
from procmem.render.openmetrics import Exposition, label_text, need_client, plain_exposition
from procmem.text.help import serve as words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["serve"]

_LISTEN = "127.0.0.1:9917"
_EVERYWHERE = "0.0.0.0"  # noqa: S104  # within a pod, whose address nobody knows beforehand
_OTHERS_MAY_READ = 0o644
_ENDED = {signal.SIGINT: ExitStatus.INTERRUPTED}


@command(help=words.HELP, epilog=words.EPILOG)
@click.option("--listen", default=_LISTEN, metavar="ADDRESS:PORT", help=words.LISTEN)
@click.option("--host-name", "names", multiple=True, metavar="NAME", help=words.HOST_NAME)
@click.option("--name", metavar="NAME", shell_complete=completed_by("complete_name"), help=words.NAME)
@click.option("--user", metavar="USER", shell_complete=completed_by("complete_user"), help=words.USER)
@click.option("--cgroup", metavar="TEXT", help=words.CGROUP)
@click.option("--by", type=click.Choice(GROUPED_BY), multiple=True, default=("name",), help=words.BY)
@click.option("--top", type=click.IntRange(min=1), metavar="N", help=words.TOP)
@click.option("--max-series", "series", type=click.IntRange(100, 1_000_000), default=20_000, help=words.SERIES)
@click.option(
    "--kind", "kinds", multiple=True, metavar="KIND", shell_complete=completed_from(lambda: KINDS), help=words.KIND
)
@click.option("--interval", type=Seconds(0.1, 86_400), default=10.0, metavar="SECONDS", help=words.INTERVAL)
@click.option("--detail-every", type=Seconds(1, 86_400), default=300.0, metavar="SECONDS", help=words.DETAIL_EVERY)
@click.option("--no-detail", is_flag=True, help=words.NO_DETAIL)
@click.option("--textfile", metavar="FILE", shell_complete=completed_by("complete_file"), help=words.TEXTFILE)
@click.option("--count", type=click.IntRange(min=1), metavar="N", help=words.COUNT)
@click.option("--print-unit", is_flag=True, help=words.UNIT)
@click.option("--print-manifest", is_flag=True, help=words.MANIFEST)
@click.option("--print-dashboard", is_flag=True, help=words.DASHBOARD)
def serve(
    listen: str, *, names: tuple[str, ...], detail_every: float, no_detail: bool, textfile: str | None,
    count: int | None, print_unit: bool, print_manifest: bool, print_dashboard: bool, **chosen: Any,
) -> int:  # fmt: skip
    """Look when asked, and answer."""
    address = address_of(listen)
    options = MetricsOptions(detail_every=None if no_detail else detail_every, **chosen)
    for kind in options.kinds:
        if kind not in KINDS:
            raise Misuse("no-kind", name=kind)
    if print_unit or print_manifest or print_dashboard:
        echo(_printed(address, unit=print_unit, manifest=print_manifest))
        return ExitStatus.DONE
    need_client()
    if textfile is not None:
        may_save_text(textfile)
    gc.enable()  # unlike most commands, this one may run for days
    metrics = Metrics(options, label_text)
    if textfile is not None:
        return _write_again_and_again(metrics, textfile, options.interval, count)
    server = metrics_server(
        ServeOptions(address, names),
        metrics,
        options.interval,
        Exposition().write,
        complain=complain,
        refusal=words.told("refusal"),
    )
    with end_asked() as asked:
        say(words.told("listening", address=f"{_written(address[0])}:{server.port}"))
        server.run(asked.fd)
        server.close()
    return _ENDED.get(signal.Signals(asked.number or signal.SIGTERM), ExitStatus.DONE)


def _write_again_and_again(metrics: Metrics, path: str, interval: float, count: int | None) -> int:
    """Write looks to a file until somebody asks to end, or there were so many."""
    looks = 0
    with end_asked() as asked:
        while True:
            report = metrics.look()
            if metrics.look_at_mappings(seconds=interval if looks or count != 1 else float("inf")):
                report = metrics.look()
            save_text(path, plain_exposition(report), mode=_OTHERS_MAY_READ)
            looks += 1
            if looks == count or asked.wait(interval):
                return _ENDED.get(signal.Signals(asked.number or signal.SIGTERM), ExitStatus.DONE)


def _printed(address: tuple[str, int], *, unit: bool, manifest: bool) -> str:
    """What runs this command elsewhere, with the options that were given here."""
    given = click.get_current_context()
    if unit:
        return systemd_unit(_own_path(), ["serve", *_options_given(given)])
    if manifest:
        listen = ("--listen", f"{_EVERYWHERE}:{address[1]}")
        others = _options_given(given, without="listen")
        return kubernetes_manifest(["serve", *listen, *others], port=address[1], version=__version__)
    return dashboard()


def _options_given(ctx: click.Context, *, without: str = "") -> list[str]:
    """The options on the command line besides those that only print something."""
    found = []
    for param in ctx.command.params:
        name = param.name or ""
        is_given = ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if not is_given or name == without or name.startswith("print_"):
            continue
        value = ctx.params[name]
        for one in value if isinstance(value, tuple) else (value,):
            found += [param.opts[-1] if param.opts[-1].startswith("--") else param.opts[0]]
            found += [] if value is True else [str(one)]
    return found


def _own_path() -> str:
    return sys.argv[0] if sys.argv[0].startswith("/") else "/usr/bin/procmem"


def _written(address: str) -> str:
    return f"[{address}]" if ":" in address else address
