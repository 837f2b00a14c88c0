"""The two sides of a connection in this process: a link, and the handler of what it receives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from wampapp.errors import ProtocolViolation
    from wampapp.protocol.channel import Channel
    from wampapp.protocol.messages import Message
    from wampapp.protocol.serializer import Codec

#: The largest message either way, in bytes: the most that RawSocket's handshake can announce.
MAX_MESSAGE_SIZE: Final = 2**24

#: The address of a peer in this process.
LOCAL: Final = "this process"


class Link(Protocol):
    """A connected transport; what a session sends on.

    Attributes:
        heard: whether anything came in since this was last set to False.
        request: what a web page's WebSocket began with, where an app is asked about that; None
            once the session has joined.
    """

    heard: bool
    request: dict[str, Any] | None

    @property
    def address(self) -> str:
        """Where the peer is, such as ``127.0.0.1:53412``."""

    @property
    def channel(self) -> Channel | None:
        """The link's TLS; None without."""

    @property
    def sending(self) -> bool:
        """Whether there are bytes that the peer has not taken yet."""

    @property
    def codec(self) -> Codec:
        """The serializer that was negotiated."""

    def send(self, message: Message) -> None:
        """Encode and send a message whose payload is plain.

        It is the same method as long as the link lives.

        Raises:
            PayloadNotEncodable: the serializer cannot carry a value in it.
            PayloadTooLarge: the peer does not take messages of this size.
            ConnectionLost: the link is closed.
        """

    def write(self, payload: bytes) -> None:
        """Send a message that :attr:`codec` has encoded already; raises as :meth:`send`."""

    def take(self, size: int, values: int) -> None:
        """Take only messages of at most so many bytes and values, from the next one on.

        A larger message is a violation, and need not be read to its end; one of more values is
        malformed. A link inside the process takes any.
        """

    def pause(self) -> None:
        """Stop reading; the peer's transport holds what comes."""

    def resume(self) -> None:
        """Read again, once this was called as often as :meth:`pause`."""

    def close(self) -> None:
        """Close the link once everything is sent."""

    def abort(self) -> None:
        """Close the link at once; what is not sent yet is lost."""


class Handler(Protocol):
    """What a link reports to: the client's or the router's side of a session."""

    def opened(self, link: Link) -> None:
        """Take the link; its handshake is done."""

    def received(self, message: Message) -> None:
        """Handle a message, whose shape has been checked."""

    def violated(self, error: ProtocolViolation) -> None:
        """Handle a frame that is not a WAMP message; the link is still open.

        Args:
            error: what is wrong; a :class:`MalformedMessage` where it is known whose message it is.
        """

    def lost(self, reason: str) -> None:
        """Handle the end of the link; called once, last.

        Args:
            reason: why it ended, as the end of a sentence.
        """
