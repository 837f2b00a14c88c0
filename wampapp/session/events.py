"""The events of one handler: in order, one at a time unless it says otherwise."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from wampapp.errors import Canceled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wampapp.dispatch.dispatcher import Dispatcher
    from wampapp.registry.endpoint import Endpoint


class EventLane:
    """Hands the events of one subscription to its handler.

    Args:
        dispatcher: what runs the handler.
        endpoint: the handler.
        on_change: called with +1 for each event that comes and -1 for each that starts.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        endpoint: Endpoint,
        on_change: Callable[[int], None] | None = None,
    ) -> None:
        self._dispatcher = dispatcher
        self._endpoint = endpoint
        self._on_change = on_change
        self._waiting: deque[tuple[Sequence[Any], dict[str, Any], dict[str, Any], int]] = deque()
        self._busy = 0
        self._pumping = False

    def push(
        self,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        details: dict[str, Any] | None = None,
        publication: int = 0,
    ) -> None:
        """Deliver an event, after those that came before it.

        Args:
            args: its positional arguments, plain values.
            kwargs: its keyword arguments.
            details: what EVENT says of it.
            publication: the publication's id.
        """
        self._waiting.append((args, kwargs, details or {}, publication))
        if self._on_change is not None:
            self._on_change(1)
        self._pump()

    def _pump(self) -> None:
        # A handler may be done before call() returns, which comes back here through _next():
        # the loop goes on then, or a long backlog would end in a RecursionError.
        if self._pumping:
            return
        self._pumping = True
        try:
            while self._waiting and self._busy < self._endpoint.concurrency:
                args, kwargs, details, publication = self._waiting.popleft()
                if self._on_change is not None:
                    self._on_change(-1)
                self._busy += 1
                self._dispatcher.call(
                    self._endpoint, args, kwargs, self, details, publication=publication
                )
        finally:
            self._pumping = False

    def _next(self) -> None:
        self._busy -= 1
        self._pump()

    # The lane is its own Reply: the end of one event starts the next.

    def result(self, value: Any) -> None:  # noqa: ARG002 - nobody waits for it
        """Go on with the next event."""
        self._next()

    def error(self, error: BaseException) -> None:
        """Log the error, and go on with the next event."""
        if not isinstance(error, Canceled):
            self._dispatcher.log_failure(self._endpoint, error)
        self._next()

    def progress(self, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        """Do nothing: an event has no answer."""
