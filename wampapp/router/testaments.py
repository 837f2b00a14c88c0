"""What sessions leave behind: events that are published once they are gone. Sans-I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import INVALID_ARGUMENT, LIMIT_EXCEEDED, PayloadNotEncodable, WampError
from wampapp.protocol.codec import MSGPACK
from wampapp.protocol.messages import PUBLISH, Message, short_repr
from wampapp.router.publication import fault_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wampapp.router.meta import Procedure
    from wampapp.router.session import RouterSession

#: Without session resumption they differ only in their order ("Testament").
_SCOPES: Final = ("detached", "destroyed")
#: How many testaments a session may have, and how many bytes these take.
MAX_TESTAMENTS: Final = 100
MAX_SIZE: Final = 2**20


class Testaments:
    """Keeps the testaments of a realm's sessions ("Testament").

    Attributes:
        procedures: what adds and removes them, by the procedure's URI.
    """

    def __init__(self) -> None:
        # Encoded, for they may be many and are rarely needed.
        self._kept: dict[RouterSession, dict[str, list[bytes]]] = {}
        self.procedures: dict[str, Procedure] = {
            "wamp.session.add_testament": self._add,
            "wamp.session.flush_testaments": self._flush,
        }

    def taken(self, session: RouterSession) -> Iterator[Message]:
        """Take out the testaments of a session that has left, as PUBLISH messages, in order."""
        kept = self._kept.pop(session, {})
        for scope in _SCOPES:
            for packed in kept.get(scope, ()):
                yield MSGPACK.decode(packed)

    def _add(self, session: RouterSession, args: list[Any], kwargs: dict[str, Any]) -> None:
        scope = _scope(kwargs, "publish_options")
        options = kwargs.get("publish_options", {})
        defaults: list[Any] = [None, [], {}]
        topic, event_args, event_kwargs, *more = args + defaults[len(args) :]
        if (
            more
            or not isinstance(topic, str)
            or not isinstance(event_args, list)
            or not isinstance(event_kwargs, dict)
            or not isinstance(options, dict)
        ):
            raise WampError(
                INVALID_ARGUMENT,
                "The arguments are a topic, a list of arguments and a dictionary of keyword "
                "arguments; publish_options is a dictionary.",
            )
        fault = fault_of(topic, options)
        if fault is not None:
            raise WampError(*fault)
        options = {name: value for name, value in options.items() if name != "acknowledge"}
        message = [PUBLISH, 1, options, topic, event_args, event_kwargs]
        try:
            packed = MSGPACK.encode(message)
        except PayloadNotEncodable as error:
            raise WampError(INVALID_ARGUMENT, error.message) from None
        kept = self._kept.get(session, {})
        sizes = [len(one) for testaments in kept.values() for one in testaments]
        if len(sizes) >= MAX_TESTAMENTS or sum(sizes) + len(packed) > MAX_SIZE:
            raise WampError(
                LIMIT_EXCEEDED,
                f"A session has at most {MAX_TESTAMENTS} testaments, of {MAX_SIZE:,} bytes in all.",
            )
        self._kept.setdefault(session, {}).setdefault(scope, []).append(packed)

    def _flush(self, session: RouterSession, args: list[Any], kwargs: dict[str, Any]) -> None:
        if args:
            raise WampError(INVALID_ARGUMENT, "The scope is a keyword argument.")
        scope = _scope(kwargs)
        kept = self._kept.get(session)
        if kept is not None:
            kept.pop(scope, None)
            if not kept:
                del self._kept[session]


def _scope(kwargs: dict[str, Any], *others: str) -> str:
    """Return the scope among keyword arguments; raises :class:`WampError` for unknown ones."""
    for name in kwargs:
        if name not in ("scope", *others):
            text = f"There is no keyword argument {short_repr(name)}."
            raise WampError(INVALID_ARGUMENT, text)
    scope = kwargs.get("scope", "destroyed")
    if scope not in _SCOPES:
        text = f"The scope {short_repr(scope)} is neither 'detached' nor 'destroyed'."
        raise WampError(INVALID_ARGUMENT, text)
    return str(scope)
