"""Registers and subscribes what an app declares, which it cannot do without."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from wampapp.errors import (
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
    from collections.abc import Iterable

    from wampapp.registry.endpoint import Endpoint
    from wampapp.registry.records import Subscription
    from wampapp.session.session import Session

logger = logging.getLogger("wampapp")

#: How long a router may take to notice that our session, which still holds a procedure, is dead.
_TAKEOVER_SECONDS: Final = 30.0


async def announce(
    session: Session, record: Registration | Subscription, endpoint: Endpoint
) -> int:
    """Register or subscribe one handler; return the registration's or the subscription's id."""
    if isinstance(record, Registration):
        return await session.register(endpoint)
    return await session.subscribe(endpoint)


async def announce_all(
    session: Session,
    endpoints: Iterable[tuple[Registration | Subscription, Endpoint]],
    *,
    where: str,
    timeout: float,
    take_over: bool,
) -> None:
    """Register and subscribe everything concurrently.

    Args:
        session: the joined session.
        endpoints: each record with its prepared handler.
        where: the router, for messages.
        timeout: the seconds that the router has for each answer.
        take_over: whether an earlier session of ours, the end of which the router has yet to
            notice, may hold a procedure; registering it is then tried for a while.

    Raises:
        RouterRefused: the router refuses a procedure or a topic.
        RouterUnreachable: it did not answer in time.
        ConnectionLost: the link broke.
        NotJoined: the session has ended.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for record, endpoint in endpoints:
                group.create_task(_announce(session, record, endpoint, where, timeout, take_over))
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def _announce(
    session: Session,
    record: Registration | Subscription,
    endpoint: Endpoint,
    where: str,
    timeout: float,
    take_over: bool,
) -> None:
    loop, uri = asyncio.get_running_loop(), endpoint.uri
    end = loop.time() + _TAKEOVER_SECONDS
    backoff = Backoff(jitter=False)
    warned = False
    while True:
        try:
            async with asyncio.timeout(timeout):
                await announce(session, record, endpoint)
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
                    _TAKEOVER_SECONDS,
                )
        except WampError as error:
            what = "register" if isinstance(record, Registration) else "subscribe to"
            raise RouterRefused(
                f"The router at {where} refuses to {what} {uri!r}: "
                f"{error.message or error.uri} ({error.uri}).",
                error.uri,
            ) from None
        else:
            return
        await asyncio.sleep(backoff.next())
