"""The sessions of HTTP's callers: one for each credential, kept for a while."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from typing import TYPE_CHECKING, Any, Final, Protocol

from wampapp.dispatch.dispatcher import Dispatcher
from wampapp.errors import NotJoined
from wampapp.loop.threads import ThreadPool
from wampapp.observe.tracing import running_for
from wampapp.protocol.credentials import Ticket
from wampapp.session.connection import Connection
from wampapp.transport.dial import LocalDialer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wampapp.config.records import Config
    from wampapp.server.door import Server
    from wampapp.transport.dial import Dialer

logger = logging.getLogger("wampapp.web")

#: The most sessions that are kept; more callers at the same time get one each, for as long as
#: their requests take.
_MAX_KEPT: Final = 100
#: For how many seconds one is kept that nobody uses.
_IDLE: Final = 60.0
_PATIENCE: Final = 5.0


class Running(Protocol):
    """A running service, as the bridge knows it."""

    @property
    def config(self) -> Config:
        """How it joined."""

    @property
    def dialer(self) -> Dialer | None:
        """The way to the router."""

    @property
    def server(self) -> Server | None:
        """The router in this process; None without one."""

    def trusts_origin(self, origin: str) -> bool:
        """Return whether pages of an origin may send requests that change something."""


class _Kept:
    """A session, and who uses it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.users = 0
        self.keeper: asyncio.Task[None] | None = None
        self.timer: asyncio.TimerHandle | None = None


class Sessions:
    """The sessions of HTTP's callers at a service's router.

    Args:
        service: the running service.

    Attributes:
        service: the running service.
        pool: threads, of which nothing here takes one.
    """

    def __init__(self, service: Running) -> None:
        self.service = service
        self._kept: dict[tuple[str, str] | None, _Kept] = {}
        self._loop = asyncio.get_running_loop()
        self.pool = ThreadPool(1)
        self._dispatcher = Dispatcher(self._loop, self.pool, logger)
        self._locks: dict[tuple[str, str] | None, asyncio.Lock] = {}
        self._ending: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def session(self, credential: tuple[str, str] | None) -> AsyncIterator[Connection]:
        """Open a session for a credential, or use the one that there is.

        Args:
            credential: an authid and a ticket; None to join anonymously.

        Raises:
            RouterRefused: the router does not let them in.
            RouterUnreachable: there is no router.
            NotJoined: the service has not joined yet.
        """
        lock = self._locks.setdefault(credential, asyncio.Lock())
        try:
            async with lock:
                kept = self._kept.get(credential)
                if kept is None or (kept.keeper is not None and kept.keeper.done()):
                    kept = await self._open(credential)
                    self._kept[credential] = kept
                kept.users += 1
        finally:
            if not lock.locked():
                self._locks.pop(credential, None)
        if kept.timer is not None:
            kept.timer.cancel()
        try:
            yield kept.connection
        finally:
            kept.users -= 1
            if not kept.users:
                seconds = _IDLE if len(self._kept) <= _MAX_KEPT else 0.0
                kept.timer = self._loop.call_later(seconds, self._drop, credential, kept)

    async def _open(self, credential: tuple[str, str] | None) -> _Kept:
        service = self.service
        if service.dialer is None:
            raise NotJoined("The service has not joined a router yet.")
        dialer: Dialer = service.dialer
        if service.server is not None:
            # Not as the app, which may do everything there.
            dialer = LocalDialer(service.server.router.new_session)
        config = dataclasses.replace(
            service.config,
            auth=None if credential is None else Ticket(*credential),
            rejoin_timeout=_PATIENCE,
            fail_fast=True,
            grace=0.0,
            name="HTTP",
        )
        with running_for(None):  # it outlives the request
            kept = _Kept(Connection(dialer, config, self._dispatcher))
            await kept.connection.open(patient=False)
            kept.keeper = asyncio.create_task(kept.connection.keep())
        kept.keeper.add_done_callback(_noted)
        return kept

    def _drop(self, credential: tuple[str, str] | None, kept: _Kept) -> None:
        if not kept.users:
            if self._kept.get(credential) is kept:
                del self._kept[credential]
            ending = asyncio.ensure_future(self._end(kept))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    async def _end(self, kept: _Kept) -> None:
        if kept.timer is not None:
            kept.timer.cancel()
        if kept.keeper is not None:
            kept.keeper.cancel()
            await asyncio.gather(kept.keeper, return_exceptions=True)
        await kept.connection.close()

    async def close(self) -> None:
        """End all sessions."""
        kept, self._kept = [*self._kept.values()], {}
        await asyncio.gather(*map(self._end, kept), *self._ending)
        self.pool.close()


def _noted(keeper: asyncio.Task[Any]) -> None:
    """Take note of why a session does not come back; the next request hears it again."""
    if not keeper.cancelled() and keeper.exception() is not None:
        logger.debug("A session of HTTP's ended: %s", keeper.exception())
