"""An event on its way to its subscribers, or retained for later ones. Sans-I/O."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

import msgspec

from wampapp.errors import INVALID_ARGUMENT, INVALID_URI, PayloadNotEncodable
from wampapp.protocol import uris
from wampapp.protocol.codec import MSGPACK
from wampapp.protocol.messages import EVENT, short_repr
from wampapp.router.index import EXACT
from wampapp.router.options import handed_on

if TYPE_CHECKING:
    from wampapp.protocol.messages import Message
    from wampapp.router.session import RouterSession

#: Of our own, because a program in this process may seed Python's.
_random: Final = random.Random()  # noqa: S311

_NO_DETAILS: Final[dict[str, Any]] = {}
#: The lists of "Subscriber Black- and Whitelisting", by session id, authid and authrole.
_EXCLUDED: Final = ("exclude", "exclude_authid", "exclude_authrole")
_ELIGIBLE: Final = ("eligible", "eligible_authid", "eligible_authrole")
_LISTS: Final = _EXCLUDED + _ELIGIBLE
#: What an id or a name takes in a set, with its place there: 60 to 120 bytes.
_BYTES_OF_A_MARK: Final = 100


class Audience:
    """Who may hear an event ("Subscriber Black- and Whitelisting").

    Args:
        options: those of the PUBLISH.

    Attributes:
        size: about how many bytes the lists take.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        self._excluded = [_marks(options.get(option)) for option in _EXCLUDED]
        self._eligible = [_marks(options.get(option)) for option in _ELIGIBLE]
        sets = self._excluded + self._eligible
        self.size = sum(_BYTES_OF_A_MARK * len(marks) for marks in sets if marks is not None)

    def includes(self, session: RouterSession) -> bool:
        """Return whether a session may hear it."""
        marks = (session.id, session.authid, session.authrole)
        return not any(
            listed is not None and mark in listed
            for mark, listed in zip(marks, self._excluded, strict=True)
        ) and all(
            listed is None or mark in listed
            for mark, listed in zip(marks, self._eligible, strict=True)
        )


def _marks(listed: list[Any] | None) -> frozenset[int | str] | None:
    """Return what a list names, to be looked up; what is neither an id nor a name is nobody's."""
    return None if listed is None else frozenset(x for x in listed if type(x) in (int, float, str))


class Publication:
    """An event on its way, or retained.

    Args:
        session: the publisher; None for the router itself.
        message: the PUBLISH.

    Attributes:
        id: the publication's id.
    """

    __slots__ = (
        "_audience",
        "_disclosed",
        "_handed_on",
        "_packed",
        "_payload",
        "_publisher",
        "_topic",
        "id",
    )

    def __init__(self, session: RouterSession | None, message: Message) -> None:
        options = message[2]
        # The specification asks for a random id ("IDs"), not for a secret one: no system call.
        self.id = 1 + _random.getrandbits(53)
        self._topic: str = message[3]
        self._payload = message[4:]
        self._publisher: dict[str, Any] = {}
        if session is not None:
            self._publisher = {
                "publisher": session.id,
                "publisher_authid": session.authid,
                "publisher_authrole": session.authrole,
            }
        self._disclosed = options.get("disclose_me") is True
        self._handed_on = handed_on(options) if options else _NO_DETAILS
        self._audience = None if options.keys().isdisjoint(_LISTS) else Audience(options)
        self._packed = b""

    def pack(self) -> int | None:
        """Keep the payload encoded from now on, which takes far less memory than its values.

        Returns:
            About how many bytes the event takes; None where MessagePack cannot carry it.
        """
        if not self._packed:
            try:
                self._packed = MSGPACK.encode(self._payload)
            except PayloadNotEncodable:
                return None
            self._payload = []
        size = len(self._packed) + len(self._topic)
        if self._handed_on:
            size += sum(map(len, self._handed_on.values()))
        return size if self._audience is None else size + self._audience.size

    def reaches(self, session: RouterSession) -> bool:
        """Return whether a subscriber is in the audience that the publisher named."""
        return self._audience is None or self._audience.includes(session)

    def event(self, subscription: int, match: str, *, disclosed: bool, retained: bool) -> Message:
        """Make the EVENT for a subscription's subscribers.

        Args:
            subscription: the subscription's id.
            match: how it matches; an event for a pattern names its topic.
            disclosed: whether the subscriber asked for the publisher's identity.
            retained: whether the event was retained, and is not new.
        """
        details: dict[str, Any] = _NO_DETAILS
        if disclosed or self._disclosed or retained or match != EXACT or self._handed_on:
            details = dict(self._handed_on)
            if disclosed or self._disclosed:
                details.update(self._publisher)
            if match != EXACT:
                details["topic"] = self._topic
            if retained:
                details["retained"] = True
        payload = msgspec.msgpack.decode(self._packed) if self._packed else self._payload
        return [EVENT, subscription, self.id, details, *payload]


def fault_of(topic: str, options: dict[str, Any]) -> tuple[str, str] | None:
    """Return what is wrong with a PUBLISH, as error URI and sentence; None where nothing is.

    Args:
        topic: the topic.
        options: the message's options.
    """
    if not uris.is_valid(topic) or topic.startswith(uris.RESERVED):
        return INVALID_URI, f"The topic {short_repr(topic)} is invalid or reserved."
    for option in _LISTS:
        if option in options and not isinstance(options[option], list):
            return INVALID_ARGUMENT, f"The option {option} must be a list."
    return None
