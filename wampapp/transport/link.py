"""What a session sends on, and what a link hands its messages to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from wampapp.errors import ProtocolViolation
    from wampapp.protocol.codec import Codec
    from wampapp.protocol.messages import Message

#: The largest message either way, in bytes: the most that RawSocket's handshake can announce.
MAX_MESSAGE_SIZE: Final = 2**24


class Link(Protocol):
    """A connected transport; what a session sends on.

    Attributes:
        heard: whether anything came in since this was last set to False.
    """

    heard: bool

    @property
    def sending(self) -> bool:
        """Whether bytes wait that the peer has not taken yet."""

    @property
    def codec(self) -> Codec:
        """The serializer that was negotiated."""

    def send(self, message: Message) -> None:
        """Encode and send a message whose payload is plain.

        Raises:
            PayloadNotEncodable: the serializer cannot carry a value in it.
            PayloadTooLarge: the peer does not take messages of this size.
            ConnectionLost: the link is closed.
        """

    def write(self, payload: bytes) -> None:
        """Send a message that :attr:`codec` has encoded already; raises as :meth:`send`."""

    def pause(self) -> None:
        """Stop reading; the peer's transport holds what comes. Pausing twice does nothing."""

    def resume(self) -> None:
        """Read on."""

    def close(self) -> None:
        """Close the link once everything is sent."""

    def abort(self) -> None:
        """Close the link at once; what is not sent yet is lost."""


class Handler(Protocol):
    """What a link hands its news to; a client's or a router's side of a session."""

    def opened(self, link: Link) -> None:
        """Take the link; its handshake is done."""

    def received(self, message: Message) -> None:
        """Take a checked message."""

    def violated(self, error: ProtocolViolation) -> None:
        """Hear that the peer sent something that is no message; the link still is open."""

    def lost(self, reason: str) -> None:
        """Hear that the link is gone, and why; called once, last."""
