"""What a session of Autobahn's takes for its transport: our link."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import txaio
from autobahn.exception import PayloadExceededError
from autobahn.wamp.exception import SerializationError, TransportLost
from autobahn.wamp.message import Error, Yield
from autobahn.wamp.serializer import Serializer
from autobahn.wamp.types import TransportDetails

from wampapp.errors import (
    PAYLOAD_SIZE_EXCEEDED,
    ConnectionLost,
    PayloadNotEncodable,
    PayloadTooLarge,
)
from wampapp.protocol.messages import ERROR

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.protocol.messages import Message
    from wampapp.transport.link import Link

_NO_CHANNEL_ID: Final = bytes(32)


class SessionTransport:
    """A link as a session of Autobahn's knows it (``ITransport``).

    Args:
        link: the link.
        on_send: called with each message that the session sends, before it leaves; returns what
            is sent in its place.
        on_close: called when the session closes its transport.

    Attributes:
        is_open: Autobahn's future of the transport's opening.
        is_closed: Autobahn's future of its end.
        transport_details: what Autobahn tells of it.
    """

    def __init__(
        self, link: Link, on_send: Callable[[Message], Message], on_close: Callable[[], None]
    ) -> None:
        self._link: Link | None = link
        self._on_send = on_send
        self._on_close = on_close
        self._serializer = link.codec
        self.is_open: Any = txaio.create_future_success(None)
        self.is_closed: Any = txaio.create_future()
        channel = link.channel
        self.transport_details = TransportDetails(
            channel_type=TransportDetails.CHANNEL_TYPE_TCP
            if channel is None
            else TransportDetails.CHANNEL_TYPE_TLS,
            channel_framing=TransportDetails.CHANNEL_FRAMING_NATIVE,
            channel_serializer=TransportDetails.CHANNEL_SERIALIZER_FROM_STR.get(
                link.codec.SERIALIZER_ID
            ),
            peer=link.address,
            is_server=False,
            own_pid=os.getpid(),
            is_secure=channel is not None,
            channel_id={"tls-unique": _NO_CHANNEL_ID}
            if channel is None
            else {"tls-unique": channel.binding("tls-unique")},
        )

    def send(self, message: Any) -> None:
        """Send one of Autobahn's messages.

        Raises:
            SerializationError: the serializer cannot carry a value in it.
            PayloadExceededError: the router does not take messages of this size.
            TransportLost: the link is closed.
        """
        link = self._link
        if link is None:
            _not_sent(message)
            return
        try:
            link.send(self._on_send(message.marshal()))
        except PayloadNotEncodable as error:
            raise SerializationError(error.message) from None
        except PayloadTooLarge as error:
            if not isinstance(message, Error):
                raise PayloadExceededError(error.message) from None
            # Autobahn repeats what was too large in the error that says so.
            head = [ERROR, message.request_type, message.request, {}]
            link.send([*head, PAYLOAD_SIZE_EXCEEDED, [error.message]])
        except ConnectionLost:
            _not_sent(message)

    def isOpen(self) -> bool:
        """Return whether it can be sent on."""
        return self._link is not None

    def close(self) -> None:
        """Close the link once everything is sent."""
        self._on_close()

    abort = close

    def get_channel_id(self, channel_id_type: str | None = None) -> bytes | None:
        """Return what a signature can be bound to; see ``ITransport``."""
        channel = None if self._link is None else self._link.channel
        if channel is None or channel_id_type is None:
            return None
        return channel.binding(channel_id_type)

    def ended(self) -> None:
        """Note that the link is gone."""
        self._link = None
        if not txaio.is_called(self.is_closed):
            txaio.resolve(self.is_closed, None)


def _not_sent(message: Any) -> None:
    """Raise, unless the message ends a call, whose caller is gone, too."""
    if not (isinstance(message, Error) or (isinstance(message, Yield) and not message.progress)):
        raise TransportLost from None


def parsed(message: Message) -> Any:
    """Return a message, whose shape was checked, as Autobahn's.

    Raises:
        autobahn.wamp.exception.ProtocolError: Autobahn does not take it.
    """
    return Serializer.MESSAGE_TYPE_MAP[message[0]].parse(message)
