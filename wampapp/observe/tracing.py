"""Which trace what runs belongs to: the one of its call, event, request or task."""

from __future__ import annotations

import contextlib
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from wampapp.protocol import traceparent
from wampapp.protocol.traceparent import CARRIER, Traceparent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HEADER: Final = traceparent.HEADER.encode()
#: Held while something is made that there must be one of.
making: Final = threading.Lock()


class Span(Protocol):
    """What somebody else records of it, such as OpenTelemetry."""

    def failed(self, error: BaseException) -> None:
        """Take note of what went wrong."""

    def end(self) -> None:
        """End it."""


class Traced(Protocol):
    """What runs: a call, say. What it runs for is made when somebody asks for it."""

    @property
    def origin(self) -> Origin:
        """What it runs for, by which it belongs to a trace."""


class Origin(msgspec.Struct, eq=False):
    """What something runs for. Its place in a trace is found when somebody asks for it.

    Attributes:
        carried: what came with it, which may be a ``traceparent``.
        place: its place in a trace, once somebody has asked.
        options: what goes with what it brings about, as options of CALL and PUBLISH, once there is
            something.
        is_shared: whether others know the trace: it came with it, or was handed on.
        span: its span, where spans are made.
    """

    carried: Any = None
    place: Traceparent | None = None
    options: dict[str, Any] | None = None
    is_shared: bool = False
    span: Span | None = None

    @property
    def origin(self) -> Origin:
        """Itself: it stands for what runs, where nothing else does."""
        return self

    def traceparent(self) -> Traceparent:
        """Return its place in the trace that came with it, or else in one of its own."""
        if self.place is None:
            # Two threads may ask at the same time.
            with making:
                if self.place is None:
                    found = self.came()
                    self.is_shared = found is not None
                    self.place = found or traceparent.made()
        return self.place

    def came(self) -> Traceparent | None:
        """Return the place that came with it; None where none did."""
        return traceparent.parsed(self.carried)

    @property
    def trace_id(self) -> str:
        """The id of its trace: 32 hexadecimal digits."""
        return self.traceparent().trace_id

    def handed_on(self) -> dict[str, Any]:
        """Return what goes with all that it brings about, as options of CALL and PUBLISH.

        Each time they are the same, so that only the first costs anything; nobody changes them.
        """
        if self.options is None:
            place = self.traceparent()
            with making:
                if self.options is None:
                    self.is_shared = True
                    text = str(place if self.span is not None else place.child())
                    self.options = {CARRIER: text}
        return self.options

    def fail(self, error: BaseException) -> None:
        """Take note of what went wrong, where spans are made."""
        if self.span is not None:
            self.span.failed(error)

    def end(self) -> None:
        """Take note that it has ended, where spans are made."""
        if self.span is not None:
            self.span.end()


#: What runs in the present task or thread; None outside of calls, events, requests and tasks.
RUNNING: Final[ContextVar[Traced | None]] = ContextVar("wampapp.running", default=None)


def current() -> Origin | None:
    """Return what the present task or thread runs for."""
    running = RUNNING.get()
    return None if running is None else running.origin


def current_trace_id() -> str | None:
    """Return the id of the trace that what runs here belongs to, in any thread.

    Returns:
        32 hexadecimal digits; None outside of calls, events, requests and tasks.
    """
    origin = current()
    return None if origin is None else origin.trace_id


def carrying(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a CALL or a PUBLISH, with the trace of what runs here.

    Args:
        options: the options. What an app itself has put in the trace's place stays.
    """
    origin = current()
    if origin is None or CARRIER in options:
        return options
    carried = origin.handed_on()
    return {**options, **carried} if options else carried


def for_later() -> str:
    """Return what is kept with something that runs later, such as a task.

    It belongs to the trace of what runs here, or else to one of its own.
    """
    origin = current()
    return str(traceparent.made() if origin is None else origin.handed_on()[CARRIER])


def of_request(headers: Iterable[tuple[bytes, bytes]]) -> Origin:
    """Return what answers an HTTP request runs for.

    Args:
        headers: the request's, their names in lower case. More than one ``traceparent`` is none.
    """
    found = [value for name, value in headers if name == _HEADER]
    return Origin(found[0].decode("latin-1") if len(found) == 1 else None)


@contextlib.contextmanager
def running_for(running: Traced | None) -> Iterator[None]:
    """Have what runs in a block belong to a trace.

    Args:
        running: what runs; None for nothing of that kind.
    """
    token = RUNNING.set(running)
    try:
        yield
    finally:
        RUNNING.reset(token)
