"""How a request waits: for its session, its answer, and the event loop of another thread."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from wampapp.errors import CallTimeout, ConnectionLost, NoSuchProcedure, NotJoined
from wampapp.loop.threads import blocking_wait

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator

    from wampapp.loop.runtime import Runtime
    from wampapp.session.connection import Connection

T = TypeVar("T")

#: How soon a procedure is asked for again that has yet to come back with its callee.
_AGAIN_SECONDS: Final = 0.1
_END: Final = object()


async def wait_for_answer(
    connection: Connection | Awaitable[Connection],
    ask: Callable[[Connection], Awaitable[T]],
    timeout: float | None,
    what: str,
    *,
    tries: int = 1,
) -> T:
    """Ask for something and wait for the answer, for the session first if there is none.

    Args:
        connection: where to ask, or an awaitable of it.
        ask: sends the request.
        timeout: seconds for all of it; None for no limit, but ``rejoin_timeout`` while offline.
        what: what is waited for, for the error message.
        tries: how often it may be sent when the link breaks before the answer.

    Returns:
        What awaiting ``ask`` gives.

    Raises:
        NotJoined: there was no session in all that time, so nothing was sent.
        CallTimeout: no answer came in time.
        ConnectionLost: the link broke before the answer came.
    """
    sent = False
    try:
        async with asyncio.timeout(timeout) as limit:
            on = await connection if isinstance(connection, Awaitable) else connection
            while True:
                tries -= 1
                await on.joined(timeout)
                sent = True
                try:
                    return await ask(on)
                except ConnectionLost:
                    if tries <= 0:
                        raise
                    sent = False
                except NoSuchProcedure:
                    # Nobody carried it out. After a restart of the router, its callee may come back
                    # a moment later than we do.
                    if not on.is_settling:
                        raise
                    tries += 1
                    await asyncio.sleep(_AGAIN_SECONDS)
    except TimeoutError:
        if not limit.expired():
            raise
        if not sent:
            raise NotJoined(
                f"There was no session with a router within {timeout:g} s; nothing was sent."
            ) from None
        raise on.as_defined(CallTimeout(f"No {what} came within {timeout:g} s.")) from None


class Waiter:
    """Does on the event loop what another thread asks for, while that thread waits.

    Args:
        runtime: the process's loop; called when a verb needs it.
        connection: gives the connection, or raises :class:`NotJoined`.
        timeout: seconds that each verb may take; None for no limit.
    """

    def __init__(
        self,
        runtime: Callable[[], Runtime],
        connection: Callable[[], Connection],
        timeout: float | None,
    ) -> None:
        self._runtime = runtime
        self._connection = connection
        self._timeout = timeout

    def _iterate(
        self, items: AsyncGenerator[Any, None], name: str, timeout: float | None = None
    ) -> Iterator[Any]:
        """Iterate over what comes; ``timeout`` is for each item by itself."""

        async def following() -> Any:
            try:
                async with asyncio.timeout(timeout) as limit:
                    return await anext(items, _END)
            except TimeoutError:
                if not limit.expired():
                    raise
                late = CallTimeout(f"No result from {name} came within {timeout:g} s.")
                raise self._connection().as_defined(late) from None

        runtime = self._runtime()
        self._run(self._joined)
        try:
            while (item := self._run(following)) is not _END:
                yield item
        finally:
            runtime.start(items.aclose())

    def _wait(self, ask: Callable[[Connection], Awaitable[Any]], what: str) -> Any:
        async def run() -> Any:
            return await wait_for_answer(self._ready(), ask, self._timeout, what)

        return self._run(run)

    async def _ready(self) -> Connection:
        """Return the connection that a verb goes out on, which may wait for its session."""
        return self._connection()

    async def _joined(self) -> None:
        try:
            async with asyncio.timeout(self._timeout) as limit:
                await (await self._ready()).joined(self._timeout)
        except TimeoutError:
            if not limit.expired():
                raise
            raise NotJoined(
                f"There was no session with a router within {self._timeout:g} s; nothing was sent."
            ) from None

    def _run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        with blocking_wait() as on_answer:
            return self._runtime().call(work(), on_answer)
