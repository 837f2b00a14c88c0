"""What the serializers share: they check what they decode, and refuse what is too large or deep."""

from __future__ import annotations

import gc
import itertools
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from wampapp.errors import PayloadNotEncodable, ProtocolViolation
from wampapp.protocol.messages import PUBLISH, Message, check, refusal
from wampapp.protocol.payload import ATOMS, MAX_DEPTH, sendable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import msgspec

    from wampapp.protocol.counting import BinaryCounter, JsonCounter

#: Larger payloads, in bytes, are decoded while the garbage collector waits.
LARGE: Final = 2**16
#: Of a message that is refused, options of so many bytes are still read.
MAX_OPTIONS: Final = 4096
#: What encoding raises for a value that a serializer cannot carry.
UNENCODABLE: Final = (TypeError, ValueError, OverflowError, RecursionError)
#: Of so few values a comprehension finds those that hold others sooner than C does.
_SHORT: Final = 100
#: As many numbers may begin a message: its code and two ids.
_HEAD_LENGTH: Final = 3


class Codec:
    """A serializer.

    Attributes:
        SERIALIZER_ID: its name in a WebSocket subprotocol, ``wamp.2.<name>``.
        RAWSOCKET_SERIALIZER_ID: its number in the RawSocket handshake.
        BINARY: whether its WebSocket messages are binary.
    """

    # Spelled as Autobahn's transports ask for them.
    SERIALIZER_ID: ClassVar[str]
    RAWSOCKET_SERIALIZER_ID: ClassVar[int]
    BINARY: ClassVar[bool]

    def __copy__(self) -> Self:
        # Autobahn copies its serializers for each connection; ours hold no state.
        return self

    def encode(self, message: Message) -> bytes:
        """Encode a message whose payload is plain.

        Args:
            message: the list to send.

        Returns:
            The frame's payload.

        Raises:
            PayloadNotEncodable: this serializer cannot carry a value in it.
        """
        try:
            return self.dumps(message)
        except UNENCODABLE as error:
            raise self.not_encodable(error) from None

    def not_encodable(self, error: Exception) -> PayloadNotEncodable:
        """Return the exception for a message that :meth:`dumps` cannot encode.

        Args:
            error: one of :data:`UNENCODABLE`, which it has raised.
        """
        return PayloadNotEncodable(f"A value cannot be sent as {self.SERIALIZER_ID}: {error}.")

    def decode(self, payload: bytes) -> Message:
        """Decode and check a message.

        Args:
            payload: a frame's payload; anything a peer may have sent.

        Returns:
            The message.

        Raises:
            ProtocolViolation: the bytes are not valid, or are not a WAMP message; a
                :class:`MalformedMessage` where at least its beginning can be read.
        """
        try:
            if len(payload) < LARGE:
                message = self._loads(payload)
            else:
                message = _uncollected(self._loads, payload)
        except (ValueError, TypeError, RecursionError, OverflowError, MemoryError) as error:
            raise self._unreadable(payload, error) from None
        # Each level takes a byte, so that a short frame is not deep. The decoders stop at bounds of
        # their own, which differ with Python's version, and are above what our walks can follow.
        if len(payload) > MAX_DEPTH and too_deep(message):
            raise refusal(_TOO_DEEP, message)
        return check(message)

    def check_values(self, payload: bytes, maximum: int) -> None:
        """Refuse a message of too many values before they are made.

        Args:
            payload: a frame's payload; anything a peer may have sent.
            maximum: the most values, counted as :mod:`wampapp.protocol.counting` does.

        Raises:
            ProtocolViolation: it has more; a :class:`MalformedMessage` where its beginning can be
                read.
        """
        if self._counter.exceeds(payload, maximum):
            text = f"A message has more than {maximum:,} values; send them in several."
            head = self._head(payload)
            # Only whether a PUBLISH is acknowledged matters here.
            options = self._options(payload, len(head)) if head[:1] == [PUBLISH] else None
            raise refusal(text, [*head, options])

    def _options(self, payload: bytes, place: int) -> Any:
        """Return what stands at a place in the list that a message is; None if it is large."""
        try:
            return self._element(payload, place)
        except (ValueError, TypeError, RecursionError, OverflowError, MemoryError, IndexError):
            return None

    def _unreadable(self, payload: bytes, error: Exception) -> ProtocolViolation:
        if isinstance(error, RecursionError):
            text = _TOO_DEEP
        else:
            why = sendable(str(error)[:200]).rstrip(".") or type(error).__name__
            text = f"A frame is not valid {self.SERIALIZER_ID}: {why}."
        return refusal(text, self._head(payload))

    def _head(self, payload: bytes) -> list[int]:
        """Return the numbers, at most three, that a message begins with, whatever follows them."""
        raise NotImplementedError

    def _element(self, payload: bytes, place: int) -> Any:
        """Decode only one element of a message; None if it is large."""
        raise NotImplementedError

    @property
    def _counter(self) -> BinaryCounter | JsonCounter:
        """What counts the values of a frame; imported when the first large one comes."""
        raise NotImplementedError

    def dumps(self, message: Message) -> bytes:
        """Encode a message as :meth:`encode` does, but raise one of :data:`UNENCODABLE`."""
        raise NotImplementedError

    def _loads(self, payload: bytes) -> Any:
        raise NotImplementedError


def _uncollected(loads: Callable[[bytes], Any], payload: bytes) -> Any:
    """Decode without collecting garbage; lists by the thousand would set it off all the time."""
    if not gc.isenabled():
        return loads(payload)
    gc.disable()
    try:
        return loads(payload)
    finally:
        gc.enable()


def raw_element(parts: list[msgspec.Raw], place: int, loads: Callable[[Any], Any]) -> Any:
    """Decode one element of a list whose others are left as they are; None if it is large."""
    found = parts[place]
    return loads(found) if len(memoryview(found)) <= MAX_OPTIONS else None


_TOO_DEEP: Final = f"A frame nests more than {MAX_DEPTH} lists and dictionaries."


def numbers(payload: bytes, start: int | None, small: int, sizes: dict[int, int]) -> list[int]:
    """Read the numbers that a message of a binary serializer begins with.

    Args:
        payload: the frame's payload.
        start: where the list's first element stands; None if it does not begin with a list.
        small: numbers below this one are written as themselves.
        sizes: how many bytes follow each octet that begins a longer number.
    """
    found: list[int] = []
    at = len(payload) if start is None else start
    while len(found) < _HEAD_LENGTH and at < len(payload):
        octet = payload[at]
        size = 0 if octet < small else sizes.get(octet, len(payload))
        end = at + 1 + size
        if end > len(payload):
            break
        found.append(int.from_bytes(payload[at + 1 : end], "big") if size else octet)
        at = end
    return found


def too_deep(value: Any) -> bool:
    """Return whether containers nest too deep for a frame; level by level, without recursion.

    Args:
        value: a message, of plain values.
    """
    if type(value) is list and _is_flat(value):
        return False
    level = [value]
    for _ in range(MAX_DEPTH + 2):  # the message is a list too, and the last level holds none
        if ATOMS.issuperset(map(type, level)):
            return False
        held: Iterable[Iterable[Any]]
        if len(level) < _SHORT:
            held = [
                item.values() if type(item) is dict else item
                for item in level
                if type(item) is dict or type(item) is list
            ]
        else:
            # As much as possible in C: a level may hold hundreds of thousands of values.
            kinds = set(map(type, level))
            lists, dicts = _only(list, level, kinds), _only(dict, level, kinds)
            held = itertools.chain(lists, map(dict.values, dicts))
        level = list(itertools.chain.from_iterable(held))
    return True


def _is_flat(message: list[Any]) -> bool:
    """Return whether a message's elements hold nothing that might hold more, as is usual.

    For such a message it takes 0.5 µs, where to go level by level takes 2.5.
    """
    for item in message:
        kind = type(item)
        if kind is list:
            held = item
        elif kind is dict:
            held = item.values()
        elif kind in ATOMS:
            continue
        else:
            return False
        if not ATOMS.issuperset(map(type, held)):
            return False
    return True


def _only(kind: type, values: list[Any], kinds: set[type]) -> list[Any]:
    """Return the values of one kind; ``kinds`` are those that there are."""
    if kind not in kinds:
        return []
    return values if len(kinds) == 1 else [value for value in values if type(value) is kind]
