"""A process of wampapp's side: `python -m tests.benchmarks.ours ROLE URL PREFIX`.

The parent calls the procedures under PREFIX; it takes the app's banner for readiness.
"""

import asyncio
import sys
from collections.abc import Coroutine, Sequence
from typing import Any

from tests.benchmarks import work
from wampapp import App, connect


def callee(app: App, url: str) -> None:
    @app.register
    async def add(a: int, b: int) -> int:
        return a + b


def caller(app: App, url: str) -> None:
    """A caller, and a publisher too."""

    def gather(coroutines: Sequence[Coroutine[Any, Any, int]]) -> Any:
        return asyncio.gather(*coroutines)

    @app.register
    async def calls(procedure: str, in_flight: int, seconds: float) -> float:
        return await work.calls_per_second(app.call, gather, procedure, in_flight, seconds)

    @app.register
    async def events(topic: str, reached: str, subscribers: int, seconds: float) -> float:
        return await work.events_per_second(
            app.call, app.publish, topic, reached, subscribers, seconds
        )


def subscriber(app: App, url: str) -> None:
    """As many subscribers as it is told to be, each with a session of its own."""
    deliveries = work.Deliveries()
    clients = []

    async def on_event(text: str) -> None:
        deliveries.add()

    @app.register
    def subscribe(topic: str, sessions: int) -> None:
        for _ in range(sessions):
            client = connect(url)
            client.subscribe(topic, on_event)
            clients.append(client)

    @app.register
    async def reached(count: int) -> int:
        future = asyncio.get_running_loop().create_future()
        deliveries.when(count, future.set_result)
        return int(await future)


def main(role: str, url: str, prefix: str) -> None:
    app = App(prefix=prefix, name=role)
    {"callee": callee, "caller": caller, "subscriber": subscriber}[role](app, url)
    app.run(url)


if __name__ == "__main__":
    main(*sys.argv[1:])
