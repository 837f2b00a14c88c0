"""An app that hosts sessions of Autobahn's stops in order: no new calls, and those that run end."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from autobahn.twisted.wamp import ApplicationSession
from autobahn.wamp.types import ComponentConfig
from twisted.internet.defer import Deferred, inlineCallbacks

from tests.support.fake_router import FakeRouter, Send
from wampapp import App, Canceled, NoSuchProcedure
from wampapp.loop.runtime import current_runtime
from wampapp.protocol.messages import GOODBYE, HELLO, WELCOME
from wampapp.session.connection import Connection
from wampapp.testing.harness import Harness


@dataclass
class Gate:
    """Where a procedure waits until a test opens it."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def passed(self) -> str:
        self.reached.set()
        await self.opened.wait()
        return "through"


class Busy(ApplicationSession):
    """Its procedure waits."""

    async def onJoin(self, details: Any) -> None:
        await self.register(self.wait, "com.hosted.wait")

    def wait(self) -> Any:
        gate: Gate = self.config.extra
        return Deferred.fromFuture(asyncio.ensure_future(gate.passed()))

    def onLeave(self, details: Any) -> None:
        self.config.extra.reached.clear()
        self.disconnect()


@asynccontextmanager
async def running(app: App) -> AsyncIterator[tuple[Harness, Connection]]:
    harness = Harness(current_runtime(), (app,))
    await harness.start([], [], [])
    peer = await harness.connect()
    try:
        yield harness, peer
    finally:
        await harness.stop()


async def gone(peer: Connection, uri: str) -> None:
    """Wait until a procedure is not registered any more."""
    while await peer.call("wamp.registration.lookup", (uri,), {}) is not None:
        pass


def apps(gate: Gate, **options: Any) -> App:
    app = App(**options)
    app.add_session(Busy, ComponentConfig(extra=gate))

    @app.register("com.app.wait")
    async def wait() -> str:
        return await gate.passed()

    return app


@pytest.mark.parametrize("uri", ["com.hosted.wait", "com.app.wait"])
def test_calls_that_run_end_and_new_ones_are_not_taken(uri: str) -> None:
    async def main() -> None:
        gate = Gate()
        async with running(apps(gate)) as (harness, peer):
            call = peer.call(uri, (), {})
            await gate.reached.wait()
            stop = asyncio.create_task(harness._services[0].stop())
            for each in ("com.hosted.wait", "com.app.wait"):
                await gone(peer, each)
                with pytest.raises(NoSuchProcedure):
                    await peer.call(each, (), {})
            assert not call.done()
            assert not stop.done()
            gate.opened.set()
            assert await call == "through"
            await stop

    asyncio.run(main())


def test_calls_that_exceed_the_grace_time_are_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        gate = Gate()
        app = App.from_session(Busy, ComponentConfig(extra=gate), grace=0.01)
        async with running(app) as (harness, peer):
            call = peer.call("com.hosted.wait", (), {})
            await gate.reached.wait()
            await harness._services[0].stop()
            assert not gate.reached.is_set()  # it has left
            with pytest.raises(Canceled):
                await call

    asyncio.run(main())
    assert "What still runs in Busy after the grace time is cancelled" in caplog.text


class Leaving(ApplicationSession):
    """It takes its time to leave, and says in which order it is told what."""

    @inlineCallbacks
    def onLeave(self, details: Any) -> Any:
        said, disconnects = self.config.extra
        said.append(details.reason)
        yield Deferred.fromFuture(asyncio.ensure_future(asyncio.sleep(0)))
        said.append("left")
        if disconnects:
            self.disconnect()

    def onDisconnect(self) -> None:
        said, _ = self.config.extra
        said.append("disconnected")


@pytest.mark.parametrize("disconnects", [True, False])
def test_it_has_left_before_it_is_disconnected(disconnects: bool) -> None:
    said: list[str] = []

    async def main() -> None:
        config = ComponentConfig(extra=(said, disconnects))
        async with running(App.from_session(Leaving, config)) as (harness, _):
            await harness._services[0].stop()

    asyncio.run(main())
    assert said == ["wamp.close.normal", "left", "disconnected"]


class Ending(FakeRouter):
    """It ends the first session that joins, and takes part in the next one.

    Attributes:
        joined_again: set once that has joined.
    """

    def __init__(self) -> None:
        self.joined_again = threading.Event()
        self._welcomed = 0
        super().__init__()

    def converse(self, messages: Iterator[list[Any]], send: Send) -> None:
        for message in messages:
            if message[0] == HELLO:
                self._welcomed += 1
                send([WELCOME, self._welcomed, {"roles": {"broker": {}, "dealer": {}}}])
                if self._welcomed == 1:
                    send([GOODBYE, {"message": "not you"}, "com.test.ended"])
                else:
                    self.joined_again.set()
            elif message[0] == GOODBYE and self._welcomed > 1:
                send([GOODBYE, {}, "wamp.close.goodbye_and_out"])
                return


@pytest.mark.parametrize("disconnects", [True, False])
def test_it_has_left_before_it_comes_back(
    disconnects: bool, caplog: pytest.LogCaptureFixture
) -> None:
    said: list[str] = []

    async def main() -> None:
        config = ComponentConfig(extra=(said, disconnects))
        with Ending() as router:
            async with App.from_session(Leaving, config, url=router.url).running():
                await asyncio.to_thread(router.joined_again.wait)
                assert said == ["com.test.ended", "left", "disconnected"]

    asyncio.run(main())
    assert "The session ended: not you. Coming back." in caplog.text
