"""The handlers that a connection announces in each of its sessions, and how they are taken back."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import threading
from typing import TYPE_CHECKING, Final

from wampapp.errors import (
    ConnectionLost,
    NotJoined,
    PayloadNotEncodable,
    PayloadTooLarge,
    ProcedureExists,
    RouterRefused,
    RouterUnreachable,
    WampError,
)
from wampapp.registry.records import Registration
from wampapp.session.backoff import Backoff

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from wampapp.registry.endpoint import Endpoint
    from wampapp.registry.records import Subscription
    from wampapp.session.session import Session

logger = logging.getLogger("wampapp")

#: How long a router may take to notice that our session, which still holds a procedure, is dead.
TAKEOVER_SECONDS: Final = 30.0


class Announcer:
    """Registers and subscribes handlers, in each session anew, until they are taken back.

    It is made and used on the loop's thread, but for :meth:`find` and ``endpoint.withdraw()``.

    Args:
        endpoints: what an app declares, which it cannot do without.
        current: returns the session; None, or one that is not joined, while there is none.
        joined: waits for the session, or raises NotJoined.
    """

    def __init__(
        self,
        endpoints: Iterable[tuple[Registration | Subscription, Endpoint]],
        current: Callable[[], Session | None],
        joined: Callable[[], Awaitable[Session]],
    ) -> None:
        self._current = current
        self._joined = joined
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._known: dict[Endpoint, Registration | Subscription] = {}
        #: What was taken back while there was no session; a new one may have it by now.
        self._late: list[Endpoint] = []
        for record, endpoint in endpoints:
            self._keep(record, endpoint)

    def _keep(self, record: Registration | Subscription, endpoint: Endpoint) -> None:
        self._known[endpoint] = record
        endpoint.withdraw = functools.partial(self._withdraw_soon, endpoint)

    async def announce(self, record: Registration | Subscription, endpoint: Endpoint) -> int:
        """Register or subscribe one more handler, now and after each rejoin.

        Args:
            record: the declaration.
            endpoint: its prepared handler.

        Returns:
            The registration's or subscription's id, in the current session.

        Raises:
            WampError: the router refuses.
            NotJoined: there is no session, and none came back in time.
            ConnectionLost: the link broke before the answer came.
        """
        session = await self._joined()
        self._keep(record, endpoint)  # before the answer, for it may take itself back at once
        try:
            return await _announce(session, record, endpoint)
        except BaseException:
            self._known.pop(endpoint, None)
            raise

    async def announce_all(
        self, session: Session, *, where: str, timeout: float, take_over: bool, again: bool
    ) -> None:
        """Register and subscribe everything concurrently.

        Args:
            session: the joined session.
            where: the router, for messages.
            timeout: the seconds that the router has for each answer.
            take_over: whether an earlier session of ours, the end of which the router has yet to
                notice, may hold a procedure; registering it is then tried for a while.
            again: whether there was a session before.

        Raises:
            RouterRefused: the router refuses a procedure or a topic.
            RouterUnreachable: it did not answer in time.
            ConnectionLost: the link broke.
            NotJoined: the session has ended.
        """
        self._late.clear()
        try:
            async with asyncio.TaskGroup() as group:
                for endpoint, record in self._known.items():
                    if again and isinstance(record, Registration) and record.shared:
                        # A worker that rejoins must not take the procedure from the others.
                        endpoint.options.pop("force_reregister", None)
                    group.create_task(
                        _persist(session, record, endpoint, where, timeout, take_over)
                    )
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        for endpoint in self._late:
            with contextlib.suppress(WampError):
                await (session.withdraw(endpoint) or _nothing())

    def announced(self) -> list[tuple[Registration | Subscription, Endpoint]]:
        """Return the handlers that are announced in each session, with their declarations.

        It may be called in any thread.
        """
        return [(record, endpoint) for endpoint, record in list(self._known.items())]

    def find(self, endpoint: Endpoint) -> int | None:
        """Return the id of a handler's registration or subscription, in any thread.

        Args:
            endpoint: the handler.

        Returns:
            The id in the current session; None if there is none.
        """
        session = self._current()
        return session.find(endpoint) if session is not None and session.is_joined else None

    def withdraw(self, endpoint: Endpoint) -> asyncio.Task[None]:
        """Take a handler back, for good. At once, no further event reaches it.

        Args:
            endpoint: the handler; one that was taken back already does no harm.

        Returns:
            A task that is done when the router has taken it back too, and raises
            :class:`WampError` if that refuses.
        """
        rest = None
        if self._known.pop(endpoint, None) is not None:
            session = self._current()
            if session is not None and session.is_joined:
                rest = session.withdraw(endpoint)
            else:
                self._late.append(endpoint)

        async def wait() -> None:
            with contextlib.suppress(ConnectionLost, NotJoined):  # then the router drops it
                await (rest or _nothing())

        return self._loop.create_task(wait())

    def _withdraw_soon(self, endpoint: Endpoint) -> None:
        if threading.get_ident() == self._thread:
            self.withdraw(endpoint).add_done_callback(_log_refusal)
        else:
            self._loop.call_soon_threadsafe(self._withdraw_soon, endpoint)


async def _nothing() -> None:
    pass


def _log_refusal(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.warning("A handler could not be taken back: %s", error)


async def _announce(
    session: Session, record: Registration | Subscription, endpoint: Endpoint
) -> int:
    if isinstance(record, Registration):
        return await session.register(endpoint)
    return await session.subscribe(endpoint)


async def _persist(
    session: Session,
    record: Registration | Subscription,
    endpoint: Endpoint,
    where: str,
    timeout: float,
    take_over: bool,
) -> None:
    loop, uri = asyncio.get_running_loop(), endpoint.uri
    end = loop.time() + TAKEOVER_SECONDS
    backoff = Backoff(jitter=False)
    warned = False
    while True:
        try:
            async with asyncio.timeout(timeout):
                await _announce(session, record, endpoint)
        except TimeoutError:
            raise RouterUnreachable(
                f"The router at {where} did not answer the app's registrations."
            ) from None
        except (PayloadNotEncodable, PayloadTooLarge):
            raise
        except ProcedureExists as error:
            if not take_over or loop.time() >= end:
                raise RouterRefused(
                    f"Another session at {where} has registered {uri!r} already; stop that "
                    "one, or give this procedure another URI.",
                    error.uri,
                ) from None
            if not warned:
                warned = True
                logger.warning(
                    "%s is taken, perhaps by a session that was lost; trying for %g s",
                    uri,
                    TAKEOVER_SECONDS,
                )
        except WampError as error:
            if isinstance(record, Registration) and not record.needed:
                logger.debug("The router at %s refuses to register %s: %s", where, uri, error)
                return
            what = "register" if isinstance(record, Registration) else "subscribe to"
            raise RouterRefused(
                f"The router at {where} refuses to {what} {uri!r}: "
                f"{error.message or error.uri} ({error.uri}).",
                error.uri,
            ) from None
        else:
            return
        await asyncio.sleep(backoff.next())
