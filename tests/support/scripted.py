"""A router that answers HELLO with what a test tells it, one answer for each connection."""

from collections.abc import Iterator, Sequence
from typing import Any

from tests.support.fake_router import FakeRouter, Send


class ScriptedRouter(FakeRouter):
    """Each connection gets the next of the answers; the last is for all that follow.

    None closes the connection after the HELLO. What came is kept in `hellos`.
    """

    def __init__(self, *answers: Sequence[Any] | None) -> None:
        self._answers = list(answers)
        self.hellos: list[Any] = []
        super().__init__()

    def converse(self, messages: Iterator[list[Any]], send: Send) -> None:
        for hello in messages:
            self.hellos.append(hello)
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
            if answer is None:
                return
            send(list(answer))
            for _ in messages:  # until the client has closed its side
                pass
