"""Connect, join, announce what an app declares, and come back when the link breaks."""

from __future__ import annotations

import asyncio
import logging
import random
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
from wampapp.registry import Registration
from wampapp.session import Session

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from wampapp.config import Config
    from wampapp.dial import Dialer
    from wampapp.dispatch import Dispatcher
    from wampapp.endpoint import Endpoint
    from wampapp.registry import Subscription

logger = logging.getLogger("wampapp")

_FIRST_DELAY: Final = 0.2
_LONGEST_DELAY: Final = 5.0


async def join(
    dialer: Dialer,
    realm: str,
    dispatcher: Dispatcher,
    timeout: float,
    defined: Mapping[str, type[Exception]] | None = None,
) -> Session:
    """Connect and join a realm.

    Args:
        dialer: how to reach the router.
        realm: the realm.
        dispatcher: what runs the session's handlers.
        timeout: seconds for all of it.
        defined: the exceptions that stand for error URIs.

    Returns:
        The joined session.

    Raises:
        RouterUnreachable: no router answered, or not in time.
        RouterRefused: it refused the realm.
    """
    session = Session(realm, dispatcher, asyncio.get_running_loop(), defined)
    try:
        async with asyncio.timeout(timeout):
            await dialer.dial(session, timeout)
            await session.joined
    except TimeoutError:
        session.abandon()
        raise RouterUnreachable(
            f"What listens at {dialer.where} did not answer as a WAMP router within "
            f"{timeout:g} s; check the URL and the port."
        ) from None
    except BaseException:
        session.abandon()
        raise
    return session


class Connection:
    """Keeps what an app declares announced at a router.

    Args:
        dialer: how to reach the router.
        config: realm and timeouts.
        dispatcher: what runs the handlers.
        endpoints: each record with its prepared handler.
        defined: the exceptions that stand for error URIs.
        on_join: awaited after each join, when everything is announced.
        on_leave: awaited after each session.

    Attributes:
        session: the current session; None while there is none.
    """

    def __init__(
        self,
        dialer: Dialer,
        config: Config,
        dispatcher: Dispatcher,
        endpoints: Sequence[tuple[Registration | Subscription, Endpoint]],
        *,
        defined: Mapping[str, type[Exception]],
        on_join: Callable[[], Awaitable[None]],
        on_leave: Callable[[], Awaitable[None]],
    ) -> None:
        self._defined = defined
        self._on_join = on_join
        self._on_leave = on_leave
        self._dialer = dialer
        self._config = config
        self._dispatcher = dispatcher
        self._endpoints = endpoints
        self.session: Session | None = None

    @property
    def joined(self) -> Session:
        """The joined session.

        Raises:
            NotJoined: there is none now.
        """
        if self.session is None:
            raise NotJoined(
                "The app has no session with a router now; call and publish once it has joined."
            )
        return self.session

    async def open(self) -> None:
        """Join and announce, trying again until a router is there.

        Raises:
            RouterRefused: the router refuses the realm, a procedure or a topic.
        """
        delay = _FIRST_DELAY
        told = False
        while True:
            try:
                await self._join_once()
                await self._on_join()
            except (RouterUnreachable, ConnectionLost, NotJoined) as error:
                if not told:
                    told = True
                    logger.warning("%s Trying again until a router answers.", error)
            else:
                return
            # Jitter keeps a crowd of services from coming back in one instant.
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311
            delay = min(delay * 2, _LONGEST_DELAY)

    async def keep(self) -> None:
        """Come back each time the session ends; runs until it is cancelled.

        Raises:
            RouterRefused: the router refuses on coming back.
        """
        while self.session is not None:
            reason = await asyncio.shield(self.session.closed)
            self.session = None
            logger.warning("The session ended: %s. Coming back.", reason)
            await self._on_leave()
            await self.open()
            logger.info("Joined again at %s", self._dialer.where)

    async def _join_once(self) -> Session:
        session = await join(
            self._dialer,
            self._config.realm,
            self._dispatcher,
            self._config.handshake_timeout,
            self._defined,
        )
        try:
            async with asyncio.timeout(self._config.handshake_timeout):
                await asyncio.gather(
                    *(self._announce(session, record, e) for record, e in self._endpoints)
                )
        except TimeoutError:
            session.abandon()
            raise RouterUnreachable(
                f"The router at {self._dialer.where} did not answer the app's registrations."
            ) from None
        except BaseException:
            session.abandon()
            raise
        self.session = session
        return session

    async def _announce(
        self, session: Session, record: Registration | Subscription, endpoint: Endpoint
    ) -> None:
        try:
            if isinstance(record, Registration):
                await session.register(endpoint)
            else:
                await session.subscribe(endpoint)
        except (PayloadNotEncodable, PayloadTooLarge):
            raise
        except ProcedureExists as error:
            raise RouterRefused(
                f"Another session at {self._dialer.where} has registered {endpoint.uri!r} "
                "already; stop that one, or give this procedure another URI.",
                error.uri,
            ) from None
        except WampError as error:
            what = "register" if isinstance(record, Registration) else "subscribe to"
            raise RouterRefused(
                f"The router at {self._dialer.where} refuses to {what} {endpoint.uri!r}: "
                f"{error.message or error.uri} ({error.uri}).",
                error.uri,
            ) from None

    async def close(self) -> None:
        """Leave: no new calls, running handlers get their grace time, then GOODBYE.

        Logs the handlers that still run when the grace time is over.
        """
        session = self.session
        grace = self._config.grace
        if session is not None:
            await session.stop_serving()
        left = await self._dispatcher.drain(grace)
        for procedure in left:
            logger.warning("%s still runs after %g s of grace; it is left behind", procedure, grace)
        self.session = None
        if session is not None:
            await session.leave(timeout=2.0)
            await self._on_leave()
