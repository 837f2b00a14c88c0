"""Many requests on one session: as many in flight, and as many a second, as asked for."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from wampapp.errors import CallTimeout, NotJoined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from wampapp.session.connection import Connection

T = TypeVar("T")

#: Timers are no finer than a millisecond: so much before its time a request may be sent.
_EARLY: Final = 0.002
_SHORTEST_WAIT: Final = 0.001
_END: Final = object()


class Flow(Generic[T]):
    """Sends requests and hears their answers, without a task for each. Its methods run on the loop.

    With a rate the requests have their times, whatever becomes of those before them. How long one
    took counts from its time, so that a wait for its turn is a part of it; from when it was sent if
    that was earlier, or where there is no rate.

    Args:
        ask: sends the request for an item.
        settled: called with the error of a request, None where there is none, and the seconds
            that it took. What it raises ends the flow.
        most: how many requests are in flight at one time.
        rate: requests a second; None for as many as go.
        timeout: seconds that an answer may take; None for no limit.

    Attributes:
        done: how many requests were answered.
    """

    def __init__(
        self,
        ask: Callable[[Connection, T], asyncio.Future[Any]],
        settled: Callable[[BaseException | None, float], None],
        *,
        most: int,
        rate: float | None = None,
        timeout: float | None = None,
    ) -> None:
        self._ask = ask
        self._settled = settled
        self._most = most
        self._gap = None if rate is None else 1 / rate
        self._timeout = timeout
        self._due = 0.0
        self._items: Iterator[T] | None = None
        self._in_flight: dict[asyncio.Future[Any], tuple[float, asyncio.TimerHandle | None]] = {}
        self._pause: asyncio.TimerHandle | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._draining = False
        self._failure: Exception | None = None
        self.done = 0

    async def feed(self, peer: Connection, items: Iterable[T]) -> None:
        """Send a request for each item; return when all are sent and there is room for more.

        Args:
            peer: what they are sent on.
            items: the items; they are taken when their turn comes.

        Raises:
            Exception: what ``items``, ``ask`` or ``settled`` raised; no more is sent.
        """
        self._peer = peer
        self._items = iter(items)
        self._due = max(self._due, perf_counter())
        await self._wait(draining=False)

    async def drain(self) -> None:
        """Wait until every request is answered.

        Raises:
            Exception: what ``settled`` raised.
        """
        await self._wait(draining=True)

    async def _wait(self, *, draining: bool) -> None:
        self._loop = asyncio.get_running_loop()
        self._draining = draining
        self._waiter = self._loop.create_future()
        self._pump()
        try:
            await self._waiter
        except asyncio.CancelledError:
            # What nobody waits for is cancelled at the router too, and does not count.
            self._items = None
            for future, (_, timer) in self._in_flight.items():
                future.remove_done_callback(self._answered)
                future.cancel()
                if timer is not None:
                    timer.cancel()
            self._in_flight.clear()
            raise
        finally:
            self._waiter = None
            if self._pause is not None:
                self._pause.cancel()
                self._pause = None
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _pump(self) -> None:
        """Send what may be sent now."""
        try:
            while self._items is not None and len(self._in_flight) < self._most:
                if self._is_early():
                    return
                item = next(self._items, _END)
                if item is _END:
                    self._items = None
                else:
                    self._send(item)  # type: ignore[arg-type]
        except Exception as error:  # noqa: BLE001 - it is raised where the flow is awaited
            self._fail(error)
        over = self._items is None and not (self._draining and self._in_flight)
        waiter = self._waiter
        if (over or self._failure) and waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _is_early(self) -> bool:
        """Tell whether the next request has to wait for its time, and see to it that it is sent."""
        if self._gap is None:
            return False
        if self._pause is None:
            wait = self._due - perf_counter() - _EARLY
            if wait <= 0:
                return False
            self._pause = self._loop.call_later(max(wait, _SHORTEST_WAIT), self._resume)
        return True

    def _resume(self) -> None:
        self._pause = None
        self._pump()

    def _send(self, item: T) -> None:
        start = perf_counter()
        if self._gap is not None:
            start = min(start, self._due)
            self._due += self._gap
        future = self._ask(self._peer, item)
        timer = None
        if self._timeout is not None:
            timer = self._loop.call_later(self._timeout, future.cancel)
        self._in_flight[future] = start, timer
        future.add_done_callback(self._answered)

    def _answered(self, future: asyncio.Future[Any]) -> None:
        start, timer = self._in_flight.pop(future)
        seconds = perf_counter() - start
        if timer is not None:
            timer.cancel()
        self.done += 1
        error: BaseException | None
        if not future.cancelled():
            error = future.exception()
        elif self._peer.is_joined:
            error = CallTimeout(f"No answer came within {self._timeout:g} s.")
        else:
            error = NotJoined(f"No session with a router came back within {self._timeout:g} s.")
        try:
            self._settled(error, seconds)
        except Exception as raised:  # noqa: BLE001 - likewise
            self._fail(raised)
        self._pump()

    def _fail(self, error: Exception) -> None:
        self._items = None
        self._failure = self._failure or error
