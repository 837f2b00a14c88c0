"""How the router asks an app: it calls a procedure of the realm, and waits so long. Sans-I/O."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from wampapp.config.access import TRUSTED
from wampapp.protocol.messages import CALL, CANCEL, RESULT, Message, payload_of, short_repr
from wampapp.router.session import RouterSession, SessionRouter

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.router.turns import CallLater, Timer

    Handler = Callable[[RouterSession, Message], object]

logger = logging.getLogger("wampapp.router")

#: What nobody has answered, or not in time, or with an error.
NO_ANSWER: Final = object()


class Inquirer(RouterSession):
    """The router as a caller in one realm. It has no link, and is not among the realm's sessions.

    Args:
        router: the router.
        handlers: the dealer's, without checks, by the message's code.
        call_later: calls a function after some seconds.
    """

    def __init__(
        self, router: SessionRouter, handlers: dict[int, Handler], call_later: CallLater
    ) -> None:
        super().__init__(router, TRUSTED, TRUSTED, is_local=True)
        self._call, self._cancel = handlers[CALL], handlers[CANCEL]
        self._call_later = call_later
        self._waiting: dict[int, tuple[str, Callable[[Any], None], Timer]] = {}

    def ask(
        self, procedure: str, args: list[Any], seconds: float, answered: Callable[[Any], None]
    ) -> None:
        """Call a procedure.

        Args:
            procedure: the procedure.
            args: its arguments.
            seconds: how long it may take.
            answered: called with the first result; with :data:`NO_ANSWER` where there is none.
        """
        request = self.next_request()

        def give_up() -> None:
            self._cancel(self, [CANCEL, request, {"mode": "killnowait"}])

        timer = self._call_later(seconds, give_up)
        self._waiting[request] = procedure, answered, timer
        self._call(self, [CALL, request, {}, procedure, args])

    def send(self, message: Message) -> None:
        """Take an answer."""
        is_result = message[0] == RESULT
        procedure, answered, timer = self._waiting.pop(message[1] if is_result else message[2])
        timer.cancel()
        if is_result:
            args, _ = payload_of(message, 3)
            answered(args[0] if args else None)
        else:
            reason, text = message[4], payload_of(message, 5)[0]
            logger.warning("%s gave no answer: %s %s", procedure, reason, short_repr(text))
            answered(NO_ANSWER)
