"""The peer of a router's session: what it can do, and what it is sent. Sans-I/O."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from wampapp.errors import ConnectionLost, PayloadNotEncodable, PayloadTooLarge
from wampapp.protocol.messages import CALL, ERROR, MAX_ID

if TYPE_CHECKING:
    from wampapp.protocol.messages import Message
    from wampapp.protocol.serializer import Codec
    from wampapp.router.numbers import Numbers
    from wampapp.transport.link import Link

logger = logging.getLogger("wampapp.router")


class Peer:
    """What a session's messages are sent to.

    Args:
        numbers: what the router counts.

    Attributes:
        id: the session's id; 0 before it joined.
        address: where the peer is.
        reroutes: whether the peer says as a callee that another one is to be called.
    """

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers
        self._link: Link | None = None
        self._features: frozenset[tuple[str, str]] = frozenset()
        self._requests = 0
        self.id = 0
        self.address = ""
        self.reroutes = False

    @property
    def link(self) -> Link | None:
        """The link to the peer; None once it is gone."""
        return self._link

    def next_request(self) -> int:
        """Return the next request id of the session scope, which counts from 1 ("IDs")."""
        self._requests = self._requests % MAX_ID + 1
        return self._requests

    def send(self, message: Message) -> None:
        """Send a message.

        Raises:
            PayloadNotEncodable: the session's serializer cannot carry a value in it.
            PayloadTooLarge: the peer does not take messages of this size.
        """
        link = self._link
        if link is not None:
            try:
                link.send(message)
            except ConnectionLost:
                # The link will call lost() in a moment, and everything is cleaned up there.
                logger.debug("A message for session %s came too late", self.id)

    def send_event(self, event: Message, encoded: dict[Codec, bytes | None]) -> None:
        """Send an EVENT that other sessions get as well; a link that cannot carry it is skipped.

        Args:
            event: the message.
            encoded: its encoded forms so far, by serializer, which is added to; None for a
                serializer that cannot carry it.
        """
        link = self._link
        if link is None:
            return
        try:
            payload = encoded[link.codec]
        except KeyError:
            try:
                payload = link.codec.encode(event)
            except PayloadNotEncodable as error:
                payload = None
                logger.warning("An event cannot be sent to some subscribers: %s", error.message)
            encoded[link.codec] = payload
        if payload is not None:
            try:
                link.write(payload)
            except PayloadTooLarge as error:
                logger.warning("An event cannot be sent to session %s: %s", self.id, error.message)
            except ConnectionLost:
                logger.debug("An event for session %s came too late", self.id)

    def send_error(self, kind: int, request: int, error_uri: str, text: str) -> None:
        """Answer a request with ERROR.

        Args:
            kind: the code of the request's message.
            request: the request's id.
            error_uri: the error URI.
            text: one sentence for people; left out where the peer takes only short messages.
        """
        if kind == CALL:
            self._numbers.errors += 1
        try:
            self.send([ERROR, kind, request, {}, error_uri, [text]])
        except (PayloadTooLarge, PayloadNotEncodable):
            self.send([ERROR, kind, request, {}, error_uri])

    def supports(self, role: str, feature: str) -> bool:
        """Return whether the peer announced a feature in HELLO.

        Args:
            role: the peer's role, such as ``callee``.
            feature: the feature, such as ``call_canceling``; one of ``KNOWN``.
        """
        return (role, feature) in self._features
