"""What the awaited client in Python and the blocking one say differently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Style:
    """The words of a client.

    Attributes:
        peer: what it calls over.
        peer_type: its class.
        about_peer: what it is.
        define: how a method is defined.
        wait: what stands before a call.
        iterator: what progressive results come from.
        subscribe: the verb that subscribes.
        subscription: what that returns.
        handled: what a handler of events returns.
    """

    peer: str
    peer_type: str
    about_peer: str
    define: str
    wait: str
    iterator: str
    subscribe: str
    subscription: str
    handled: str


AWAITED: Final = Style(
    peer="app",
    peer_type="App",
    about_peer="the app whose session is used.",
    define="async def",
    wait="await ",
    iterator="AsyncIterator",
    subscribe="subscribe_now",
    subscription="ActiveSubscription",
    handled="Awaitable[object]",
)
BLOCKING: Final = Style(
    peer="client",
    peer_type="PeerClient",
    about_peer="what `wampapp.connect()` returns, or `app.sync`.",
    define="def",
    wait="",
    iterator="Iterator",
    subscribe="subscribe",
    subscription="BlockingSubscription",
    handled="object",
)
