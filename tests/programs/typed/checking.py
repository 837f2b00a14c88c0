"""A service's own tests. A line that ends in "# wrong" must not pass a type checker."""

from collections.abc import Iterator
from typing import Any, assert_type

import pytest

from wampapp import App
from wampapp.pytest_plugin import RunningRouter
from wampapp.testing import Clock, Events, Published, Stub, TestClient, TestRealm, clock

app = App(prefix="com.example")


@app.register
def add(a: int, b: int) -> int:
    return a + b


def test_with_a_client() -> None:
    assert add(2, 3) == 5
    with app.test_client(timeout=5) as client:
        assert_type(client, TestClient)
        assert client.call("com.example.add", 2, 3) == 5
        assert_type(client.publish("com.example.news", "hello"), int)
        assert_type(client.stream("com.example.count", 3), Iterator[Any])
        assert_type(client.register("com.other.mul", add).id, int | None)
        events = client.events("com.example.*")
        assert_type(events, Events)
        assert_type(events[0], Published)
        assert_type(events.wait_for(1), list[Published])
        assert_type(client.stub("com.other.sub", returns=5), Stub)
        assert_type(client.as_("ada", role="admin"), TestClient)
        assert_type(client.failures, list[BaseException])
        assert_type(client.clock, Clock)
        client.clock.advance(5)
        client.call(5)  # wrong
        client.stub("com.other.sub", return_value=5)  # wrong
        client.clock.advance("5 s")  # wrong
        client.as_(5)  # wrong
        client.colour  # wrong
        events.wait_for("one")  # wrong
    app.test_client(timeout="5 s")  # wrong


def test_several_apps() -> None:
    other = App()
    with TestRealm(app, other, realm="realm1") as client:
        assert_type(client, TestClient)
    TestRealm("app")  # wrong
    clock.advance(1)


async def test_with_a_session() -> None:
    async with app.test_session() as session:
        assert await session.call("com.example.add", 2, 3) == 5
        await session.publish("com.example.news", "hello")
        async for item in session.stream("com.example.count", 3):
            print(item)
        await session.register("com.other.mul", add)
        assert_type(await session.events("com.example.*"), Events)
        await session.call(5)  # wrong
        await session.register("com.other.mul", "add")  # wrong
    with app.test_session():  # wrong
        pass


def test_on_a_real_router(wamp_url: str, wamp_router: RunningRouter) -> None:
    assert_type(wamp_router.rs_url, str)
    with pytest.raises(ValueError, match="colour"):
        wamp_router.colour  # wrong
