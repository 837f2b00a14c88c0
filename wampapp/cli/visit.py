"""A session of a command's own, with nothing behind it: joined, asked and left."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Final

from wampapp.connection import join
from wampapp.dispatch import Dispatcher
from wampapp.workers import Workers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wampapp.config import Config
    from wampapp.dial import Dialer
    from wampapp.loop import Runtime
    from wampapp.session import Session

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
    workers = Workers(_THREADS)
    try:
        session = await join(dialer, config, Dispatcher(runtime.loop, workers, logger))
        try:
            yield session
        finally:
            await session.leave(timeout=_FAREWELL_SECONDS)
    finally:
        workers.close()
