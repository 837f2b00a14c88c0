"""A router that joins everybody, and answers calls as a test tells it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.support.fake_router import FakeRouter, Send
from wampapp.errors import NO_SUCH_PROCEDURE, NO_SUCH_SUBSCRIPTION, WampError

HELLO, CALL, UNSUBSCRIBE, GOODBYE = 1, 48, 34, 6
SESSION = 4711


class AnsweringRouter(FakeRouter):
    """Joins everybody.

    Args:
        procedures: what is answered to a call, by URI; each gets the positional arguments, and may
            raise a WampError.
        silent: whether nothing is answered at all once a client has joined.
        withheld: how many calls of each procedure must have come before the first is answered; one
            that asks for one thing after the other waits for ever.
        welcome: further details of WELCOME.
    """

    def __init__(
        self,
        procedures: Mapping[str, Callable[..., Any]],
        *,
        silent: bool = False,
        withheld: Mapping[str, int] | None = None,
        welcome: Mapping[str, Any] | None = None,
    ) -> None:
        self._procedures = procedures
        self._silent = silent
        self._withheld = dict(withheld or {})
        self._welcome = welcome or {}
        super().__init__()

    def converse(self, messages: Iterator[list[Any]], send: Send) -> None:
        held: dict[str, list[Any]] = {}
        for message in messages:
            for answer in self._answers(message, held):
                send(answer)

    def _answers(self, message: list[Any], held: dict[str, list[Any]]) -> list[Any]:
        if message[0] == HELLO:
            roles = {"broker": {}, "dealer": {}}
            return [[2, SESSION, {"authrole": "guest", "roles": roles, **self._welcome}]]
        if message[0] == GOODBYE:
            return [[6, {}, "wamp.close.goodbye_and_out"]]
        if self._silent:
            return []
        if message[0] == UNSUBSCRIBE:
            return [[8, UNSUBSCRIBE, message[1], {}, NO_SUCH_SUBSCRIPTION]]
        assert message[0] == CALL, message
        name = message[3]
        waiting = held.setdefault(name, [])
        waiting.append(self._result(message))
        if len(waiting) < self._withheld.get(name, 0):
            return []
        self._withheld.pop(name, None)
        answers = waiting[:]
        waiting.clear()
        return answers

    def _result(self, message: list[Any]) -> list[Any]:
        name, args = message[3], message[4] if len(message) > 4 else []
        if name not in self._procedures:
            return [8, CALL, message[1], {}, NO_SUCH_PROCEDURE]
        try:
            return [50, message[1], {}, [self._procedures[name](*args)]]
        except WampError as error:
            return [8, CALL, message[1], {}, error.uri, list(error.args)]
