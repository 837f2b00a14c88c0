"""Spans of OpenTelemetry, where the program has configured an SDK of it.

Names and attributes follow its conventions for RPC and for messaging. A span is named after the
URI as it was declared: what a pattern matches would be too many names.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from typing import TYPE_CHECKING, Any, Final

from wampapp._version import __version__
from wampapp.errors import CANCELED, WampError
from wampapp.observe.tracing import Origin, current
from wampapp.protocol.traceparent import Traceparent

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator, Mapping

_SYSTEM: Final = "wamp"


def configured() -> Spans | None:
    """Return what makes spans; None where the program has configured no SDK.

    Nothing is imported for that: who configures one has imported it.
    """
    trace: Any = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return None
    provider = trace.get_tracer_provider()
    if isinstance(provider, trace.ProxyTracerProvider | trace.NoOpTracerProvider):
        return None
    return Spans(trace)


class Span:
    """A span that has begun.

    Args:
        api: the module ``opentelemetry.trace``.
        span: OpenTelemetry's own.
    """

    def __init__(self, api: Any, span: Any) -> None:
        self._api = api
        self._span = span

    @property
    def place(self) -> Traceparent:
        """Where it stands in its trace."""
        return _place(self._span.get_span_context())

    def note(self, name: str, value: Any) -> None:
        """Set one more attribute."""
        self._span.set_attribute(name, value)

    def failed(self, error: BaseException) -> None:
        """Take note of what went wrong."""
        if isinstance(error, WampError):
            kind: str = error.uri
        else:
            kind = type(error).__qualname__
            self._span.record_exception(error)
        self.fail(kind, str(error))

    def fail(self, kind: str, why: str = "") -> None:
        """Take note that it failed.

        Args:
            kind: an error's URI, or the name of an exception's class.
            why: a sentence.
        """
        self._span.set_attribute("error.type", kind)
        self._span.set_status(self._api.StatusCode.ERROR, why)

    def end(self) -> None:
        """End it."""
        self._span.end()

    def finished(self, future: asyncio.Future[Any]) -> None:
        """End it with a future; its callback."""
        if future.cancelled():
            self.fail(CANCELED)
        elif (error := future.exception()) is not None:
            self.failed(error)
        self.end()


class Spans:
    """Makes spans.

    Args:
        api: the module ``opentelemetry.trace``.
    """

    def __init__(self, api: Any) -> None:
        self._api = api
        self._context: Any = importlib.import_module("opentelemetry.context")
        self._tracer = api.get_tracer("wampapp", __version__)

    # What comes in.

    @contextlib.contextmanager
    def of_handler(
        self, pattern: str, details: Mapping[str, Any], publication: int | None, origin: Origin
    ) -> Iterator[None]:
        """Begin the span of a call or an event, and have it be the current one in a block.

        Whatever ends the handler ends it.

        Args:
            pattern: the procedure or topic as it was declared.
            details: the details of INVOCATION or EVENT.
            publication: an event's publication id; None for a call.
            origin: the call or event.
        """
        if publication is None:
            actual = details.get("procedure") or pattern
            name, kind = pattern, self._api.SpanKind.SERVER
            attributes = {"rpc.system": _SYSTEM, "rpc.method": pattern}
            if actual != pattern:
                attributes["wamp.procedure"] = actual
        else:
            actual = details.get("topic") or pattern
            name, kind = f"process {pattern}", self._api.SpanKind.CONSUMER
            attributes = _messaging("process", actual) | {"messaging.message.id": str(publication)}
            if actual != pattern:
                attributes["messaging.destination.template"] = pattern
        with self._begun(name, kind, attributes, origin) as origin.span:
            yield

    @contextlib.contextmanager
    def of_task(self, name: str, number: int, attempt: int, origin: Origin) -> Iterator[None]:
        """Have the span of an attempt at a task be the current one in a block, and end it after.

        Args:
            name: the task's name.
            number: its number.
            attempt: which attempt.
            origin: the attempt.
        """
        attributes = _messaging("process", name) | {
            "messaging.message.id": str(number),
            "wampapp.task.attempt": attempt,
        }
        kind = self._api.SpanKind.CONSUMER
        with self._begun(f"process {name}", kind, attributes, origin) as origin.span:
            try:
                yield
            finally:
                origin.end()

    @contextlib.contextmanager
    def of_page(self, method: str, route: str, path: str, origin: Origin) -> Iterator[Span | None]:
        """Have the span of a web request be the current one in a block, and end it after.

        Gives None where there is one already, from what wraps the site.

        Args:
            method: the HTTP method.
            route: the path as it was declared.
            path: the path.
            origin: the request.
        """
        current = self._api.get_current_span().get_span_context()
        if current.is_valid:
            origin.place, origin.is_shared = _place(current), True
            yield None
            return
        attributes = {"http.request.method": method, "http.route": route, "url.path": path}
        kind = self._api.SpanKind.SERVER
        with self._begun(f"{method} {route}", kind, attributes, origin) as span:
            try:
                yield span
            finally:
                span.end()

    @contextlib.contextmanager
    def _begun(
        self, name: str, kind: Any, attributes: dict[str, Any], origin: Origin
    ) -> Iterator[Span]:
        # Not the present context: an earlier call may have started what brought this one.
        parent = self._context.Context()
        if (place := origin.came()) is not None:
            parent = self._below(place)
        span = self._tracer.start_span(name, parent, kind, attributes)
        begun = Span(self._api, span)
        origin.place, origin.is_shared = begun.place, place is not None
        token = self._context.attach(self._api.set_span_in_context(span, parent))
        try:
            yield begun
        finally:
            self._context.detach(token)

    # What goes out.

    def of_call(self, procedure: str) -> Span | None:
        """Begin the span of a call; None where it would begin a trace.

        Args:
            procedure: the URI that is called.
        """
        attributes = {"rpc.system": _SYSTEM, "rpc.method": procedure}
        return self._going_out(procedure, self._api.SpanKind.CLIENT, attributes)

    def of_event(self, topic: str) -> Span | None:
        """Begin the span of a publication; None where it would begin a trace.

        Args:
            topic: the topic.
        """
        return self._going_out(
            f"publish {topic}", self._api.SpanKind.PRODUCER, _messaging("publish", topic)
        )

    def _going_out(self, name: str, kind: Any, attributes: dict[str, Any]) -> Span | None:
        parent = None  # the present one
        if not self._api.get_current_span().get_span_context().is_valid:
            origin = current()
            if origin is None:
                return None
            parent = self._below(origin.traceparent())
            origin.is_shared = True
        return Span(self._api, self._tracer.start_span(name, parent, kind, attributes))

    def _below(self, place: Traceparent) -> Any:
        """Return the context in which a span is the child of another process's."""
        api = self._api
        context = api.SpanContext(
            int(place.trace_id, 16),
            int(place.parent_id, 16),
            is_remote=True,
            trace_flags=api.TraceFlags(place.flags),
        )
        return api.set_span_in_context(api.NonRecordingSpan(context), self._context.Context())


def _messaging(operation: str, destination: str) -> dict[str, Any]:
    return {
        "messaging.system": _SYSTEM,
        "messaging.operation.name": operation,
        "messaging.operation.type": "send" if operation == "publish" else operation,
        "messaging.destination.name": destination,
    }


def _place(context: Any) -> Traceparent:
    return Traceparent(
        f"{context.trace_id:032x}", f"{context.span_id:016x}", int(context.trace_flags) & 0b11
    )
