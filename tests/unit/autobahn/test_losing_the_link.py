"""A session of Autobahn's whose link is lost while a call runs in it."""

import asyncio
import gc
from typing import Any

import pytest
from autobahn.twisted.wamp import ApplicationSession
from autobahn.wamp.exception import ApplicationError, TransportLost
from autobahn.wamp.types import CallDetails, ComponentConfig, RegisterOptions
from twisted.internet.defer import Deferred, inlineCallbacks

from wampapp import App, Canceled
from wampapp.loop.runtime import current_runtime
from wampapp.testing import clock
from wampapp.testing.harness import Harness


class Working(ApplicationSession):
    """Its procedure waits until the test says how it ends."""

    def __init__(self, config: ComponentConfig) -> None:
        super().__init__(config)
        self.working: asyncio.Future[None] = asyncio.Future()
        self.ended: asyncio.Future[Any] = asyncio.Future()
        self.disconnected: asyncio.Future[None] = asyncio.Future()
        self.caught: list[Exception] = []
        config.extra.append(self)

    async def onJoin(self, details: Any) -> None:
        await self.register(self.work, "com.hosted.work", RegisterOptions(details_arg="details"))

    @inlineCallbacks
    def work(self, details: CallDetails) -> Any:
        self.working.set_result(None)
        result = yield Deferred.fromFuture(self.ended)
        if details.progress is not None:
            try:
                details.progress(1)
            except TransportLost as error:
                self.caught.append(error)
        return result

    def onDisconnect(self) -> None:
        self.disconnected.set_result(None)


@pytest.mark.parametrize("progress", [False, True])
@pytest.mark.parametrize("error", [None, ValueError("on purpose")])
def test_a_call_that_ends_later_has_nobody_to_answer(
    progress: bool, error: Exception | None, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        sessions: list[Working] = []
        app = App.from_session(Working, ComponentConfig(extra=sessions))
        harness = Harness(current_runtime(), (app,))
        await harness.start([], [], [])
        peer = await harness.connect()
        got: list[Any] = []
        call = peer.call("com.hosted.work", (), {}, got.append if progress else None)
        [session] = sessions
        await session.working
        harness.go_offline()
        await session.disconnected
        with pytest.raises(Canceled):
            await call
        if error is None:
            session.ended.set_result(5)
        else:
            session.ended.set_exception(error)
        await asyncio.sleep(0)
        assert session._invocations == {}
        assert not session.is_connected()
        assert len(session.caught) == (progress and error is None)
        await harness.stop()

    asyncio.run(main())
    gc.collect()  # Twisted logs what nobody has handled when it is collected
    assert "Unhandled" not in caplog.text
    assert caplog.text.count('onUserError(): "ValueError: on purpose') == (error is not None)


class Cutting(ApplicationSession):
    """Its procedure disconnects, and returns."""

    async def onJoin(self, details: Any) -> None:
        await self.register(self.cut, "com.hosted.cut")

    def cut(self) -> int:
        self.disconnect()
        return 5


def test_a_call_may_disconnect_its_session(caplog: pytest.LogCaptureFixture) -> None:
    with App.from_session(Cutting).test_client() as client, pytest.raises(Canceled):
        client.call("com.hosted.cut")
    gc.collect()
    assert "Unhandled" not in caplog.text


class Serving(ApplicationSession):
    """It registers a procedure, and says how that went."""

    async def onJoin(self, details: Any) -> None:
        try:
            await self.register(lambda: "hosted", "com.hosted.who")
        except ApplicationError as error:
            self.config.extra.append(error.error)
        else:
            self.config.extra.append("registered")


def test_a_procedure_that_a_lost_session_still_holds_is_taken_when_it_is_free(
    caplog: pytest.LogCaptureFixture,
) -> None:
    said: list[str] = []
    realm = App.from_session(Serving, ComponentConfig(extra=said)).test_client()
    with realm as client:
        with realm.offline():
            held = client.register("com.hosted.who", lambda: "the lost session")
        clock.advance(5)
        assert client.call("com.hosted.who") == "the lost session"
        assert said == ["registered"]
        held.unregister()
        clock.advance(2)
        assert said == ["registered", "registered"]
        assert client.call("com.hosted.who") == "hosted"
    assert caplog.text.count("com.hosted.who is taken, perhaps by a session that was lost") == 1


def test_a_procedure_that_stays_taken_is_an_error_of_the_session_s() -> None:
    said: list[str] = []
    realm = App.from_session(Serving, ComponentConfig(extra=said)).test_client()
    with realm as client:
        with realm.offline():
            client.register("com.hosted.who", lambda: "another")
        clock.advance(40)
        assert said == ["registered", "wamp.error.procedure_already_exists"]


def test_at_its_first_join_a_taken_procedure_is_an_error_at_once() -> None:
    said: list[str] = []
    realm = App.from_session(Serving, ComponentConfig(extra=said)).test_client()
    realm.stub("com.hosted.who")
    with realm:
        assert said == ["wamp.error.procedure_already_exists"]
