"""The WAMP messages as plain lists: their codes, and the shape that each must have.

A message is the list that goes on the wire, its code first ("Messages" in the specification).
Shapes are sets of type tuples, so that one comparison in C accepts or refuses a message.
"""

from __future__ import annotations

from typing import Any, Final

from wampapp.errors import ProtocolViolation

HELLO: Final = 1
WELCOME: Final = 2
ABORT: Final = 3
CHALLENGE: Final = 4
AUTHENTICATE: Final = 5
GOODBYE: Final = 6
ERROR: Final = 8
PUBLISH: Final = 16
PUBLISHED: Final = 17
SUBSCRIBE: Final = 32
SUBSCRIBED: Final = 33
UNSUBSCRIBE: Final = 34
UNSUBSCRIBED: Final = 35
EVENT: Final = 36
CALL: Final = 48
CANCEL: Final = 49
RESULT: Final = 50
REGISTER: Final = 64
REGISTERED: Final = 65
UNREGISTER: Final = 66
UNREGISTERED: Final = 67
INVOCATION: Final = 68
INTERRUPT: Final = 69
YIELD: Final = 70

#: The largest id, 2**53: what a double-precision float still counts exactly ("IDs").
MAX_ID: Final = 2**53

Message = list[Any]


class MalformedMessage(ProtocolViolation):
    """A frame whose message cannot be taken, but whose beginning says which one it is.

    So only that request, call or event is refused, and the session goes on.

    Attributes:
        head: the numbers that it begins with, two or three: its code, and ids.
        options: its options or details; empty where they cannot be read.
    """

    def __init__(self, text: str, head: list[int], options: dict[str, Any]) -> None:
        super().__init__(text)
        self.head = head
        self.options = options


_STRINGS: Final = frozenset({str})
_PAYLOAD: Final = ((), (list,), (list, dict))


def _with_payload(*head: type) -> frozenset[tuple[type, ...]]:
    return frozenset((int, *head, *tail) for tail in _PAYLOAD)


def _exactly(*head: type) -> frozenset[tuple[type, ...]]:
    return frozenset([(int, *head)])


#: The types that each message's elements may have, by its code; no two shapes are as long.
SHAPES: Final[dict[int, frozenset[tuple[type, ...]]]] = {
    HELLO: _exactly(str, dict),
    WELCOME: _exactly(int, dict),
    ABORT: _with_payload(dict, str),
    CHALLENGE: _exactly(str, dict),
    AUTHENTICATE: _exactly(str, dict),
    GOODBYE: _with_payload(dict, str),
    ERROR: _with_payload(int, int, dict, str),
    PUBLISH: _with_payload(int, dict, str),
    PUBLISHED: _exactly(int, int),
    SUBSCRIBE: _exactly(int, dict, str),
    SUBSCRIBED: _exactly(int, int),
    UNSUBSCRIBE: _exactly(int, int),
    # The second form is the router revoking a subscription by itself.
    UNSUBSCRIBED: _exactly(int) | _exactly(int, dict),
    EVENT: _with_payload(int, int, dict),
    CALL: _with_payload(int, dict, str),
    CANCEL: _exactly(int, dict),
    RESULT: _with_payload(int, dict),
    REGISTER: _exactly(int, dict, str),
    REGISTERED: _exactly(int, int),
    UNREGISTER: _exactly(int, int),
    UNREGISTERED: _exactly(int) | _exactly(int, dict),
    INVOCATION: _with_payload(int, int, dict),
    INTERRUPT: _exactly(int, dict),
    YIELD: _with_payload(int, dict),
}

_NAMES: Final = {
    code: name for name, code in list(globals().items()) if type(code) is int and code in SHAPES
}

#: What a shape demands besides types: ids at the first two places, and keywords that are strings.
#: Where the first number is a message code and not an id, it is in the ids' range as well.
_FIRST, _SECOND, _KEYWORDS = 1, 2, 4
_FORMS: Final[dict[int, dict[tuple[type, ...], int]]] = {
    code: {
        shape: (shape[1:2] == (int,)) * _FIRST
        | (shape[2:3] == (int,)) * _SECOND
        | (shape[-2:] == (list, dict)) * _KEYWORDS
        for shape in shapes
    }
    for code, shapes in SHAPES.items()
}


def check(message: Any) -> Message:
    """Check that a decoded frame is a WAMP message.

    Args:
        message: what the serializer made of the frame; anything.

    Returns:
        The same object.

    Raises:
        ProtocolViolation: it is not a list, its code is unknown, or an element has the wrong type;
            a :class:`MalformedMessage` where at least its code and its id are right.
    """
    if type(message) is not list or not message:
        raise ProtocolViolation("A WAMP message must be a list that starts with its code.")
    code = message[0]
    forms = _FORMS.get(code) if type(code) is int else None
    if forms is None:
        raise ProtocolViolation(f"There is no WAMP message with the code {short_repr(code)}.")
    asks = forms.get(tuple(map(type, message)))
    if asks is None:
        _amend(message)
        asks = forms.get(tuple(map(type, message)))
    if asks is None:
        raise refusal(f"The {_NAMES[code]} message has the wrong elements.", message)
    if (asks & _FIRST and not 0 <= message[1] <= MAX_ID) or (
        asks & _SECOND and not 0 <= message[2] <= MAX_ID
    ):
        raise refusal(f"The {_NAMES[code]} message has an id out of range.", message)
    if asks & _KEYWORDS and not _STRINGS.issuperset(map(type, message[-1])):
        raise refusal(f"The {_NAMES[code]} message has a keyword that is not a string.", message)
    return message


def _amend(message: Message) -> None:
    """Correct what some peers write, and what can be meant in one way only.

    Null for arguments is none of them, and a whole number written as a float is an id.
    """
    bare = min(SHAPES[message[0]], key=len)
    for place, kind in enumerate(bare[1:3], 1):
        if kind is int and len(message) > place and type(message[place]) is float:
            number = message[place]
            message[place] = int(number) if number.is_integer() else number
    if (*bare, list) in SHAPES[message[0]]:
        for place, empty in ((len(bare), list), (len(bare) + 1, dict)):
            if len(message) > place and message[place] is None:
                message[place] = empty()


def refusal(text: str, message: Any) -> ProtocolViolation:
    """Return the exception for a message that cannot be taken.

    Args:
        text: why, a sentence.
        message: what the serializer made of the frame, or of its beginning; anything.
    """
    head: list[int] = []
    for number in message[:3] if type(message) is list else ():
        if type(number) is not int or not 0 <= number <= MAX_ID:
            break
        head.append(number)
    if len(head) < 2 or head[0] not in SHAPES:
        return ProtocolViolation(text)
    options = message[len(head)] if len(message) > len(head) else None
    return MalformedMessage(text, head, options if type(options) is dict else {})


def short_repr(value: object, maximum: int = 100) -> str:
    """Return the ``repr`` of a peer's value, cut short so that it can stand in a sentence.

    Args:
        value: anything.
        maximum: the most characters.
    """
    try:
        text = repr(value[:maximum] if isinstance(value, str | bytes | list) else value)
    except (ValueError, RecursionError, MemoryError):
        # Python refuses to write out numbers of many digits, and values that nest too deep.
        text = f"a {type(value).__name__}"
    return text if len(text) <= maximum else f"{text[:maximum]}…"


def payload_of(message: Message, start: int) -> tuple[list[Any], dict[str, Any]]:
    """Split off a message's payload.

    Args:
        message: a checked message.
        start: the index at which its positional arguments stand, if it has any.

    Returns:
        The positional and the keyword arguments; new and empty where the message has none.
    """
    length = len(message)
    return (
        message[start] if length > start else [],
        message[start + 1] if length > start + 1 else {},
    )
