"""What ``procmem inspect`` makes for other programs than a terminal: the picture as SVG, the regions as a profile."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import click

from procmem.cli.error_handling import tell_notes, writing_output
from procmem.cli.multi_target import for_each
from procmem.cli.output import echo
from procmem.cli.targets import one_of
from procmem.errors import AccessRefused, ExitStatus
from procmem.queries.inspect import InspectOptions, inspect
from procmem.queries.profile import MEASURES, profile_of
from procmem.queries.save import may_save_text, save_text
from procmem.queries.streams import binary_output
from procmem.render.escaping import printable_text
from procmem.render.profiles import PROFILES, write_profile
from procmem.render.profiles.frames import memory_stacks
from procmem.render.svg import standalone_svg
from procmem.text.help.inspect import picture_written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.reports.profile import MemoryProfile
    from procmem.queries.targets import Selection, TargetRef
    from procmem.render.stacks import StackProfile

__all__ = ["MEASURES", "export_profile", "export_svg", "profile_output"]

_STANDARD_OUTPUT = "-"


def export_svg(targets: Selection, path: str, scale: str, *, deep: bool) -> int:
    """Draw one process into a file, or to standard output; the exit status."""
    if path != _STANDARD_OUTPUT:
        may_save_text(path)
    ref = one_of(targets, "--svg")
    with ref.open() as target:
        report = inspect(target, InspectOptions(picture=True, deep=deep))
    report.need_regions()
    if not report.tiles:
        raise AccessRefused(report.process.pid, "nothing-to-draw")
    tell_notes(ref.name, report.warnings)
    text = standalone_svg(report, scale)
    if path == _STANDARD_OUTPUT:
        echo(text)
        return ExitStatus.DONE
    save_text(path, text)
    with contextlib.suppress(OSError):  # it is written; that nobody can be told so is no failure
        click.echo(printable_text(picture_written(path)), err=True)
    return ExitStatus.DONE


def export_profile(targets: Selection, form: str, measure: str, *, deep: bool) -> int:
    """Sum the regions of all targets, and write them to standard output; the exit status."""

    def answer(ref: TargetRef) -> MemoryProfile:
        with ref.open() as target:
            report = inspect(target, InspectOptions(regions=True, deep=deep))
        profile = profile_of(report, measure)
        tell_notes(ref.name, report.warnings)
        return profile

    with profile_output(form) as write:
        profiles, status = for_each(targets.refs(), answer)
        if profiles:
            write(memory_stacks(profiles), measure)
    return status


@contextlib.contextmanager
def profile_output(form: str) -> Iterator[Callable[[StackProfile, str], None]]:
    """What writes a profile to standard output; what is no text is refused by a terminal before any work is done."""
    stream = None if PROFILES[form].is_text else binary_output()

    def write(stacks: StackProfile, measure: str) -> None:
        data = write_profile(form, stacks, measure)
        if stream is None:
            echo(data.decode("utf-8"))
        else:
            with writing_output(), stream:
                stream.write(data)

    yield write
