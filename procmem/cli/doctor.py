"""``procmem doctor``: what this machine and this user allow."""

from procmem.cli.flags import UNITLESS_FLAGS
from procmem.cli.options import command, output_options
from procmem.cli.output import Output
from procmem.queries.doctor import doctor as look
from procmem.render.pages.doctor import doctor_page
from procmem.text.help import doctor as words

__all__ = ["doctor"]


@command(help=words.HELP, epilog=words.EPILOG)
@output_options("procmem/doctor/1", flags=UNITLESS_FLAGS, helps=words.FLAGS)
def doctor(output: Output) -> None:
    """Look, and show."""
    output.show([doctor_page(look())])
