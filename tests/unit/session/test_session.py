"""A session's own part in the end of its link."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator

import pytest

from wampapp.dispatch.dispatcher import Dispatcher
from wampapp.loop.threads import ThreadPool
from wampapp.protocol.codec import MSGPACK, Codec
from wampapp.protocol.messages import GOODBYE, HELLO, WELCOME, Message
from wampapp.session.session import Session

DEADLINE = 20.0  # seconds


class SlowLink:
    """A link that is gone only when the test says so."""

    codec: Codec = MSGPACK
    heard = True
    sending = False

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.done: list[str] = []

    def send(self, message: Message) -> None:
        self.sent.append(message)

    def write(self, payload: bytes) -> None:
        raise NotImplementedError

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def close(self) -> None:
        self.done.append("closed")

    def abort(self) -> None:
        self.done.append("aborted")


@contextlib.contextmanager
def joined(link: SlowLink) -> Iterator[Session]:
    workers = ThreadPool(1)
    loop = asyncio.get_running_loop()
    session = Session("realm1", Dispatcher(loop, workers, logging.getLogger("test")), loop)
    session.opened(link)
    session.received([WELCOME, 7, {"roles": {}}])
    yield session
    workers.close()


def test_who_leaves_waits_until_the_link_is_gone() -> None:
    async def main() -> None:
        link = SlowLink()
        with joined(link) as session:
            leaving = asyncio.create_task(session.leave(timeout=DEADLINE))
            await asyncio.sleep(0)
            session.received([GOODBYE, {}, "wamp.close.goodbye_and_out"])
            for _ in range(10):
                await asyncio.sleep(0)
            assert [message[0] for message in link.sent] == [HELLO, GOODBYE]
            assert (link.done, leaving.done()) == (["closed"], False)
            session.lost("the peer closed the connection")
            await leaving
            assert link.done == ["closed"]

    asyncio.run(main())


@pytest.mark.parametrize("answered", [True, False])
def test_a_link_that_does_not_go_is_cut(answered: bool) -> None:
    async def main() -> None:
        link = SlowLink()
        with joined(link) as session:
            leaving = asyncio.create_task(session.leave(timeout=0.01))
            await asyncio.sleep(0)
            if answered:
                session.received([GOODBYE, {}, "wamp.close.goodbye_and_out"])
            await leaving
            assert link.done == ["closed", "aborted"][not answered :]

    asyncio.run(main())
