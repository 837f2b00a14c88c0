"""What was written for Autobahn, under the test clients: its objects, its options, its errors."""

import asyncio
from typing import Any

import pytest
from autobahn import wamp
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import CallOptions, CallResult, PublishOptions, RegisterOptions

from wampapp import App, CallTimeout, HandlerFailed, UsageError


class Backend:
    def __init__(self) -> None:
        self.news: list[str] = []

    @wamp.register("count", options=RegisterOptions(details=True))
    async def count(self, upto: int, details: Any) -> CallResult:
        for number in range(upto):
            if details.progress:
                details.progress(number)
        return CallResult(upto, told=details.caller_authid)

    @wamp.register("refuse")
    def refuse(self) -> None:
        raise ApplicationError("com.example.refused", "no")

    @wamp.register("broken")
    def broken(self) -> None:
        raise KeyError("apple")

    @wamp.register("never")
    async def never(self) -> None:
        await asyncio.Event().wait()

    @wamp.register("text")
    def text(self) -> int:
        return "text"  # type: ignore[return-value] # Autobahn checks no results

    @wamp.subscribe("news")
    def on_news(self, text: str) -> None:
        self.news.append(text)


@pytest.fixture
def backend() -> Backend:
    return Backend()


@pytest.fixture
def app(backend: Backend) -> App:
    app = App(prefix="com.example")
    app.include(backend, prefix=".")
    app.define_error(ApplicationError)
    return app


def test_a_blocking_client(app: App, backend: Backend) -> None:
    got: list[Any] = []
    with app.test_client() as client, client.as_("joe") as joe:
        options = CallOptions(on_progress=got.append, details=True)
        result = joe.call(".count", 2, options=options)
        assert (result.results, result.kwresults) == ((2,), {"told": "joe"})
        assert [progress.results for progress in got] == [(0,), (1,)]
        with pytest.raises(ApplicationError) as caught:
            client.call(".refuse")
        assert (caught.value.error, caught.value.args) == ("com.example.refused", ("no",))
        with pytest.raises(HandlerFailed) as failed:
            client.call(".broken")
        assert isinstance(failed.value, ApplicationError)
        assert isinstance(failed.value.__cause__, KeyError)
        assert client.call(".text") == "text"
        client.publish(".news", "hello", options=PublishOptions(retain=True))
        client.settle()
        assert backend.news == ["hello"]


def test_a_session_in_a_coroutine(app: App, backend: Backend) -> None:
    got: list[Any] = []

    async def main() -> None:
        async with app.test_session() as session:
            result = await session.call(".count", 2, options=CallOptions(on_progress=got.append))
            assert result.args == (2,)
            items = [item async for item in session.stream(".count", 1, options=CallOptions())]
            assert items[0] == 0
            with pytest.raises(CallTimeout):
                await session.call(".never", options=CallOptions(timeout=0.05))
            with pytest.raises(ApplicationError):
                await session.call(".refuse")
            published = session.publish(".news", "hello", options=PublishOptions(retain=True))
            assert type(await published) is int
            with pytest.raises(UsageError, match="goes with publish"):
                session.call(".count", options=PublishOptions())

    asyncio.run(main())
    assert got == [0, 1]
    assert backend.news == ["hello"]


def test_a_stub_plays_what_answers_with_autobahn_s_classes(app: App) -> None:
    with app.test_client() as client:
        client.stub("com.other.sum", returns=CallResult(1, 2))
        client.stub("com.other.fail", raises=ApplicationError("com.other.failed", 7))
        assert client.call("com.other.sum").args == (1, 2)
        with pytest.raises(ApplicationError) as caught:
            client.call("com.other.fail")
        assert (caught.value.error, caught.value.args) == ("com.other.failed", (7,))
