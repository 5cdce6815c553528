"""``procmem simulate``: what the map of a 32-bit program will be, from its files alone."""

import os
import shutil
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from procmem.cli.output import echo_json, messages_locale, size_format, unicode_output
from procmem.cli.sizes import limit_of
from procmem.errors import BadInput
from procmem.model.sim import KernelFacts, KernelKind, Prediction, Settings, Stage
from procmem.model.sim_files import ProgramFiles

__all__ = ["layout_options", "read_script", "settings_from", "simulate"]

_Command = TypeVar("_Command", bound=Callable[..., Any])
_EPILOG = """\b
Examples:
  procmem simulate                          the program of the textbook
  procmem simulate ./prog arg               a real 32-bit file, at main
  procmem simulate --stage exec --aslr ./prog
  procmem simulate ./prog --as explain      the coming map in plain words, as of a real process
  procmem simulate --kernel native --kernel-map classic
  printf 'malloc a 100K\\nthread\\nfree a\\n' | procmem simulate --script -
  printf 'mmap a 24M\\ntouch a 0 24M\\nfork\\n' | procmem simulate --memory --ram 16M --script -

\b
Steps of a script, one a line:
  malloc NAME SIZE | free NAME | mmap NAME SIZE [RIGHTS] [FILE]
  munmap NAME [OFFSET SIZE] | mprotect NAME RIGHTS [OFFSET SIZE] | touch NAME [OFFSET]
  brk SIZE | recurse SIZE | thread [SIZE] [guard=SIZE] [malloc=SIZE] | fork

\b
With --memory also (offset and size may be left out: all of it):
  touch NAME OFFSET SIZE | read NAME [OFFSET SIZE] | scatter NAME COUNT [SEED]
  share NAME SIZE [FILE] | cache FILE SIZE | populate, dontneed, lazyfree, pageout NAME
  settle (swap is written) | swapoff | as PID (be the child) | exit

\b
Marks before an address: none exact; ~ drawn at each run; ? size and order certain, address not.
"""


def layout_options(command: _Command) -> _Command:
    """Options that decide a layout, shared by simulate and crosscheck."""
    options = (
        click.option("--kernel", type=click.Choice(["native", "compat"]), default="compat", help="i386, or x86-64."),
        click.option("--limit-3gb/--no-limit-3gb", default=True, help="User space of 3 GiB (setarch -3). Default: on."),
        click.option("--aslr/--no-aslr", default=False, help="With address-space randomisation. Default: off."),
        click.option("--legacy", is_flag=True, help="Bottom-up mapping area (setarch -L)."),
        click.option("--stack-limit", default="8M", metavar="SIZE", help="Soft limit: 64K, 8M, unlimited."),
        click.option("-X", "--execstack", is_flag=True, help="READ_IMPLIES_EXEC (setarch -X)."),
        click.option("--env", multiple=True, metavar="NAME=VALUE", help="A variable (repeatable); no other is set."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def settings_from(words: tuple[str, ...], given: dict[str, Any], facts: KernelFacts, randomize: int) -> Settings:
    """Make settings of the shared options; ``words`` are the program's path and its arguments."""
    for text in given["env"]:
        if "=" not in text:
            raise click.UsageError(f"--env {text!r}: not NAME=VALUE")
    path = os.fsencode(words[0]) if words else b"/usr/bin/textbook"
    return Settings(
        kernel=KernelKind(given["kernel"]),
        limit_3gb=given["limit_3gb"],
        randomize=randomize if given["aslr"] else 0,
        legacy=given["legacy"],
        read_implies_exec=given["execstack"],
        stack_limit=limit_of(given["stack_limit"], "--stack-limit"),
        exec_path=path,
        argv=tuple(os.fsencode(word) for word in words) or (b"textbook",),
        env=tuple(os.fsencode(text) for text in given["env"]),
        facts=facts,
    )


@click.command(
    epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"], "allow_interspersed_args": False}
)
@click.argument("words", nargs=-1, metavar="[ELF [ARG...]]", type=click.UNPROCESSED)
@layout_options
@click.option("--stage", type=click.Choice(["exec", "entry", "main"]), default="main", help="When. Default: main.")
@click.option("--threads", type=click.IntRange(0, 10_000), default=0, help="Start so many threads in main.")
@click.option("--script", metavar="FILE", help="Steps that main does, the map after each; - for standard input.")
@click.option("--kernel-map", type=click.Choice(["classic", "6.1"]), help="Also the kernel's gigabyte (native i386).")
@click.option("--ram", default="2G", metavar="SIZE", help="Physical memory, for --kernel-map and --memory.")
@click.option("--pae", is_flag=True, help="A PAE kernel, for --kernel-map and --memory.")
@click.option("--memory", is_flag=True, help="Frames, faults, swap: what each step of a script costs, not its map.")
@click.option("--swap", default="1G", metavar="SIZE", help="Swap area, for --memory.")
@click.option("--swappiness", type=click.IntRange(0, 200), default=60, help="vm.swappiness, for --memory.")
@click.option("--page-cluster", type=click.IntRange(0, 8), default=3, help="vm.page-cluster, for --memory.")
@click.option("--group", is_flag=True, help="The RAM is a memory cgroup's limit, for --memory.")
@click.option("--thp", is_flag=True, help="Transparent huge pages always, for --memory.")
@click.option("--trace", is_flag=True, help="Every decision of --memory.")
@click.option(
    "--scale", type=click.Choice(["plain", "log", "linear"]), default="plain", help="How the picture is drawn."
)
@click.option(
    "--as",
    "shown_as",
    type=click.Choice(["map", "inspect", "explain"]),
    default="map",
    help="Show it as these commands show a real process. Default: map, each line with its rule.",
)
@click.option("--picture", is_flag=True, help="Only the picture of the address space.")
@click.option("--no-picture", is_flag=True, help="Only the lines.")
@click.option("--json", "as_json", is_flag=True, help="Schema procmem/simulate/1.")
def simulate(words: tuple[str, ...], as_json: bool, **given: Any) -> int:
    """Predict the memory map of a 32-bit x86 program from its files, before it runs.

    Without ELF the program is the one of the textbook. What is printed as exact is meant to the byte; see
    procmem crosscheck.
    """
    from procmem.queries.crosscheck_program import kernel_facts, machine_randomize, really  # noqa: PLC0415  # not needed for --help
    from procmem.render.pages.simulate import simulate_json  # noqa: PLC0415

    facts, _runs_32 = kernel_facts(KernelKind(given["kernel"]))
    settings = settings_from(words, given, facts, machine_randomize() if given["aslr"] else 0)
    files = _files(words, settings)
    settings = really(settings, files)
    stage = Stage(given["stage"])
    script = _script(given, has_program=bool(words), stage=stage)
    areas = _areas(given)
    if given["memory"]:
        if script is None:
            raise click.UsageError("--memory counts what a script does: give one by --script")
        from procmem.cli.simulate_memory import play_memory  # noqa: PLC0415

        return play_memory(files, settings, script, given, as_json=as_json)
    if script is None:
        from procmem.simulate.programs.predict import predict  # noqa: PLC0415

        predictions = [("", predict(files, settings, stage))]
    else:
        predictions = _played(files, settings, script, every=given["script"] is not None)
    if given["shown_as"] != "map":
        _show_as(given["shown_as"], predictions[-1][1], files, as_json=as_json)
    elif as_json:
        echo_json([simulate_json(prediction, areas) for _text, prediction in predictions], several=len(predictions) > 1)
    else:
        _print_pages(predictions, areas, given)
    return 0


def _show_as(command: str, prediction: Prediction, files: ProgramFiles, *, as_json: bool) -> None:
    """The simulated process by the page of another command."""
    from procmem.queries.explain_simulated import explain_simulated  # noqa: PLC0415
    from procmem.render.formats import TEXT, write  # noqa: PLC0415
    from procmem.render.json.inspect import inspect_json  # noqa: PLC0415
    from procmem.render.pages.explain import ExplainStyle, explain_json, explain_page  # noqa: PLC0415
    from procmem.render.pages.inspect import inspect_page  # noqa: PLC0415
    from procmem.render.style import Style  # noqa: PLC0415
    from procmem.text import language_of_locale  # noqa: PLC0415
    from procmem.text.phrasebook import phrasebook  # noqa: PLC0415

    words = phrasebook(language_of_locale(messages_locale()))
    told = explain_simulated(prediction, files, words)
    if as_json:
        document = (
            explain_json(told)
            if command == "explain"
            else inspect_json(told.inspection, range(len(told.inspection.regions or ())))
        )
        echo_json([document], several=False)
    elif command == "explain":
        columns = shutil.get_terminal_size((80, 24)).columns
        click.echo(explain_page(told, words, ExplainStyle(columns)), nl=False)
    else:
        page = inspect_page(told.inspection, size_format(None)[1], listed=None)
        click.echo(write(TEXT, [page], Style(unicode=unicode_output())), nl=False)


def _files(words: tuple[str, ...], settings: Settings) -> ProgramFiles:
    if not words:
        from procmem.simulate.programs import textbook  # noqa: PLC0415

        return textbook.files()
    from procmem.queries.predict_program import program_files  # noqa: PLC0415

    return program_files(settings.exec_path, settings.env)


def _script(given: dict[str, Any], *, has_program: bool, stage: Stage) -> str | None:
    """What main shall do: the user's script, threads, or the textbook's own steps."""
    if given["script"] is not None or given["threads"]:
        if stage is not Stage.MAIN:
            raise click.UsageError("--script and --threads begin at main: leave --stage away")
        text = read_script(given["script"]) if given["script"] is not None else ""
        return "thread\n" * int(given["threads"]) + text
    if has_program or stage is not Stage.MAIN:
        return None
    from procmem.simulate.programs.textbook import BODY  # noqa: PLC0415

    return BODY


def read_script(name: str) -> str:
    """The text of a script; ``-`` is standard input.

    Raises:
        BadInput: no such file, or no text.
    """
    if name == "-":
        return sys.stdin.read()
    try:
        with open(name, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{name}: {error}") from error


def _areas(given: dict[str, Any]) -> tuple[Any, ...]:
    if given["kernel_map"] is None:
        return ()
    from procmem.simulate.arch.i386_kernel_half import Preset, kernel_half  # noqa: PLC0415

    ram = limit_of(given["ram"], "--ram")
    return kernel_half(Preset(given["kernel_map"]), ram=1 << 36 if ram is None else ram, pae=given["pae"])


def _played(files: ProgramFiles, settings: Settings, text: str, *, every: bool) -> list[tuple[str, Prediction]]:
    """The map at main and after each step, or only after the last."""
    from procmem.simulate.kernel.events import ExecFailed  # noqa: PLC0415
    from procmem.simulate.programs.predict import after, predict, start  # noqa: PLC0415
    from procmem.simulate.script.run import parse_script, run_script  # noqa: PLC0415

    at_main = predict(files, settings, Stage.MAIN)
    shown = [("", at_main)]
    try:
        running = start(files, settings, Stage.MAIN)
    except ExecFailed:
        return shown
    for moment in run_script(running, parse_script(text), cpus=settings.facts.cpus):
        told = f"{moment.step.text} {moment.outcome}".rstrip()
        shown.append((told, after(at_main, running, moment.space)))
    return shown if every else shown[-1:]


def _print_pages(predictions: list[tuple[str, Prediction]], areas: tuple[Any, ...], given: dict[str, Any]) -> None:
    from procmem.render.escaping import printable_text  # noqa: PLC0415
    from procmem.render.pages.simulate import simulate_page  # noqa: PLC0415
    from procmem.render.simulated_drawing import bands, picture  # noqa: PLC0415

    for number, (text, prediction) in enumerate(predictions):
        if text and len(predictions) > 1:
            click.echo(f"== {printable_text(text)}")
        drawn = ""
        last = number == len(predictions) - 1
        if prediction.space is not None and not given["no_picture"] and last:
            shown = bands(prediction.space, prediction.vmas, prediction.program)
            drawn = picture(shown, areas, scale=given["scale"], unicode=unicode_output())
        if given["picture"] and drawn:
            click.echo(drawn, nl=False)
            continue
        origin = prediction.settings.facts.origin
        click.echo(simulate_page(prediction, facts_origin=origin, picture=drawn), nl=False)
