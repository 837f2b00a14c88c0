"""What a handler may ask for by annotating a parameter: its invocation or its event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wampapp.observe.tracing import Origin, Traced

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Context:
    """What a function gets, besides its arguments, by annotating a parameter with its class."""

    __slots__ = ()


class Invocation(Context):
    """A call, as its handler sees it. Annotate a parameter of any name with this class.

    Attributes:
        procedure: the procedure's actual URI.
        pattern: the procedure as it was declared; the same where it captures nothing.
        caller: the caller's session id; None where the router does not disclose it.
        caller_authid: who the caller is; None where the router does not disclose it.
        caller_authrole: the caller's role; None where the router does not disclose it.
        takes_progress: whether the caller takes progressive results.
        cancelled: whether nobody waits for the result any more. A handler in a thread should look
            at it now and then; a coroutine is cancelled.
    """

    __slots__ = (
        "_progress",
        "_running",
        "_withdraw",
        "caller",
        "caller_authid",
        "caller_authrole",
        "cancelled",
        "pattern",
        "procedure",
        "takes_progress",
    )

    def __init__(
        self,
        procedure: str,
        pattern: str,
        details: dict[str, Any],
        progress: Callable[[tuple[Any, ...], dict[str, Any]], None],
        withdraw: Callable[[], None],
        running: Traced | None = None,
    ) -> None:
        self.procedure = procedure
        self.pattern = pattern
        self.caller: int | None = details.get("caller")
        self.caller_authid: str | None = details.get("caller_authid")
        self.caller_authrole: str | None = details.get("caller_authrole")
        self.takes_progress: bool = details.get("receive_progress") is True
        self.cancelled = False
        self._progress = progress
        self._withdraw = withdraw
        self._running = running or Origin()

    def __repr__(self) -> str:
        return f"<Invocation of {self.procedure!r} by {self.caller}>"

    @property
    def trace_id(self) -> str:
        """The id of the trace that it belongs to: 32 hexadecimal digits."""
        return self._running.origin.trace_id

    def progress(self, *args: Any, **kwargs: Any) -> None:
        """Send a progressive result; does nothing if the caller takes none.

        It may be called in any thread.

        Args:
            args: its positional values.
            kwargs: its named values.
        """
        if self.takes_progress and not self.cancelled:
            self._progress(args, kwargs)

    def unregister(self) -> None:
        """Take the procedure back, for good; calls that run go on, this one included.

        It may be called in any thread, and does not wait for the router.
        """
        self._withdraw()


@dataclass(slots=True)
class Call:
    """A call or an event on its way to its handler, as middleware sees it.

    Attributes:
        uri: the actual procedure or topic.
        pattern: the procedure or topic as it was declared.
        args: the positional arguments, converted; middleware may replace them.
        kwargs: the keyword arguments, converted; middleware may replace them.
    """

    uri: str
    pattern: str
    args: Sequence[Any]
    kwargs: dict[str, Any]


class Event(Context):
    """An event, as its handler sees it. Annotate a parameter of any name with this class.

    Attributes:
        topic: the topic's actual URI.
        pattern: the topic as it was declared; the same where it captures nothing.
        publication: the publication's id.
        publisher: the publisher's session id; None where the router does not disclose it.
        publisher_authid: who the publisher is; None where the router does not disclose it.
        publisher_authrole: the publisher's role; None where the router does not disclose it.
        retained: whether the event is an earlier one that the router kept for late subscribers.
    """

    __slots__ = (
        "_running",
        "_withdraw",
        "pattern",
        "publication",
        "publisher",
        "publisher_authid",
        "publisher_authrole",
        "retained",
        "topic",
    )

    def __init__(
        self,
        topic: str,
        pattern: str,
        publication: int,
        details: dict[str, Any],
        withdraw: Callable[[], None],
        running: Traced | None = None,
    ) -> None:
        self.topic = topic
        self.pattern = pattern
        self.publication = publication
        self.publisher: int | None = details.get("publisher")
        self.publisher_authid: str | None = details.get("publisher_authid")
        self.publisher_authrole: str | None = details.get("publisher_authrole")
        self.retained: bool = details.get("retained") is True
        self._withdraw = withdraw
        self._running = running or Origin()

    def __repr__(self) -> str:
        return f"<Event of {self.topic!r}, publication {self.publication}>"

    @property
    def trace_id(self) -> str:
        """The id of the trace that it belongs to: 32 hexadecimal digits."""
        return self._running.origin.trace_id

    def unsubscribe(self) -> None:
        """Take this handler back, for good: no further event reaches it.

        Other handlers of the topic go on. It may be called in any thread, and does not wait for
        the router.
        """
        self._withdraw()


class DetailsOfCall:
    """What stands for Autobahn's ``CallDetails``, where that is a handler's context."""


class DetailsOfEvent:
    """What stands for Autobahn's ``EventDetails``, where that is a handler's context."""
