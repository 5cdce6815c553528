"""``procmem translate``: from a virtual address to a physical one, simulated or real."""

import click

from procmem.cli.flags import UNITLESS_FLAGS
from procmem.cli.options import command, output_options
from procmem.cli.output import Output
from procmem.errors import Misuse
from procmem.queries.options import address_of
from procmem.text.help import translate as words_of_help

__all__ = ["translate"]


@command(help=words_of_help.HELP, epilog=words_of_help.EPILOG)
@click.argument("words", nargs=-1, metavar="[PID] ADDRESS...")
@click.option("--sim", is_flag=True, help=words_of_help.SIM)
@click.option("--script", metavar="FILE", help=words_of_help.SCRIPT)
@click.option("--access", type=click.Choice(["read", "write", "fetch"]), default="read", help=words_of_help.ACCESS)
@click.option("--kernel-mode", is_flag=True, help=words_of_help.KERNEL_MODE)
@click.option("--pae", is_flag=True, help=words_of_help.PAE)
@click.option("--levels", type=click.IntRange(2, 5), help=words_of_help.LEVELS)
@click.option("--thp", is_flag=True, help=words_of_help.THP)
@output_options("procmem/translate/1", flags=UNITLESS_FLAGS, helps=words_of_help.FLAGS)
def translate(
    words: tuple[str, ...],
    output: Output,
    *,
    sim: bool,
    script: str | None,
    access: str,
    kernel_mode: bool,
    pae: bool,
    levels: int | None,
    thp: bool,
) -> int:
    """Read or simulate, and show."""
    from procmem.render.pages.translate import real_page, translation_page  # noqa: PLC0415  # not needed for --help

    if sim:
        from procmem.queries.translate import simulated_accesses  # noqa: PLC0415

        if not words:
            raise Misuse("name-an-address")
        levels = levels or (3 if pae else 2)
        addresses = tuple(address_of(word, 64 if levels > 3 else 32) for word in words)
        simulated = simulated_accesses(
            addresses, script=script, access=access, user_mode=not kernel_mode, levels=levels, thp=thp
        )
        output.show([translation_page(answer) for answer in simulated], several=len(simulated) > 1)
        return 0
    if len(words) < 2:
        raise Misuse("name-process-and-addresses")
    from procmem.queries.targets import one_target  # noqa: PLC0415
    from procmem.queries.translate import real_translation  # noqa: PLC0415

    wanted = [address_of(word, 64) for word in words[1:]]
    with one_target(words[0]).open() as target:
        real = [real_translation(target, address) for address in wanted]
    output.show([real_page(answer) for answer in real], several=len(real) > 1)
    return 0
