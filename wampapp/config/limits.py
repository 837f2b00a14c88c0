"""What a router takes from one peer, and holds for all of them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from wampapp.errors import UsageError

MIB: Final = 2**20
#: The most that a WAMP message may have, by RawSocket's handshake.
_LARGEST: Final = 16 * MIB


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a router. An honest service meets none of the defaults.

    Attributes:
        hello_size: the bytes of a message before a session has joined.
        message_size: the bytes of any other message, from 65,536 to 16 MiB.
        message_values: the values of a message, lists and what they hold each counted. So many
            empty lists keep the router for about a twentieth of a second.
        unsent: the bytes that one peer may leave unread before it is disconnected.
        unsent_total: the bytes that all peers together may leave unread; above, those with the most
            are disconnected. Above half of it, peers that send more are made to wait first.
    """

    hello_size: int = 2**16
    message_size: int = _LARGEST
    message_values: int = 500_000
    unsent: int = 16 * MIB
    unsent_total: int = 256 * MIB

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if type(value) is not int or value < 1:
                raise UsageError(f"Limits({field.name}={value!r}): give a whole number, 1 or more.")
        if not self.hello_size <= self.message_size <= _LARGEST:
            raise UsageError(
                f"Limits(message_size={self.message_size}): give a number of bytes from "
                f"{self.hello_size} (hello_size) to {_LARGEST}."
            )
