"""A client's session with no router: a test says what comes, and reads what was sent."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from wampapp.dispatch.dispatcher import Dispatcher
from wampapp.loop.threads import ThreadPool
from wampapp.protocol.channel import Channel
from wampapp.protocol.codec import MSGPACK
from wampapp.protocol.credentials import Credential
from wampapp.protocol.messages import WELCOME, Message, check
from wampapp.protocol.serializer import Codec
from wampapp.session.session import Session

DEADLINE = 60.0  # seconds

#: The router's WELCOME in which it takes CANCEL.
WELCOMED: Message = [WELCOME, 7, {"roles": {"dealer": {"features": {"call_canceling": True}}}}]


class ScriptedLink:
    """A link that writes down what is sent on it, and is gone only when the test says so."""

    codec: Codec = MSGPACK
    address = "a test"
    heard = True
    channel: Channel | None = None
    request: dict[str, Any] | None = None
    sending = False

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.done: list[str] = []

    def send(self, message: Message) -> None:
        self.sent.append(message)

    def write(self, payload: bytes) -> None:
        raise NotImplementedError

    def take(self, size: int, values: int) -> None:
        """Take anything: a test says what comes."""

    def pause(self) -> None:
        self.done.append("paused")

    def resume(self) -> None:
        self.done.append("resumed")

    def close(self) -> None:
        self.done.append("closed")

    def abort(self) -> None:
        self.done.append("aborted")


class Scene:
    """A session on a scripted link, whose HELLO was sent.

    Attributes:
        surrounded: what was put inside of `App.surround`, in order.
    """

    def __init__(self, credential: Credential | None = None) -> None:
        self.surrounded: list[Any] = []
        loop = asyncio.get_running_loop()
        self.workers = ThreadPool(2)
        self.dispatcher = Dispatcher(
            loop, self.workers, logging.getLogger("test.session"), surround=self._surround
        )
        self.link = ScriptedLink()
        self.session = Session("realm1", self.dispatcher, loop, None, credential)
        self.session.opened(self.link)
        self.take()

    def _surround(self, function: Callable[..., Any], _kind: str) -> Callable[..., Any]:
        self.surrounded.append(function)
        return function

    def say(self, *message: Any) -> None:
        """Let a message come from the router."""
        self.session.received(check(list(message)))

    def take(self) -> list[Message]:
        """Return what was sent since this was last asked."""
        sent, self.link.sent = self.link.sent, []
        return sent


def on_a_scene(
    main: Callable[[Scene], Awaitable[None]], credential: Credential | None = None
) -> None:
    """Run a test on a loop, with a deadline; all threads end before it returns."""

    async def run() -> None:
        scene = Scene(credential)
        try:
            async with asyncio.timeout(DEADLINE):
                await main(scene)
        finally:
            scene.session.cut("the test is over")
            await scene.dispatcher.drain(0)
            scene.workers.close()
            await asyncio.to_thread(scene.workers.join)

    asyncio.run(run())
