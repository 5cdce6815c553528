"""Bring the catalogues in line with the sentences: new ones come in empty, gone ones go; then translate what is empty.

    python -m tests.make_catalogues

Extraction and the file format are Babel's. Entries stand in the order of modules and carry no line numbers and no
date, so that two changes in different modules do not meet.
"""

import io
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from procmem.text.catalogues.build import compile_catalogues

__all__ = ["extracted", "read_catalogue", "write_catalogue"]

KEYWORDS = {"N_": None, "_": None, "gettext": None, "plural": (1, 2), "ngettext": (1, 2)}
CATALOGUES = Path(__file__).resolve().parent.parent / "procmem" / "text" / "catalogues"
_HEADER = """\
# Sentences of procmem in another language. Terms of the field (VIRT, RES, PSS, VMA, ...) stay as they are;
# words in {braces} are figures and names of the process at hand, and must be kept.
"""


def extracted() -> Catalog:
    """All sentences of ``procmem.text``, in the order of modules."""
    found = Catalog(charset="utf-8", header_comment=_HEADER)
    for name, _, message, comments, context in extract_from_dir(
        CATALOGUES.parent, method_map=[("**.py", "python")], keywords=KEYWORDS, directory_filter=lambda _: True
    ):
        # auto_comments would repeat the neighbourhood of a sentence, which the module shows better
        del comments
        found.add(message, locations=[(f"procmem/text/{name}", 0)], context=context)
    return found


def read_catalogue(path: Path) -> Catalog:
    """A catalogue as it is committed."""
    with path.open("rb") as text:
        return read_po(text)


def write_catalogue(path: Path, catalogue: Catalog) -> None:
    """Write a catalogue; the header names the language and its plural forms, and nothing that changes by itself."""
    text = io.BytesIO()
    write_po(text, catalogue, width=120, include_lineno=False, ignore_obsolete=True, omit_header=True)
    head = (
        f'{_HEADER}msgid ""\nmsgstr ""\n"Language: {catalogue.locale}\\n"\n'
        f'"Plural-Forms: {catalogue.plural_forms}\\n"\n'
        '"MIME-Version: 1.0\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n"Content-Transfer-Encoding: 8bit\\n"\n\n'
    )
    path.write_text(head + text.getvalue().decode("utf-8").strip("\n") + "\n", "utf-8")


def _forms(said: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    """A translation in all its forms of number."""
    return (said or "",) if said is None or isinstance(said, str) else tuple(said)


def main() -> None:
    """Update every catalogue, and say how many sentences wait for translation."""
    template = extracted()
    for path in sorted(CATALOGUES.glob("*/LC_MESSAGES/*.po")):
        catalogue = read_catalogue(path)
        catalogue.update(template, no_fuzzy_matching=True)
        write_catalogue(path, catalogue)
        empty = sum(1 for message in catalogue if message.id and "" in _forms(message.string))
        compile_catalogues(CATALOGUES)
        print(f"{path.relative_to(CATALOGUES.parent)}: {len(catalogue)} sentences, {empty} to translate")  # noqa: T201


if __name__ == "__main__":
    main()
