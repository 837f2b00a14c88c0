"""What an app decides that no permission does: the session waits for the answer. Sans-I/O."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from wampapp.protocol.messages import CALL, PUBLISH, REGISTER, SUBSCRIBE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wampapp.protocol.messages import MalformedMessage, Message
    from wampapp.router.access.inquirer import Inquirer
    from wampapp.router.session import RouterSession, SessionRealm

    #: Whether it is allowed, and whether the other side is told who asks.
    Answer = tuple[bool, bool]

ACTIONS: Final = {CALL: "call", PUBLISH: "publish", REGISTER: "register", SUBSCRIBE: "subscribe"}
_MAX_KEPT: Final = 4096
_MAX_KEPT_URI: Final = 256
_REFUSED: Final = False, False


class Authorizing:
    """Asks the authorizer of a role, a procedure, and remembers what it says.

    Args:
        inquirer: calls it.
        now: returns the time in seconds.
        timeout: how many seconds it may take.
        cache: for how many seconds an answer holds.
    """

    def __init__(
        self, inquirer: Inquirer, now: Callable[[], float], timeout: float, cache: float
    ) -> None:
        self._inquirer = inquirer
        self._now = now
        self._timeout = timeout
        self._cache = cache
        self._kept: dict[tuple[str, str, str, str, str], tuple[float, Answer]] = {}

    def decide(
        self,
        session: RouterSession,
        message: Message,
        decided: Callable[[RouterSession, Message, Answer], None],
    ) -> None:
        """Find out whether a session may do something.

        What it sends meanwhile waits, so that its messages keep their order.

        Args:
            session: the session; its role has an authorizer.
            message: its CALL, PUBLISH, REGISTER or SUBSCRIBE.
            decided: called with the session, the message and the answer.
        """
        action, uri = ACTIONS[message[0]], message[3]
        match = message[2].get("match")
        match = match if isinstance(match, str) else "exact"
        key = session.authid, session.authrole, action, match, uri
        kept = self._kept.get(key)
        if kept is not None and kept[0] > self._now():
            decided(session, message, kept[1])
            return
        realm = session.realm
        if realm is None:
            return
        held = _Held(realm)
        session.realm = held
        if session.link is not None:
            session.link.pause()

        def answered(found: Any) -> None:
            answer = _answer_of(found)
            if isinstance(found, bool | dict):
                self._keep(key, answer)
            if session.realm is not held:
                return  # it has left
            session.realm = realm
            decided(session, message, answer)
            held.release(session)

        about = {"session": session.id, **session.identity()}
        args = [about, uri, action, {"match": match}]
        self._inquirer.ask(session.rights.authorizer or "", args, self._timeout, answered)

    def _keep(self, key: tuple[str, str, str, str, str], answer: Answer) -> None:
        if self._cache and len(key[-1]) <= _MAX_KEPT_URI:
            if len(self._kept) >= _MAX_KEPT:
                self._kept.clear()
            self._kept[key] = self._now() + self._cache, answer


class _Held:
    """The realm of a session whose messages wait; it stands in the realm's place meanwhile."""

    def __init__(self, realm: SessionRealm) -> None:
        self._realm = realm
        self._waiting: deque[Message] = deque()
        self.handlers = _Holding(self._waiting)

    @property
    def name(self) -> str:
        """The realm's name."""
        return self._realm.name

    @property
    def sessions(self) -> Mapping[int, RouterSession]:
        """The realm's sessions."""
        return self._realm.sessions

    def refuse(self, session: RouterSession, error: MalformedMessage) -> bool:
        """Refuse a malformed message by itself."""
        return self._realm.refuse(session, error)

    def remove(self, session: RouterSession, *, announce: bool) -> None:
        """Forget a session that leaves."""
        self._realm.remove(session, announce=announce)

    def release(self, session: RouterSession) -> None:
        """Hand on what has waited, until something has to wait again."""
        while self._waiting and session.realm is self._realm:
            session.received(self._waiting.popleft())
        if isinstance(session.realm, _Held):
            session.realm._waiting.extend(self._waiting)
        if session.link is not None:
            session.link.resume()


class _Holding(dict[int, "Callable[[RouterSession, Message], object]"]):
    """Handles every message by putting it in line."""

    def __init__(self, waiting: deque[Message]) -> None:
        super().__init__()
        self._waiting = waiting

    def get(self, _code: int, _default: Any = None, /) -> Any:
        """Return what puts a message in line, whatever it is."""
        return self._hold

    def _hold(self, _session: RouterSession, message: Message) -> None:
        self._waiting.append(message)


def _answer_of(found: Any) -> Answer:
    """Return what an authorizer's result means; whatever is not clear is a refusal."""
    if isinstance(found, bool):
        return found, False
    if isinstance(found, dict):
        return found.get("allow") is True, found.get("disclose") is True
    return _REFUSED
