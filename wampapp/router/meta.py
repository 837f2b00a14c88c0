"""The meta API of one realm: its sessions, registrations and subscriptions. Sans-I/O."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from wampapp.errors import (
    INVALID_ARGUMENT,
    NO_SUCH_REGISTRATION,
    NO_SUCH_SESSION,
    NO_SUCH_SUBSCRIPTION,
    WampError,
)
from wampapp.protocol import uris
from wampapp.protocol.messages import MAX_ID, short_repr
from wampapp.router.index import EXACT, PREFIX, WILDCARD

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from wampapp.router.index import UriIndex
    from wampapp.router.session import RouterSession

    #: Publishes an event of the router's own; takes its topic, and what makes its arguments.
    Announce = Callable[[str, Callable[[], list[Any]]], None]
    #: A procedure of the router's own; takes the caller and the arguments, returns the result, and
    #: raises :class:`WampError`.
    Procedure = Callable[[RouterSession, list[Any], dict[str, Any]], object]
    #: One that takes only positional arguments, and answers everybody alike.
    Query = Callable[[list[Any]], object]

ON_JOIN: Final = "wamp.session.on_join"
ON_LEAVE: Final = "wamp.session.on_leave"


def procedures_of(queries: Mapping[str, Query]) -> dict[str, Procedure]:
    """Return queries as procedures, which refuse keyword arguments."""

    def procedure_of(name: str, query: Query) -> Procedure:
        def procedure(_: RouterSession, args: list[Any], kwargs: dict[str, Any]) -> object:
            if kwargs:
                raise WampError(INVALID_ARGUMENT, f"{name} takes no keyword arguments.")
            return query(args)

        return procedure

    return {name: procedure_of(name, query) for name, query in queries.items()}


class SessionMeta:
    """Describes a realm's sessions, by events and by procedures ("Session Meta API").

    Args:
        sessions: the joined sessions, by id; the realm keeps them.
        announce: publishes the events.

    Attributes:
        procedures: the procedures that the router answers itself, by URI.
    """

    def __init__(self, sessions: Mapping[int, RouterSession], announce: Announce) -> None:
        self._sessions = sessions
        self._announce = announce
        self.procedures: dict[str, Query] = {
            "wamp.session.count": lambda args: len(self._selected(args)),
            "wamp.session.list": self._selected,
            "wamp.session.get": self._get,
        }

    def joined(self, session: RouterSession) -> None:
        """Publish ``wamp.session.on_join``: ``[details]``."""
        self._announce(ON_JOIN, lambda: [session.describe()])

    def left(self, session: RouterSession) -> None:
        """Publish ``wamp.session.on_leave``: ``[session, authid, authrole]``."""
        self._announce(ON_LEAVE, lambda: [session.id, session.authid, session.authrole])

    def _selected(self, args: list[Any]) -> list[int]:
        """Return the ids of the sessions with one of the authroles; without any, of all."""
        if len(args) > 1 or not all(isinstance(roles, list | None) for roles in args):
            raise WampError(INVALID_ARGUMENT, "The one argument, if any, is a list of authroles.")
        roles = args[0] if args else None
        return [
            number
            for number, session in self._sessions.items()
            if roles is None or session.authrole in roles
        ]

    def _get(self, args: list[Any]) -> dict[str, Any]:
        session = self._sessions.get(_id(args, "session"))
        if session is None:
            raise WampError(NO_SUCH_SESSION, f"There is no session {short_repr(args[0])}.")
        return session.describe()


class Entry(Protocol):
    """A registration or subscription. It lives from its first session to its last."""

    id: int
    match: str
    uri: str

    @property
    def sessions(self) -> Collection[RouterSession]:
        """The sessions that are attached to it."""

    def describe(self) -> dict[str, Any]:
        """Return its details, as the meta API gives them."""


E = TypeVar("E", bound=Entry)


class EntryMeta(Generic[E]):
    """Describes a realm's registrations or subscriptions, by events and by procedures.

    Subscriptions under ``wamp.`` are neither announced nor listed: watchers are not watched.

    Args:
        entries: the registrations or subscriptions, by id.
        index: the same, by pattern.
        announce: publishes the events.

    Attributes:
        procedures: the procedures that the router answers itself, by URI.
    """

    KIND: str  #: What an entry is.
    VERB: str  #: What a session does to be attached to it.
    SESSIONS: str  #: What the sessions attached to it are.
    NO_SUCH: str  #: The error's URI where there is none.

    def __init__(self, entries: Mapping[int, E], index: UriIndex[E], announce: Announce) -> None:
        self._entries = entries
        self._index = index
        self._announce = announce
        prefix = f"wamp.{self.KIND}."
        self._on_create, self._on_delete = f"{prefix}on_create", f"{prefix}on_delete"
        self._on_added, self._on_removed = f"{prefix}on_{self.VERB}", f"{prefix}on_un{self.VERB}"
        self.procedures: dict[str, Query] = {
            f"{prefix}list": self._list,
            f"{prefix}lookup": self._lookup,
            f"{prefix}match": self._match,
            f"{prefix}get": lambda args: self._entry(args).describe(),
            f"{prefix}list_{self.SESSIONS}": lambda args: [
                session.id for session in self._entry(args).sessions
            ],
            f"{prefix}count_{self.SESSIONS}": lambda args: len(self._entry(args).sessions),
        }

    def added(self, session: RouterSession, entry: E) -> None:
        """Publish ``on_create``, if the session is the first, and ``on_register``/``on_subscribe``.

        Their arguments are ``[session, details]`` and ``[session, entry]``.
        """
        if _is_public(entry):
            if len(entry.sessions) == 1:
                self._announce(self._on_create, lambda: [session.id, entry.describe()])
            self._announce(self._on_added, lambda: [session.id, entry.id])

    def removed(self, session: RouterSession, entry: E) -> None:
        """Publish ``on_unregister``/``on_unsubscribe`` and, if it was the last, ``on_delete``.

        The arguments of both are ``[session, entry]``.
        """
        if _is_public(entry):
            self._announce(self._on_removed, lambda: [session.id, entry.id])
            if not entry.sessions:
                self._announce(self._on_delete, lambda: [session.id, entry.id])

    def _list(self, args: list[Any]) -> dict[str, list[int]]:
        if args:
            raise WampError(INVALID_ARGUMENT, f"wamp.{self.KIND}.list takes no arguments.")
        found: dict[str, list[int]] = {EXACT: [], PREFIX: [], WILDCARD: []}
        for entry in self._entries.values():
            if _is_public(entry):
                found[entry.match].append(entry.id)
        return found

    def _lookup(self, args: list[Any]) -> int | None:
        name, options = [*args, None][:2] if args else (None, None)
        match = EXACT if options is None else _match_of(options)
        if not isinstance(name, str) or match is None or len(args) > len(("uri", "options")):
            raise WampError(
                INVALID_ARGUMENT,
                "The arguments are a URI and, if any, the options, whose 'match' is 'exact', "
                "'prefix' or 'wildcard'.",
            )
        entry = self._index.get(match, name)
        return entry.id if entry is not None and _is_public(entry) else None

    def _match(self, args: list[Any]) -> Any:
        raise NotImplementedError

    def _entry(self, args: list[Any]) -> E:
        entry = self._entries.get(_id(args, self.KIND))
        if entry is None or not _is_public(entry):
            raise WampError(self.NO_SUCH, f"There is no {self.KIND} {short_repr(args[0])}.")
        return entry


class RegistrationMeta(EntryMeta[E]):
    """Describes a realm's registrations ("Registration Meta API")."""

    KIND = "registration"
    VERB = "register"
    SESSIONS = "callees"
    NO_SUCH = NO_SUCH_REGISTRATION

    def _match(self, args: list[Any]) -> int | None:
        """Return the registration that a call would go to."""
        entry = self._index.best(_uri(args))
        return None if entry is None else entry.id


class SubscriptionMeta(EntryMeta[E]):
    """Describes a realm's subscriptions ("Subscription Meta API")."""

    KIND = "subscription"
    VERB = "subscribe"
    SESSIONS = "subscribers"
    NO_SUCH = NO_SUCH_SUBSCRIPTION

    def _match(self, args: list[Any]) -> list[int] | None:
        """Return the subscriptions that an event would go to."""
        return [entry.id for entry in self._index.all(_uri(args)) if _is_public(entry)] or None


def utc_text(seconds: float) -> str:
    """Return a time, in seconds since 1970, as ISO 8601 writes it in UTC."""
    time = dt.datetime.fromtimestamp(seconds, dt.UTC)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _is_public(entry: Entry) -> bool:
    return not entry.uri.startswith(uris.RESERVED)


def _id(args: list[Any], kind: str) -> int:
    number = args[0] if len(args) == 1 else None
    if type(number) is float and number.is_integer():
        number = int(number)  # as some peers write their ids
    # A bool is an int in Python, but not an id.
    if type(number) is not int or not 0 <= number <= MAX_ID:
        raise WampError(INVALID_ARGUMENT, f"The one argument is a {kind}'s id.")
    return number


def _uri(args: list[Any]) -> str:
    if len(args) != 1 or not isinstance(args[0], str):
        raise WampError(INVALID_ARGUMENT, "The one argument is a URI.")
    return args[0]


def _match_of(options: Any) -> str | None:
    """Return the ``match`` of options; None where they are none, or have another."""
    match = options.get("match", EXACT) if isinstance(options, dict) else None
    return match if match in (EXACT, PREFIX, WILDCARD) else None
