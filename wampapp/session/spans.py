"""Gives what goes out on behalf of something a span of OpenTelemetry's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wampapp.protocol.traceparent import CARRIER

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from wampapp.observe.otel import Span

    #: Calls or publishes: a URI, a list and a dictionary of arguments, and options.
    Verb = Callable[..., asyncio.Future[Any]]

_NO_OPTIONS: Final[dict[str, Any]] = {}


def with_spans(verb: Verb, begin: Callable[[str], Span | None]) -> Verb:
    """Return what calls or publishes within a span.

    Args:
        verb: calls or publishes; :meth:`Connection.call`, or its ``publish``.
        begin: begins a span for a URI; None for none.
    """

    def traced(
        uri: str, *args: Any, options: dict[str, Any] = _NO_OPTIONS, **more: Any
    ) -> asyncio.Future[Any]:
        span = begin(uri)
        if span is None:
            return verb(uri, *args, options=options, **more)
        if CARRIER not in options:
            options = {**options, CARRIER: str(span.place)}
        try:
            future = verb(uri, *args, options=options, **more)
        except BaseException as error:
            span.failed(error)
            span.end()
            raise
        future.add_done_callback(span.finished)
        return future

    return traced
