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

#: How long before its time a request may be sent: timers are no finer than a millisecond.
_EARLY_SECONDS: Final = 0.002
_MIN_WAIT: Final = 0.001
_END: Final = object()


class Pipeline(Generic[T]):
    """Sends requests and awaits their answers on the loop, without a task for each.

    With a rate, each request is due at its time, whatever becomes of those before it. The time that
    it took counts from when it was due, so that waiting for its turn is a part of it; or from when
    it was sent, if that was earlier or there is no rate.

    Args:
        ask: sends the request for an item.
        settled: called with a request's error, None for a result, and the seconds that it took.
            What it raises ends the pipeline.
        most: the most requests in flight.
        rate: requests per second; None for as many as possible.
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
            peer: the connection that they are sent on.
            items: the items; each is taken when its turn comes.

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
            # Requests that nobody waits for are cancelled at the router too, and do not count.
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
        """Send the requests whose turn has come."""
        try:
            while self._items is not None and len(self._in_flight) < self._most:
                if self._is_early():
                    return
                item = next(self._items, _END)
                if item is _END:
                    self._items = None
                else:
                    self._send(item)  # type: ignore[arg-type]
        except Exception as error:  # noqa: BLE001 - it is raised where the pipeline is awaited
            self._fail(error)
        over = self._items is None and not (self._draining and self._in_flight)
        waiter = self._waiter
        if (over or self._failure) and waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _is_early(self) -> bool:
        """Return whether the next request is not due yet; if so, a timer will send it."""
        if self._gap is None:
            return False
        if self._pause is None:
            wait = self._due - perf_counter() - _EARLY_SECONDS
            if wait <= 0:
                return False
            self._pause = self._loop.call_later(max(wait, _MIN_WAIT), self._resume)
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
        except Exception as raised:  # noqa: BLE001 - raised there too
            self._fail(raised)
        self._pump()

    def _fail(self, error: Exception) -> None:
        self._items = None
        self._failure = self._failure or error
