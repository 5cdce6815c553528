"""``procmem translate``: from a virtual address to a physical one, simulated or real."""

import click

from procmem.cli.output import echo_json
from procmem.errors import BadInput

__all__ = ["translate"]

_EPILOG = """\b
Examples:
  procmem translate --sim --access fetch 0x08048400
  procmem translate --sim --access write 0xb7ce4000 0xb7ce4004
  procmem translate --sim --pae 0xc0000000   kernel space from user mode
  procmem translate 1234 0x7ffd1000          a real page: frame and flags
"""


@click.command(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("words", nargs=-1, metavar="[PID] ADDRESS...")
@click.option("--sim", is_flag=True, help="On the simulated 32-bit machine, after the textbook program's main.")
@click.option("--script", metavar="FILE", help="With --sim: steps to be done before (see procmem simulate).")
@click.option("--access", type=click.Choice(["read", "write", "fetch"]), default="read", help="With --sim.")
@click.option("--kernel-mode", is_flag=True, help="With --sim: the kernel makes the access.")
@click.option("--pae", is_flag=True, help="With --sim: three levels, entries of 8 bytes, NX.")
@click.option("--json", "as_json", is_flag=True, help="Schema procmem/translate/1; a list, for several addresses.")
def translate(
    words: tuple[str, ...],
    sim: bool,
    script: str | None,
    access: str,
    kernel_mode: bool,
    pae: bool,
    as_json: bool,
) -> int:
    """Say how a virtual address becomes a physical one, with each index, entry and bit, or why it does not."""
    if sim:
        return _simulated(words, script, access, kernel_mode=kernel_mode, pae=pae, as_json=as_json)
    if len(words) < 2:
        raise click.UsageError("name a process and addresses, or --sim and addresses")
    from procmem.queries.targets import Selection  # noqa: PLC0415  # not needed for --sim
    from procmem.queries.translate import real_translation  # noqa: PLC0415
    from procmem.render.pages.translate import real_json, real_page  # noqa: PLC0415

    addresses = [_address(word, 64) for word in words[1:]]
    (ref,) = Selection(words[:1], None, None, None, None, False).refs()
    with ref.open() as target:
        answers = [real_translation(target, address) for address in addresses]
    if as_json:
        echo_json([real_json(answer) for answer in answers], several=len(answers) > 1)
    else:
        click.echo("\n".join(map(real_page, answers)), nl=False)
    return 0


def _simulated(
    words: tuple[str, ...], script: str | None, access: str, *, kernel_mode: bool, pae: bool, as_json: bool
) -> int:
    from procmem.model.sim import KernelKind  # noqa: PLC0415
    from procmem.queries.translate import simulated_translations  # noqa: PLC0415
    from procmem.render.pages.translate import translation_json, translation_page  # noqa: PLC0415
    from procmem.simulate.kernel.versions import table_facts  # noqa: PLC0415

    if not words:
        raise click.UsageError("name an address of the simulated machine, such as 0x08048400")
    answers = simulated_translations(
        tuple(_address(word, 32) for word in words),
        script=None if script is None else _read(script),
        access=access,
        user_mode=not kernel_mode,
        pae=pae,
        facts=table_facts(KernelKind.NATIVE),
    )
    if as_json:
        echo_json([translation_json(answer) for answer in answers], several=len(answers) > 1)
    else:
        click.echo("\n".join(map(translation_page, answers)), nl=False)
    return 0


def _address(text: str, bits: int) -> int:
    try:
        value = int(text, 16)
    except ValueError:
        raise click.UsageError(f"{text!r}: not a hexadecimal address") from None
    if not 0 <= value < 1 << bits:
        raise BadInput(f"{text} is no address of {bits} bits")
    return value


def _read(name: str) -> str:
    from procmem.cli.simulate import read_script  # noqa: PLC0415  # only with --script

    return read_script(name)
