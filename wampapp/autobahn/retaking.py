"""Registers again what the router still holds for a session of ours that was lost."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from wampapp.errors import PROCEDURE_ALREADY_EXISTS
from wampapp.protocol.messages import ERROR, REGISTER
from wampapp.session.announcing import TAKEOVER_SECONDS
from wampapp.session.backoff import Backoff

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from wampapp.protocol.messages import Message

logger: Final = logging.getLogger("wampapp")


class Retaking:
    """Stands between a session and the router's answers to its first registrations.

    Where a procedure exists already, the router may have yet to notice the end of our session
    before. So the session gets that answer only once asking again for a while has not helped.

    Args:
        loop: the event loop.
        ask: sends a REGISTER with the number of a new request, and returns that; None if it cannot
            be sent any more.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, ask: Callable[[Message], int | None]
    ) -> None:
        self._loop = loop
        self._ask = ask
        self._end = loop.time() + TAKEOVER_SECONDS
        self._backoff = Backoff(jitter=False)
        self._asked: dict[int, Message] = {}
        #: The session's own numbers of requests, by those that the router knows.
        self._own: dict[int, int] = {}
        self._warned = False

    @property
    def waits(self) -> bool:
        """Whether something is being asked for again."""
        return self._warned and bool(self._asked)

    def sent(self, message: Message) -> None:
        """Note a REGISTER of the session's."""
        if self._loop.time() < self._end:
            self._asked[message[1]] = message

    def answer(self, message: Message) -> Message | None:
        """Return an answer as the session knows the question; None if that is asked again.

        Args:
            message: a REGISTERED, or an ERROR.
        """
        place = 1
        if message[0] == ERROR:
            if message[1] != REGISTER:
                return message
            place = 2
        own = self._own.pop(message[place], message[place])
        question = self._asked.pop(own, None)
        if question is None:
            return message
        if place == 2 and message[4] == PROCEDURE_ALREADY_EXISTS and self._loop.time() < self._end:
            if not self._warned:
                self._warned = True
                logger.warning(
                    "%s is taken, perhaps by a session that was lost; trying for %g s",
                    question[3],
                    TAKEOVER_SECONDS,
                )
            self._asked[own] = question
            self._loop.call_later(self._backoff.next(), self._ask_again, own)
            return None
        return [*message[:place], own, *message[place + 1 :]]

    def _ask_again(self, own: int) -> None:
        request = self._ask(self._asked[own])
        if request is not None:
            self._own[request] = own
