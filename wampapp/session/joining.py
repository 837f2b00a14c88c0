"""Connects to a router and joins a realm: one attempt."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from wampapp.errors import RouterUnreachable
from wampapp.session.keepalive import KeepAlive
from wampapp.session.session import Session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wampapp.config.records import Config
    from wampapp.dispatch.dispatcher import Dispatcher
    from wampapp.transport.dial import Dialer


async def join(
    dialer: Dialer,
    config: Config,
    dispatcher: Dispatcher,
    defined: Mapping[str, type[Exception]] | None = None,
    *,
    timeout: float | None = None,
) -> Session:
    """Connect and join a realm.

    Args:
        dialer: how to reach the router.
        config: the realm, the credential and the timeouts.
        dispatcher: what runs the session's handlers.
        defined: the exceptions that stand for error URIs.
        timeout: seconds for all of it; None for the configuration's.

    Returns:
        The joined session.

    Raises:
        RouterUnreachable: no router answered, or not in time.
        RouterRefused: it refused the realm or the credential.
        TlsFailed: it is not to be trusted.
    """
    seconds = config.handshake_timeout if timeout is None else timeout
    loop = asyncio.get_running_loop()
    session = Session(config.realm, dispatcher, loop, defined, config.auth, config.name)
    try:
        async with asyncio.timeout(seconds):
            await dialer.dial(session, seconds)
            await session.joined
    except TimeoutError:
        session.cut("the join took too long")
        raise RouterUnreachable(
            f"What listens at {dialer.where} did not answer as a WAMP router within "
            f"{seconds:g} s; check the URL and the port."
        ) from None
    except BaseException:
        session.cut("the join failed")
        raise
    if config.keep_alive and dialer.remote:
        KeepAlive(session, config.keep_alive, loop)
    return session
