"""Deferreds, for tests in which no reactor need be installed."""

import asyncio

from twisted.internet.defer import Deferred


def sleep(seconds: float) -> Deferred[None]:
    """Return a Deferred that fires later, on the loop that runs."""
    return Deferred.fromFuture(asyncio.ensure_future(asyncio.sleep(seconds)))
