"""What all services have counted, in the forms that Prometheus reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wampapp.registry.extras import check_extra

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wampapp.components.telemetry.totals import Totals

#: The media types of the two forms.
TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def exposition(totals: Totals, *, open_metrics: bool) -> str:
    """Return all numbers as text.

    Args:
        totals: the numbers.
        open_metrics: whether in OpenMetrics' form, and not in Prometheus' own.

    Raises:
        MissingExtra: prometheus-client is not installed.
    """
    check_extra("/metrics", "prometheus_client", extra="metrics")
    from prometheus_client import exposition as text
    from prometheus_client.openmetrics import exposition as openmetrics

    write: Any = openmetrics.generate_latest if open_metrics else text.generate_latest
    # A registry is what has collect(), and so has this.
    found: bytes = write(_Families(totals))
    return found.decode()


class _Families:
    """Collects the families of metrics, merged over the workers of each service.

    Args:
        totals: the numbers.
    """

    def __init__(self, totals: Totals) -> None:
        self._totals = totals

    def collect(self) -> Iterator[Any]:
        """Iterate over the families."""
        from prometheus_client import metrics_core as core
        from prometheus_client.utils import floatToGoString

        kinds = {
            "counter": core.CounterMetricFamily,
            "gauge": core.GaugeMetricFamily,
            "histogram": core.HistogramMetricFamily,
        }
        families: dict[str, Any] = {}

        def family(name: str, *more: str) -> Any:
            if name not in families:
                one = self._totals.definitions[name]
                labels = ["service", *more, *one.labels]
                families[name] = kinds[one.kind](_name(name, one.kind), one.help, labels=labels)
            return families[name]

        definitions = self._totals.definitions
        for (metric, service, labels), value in self._totals.values.items():
            definition = definitions.get(metric)
            if definition is None:
                continue
            if isinstance(value, list):
                bounds = [*map(floatToGoString, definition.buckets), "+Inf"]
                if len(value) != len(bounds) + 1:
                    continue
                buckets, sofar = [], 0.0
                for bound, count in zip(bounds, value, strict=False):
                    sofar += count
                    buckets.append((bound, sofar))
                family(metric).add_metric([service, *labels], buckets, value[-1])
            else:
                family(metric).add_metric([service, *labels], value)
        for metric, about, labels, value in self._totals.gauges():
            instance = f"{about.host}:{about.pid}"
            family(metric, "instance").add_metric([about.service, instance, *labels], value)
        yield from families.values()


def _name(name: str, kind: str) -> str:
    return name.removesuffix("_total") if kind == "counter" else name
