"""One HTML page of all experiments: a table of verdicts, and each with its figures."""

import html
from collections.abc import Sequence

from procmem.model.reports.lab import LabVerdict, Result
from procmem.render.escaping import printable_text
from procmem.render.pages.lab import figure_cells, summary_line
from procmem.text.lab import reason_text, shows, title

__all__ = ["lab_html"]

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24;
  background: #fff }
h1 { font-size: 1.6rem; margin-bottom: 0 } h2 { font-size: 1.15rem; margin: 2rem 0 .3rem }
p { margin: .3rem 0 .6rem } .about { color: #57606a }
table { border-collapse: collapse; margin: .5rem 0; font-variant-numeric: tabular-nums }
th, td { padding: .2rem .8rem; text-align: right; border-bottom: 1px solid #d0d7de }
th { color: #57606a; font-weight: 600 } th:first-child, td:first-child, td:last-child, .list td { text-align: left }
.agrees { color: #116329 } .differs { color: #a40e26; font-weight: 700 } .skipped { color: #7d4e00 }
.row { display: inline-block; min-width: 2.8rem; color: #57606a }
a { color: inherit }
@media (prefers-color-scheme: dark) {
  body { background: #0d1117; color: #e6edf3 } th, td { border-color: #30363d }
  .about, th, .row { color: #9198a1 } .agrees { color: #56d364 } .differs { color: #ff7b72 } .skipped { color: #e3b341 }
}
"""


def lab_html(results: Sequence[Result], *, machine: str) -> str:
    """The page; ``machine`` says where it was measured. All text is escaped."""
    heading = "What the theory says, and what this kernel does"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{heading}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{heading}</h1>",
        f'<p class="about">{_safe(machine)}. {_safe(summary_line(results).strip())}.</p>',
        '<table class="list"><tr><th>row</th><th style="text-align:left">experiment</th><th></th></tr>',
    ]
    for result in results:
        word = f'<span class="{result.verdict.value}">{result.verdict.value}</span>'
        parts.append(
            f'<tr><td>{_safe(result.row)}</td><td><a href="#{_safe(result.name)}">{_safe(title(result.name))}</a></td>'
            f"<td>{word}</td></tr>"
        )
    parts.append("</table>")
    parts += [_section(result) for result in results]
    parts.append("</body></html>\n")
    return "\n".join(parts)


def _section(result: Result) -> str:
    lines = [
        f'<h2 id="{_safe(result.name)}"><span class="row">{_safe(result.row)}</span>{_safe(title(result.name))}</h2>',
        f"<p>{_safe(shows(result.name))}</p>",
    ]
    if result.figures:
        lines.append("<table><tr><th></th><th>predicted</th><th>kernel</th><th></th></tr>")
        for figure in result.figures:
            name, predicted, kernel, word = figure_cells(figure)
            kind = "differs" if word == LabVerdict.DIFFERS.value else "agrees"
            lines.append(
                f"<tr><td>{_safe(name)}</td><td>{_safe(predicted)}</td><td>{_safe(kernel)}</td>"
                f'<td class="{kind}">{_safe(word)}</td></tr>'
            )
        lines.append("</table>")
    if result.reason is not None:
        lines.append(
            f'<p class="{result.verdict.value}">{result.verdict.value}: {_safe(reason_text(result.reason))}</p>'
        )
    return "\n".join(lines)


def _safe(text: str) -> str:
    return html.escape(printable_text(text))
