"""A script with `connect()`. A line that ends in "# wrong" must not pass a type checker."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, assert_type

import wampapp
from wampapp import (
    Anonymous,
    CallTimeout,
    ConnectedClient,
    Cryptosign,
    Invocation,
    Ticket,
    Tls,
    WampappError,
    Wampcra,
    WampError,
    connect,
)


def multiply(a: int, b: int) -> int:
    return a * b


async def divide(a: int, b: int, invocation: Invocation) -> float:
    return a / b


def heard(text: str) -> None:
    print(text)


with connect(
    "rs://127.0.0.1:8080", "realm1", auth=Ticket("ada", "secret"), tls=Tls(ca="ca.pem"), timeout=5
) as client:
    assert_type(client, ConnectedClient)
    print(client.call("com.example.add", 2, b=3))
    assert_type(client.publish("com.example.news", "hello"), int)
    assert_type(client.stream("com.example.count", 3), Iterator[Any])
    assert_type(
        client.register("com.example.mul", multiply, concurrency=2, run="loop").id, int | None
    )
    assert_type(client.register("com.example.div", divide).unregister(), None)
    assert_type(client.subscribe("com.example.news", heard, get_retained=True).id, int | None)
    client.subscribe("com.example.news", heard).unregister()  # wrong

    @client.register("com.example.sub", timeout=2)
    def subtract(a: int, b: int) -> int:
        return a - b

    @client.subscribe
    def on_news(text: str) -> None:
        print(text)

    assert_type(subtract(3, 2), int)
    on_news(5)  # wrong
    add = client.procedure("com.example.add", returns=int, idempotent=True)
    print(add(2, 3), list(add.stream(2, 3)))
    assert_type(client.topic("com.example.news", acknowledge=False).publish("hello"), int | None)
    client.call(5)  # wrong
    client.publish(None)  # wrong
    client.register("com.example.mul", "multiply")  # wrong
    client.register("com.example.mul", multiply, retain=True)  # wrong
    assert_type(client.register(multiply)(2, 3), int)
    client.register(multiply, "com.example.mul")  # wrong
    client.subscribe("com.example.news", heard, concurrency="one")  # wrong
    client.subscribe(uri="com.example.news", handler=heard, retain=True)  # wrong
    client.say("hello")  # wrong
    add.publish("hello")  # wrong
    assert_type(client.wait(), None)

assert_type(wampapp.connect(), ConnectedClient)
assert_type(wampapp.__version__, str)
connect(prefix="com.example", auth=Wampcra("ada", "secret"))
connect(auth=Cryptosign("ada", "11" * 32))
connect(auth=Anonymous())
connect(tls=Tls(ca=Path("ca.pem"), certificate=Path("own.pem"), key="own.key"))
connect(timeout="5 s")  # wrong
connect(auth=("ada", "secret"))  # wrong
connect(tls="ca.pem")  # wrong
connect(retries=3)  # wrong
Ticket("ada")  # wrong
Tls(colour="green")  # wrong
Tls(ca=5)  # wrong
connect().close()

try:
    connect()
except WampError as error:
    assert_type(error.uri, str)
    error.colour  # wrong
except (CallTimeout, WampappError) as error:
    print(error)
