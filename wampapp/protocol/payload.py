"""What calls and events carry, made of values that every serializer knows.

A payload is turned into plain values first: ``None``, ``bool``, ``int``, ``float``, ``str``,
``bytes``, lists and dictionaries. So every serializer carries the same values, and what a
dataclass or a ``datetime`` looks like on the wire does not depend on which one was negotiated.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import msgspec

from wampapp.errors import PayloadNotEncodable
from wampapp.protocol.plain_forms import plain_form, with_dumps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wampapp.protocol.messages import Message

SCALARS: Final = frozenset({type(None), bool, int, float, str})
#: Lists and dictionaries may nest this deep in the arguments that we send and that we read; other
#: peers have bounds of their own.
MAX_DEPTH: Final = 200
#: The plain values that hold no others.
ATOMS: Final = SCALARS | {bytes}


_TOO_DEEP: Final = f"it nests more than {MAX_DEPTH} lists and dictionaries, or contains itself"


def to_plain(value: Any) -> Any:
    """Turn a payload into values that every serializer knows.

    Dataclasses, ``msgspec.Struct`` and TypedDict become dictionaries; tuples and sets lists;
    ``datetime``, ``UUID`` and ``Decimal`` strings (ISO 8601, RFC 4122, digits); enums their
    values; ``bytearray`` and ``memoryview`` bytes. An instance of a subclass of one of these types,
    such as a ``markupsafe.Markup``, becomes what one of that type does. Keys become strings; of
    two keys such as ``1`` and ``"1"`` only one is left.

    Args:
        value: a list or dictionary of arguments, or one result.

    Returns:
        An equal value of plain types. It may be ``value`` itself.

    Raises:
        PayloadNotEncodable: a value of another type is in it, or it nests too deep.
    """
    kind = type(value)
    # One pass in C settles the usual payload, a flat list of atoms.
    if kind in ATOMS or (kind is list and ATOMS.issuperset(map(type, value))):
        return value
    try:
        if "pydantic" in sys.modules:
            value = with_dumps(value)
        _complete(value)
        # Keys are strings, as in JSON: other serializers would carry more, and differ.
        return _only_bytes(
            msgspec.to_builtins(
                value,
                builtin_types=(bytes, bytearray, memoryview),
                str_keys=True,
                enc_hook=plain_form,
            ),
            MAX_DEPTH,
        )
    except RecursionError:
        raise PayloadNotEncodable(f"A value cannot be sent: {_TOO_DEEP}.") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise PayloadNotEncodable(f"A value cannot be sent: {error}.") from None


def _complete(value: Any) -> None:
    """Write the defaults of dataclasses into their instances.

    msgspec makes a dataclass without them, since the class has them, and then leaves them out
    when it takes one apart.
    """
    kind = type(value)
    if kind is dict:
        value = value.values()
    elif kind not in (list, tuple):
        names = getattr(kind, "__dataclass_fields__", None)
        own = getattr(value, "__dict__", None)
        if names is None or own is None:
            return
        for name in names:
            if name not in own and hasattr(kind, name):
                own[name] = getattr(value, name)
        value = own.values()
    for item in value:
        if type(item) not in ATOMS:
            _complete(item)


def _only_bytes(value: Any, room: int) -> Any:
    """Turn ``bytearray`` and ``memoryview`` into ``bytes``; ``room`` is how deep it may nest."""
    kind = type(value)
    if kind in ATOMS:
        return value
    if kind is list or kind is tuple:
        if not room:
            raise ValueError(_TOO_DEEP)
        if ATOMS.issuperset(map(type, value)):
            return value
        return [_only_bytes(item, room - 1) for item in value]
    if kind is dict:
        if not room:
            raise ValueError(_TOO_DEEP)
        if ATOMS.issuperset(map(type, value.values())):
            return value
        return {key: _only_bytes(item, room - 1) for key, item in value.items()}
    return bytes(value)


def sendable(text: str) -> str:
    """Return a text with each half of a surrogate pair, which no serializer carries, written out.

    Args:
        text: any text, such as that of an exception or a file's name.
    """
    return text.encode(errors="backslashreplace").decode()


def append_payload(head: Message, args: Sequence[Any], kwargs: dict[str, Any]) -> Message:
    """Append a payload to a message's head as plain values, leaving out what is empty.

    Args:
        head: the elements before the payload; it is extended in place.
        args: the positional arguments.
        kwargs: the keyword arguments.

    Returns:
        ``head``.

    Raises:
        PayloadNotEncodable: an argument is of a type that cannot be sent.
    """
    if args or kwargs:
        for arg in args:
            if type(arg) not in ATOMS:
                head.append(to_plain(list(args)))
                break
        else:
            head.append(list(args))  # to_plain() finds it plain too, but 0.2 µs later
    if kwargs:
        head.append(to_plain(kwargs))
    return head
