"""Connects to a router and joins a realm: one attempt."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from wampapp.errors import UsageError
from wampapp.protocol.credentials import ClientCertificate
from wampapp.session.keepalive import KeepAlive
from wampapp.session.session import Session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wampapp.config.records import Config
    from wampapp.dispatch.dispatcher import Dispatcher
    from wampapp.transport.dial import Dialer


def new_session(
    config: Config, dispatcher: Dispatcher, defined: Mapping[str, type[Exception]] | None = None
) -> Session:
    """Make a session, which has no link yet, on the running loop.

    Args:
        config: the realm, the credential, and what the session calls itself.
        dispatcher: what runs its handlers.
        defined: the exceptions that stand for error URIs.
    """
    loop = asyncio.get_running_loop()
    return Session(config.realm, dispatcher, loop, defined, config.auth, config.name)


async def join(
    dialer: Dialer, config: Config, session: Session, timeout: float | None = None
) -> None:
    """Connect and join a realm.

    Args:
        dialer: how to reach the router.
        config: the credential and the timeouts.
        session: what joins.
        timeout: seconds for all of it; None for the configuration's.

    Raises:
        RouterUnreachable: no router answered, or not in time.
        RouterRefused: it refused the realm or the credential.
        TlsFailed: it is not to be trusted.
        UsageError: we join by a certificate, and have none.
    """
    by_certificate = dialer.remote and isinstance(config.auth, ClientCertificate)
    if by_certificate and (config.tls is None or config.tls.certificate is None):
        raise UsageError(
            "Joining by a client certificate needs one; give tls=Tls(certificate=…), --cert or "
            "WAMPAPP_CERT."
        )
    seconds = config.handshake_timeout if timeout is None else timeout
    try:
        async with asyncio.timeout(seconds), dialer.joining():
            await dialer.dial(session, seconds)
            await session.joined
    except TimeoutError:
        error = session.timed_out(dialer.where, seconds)
        session.cut("the join took too long")
        raise error from None
    except BaseException:
        session.cut("the join failed")
        raise
    if config.keep_alive and dialer.remote:
        KeepAlive(session, config.keep_alive, asyncio.get_running_loop())
