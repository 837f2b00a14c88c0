"""The connection of a web process, which brings itself back."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING, Final

from wampapp.dispatch.dispatcher import Dispatcher
from wampapp.errors import (
    ConnectionLost,
    NotJoined,
    RouterUnreachable,
    WampappError,
)
from wampapp.loop.threads import ThreadPool
from wampapp.session.connection import Connection

if TYPE_CHECKING:
    from wampapp.config.records import Config
    from wampapp.loop.runtime import Runtime
    from wampapp.transport.dial import Dialer

logger = logging.getLogger("wampapp")

#: The errors after which it goes on trying.
_TRANSIENT: Final = (RouterUnreachable, ConnectionLost, NotJoined)


class ProcessConnection:
    """The connection of one process: opened when it is made, and brought back when it is lost.

    Its methods run on the loop's thread, except :meth:`close_soon`.

    Args:
        runtime: the loop.
        dialer: how to reach the router.
        config: the realm, the credential and the time limits.

    Attributes:
        connection: what is called and published on.
        process: the id of the process that made it; a fork must not use it.
    """

    def __init__(self, runtime: Runtime, dialer: Dialer, config: Config) -> None:
        self.runtime = runtime
        self.process = os.getpid()
        self._workers = ThreadPool(1)
        self.connection = Connection(
            dialer,
            config,
            Dispatcher(runtime.loop, self._workers, logger),
            on_join=self._joined,
            on_leave=self._left,
        )
        self._rejoin_timeout = config.rejoin_timeout
        self._away_since: float | None = None
        self._failure: WampappError | None = None
        self._tried = runtime.loop.create_future()
        self._keeping = asyncio.create_task(self._keep())

    @property
    def is_over(self) -> bool:
        """Whether it will not come back, because the router refused it."""
        return self._keeping.done()

    async def _joined(self) -> None:
        self._failure = None
        self._away_since = None

    async def _left(self) -> None:
        self._away_since = self.runtime.loop.time()

    async def _keep(self) -> None:
        refused: WampappError | None = None
        try:
            try:
                await self.connection.open(patient=False)
            except _TRANSIENT as error:
                self._failure = error
                self._tried.set_result(None)
                await self.connection.open()
            else:
                self._tried.set_result(None)
            await self.connection.keep()
        except WampappError as error:
            self._failure = refused = error
        finally:
            if not self._tried.done():
                self._tried.set_result(None)
            elif refused is not None:
                logger.error("The session will not come back: %s", refused)

    async def wait_joined(self) -> None:
        """Wait for the session, but no longer than a view may.

        Raises:
            RouterUnreachable: no router answered.
            NotJoined: the session was lost, and has not come back.
            RouterRefused: the router refuses the realm or the credential.
            TlsFailed: its certificate is not trusted.
        """
        await asyncio.shield(self._tried)
        if self.connection.is_joined:
            return
        if self._failure is not None:
            raise self._failure.with_traceback(None)
        now = self.runtime.loop.time()
        # None if the link has just broken and on_leave has not been called yet.
        away = 0.0 if self._away_since is None else now - self._away_since
        left = self._rejoin_timeout - away
        if left <= 0:
            raise NotJoined(
                f"There has been no session with {self.connection.where} for {away:.0f} s; "
                "nothing was sent."
            )
        await self.connection.joined(left)

    def close_soon(self) -> None:
        """Close it from any thread, without waiting."""
        loop = self.runtime.loop
        if loop.is_running():
            asyncio.run_coroutine_threadsafe(self.close(), loop)

    async def close(self) -> None:
        """Leave the realm."""
        self._keeping.cancel()
        await asyncio.wait([self._keeping])
        await self.connection.close()
        self._workers.close()
