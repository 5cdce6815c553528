"""Options that several commands share, and the command class that tells their help in the user's language."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence

import click
from click.core import ParameterSource

from procmem.cli.flags import REPORT_FLAGS, Flag
from procmem.cli.help_pages import HelpContext
from procmem.cli.option_rules import first_apart, first_lacking, rules_of
from procmem.cli.output import Output
from procmem.errors import Misuse
from procmem.render.escaping import printable_text
from procmem.text import gettext
from procmem.text.click import NO_SUCH_NUMBER
from procmem.text.errors import error_line
from procmem.text.help import first_paragraph
from procmem.text.help import options as words
from procmem.text.help.commands import EXIT_STATUS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import Any, TypeVar

    _Decorated = TypeVar("_Decorated", bound=Callable[..., Any])

__all__ = [
    "Command",
    "CommandGroup",
    "Seconds",
    "command",
    "flag_options",
    "language_option",
    "output_options",
    "terminal_options",
    "usage_error",
]

NOTHING: Mapping[str, str] = {}
_NARROWEST, _WIDEST = 40, 1000
_CHOSEN = "procmem.chosen"


class Seconds(click.FloatRange):
    """A time in seconds within a range, in which "nan" lies for click: no comparison with it holds."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number.

        Raises:
            click.BadParameter: it is none, or out of the range.
        """
        found = super().convert(value, param, ctx)
        if math.isnan(found):
            self.fail(gettext(NO_SUCH_NUMBER).format(value=value, number_type=self.name), param, ctx)
        return found


def usage_error(error: Misuse, ctx: click.Context | None = None) -> click.UsageError:
    """What makes no sense, as the option parser tells it: the usage, a sentence, its hint."""
    return click.UsageError(printable_text(error_line(error)), ctx=ctx)


def _check_options(command: click.Command, ctx: click.Context) -> None:
    """Hold what was given against the rules of the command.

    Raises:
        Misuse: options that exclude each other, or one that says nothing without another.
    """
    words = {param.name: param.opts[-1] for param in command.params if isinstance(param, click.Option) and param.name}
    secondary = {
        param.name: param.secondary_opts[-1]
        for param in command.params
        if isinstance(param, click.Option) and param.secondary_opts
    }
    given = []
    for name, word in words.items():
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            given.append(secondary[name] if name in secondary and ctx.params.get(name) is False else word)
    apart, needs = rules_of(command.name or "", set(words.values()))
    if (two := first_apart(apart, given)) is not None:
        raise Misuse("exclusive-options", first=two[0], second=two[1])
    if (lacking := first_lacking(needs, given)) is not None:
        raise Misuse("option-needs", option=lacking[0], others=" / ".join(lacking[1]))


class _OfSchema(str):
    """The help of an option, with the name of a schema filled in: in English until it is shown."""

    _sentence: str
    _schema: str

    def __new__(cls, sentence: str, schema: str) -> _OfSchema:
        made = super().__new__(cls, sentence.format(schema=schema))
        made._sentence, made._schema = sentence, schema
        return made

    def translated(self) -> str:
        """The same in the language in use."""
        return gettext(self._sentence).format(schema=self._schema)


def _translated(help_text: str | None) -> str | None:
    if isinstance(help_text, _OfSchema):
        return help_text.translated()
    return gettext(help_text) if help_text else help_text


class Command(click.Command):
    """A command whose help is in the user's language: its sentences are translated when they are asked for."""

    context_class = HelpContext

    def get_help(self, ctx: click.Context) -> str:
        """The help page; the command itself stays in English, for whoever asks next in another language."""
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        english = self.help, self.epilog, [option.help for option in options]
        self.help = gettext(self.help) if self.help else self.help
        self.epilog = gettext(self.epilog) if self.epilog else self.epilog
        for option in options:
            option.help = _translated(option.help)
        try:
            return super().get_help(ctx)
        finally:
            self.help, self.epilog, helps = english
            for option, help_text in zip(options, helps, strict=True):
                option.help = help_text

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples, and what the exit status says."""
        super().format_epilog(ctx, formatter)
        formatter.write_paragraph()
        formatter.write_text(gettext(EXIT_STATUS))

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """What follows the command's name in its usage."""
        return [gettext(piece) if piece else piece for piece in super().collect_usage_pieces(ctx)]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words, and hold the options among them against the rules."""
        rest = super().parse_args(ctx, args)
        if not ctx.resilient_parsing:
            try:
                _check_options(self, ctx)
            except Misuse as error:
                raise usage_error(error, ctx) from error
        return rest

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what makes no sense is told with its usage."""
        try:
            return super().invoke(ctx)
        except Misuse as error:
            raise usage_error(error, ctx) from error


class CommandGroup(Command, click.Group):
    """The same for a command that has commands."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands with the first sentence of their help, whole."""
        rows = []
        for name in self.list_commands(ctx):
            found = self.get_command(ctx, name)
            told = gettext(found.help or "") if found is not None else ""
            rows.append((name, first_paragraph(told)))
        with formatter.section(gettext("Commands")):
            formatter.write_dl(rows)


def command(cls: type[Command] = Command, **settings: Any) -> Callable[[Callable[..., Any]], Command]:
    """Make a command of a function; it has ``-h`` and ``--lang`` as every command has."""
    context = {"help_option_names": ["-h", "--help"], **settings.pop("context_settings", {})}

    def make(function: Callable[..., Any]) -> Command:
        made = click.command(cls=cls, context_settings=context, **settings)(function)
        made.params.append(_lang())
        return made

    return make


def language_option(function: _Decorated) -> _Decorated:
    """Add ``--lang``, which was obeyed before the command line was parsed."""
    return click.option("--lang", metavar="LANG", expose_value=False, help=words.LANG)(function)


def _lang() -> click.Option:
    return click.Option(["--lang"], metavar="LANG", expose_value=False, help=words.LANG)


def flag_options(
    flags: Sequence[Flag], schema: str = "", helps: Mapping[str, str] = NOTHING
) -> Callable[[_Decorated], _Decorated]:
    """Add options from a table of flags; two that set one argument to different values are refused.

    ``helps`` are the command's own sentences by the word of the flag.
    """

    def add(function: _Decorated) -> _Decorated:
        for flag in reversed(flags):
            told = _OfSchema(helps.get(flag.word) or words.FLAGS.get(flag.word) or words.FORMAT, schema)
            function = click.option(
                flag.word, is_flag=True, expose_value=False, help=told, callback=functools.partial(_set, flag)
            )(function)
        return function

    return add


def _set(flag: Flag, ctx: click.Context, param: click.Parameter, given: bool) -> None:
    """Set the argument of a flag that was given; one that was not leaves it as it is, or unset."""
    ctx.params.setdefault(flag.argument, False if flag.value is True else None)
    if not given:
        return
    given_words: MutableMapping[str, str] = ctx.meta.setdefault(_CHOSEN, {})
    before = given_words.setdefault(flag.argument, flag.word)
    if before != flag.word:
        raise usage_error(Misuse("exclusive-options", first=before, second=flag.word), ctx)
    del param
    ctx.params[flag.argument] = flag.value


def _columns(ctx: click.Context, param: click.Parameter, text: str | None) -> tuple[str, ...] | None:
    del ctx, param
    return None if text is None else tuple(name.strip() for name in text.split(",") if name.strip())


def terminal_options(function: _Decorated) -> _Decorated:
    """Add the options of how a page is fitted to a terminal."""
    options = (
        click.option("--width", type=click.IntRange(_NARROWEST, _WIDEST), metavar="N", help=words.WIDTH),
        click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help=words.COLOR),
        click.option("--pager/--no-pager", default=True, help=words.PAGER),
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def _with_output(function: Callable[..., Any]) -> Callable[..., Any]:
    """Hand the options of the output over as one value."""

    @functools.wraps(function)
    def run(**given: Any) -> Any:
        output = Output(**{name: given.pop(name) for name in Output._fields if name in given})
        if output.format.is_document and output.columns is not None:
            raise Misuse("columns-of-json")
        return function(output=output, **given)

    return run


def output_options(
    schema: str, *, flags: Sequence[Flag] = REPORT_FLAGS, helps: Mapping[str, str] = NOTHING
) -> Callable[[_Decorated], Callable[..., Any]]:
    """Add the options of a report: units, formats, columns, and how it is fitted to a terminal.

    The command gets ``output``. ``flags`` stand in place of the usual units and formats.
    """

    def add(function: _Decorated) -> Callable[..., Any]:
        columns = click.option("--columns", metavar="A,B,...", callback=_columns, help=words.COLUMNS)
        told = terminal_options(_with_output(function))
        return flag_options(flags, schema, helps)(columns(told))

    return add
