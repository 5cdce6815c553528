"""The page for Prometheus and whoever reads its formats: OpenMetrics, or the plain text format before it.

Names end in their unit; a family is declared once, its samples follow together; what is unknown has no sample. The
client library writes and escapes; which format a client gets is what its Accept field prefers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

from procmem.errors import SystemFailed
from procmem.model.named_tuple import NamedTuple
from procmem.model.reports.metrics import GroupLabels, MetricsGroup, MetricsReport
from procmem.render.escaping import printable, printable_text
from procmem.text.metrics import FAMILIES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

__all__ = ["Exposition", "label_text", "need_client", "plain_exposition"]

EXTRA = "procmem[metrics]"
_LABEL_LETTERS_MAX = 160
_DIGEST_LETTERS = 8


class _MetricOf(NamedTuple):
    """A family with one sample a group: what it is called behind ``procmem_``, and the field of a group."""

    name: str
    field: str


_OF_GROUPS = (
    _MetricOf("processes", "processes"),
    _MetricOf("sizes_unknown_processes", "sizes_unknown"),
    _MetricOf("virtual_bytes", "virtual"),
    _MetricOf("resident_bytes", "resident"),
    _MetricOf("pss_bytes", "pss"),
    _MetricOf("uss_bytes", "uss"),
    _MetricOf("swap_bytes", "swap"),
    _MetricOf("peak_resident_bytes", "peak"),
    _MetricOf("page_tables_bytes", "page_tables"),
    _MetricOf("threads", "threads"),
    _MetricOf("oom_score", "oom_score"),
    _MetricOf("regions", "regions"),
    _MetricOf("arenas", "arenas"),
    _MetricOf("detailed_processes", "detailed"),
)
_OF_CLASSES = (
    _MetricOf("class_virtual_bytes", "virt"),
    _MetricOf("class_resident_bytes", "rss"),
    _MetricOf("class_pss_bytes", "pss"),
    _MetricOf("class_uss_bytes", "uss"),
    _MetricOf("class_swap_bytes", "swap"),
)
_OF_LOOKS = (
    _MetricOf("regions_limit", "max_map_count"),
    _MetricOf("look_timestamp_seconds", "when"),
    _MetricOf("look_duration_seconds", "cost"),
    _MetricOf("detail_duration_seconds", "detail_cost"),
    _MetricOf("refused_processes", "refused"),
    _MetricOf("folded_groups", "folded"),
)
_COUNTERS = (_MetricOf("vanished_processes", "vanished"), _MetricOf("failed_looks", "failed"))


def need_client() -> None:
    """Refuse what needs the client library where it is not installed.

    Raises:
        SystemFailed: it is not.
    """
    try:
        import prometheus_client  # noqa: F401, PLC0415  # an extra
    except ImportError as error:
        raise SystemFailed("no-extra", module="prometheus_client", extra=EXTRA) from error


def label_text(value: bytes | str | None) -> str:
    """Text of a process as the value of a label: printable, and no longer than a bound, with a digest of the rest."""
    text = printable_text(value) if isinstance(value, str) else printable(value)
    if len(text) <= _LABEL_LETTERS_MAX:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LETTERS]
    return f"{text[: _LABEL_LETTERS_MAX - _DIGEST_LETTERS - 1]}~{digest}"


class Exposition:
    """Writes looks as clients want them; a look is written once in each format, however many ask for it."""

    def __init__(self) -> None:
        self._report: MetricsReport | None = None
        self._pages: dict[str, bytes] = {}

    def write(self, report: MetricsReport, accept: str) -> tuple[str, bytes]:
        """The type of the content that an Accept field asks for, and the page."""
        from prometheus_client.exposition import choose_encoder  # noqa: PLC0415  # an extra

        if report is not self._report:
            self._report, self._pages = report, {}
        try:
            encode, kind = choose_encoder(accept)
        except (ValueError, TypeError, LookupError):  # the library takes what a client says for granted
            encode, kind = choose_encoder("")
        if kind not in self._pages:
            self._pages[kind] = _encoded(report, encode)
        return kind, self._pages[kind]


def plain_exposition(report: MetricsReport) -> str:
    """The page in the plain text format, which is all that node_exporter's textfile collector reads."""
    return Exposition().write(report, "")[1].decode()


def _encoded(report: MetricsReport, encode: Callable[..., bytes]) -> bytes:
    from prometheus_client.registry import Collector, CollectorRegistry  # noqa: PLC0415  # an extra

    class ReportCollector(Collector):
        def collect(self) -> Iterator[Metric]:
            return _families(report)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(ReportCollector())
    return encode(registry)


def _families(report: MetricsReport) -> Iterator[Metric]:
    """All families; one without a sample is left out."""
    labels = [name for name in GroupLabels._fields if any(getattr(group.labels, name) for group in report.groups)]

    def of(group: MetricsGroup, *more: str) -> tuple[str, ...]:
        return (*(getattr(group.labels, name) for name in labels), *more)

    for family in _OF_GROUPS:
        rows = [(of(group), getattr(group, family.field)) for group in report.groups]
        yield from _gauge(family.name, labels, rows)
    for family in _OF_CLASSES:
        rows = [(of(group, row.cls), getattr(row, family.field)) for group in report.groups for row in group.classes]
        yield from _gauge(family.name, [*labels, "class"], rows)
    kinds = [(of(group, kind), size) for group in report.groups for kind, size in group.kinds.items()]
    yield from _gauge("kind_resident_bytes", [*labels, "kind"], kinds)
    found = [(of(group, name), count) for group in report.groups for name, count in group.findings.items()]
    yield from _gauge("findings", [*labels, "finding"], found)
    for family in _OF_LOOKS:
        yield from _gauge(family.name, [], [((), getattr(report, family.field))])
    from prometheus_client.core import CounterMetricFamily  # noqa: PLC0415  # an extra

    for family in _COUNTERS:
        name = f"procmem_{family.name}"
        yield CounterMetricFamily(name, FAMILIES[name], value=getattr(report, family.field))


def _gauge(name: str, labels: list[str], rows: Sequence[tuple[tuple[str, ...], float | None]]) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415  # an extra

    known = [(values, figure) for values, figure in rows if figure is not None]
    if not known:
        return
    whole = f"procmem_{name}"
    family = GaugeMetricFamily(whole, FAMILIES[whole], labels=labels)
    for values, figure in known:
        family.add_metric(values, figure)
    yield family
