"""A session of a command's own, which serves nothing: joined, asked and left."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Final

from wampapp.cli.output import quiet_log
from wampapp.dispatch.dispatcher import Dispatcher
from wampapp.loop.threads import ThreadPool
from wampapp.session.joining import join, new_session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wampapp.config.records import Config
    from wampapp.loop.runtime import Runtime
    from wampapp.session.session import Session
    from wampapp.transport.dial import Dialer

logger = logging.getLogger("wampapp")

_THREADS: Final = 2  # for the answer to a challenge
_LEAVE_SECONDS: Final = 2.0


@contextlib.asynccontextmanager
async def open_session(runtime: Runtime, dialer: Dialer, config: Config) -> AsyncIterator[Session]:
    """Join a realm while a block is open. The session does not come back when its link breaks.

    Args:
        runtime: the process's loop, which runs.
        dialer: how to reach the router.
        config: the realm, the credential and the time limits.

    Yields:
        The session.

    Raises:
        RouterUnreachable: no router answered, or not in time.
        RouterRefused: the router refused the realm or the credential.
        TlsFailed: the router's certificate is not trusted.
    """
    with contextlib.closing(ThreadPool(_THREADS)) as workers:
        session = new_session(config, Dispatcher(runtime.loop, workers, logger))
        await join(dialer, config, session)
        try:
            with quiet_log():
                yield session
        finally:
            await session.leave(timeout=_LEAVE_SECONDS)
