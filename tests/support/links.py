"""The router's core with no sockets: clients that write down what they are sent."""

from typing import Any

from wampapp.protocol.channel import Channel
from wampapp.protocol.codec import MSGPACK
from wampapp.protocol.credentials import Anonymous, Credential
from wampapp.protocol.messages import (
    ABORT,
    AUTHENTICATE,
    CHALLENGE,
    GOODBYE,
    REGISTER,
    REGISTERED,
    SUBSCRIBE,
    SUBSCRIBED,
    Message,
    check,
)
from wampapp.protocol.serializer import Codec
from wampapp.router.router import Router

ROLES = {
    "caller": {"features": {"progressive_call_results": True, "call_canceling": True}},
    "callee": {
        "features": {
            "progressive_call_results": True,
            "call_canceling": True,
            "registration_revocation": True,
        }
    },
    "publisher": {},
    "subscriber": {},
}


class Refused(Exception):
    """The router sent ABORT in place of WELCOME: its reason, and its message."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(reason, text)
        self.reason = reason
        self.text = text


class Client:
    """One end of a link to a router; the other is the router's session.

    It joins with a credential; with `is_local` as an app in the router's own process does; with a
    `request` as a web page does, offering `methods`.
    """

    def __init__(
        self,
        router: Router,
        *,
        realm: str = "realm1",
        roles: dict[str, Any] | None = None,
        codec: Codec = MSGPACK,
        credential: Credential | None = None,
        is_local: bool = False,
        request: dict[str, Any] | None = None,
        methods: list[str] | None = None,
    ) -> None:
        self.codec = codec
        self.inbox: list[Message] = []
        self.closed = False
        self.pauses = 0
        self.session = router.new_local_session() if is_local else router.new_session()
        self.request = request
        self._methods = methods
        self.session.opened(self)
        self._requests = 0
        welcome = self._join(realm, {"roles": roles or ROLES}, credential or Anonymous())
        self.id: int = welcome[1]
        self.details: dict[str, Any] = welcome[2]

    def _join(self, realm: str, details: dict[str, Any], credential: Credential) -> Message:
        exchange = credential.begin()
        named = {
            "authmethods": self._methods or [credential.method],
            "authid": credential.authid,
            "authextra": exchange.extra,
        }
        self.say(1, realm, details | {name: value for name, value in named.items() if value})
        answer = self.heard()
        if answer[0] == CHALLENGE:
            self.say(AUTHENTICATE, *exchange.answer(*answer[1:]))
            answer = self.heard()
        if answer[0] == ABORT:
            raise Refused(answer[2], answer[1]["message"])
        assert answer[0] == 2, answer
        exchange.verify(answer[2])
        return answer

    # What the router's session calls.

    address = "a test"
    channel: Channel | None = None

    def send(self, message: Message) -> None:
        self.write(self.codec.encode(message))

    def write(self, payload: bytes) -> None:
        self.inbox.append(self.codec.decode(payload))

    def take(self, size: int, values: int) -> None:
        """Send anything, as a link inside the process does."""

    def close(self) -> None:
        self.closed = True

    abort = close

    def pause(self) -> None:
        self.pauses += 1

    def resume(self) -> None:
        self.pauses -= 1

    @property
    def paused(self) -> bool:
        return self.pauses > 0

    # What a test calls.

    def say(self, *message: Any) -> None:
        """Send a message; like a wire, it makes a copy of everything."""
        self.session.received(check(self.codec.decode(self.codec.encode(list(message)))))

    def heard(self) -> Message:
        """Take the next message that the router sent."""
        assert self.inbox, "the router sent nothing"
        return self.inbox.pop(0)

    def ask(self, code: int, *rest: Any) -> Message:
        """Send a request and return what comes next."""
        self._requests += 1
        self.say(code, self._requests, *rest)
        return self.heard()

    def leave(self) -> None:
        """Be gone, as when the link breaks."""
        self.session.lost("the test says so")


def register(client: Client, uri: str, **options: Any) -> int:
    """Register a procedure; return the registration's id."""
    answer = client.ask(REGISTER, options, uri)
    assert answer[0] == REGISTERED, answer
    return int(answer[2])


def subscribe(client: Client, uri: str, **options: Any) -> int:
    """Subscribe to a topic; return the subscription's id."""
    answer = client.ask(SUBSCRIBE, options, uri)
    assert answer[0] == SUBSCRIBED, answer
    return int(answer[2])


def goodbye(client: Client) -> None:
    """Leave as one should."""
    client.say(GOODBYE, {}, "wamp.close.normal")


def abort(client: Client) -> None:
    """Leave without a farewell."""
    client.say(ABORT, {}, "wamp.error.system_shutdown")


def violate(client: Client) -> None:
    """Say HELLO twice."""
    client.say(1, "realm1", {"roles": ROLES})


#: Every way to leave.
LEAVINGS = [goodbye, abort, violate, Client.leave]
