"""A process of stock Autobahn's side: `python -m tests.benchmarks.component ROLE URL PREFIX`.

With a WebSocket URL, a Component keeps all its defaults. With a RawSocket URL it uses MessagePack,
as wampapp does.
"""

import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Any
from urllib.parse import urlsplit

from autobahn.twisted.component import Component, run
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater

from tests.benchmarks import work
from tests.benchmarks.harness import READY

Procedures = dict[str, Callable[..., Any]]


def make_component(url: str) -> Component:
    if url.startswith("ws"):
        return Component(transports=url, realm="realm1")
    parts = urlsplit(url)
    endpoint = {"type": "tcp", "host": parts.hostname, "port": parts.port}
    transport = {"type": "rawsocket", "url": url, "endpoint": endpoint, "serializer": "msgpack"}
    return Component(transports=[transport], realm="realm1")


def callee(session: Any, url: str) -> Procedures:
    async def add(a: int, b: int) -> int:
        return a + b

    return {"add": add}


def caller(session: Any, url: str) -> Procedures:
    """Calls, and publishes."""

    def gather(coroutines: Sequence[Coroutine[Any, Any, int]]) -> Any:
        return gatherResults(map(Deferred.fromCoroutine, coroutines))

    async def calls(procedure: str, in_flight: int, seconds: float) -> float:
        return await work.calls_per_second(session.call, gather, procedure, in_flight, seconds)

    async def steady(procedure: str, rate: float, seconds: float) -> list[float]:
        def sleep(delay: float) -> Deferred[None]:
            return deferLater(reactor, delay)

        start = Deferred.fromCoroutine
        return await work.answer_times(session.call, start, sleep, procedure, rate, seconds)

    async def events(topic: str, reached: str, subscribers: int, seconds: float) -> float:
        async def publish(count: int) -> None:
            for _ in range(count):
                session.publish(topic, work.TEXT)

        return await work.events_per_second(session.call, publish, reached, subscribers, seconds)

    return {"calls": calls, "events": events, "steady": steady}


def subscriber(session: Any, url: str) -> Procedures:
    """Subscribes with as many sessions as it is asked to."""
    deliveries = work.Deliveries()

    async def on_event(text: str) -> None:
        deliveries.add()

    async def subscribe(topic: str, sessions: int) -> None:
        for _ in range(sessions):
            subscribed: Deferred[None] = Deferred()
            component = make_component(url)

            @component.on_join
            async def joined(session: Any, details: Any, subscribed: Any = subscribed) -> None:
                await session.subscribe(on_event, topic)
                subscribed.callback(None)

            component.start(reactor)
            await subscribed

    async def reached(count: int) -> int:
        answer: Deferred[int] = Deferred()
        deliveries.when(count, answer.callback)
        return await answer

    return {"subscribe": subscribe, "reached": reached}


def main(role: str, url: str, prefix: str) -> None:
    make = {"callee": callee, "caller": caller, "subscriber": subscriber}[role]
    component = make_component(url)

    @component.on_join
    async def joined(session: Any, details: Any) -> None:
        for name, procedure in make(session, url).items():
            await session.register(procedure, f"{prefix}.{name}")
        print(READY, flush=True)

    run([component])


if __name__ == "__main__":
    main(*sys.argv[1:])
