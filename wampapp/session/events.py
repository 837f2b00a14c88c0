"""Events that wait for their handlers: a queue for each handler, and the backlog of them all."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wampapp.dispatch.dispatcher import Dispatcher
    from wampapp.errors import WampError
    from wampapp.registry.endpoint import Endpoint
    from wampapp.transport.link import Link

#: A session stops reading above this many waiting events, and resumes at the other number.
MAX_WAITING_EVENTS: Final = 1000
RESUME_AT: Final = 250


class Backlog:
    """The waiting events of a session, and whether it has stopped reading because of them.

    That keeps memory flat and loses no event: the peer's transport holds the rest.

    Args:
        must_read: returns whether reading has to go on whatever waits, because an answer is
            awaited: the handler that works off the events may be the one that waits for it.

    Attributes:
        waiting: how many events wait for their handlers.
        paused: whether reading has stopped.
        link: what is read from.
    """

    __slots__ = ("_must_read", "link", "paused", "waiting")

    def __init__(self, must_read: Callable[[], bool] = bool) -> None:
        self._must_read = must_read
        self.waiting = 0
        self.paused = False
        self.link: Link | None = None

    def pause(self) -> None:
        """Stop reading, unless it has to go on."""
        if not self.paused and self.link is not None and not self._must_read():
            self.paused = True
            self.link.pause()

    def resume(self) -> None:
        """Read on."""
        if self.paused and self.link is not None:
            self.paused = False
            self.link.resume()


class EventQueue:
    """Hands the events of a subscription to one handler: in order, one at a time.

    With the subscription's ``concurrency``, that many at a time.

    Args:
        dispatcher: what runs the handler.
        endpoint: the handler.
        backlog: counts what waits.

    Attributes:
        endpoint: the same.
    """

    def __init__(self, dispatcher: Dispatcher, endpoint: Endpoint, backlog: Backlog) -> None:
        self._dispatcher = dispatcher
        self.endpoint = endpoint
        self._backlog = backlog
        self._waiting: deque[tuple[Sequence[Any], dict[str, Any], dict[str, Any], int]] = deque()
        self._running = 0
        self._starting = False

    @property
    def topic(self) -> str:
        """The topic as it was declared."""
        return self.endpoint.uri

    def put(
        self,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        details: dict[str, Any],
        publication: int,
    ) -> None:
        """Hand an event to the handler, after those that came before it.

        Args:
            args: its positional arguments, plain values.
            kwargs: its keyword arguments.
            details: the details of EVENT.
            publication: the publication's id.
        """
        self._waiting.append((args, kwargs, details, publication))
        self._backlog.waiting += 1
        self._start()

    def close(self) -> None:
        """Hand the handler no more events, not even those that wait; the one that runs goes on."""
        self._starting = True  # for good: nothing is started any more
        backlog, self._backlog = self._backlog, Backlog()
        backlog.waiting -= len(self._waiting)
        self._waiting.clear()
        if backlog.waiting <= RESUME_AT:
            backlog.resume()

    def _start(self) -> None:
        # A handler may be done before call() returns, which comes back here through result():
        # the loop goes on then, or a long backlog would end in a RecursionError.
        if self._starting:
            return
        self._starting = True
        backlog = self._backlog
        try:
            while self._waiting and self._running < self.endpoint.concurrency:
                args, kwargs, details, publication = self._waiting.popleft()
                backlog.waiting -= 1
                if backlog.paused and backlog.waiting <= RESUME_AT:
                    backlog.resume()
                self._running += 1
                self._dispatcher.call(
                    self.endpoint, args, kwargs, self, details, publication=publication
                )
        finally:
            self._starting = False

    # The queue is its own Reply: the end of one event starts the next.

    def result(self, value: Any) -> None:  # noqa: ARG002 - an event has no answer
        """Start the next event."""
        self._running -= 1
        self._start()

    def error(self, error: WampError) -> None:
        """Do nothing: what an event's handler raises is logged, and comes as a result."""

    def progress(self, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        """Do nothing: an event has no answer."""
