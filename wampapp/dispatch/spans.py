"""Gives each run of a handler a span of OpenTelemetry's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wampapp.observe.tracing import Origin
from wampapp.protocol.traceparent import CARRIER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from wampapp.dispatch.execution import Reply, Run
    from wampapp.observe.otel import Spans
    from wampapp.registry.endpoint import Endpoint

_NO_DETAILS: Final[Mapping[str, Any]] = {}


def with_spans(call: Callable[..., Run], spans: Spans) -> Callable[..., Run]:
    """Return what runs a handler within a span.

    Args:
        call: runs a handler; :meth:`Dispatcher.call`.
        spans: makes spans.
    """

    def traced(
        endpoint: Endpoint,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        reply: Reply,
        details: Mapping[str, Any] = _NO_DETAILS,
        *,
        publication: int | None = None,
        origin: Origin | None = None,
    ) -> Run:
        origin = origin or Origin(details.get(CARRIER))
        with spans.of_handler(endpoint.pattern.text, details, publication, origin):
            return call(
                endpoint, args, kwargs, reply, details, publication=publication, origin=origin
            )

    return traced
