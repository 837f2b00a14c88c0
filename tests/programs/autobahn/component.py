"""A component of Autobahn's for Twisted."""

from typing import Any

from autobahn.twisted.component import Component, run
from autobahn.twisted.util import sleep
from twisted.internet.defer import inlineCallbacks

component = Component(transports="ws://127.0.0.1:8080/ws", realm="realm1")


@component.register("com.hosted.add")
@inlineCallbacks
def add(a: int, b: int) -> Any:
    yield sleep(0.001)
    return a + b


@component.subscribe("com.hosted.asked")
@inlineCallbacks
def asked(n: int) -> Any:
    session = component._session
    doubled = yield session.call("com.hosted.add", n, n)
    yield session.publish("com.hosted.answered", doubled)


@component.on_ready
def ready(session: Any) -> None:
    print("registered by", session.authid, session.authrole, flush=True)


@component.on_disconnect
def disconnected(session: Any, was_clean: bool) -> None:
    print("disconnected", flush=True)


if __name__ == "__main__":
    run([component])
