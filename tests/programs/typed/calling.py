"""Calls and events in handlers. A line that ends in "# wrong" must not pass a type checker."""

from asyncio import Future
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from typing import Any, assert_type

from wampapp import App
from wampapp.client.blocking_handles import BlockingProcedure
from wampapp.client.handles import Procedure


@dataclass
class Order:
    sku: str


app = App(prefix="com.example")

# Handles.

add = app.procedure("com.example.add", timeout=2, returns=int, disclose_me=True, idempotent=True)
news = app.topic(".news", acknowledge=True, retain=True, exclude=[1], eligible_authid=("ada",))
app.procedure()  # wrong
app.procedure(".add", timeout="2 s")  # wrong
app.procedure(".add", retries=3)  # wrong
app.topic(".news", acknowledge="yes")  # wrong
app.topic(".news", retained=True)  # wrong
app.topic(".news", exclude=1)  # wrong

# On the event loop.


@app.register
async def awaiting() -> Any:
    assert_type(app.call("com.example.add", 2, b=3), Future[Any])
    assert_type(app.publish("com.example.news", "hello", by="ada"), Future[Any])
    assert_type(app.stream("com.example.count", 3), AsyncGenerator[Any, None])
    async for item in app.stream("com.example.count", 3):
        app.log(item)
    for item in app.stream("com.example.count", 3):  # wrong
        app.log(item)
    app.call(5)  # wrong
    app.call()  # wrong
    app.publish(None)  # wrong
    assert_type(add.uri, str)
    async for item in add.stream(3):
        app.log(item)
    assert_type(news.publish("hello"), Future[Any])
    await news("hello")  # wrong
    registration = await app.register_now(".mul", print, concurrency=2)
    subscription = await app.subscribe_now(".news", print, get_retained=True)
    assert_type(registration.id, int | None)
    await registration.unregister()
    await subscription.unsubscribe()
    await subscription.unregister()  # wrong
    await app.register_now(".mul", "print")  # wrong
    await app.subscribe_now(".news", print, retain=True)  # wrong
    await news.call("hello")  # wrong
    assert_type(add, Procedure[int])
    assert_type(await add(2, 3), int)
    assert_type(add.stream(3), AsyncGenerator[int, None])
    assert_type(await app.procedure(".order", returns=Order, timeout=5)("tea"), Order)
    assert_type(await app.procedure(".orders", returns=list[Order])(), list[Order])
    assert_type(await app.procedure(".maybe", returns=Order | None)(), Any)
    assert_type(await app.procedure(".any")(), Any)
    (await app.procedure(".order", returns=Order)("tea")).colour  # wrong
    app.procedure(".order", returns=Order, retries=3)  # wrong
    return await add(2, 3)


# In a worker thread.

blocking_add = app.sync.procedure("com.example.add", timeout=2, returns=int)
blocking_news = app.sync.topic(".news", retain=True)


@app.register
def blocking() -> Any:
    assert_type(app.sync.publish("com.example.news", "hello"), int)
    assert_type(app.sync.stream("com.example.count", 3), Iterator[Any])
    for item in app.sync.stream("com.example.count", 3):
        app.log(item)
    assert_type(blocking_add.uri, str)
    assert_type(blocking_news.publish("hello"), int | None)
    app.sync.topic(".news", retain="yes")  # wrong
    app.sync.procedure(".add", timeout="2 s")  # wrong
    app.sync.call(5)  # wrong
    assert_type(app.sync.register("com.example.mul", print).unregister(), None)
    app.sync.register("com.example.mul", print, retain=True)  # wrong
    assert_type(blocking_add, BlockingProcedure[int])
    assert_type(blocking_add(2, 3), int)
    assert_type(blocking_add.stream(3), Iterator[int])
    assert_type(app.sync.procedure(".order", returns=Order)("tea").sku, str)
    assert_type(app.sync.procedure(".any")(), Any)
    blocking_add(2, 3).colour  # wrong
    for item in blocking_add.stream(3):
        app.log(item)
    return app.sync.call("com.example.add", 2, b=3) + blocking_add(2, 3)


async def mistaken() -> None:
    await app.sync.publish("com.example.news")  # wrong
