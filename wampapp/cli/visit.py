"""A session of a command's own, with nothing behind it: joined, asked and left."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Final

from wampapp.cli.verbs.where import untold
from wampapp.dispatch.dispatcher import Dispatcher
from wampapp.loop.threads import ThreadPool
from wampapp.session.joining import join

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wampapp.config.records import Config
    from wampapp.loop.runtime import Runtime
    from wampapp.session.session import Session
    from wampapp.transport.dial import Dialer
    from wampapp.transport.link import Handler

logger = logging.getLogger("wampapp")

_THREADS: Final = 2  # for what answers a challenge
_FAREWELL_SECONDS: Final = 2.0


@contextlib.asynccontextmanager
async def visit(runtime: Runtime, dialer: Dialer, config: Config) -> AsyncIterator[Session]:
    """Join a realm while a block is open. It does not come back when the link breaks.

    Args:
        runtime: the process's loop, which runs.
        dialer: how to reach the router.
        config: the realm, the credential, how patiently.

    Yields:
        The session.

    Raises:
        RouterUnreachable: no router answered, or not in time.
        RouterRefused: it refused the realm or the credential.
        TlsFailed: it is not to be trusted.
    """
    with contextlib.closing(ThreadPool(_THREADS)) as workers:
        session = await join(dialer, config, Dispatcher(runtime.loop, workers, logger))
        try:
            with untold():
                yield session
        finally:
            await session.leave(timeout=_FAREWELL_SECONDS)


class Watched:
    """A dialer that tells when the transport's handshake is done.

    Args:
        inner: what dials.

    Attributes:
        opened: a future of the serializer that was agreed on.
        opened_at: when that was.
    """

    remote = True

    def __init__(self, inner: Dialer) -> None:
        self.where = inner.where
        self._inner = inner
        self.opened_at = 0.0
        self.opened: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def dial(self, handler: Handler, timeout: float) -> None:
        """Link ``handler`` to the router; see :class:`~wampapp.transport.dial.Dialer`."""
        await self._inner.dial(handler, timeout)
        self.opened_at = time.perf_counter()
        self.opened.set_result(getattr(handler, "serializer", ""))
