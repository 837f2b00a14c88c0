"""A process of wampapp's side: `python -m tests.benchmarks.ours ROLE URL PREFIX`.

The parent calls the procedures under PREFIX, once the app has printed its banner.
"""

import asyncio
import functools
import sys
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from typing import Any

from tests.benchmarks import work
from wampapp import App, Blueprint, connect
from wampapp.observe.tracing import running_for
from wampapp.registry.endpoint import endpoint_for


def callee(app: App, url: str) -> None:
    @app.register
    async def add(a: int, b: int) -> int:
        return a + b

    @app.register
    def add_in_thread(a: int, b: int) -> int:
        return a + b

    @app.register(run="loop")
    def add_on_loop(a: int, b: int) -> int:
        return a + b

    @app.register
    async def echo(data: str) -> str:
        return data

    @app.register
    async def count(most: int) -> AsyncGenerator[int, None]:
        for number in range(most):
            yield number

    @app.register
    def block(seconds: float) -> None:
        time.sleep(seconds)


def caller(app: App, url: str) -> None:
    """Calls, and publishes: as a program does of its own accord, so without a trace.

    What asks for the work is a call, to whose trace it would belong otherwise.
    """

    def work_of(job: Callable[..., Coroutine[Any, Any, Any]]) -> None:
        @app.register(f".{job.__name__}")
        @functools.wraps(job)
        async def alone(*args: Any) -> Any:
            with running_for(None):
                return await job(*args)

    def gather(coroutines: Sequence[Coroutine[Any, Any, int]]) -> Any:
        return asyncio.gather(*coroutines)

    @work_of
    async def calls(procedure: str, in_flight: int, seconds: float) -> float:
        return await work.calls_per_second(app.call, gather, procedure, in_flight, seconds)

    @app.register
    async def calls_of_a_call(procedure: str, in_flight: int, seconds: float) -> float:
        return await work.calls_per_second(app.call, gather, procedure, in_flight, seconds)

    @work_of
    async def steady(procedure: str, rate: float, seconds: float) -> list[float]:
        start = asyncio.get_running_loop().create_task
        return await work.answer_times(app.call, start, asyncio.sleep, procedure, rate, seconds)

    @work_of
    async def echoes(procedure: str, size: int, in_flight: int, seconds: float) -> float:
        return await work.echoes_per_second(app.call, gather, procedure, size, in_flight, seconds)

    @work_of
    async def published(topic: str, in_flight: int, seconds: float) -> float:
        publish = app.topic(topic, acknowledge=True).publish
        return await work.per_second(lambda: publish(work.TEXT), gather, in_flight, seconds)

    @work_of
    async def progressive(procedure: str, most: int, seconds: float) -> float:
        async def once() -> None:
            count = 0
            async for _ in app.stream(procedure, most):
                count += 1
            if count != most:
                raise ValueError(f"{count} results came instead of {most}")

        return most * await work.per_second(once, gather, 1, seconds)

    @work_of
    async def slowest(procedure: str, blocking: str, sleepers: int, seconds: float) -> float:
        """Return the 99th percentile of fast calls, in milliseconds, while others block."""
        sleeping = [app.call(blocking, seconds + 1) for _ in range(sleepers)]
        took = await work.call_times(app.call, procedure, seconds)
        await asyncio.gather(*sleeping)
        return sorted(took)[len(took) * 99 // 100] * 1e3

    @work_of
    async def events(topic: str, reached: str, subscribers: int, seconds: float) -> float:
        async def publish(count: int) -> None:
            for _ in range(count):
                app.publish(topic, work.TEXT)

        return await work.events_per_second(app.call, publish, reached, subscribers, seconds)


def subscriber(app: App, url: str) -> None:
    """Subscribes with as many sessions as it is asked to."""
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


def crowd(app: App, url: str) -> None:
    """Adds procedures or idle sessions beside the procedure that is called."""
    callee(app, url)
    clients = []

    @app.register
    def register(more: int) -> None:
        for number in range(more):
            app.sync.call(".register_one", number)

    @app.register
    async def register_one(number: int) -> None:
        record = Blueprint(app.prefix).add_registration(nothing, f"{app.prefix}.more.n{number}")
        connection = app._connection()
        await connection.announce(record, endpoint_for(record))

    @app.register
    def join(more: int) -> None:
        clients.extend(connect(url) for _ in range(more))


def nothing() -> None: ...


def main(role: str, url: str, prefix: str) -> None:
    app = App(prefix=prefix, name=role)
    {"callee": callee, "caller": caller, "crowd": crowd, "subscriber": subscriber}[role](app, url)
    app.run(url)


if __name__ == "__main__":
    main(*sys.argv[1:])
