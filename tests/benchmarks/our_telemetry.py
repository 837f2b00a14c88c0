"""A process of the telemetry's benchmark: `python -m tests.benchmarks.our_telemetry ROLE URL …`.

The collector's further argument is its store. A service's is its name, which says whether it has
telemetry: `with` or `without`. A caller answers each line `NAME IN_FLIGHT PAUSE SECONDS RECORDS`
with its calls a second of that service, and milliseconds of a call, p50 and p99. Meanwhile, the
service logs so many records a second.
"""

import asyncio
import logging
import sys
import time

from wampapp import App
from wampapp.components import Telemetry

PREFIX = "com.benchmark.telemetry"
#: How often a service logs several records at once, in seconds.
_BURST = 0.01

logger = logging.getLogger("benchmark")


def collector(url: str, store: str) -> None:
    app = App(prefix="com.benchmark", name="collector")
    app.include(Telemetry(app, PREFIX, store=store, metrics=None))
    app.run(url)


def service(url: str, name: str) -> None:
    # Standard error is not part of the measurement.
    logging.getLogger().addHandler(logging.NullHandler())
    logging.getLogger().setLevel(logging.INFO)
    app = App(prefix=f"com.benchmark.{name}", name=name)
    if name == "with":
        Telemetry(app, PREFIX)

    @app.register
    async def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    @app.register
    async def write(rate: int, seconds: float) -> None:
        """Log so many records a second."""
        due = time.perf_counter()
        for _ in range(round(seconds / _BURST)):
            for number in range(round(rate * _BURST)):
                logger.info("record %d of an order of %s", number, "apples")
            due += _BURST
            await asyncio.sleep(max(0.0, due - time.perf_counter()))

    @app.on_join
    async def say() -> None:
        print("READY", flush=True)

    app.run(url)


async def call(
    app: App, name: str, in_flight: int, pause: float, seconds: float, records: int
) -> str:
    procedure = app.procedure(f"com.benchmark.{name}.add")
    writing = app.call(f"com.benchmark.{name}.write", records, seconds) if records else None
    times: list[float] = []
    end = time.perf_counter() + seconds

    async def one() -> None:
        while (began := time.perf_counter()) < end:
            await procedure(2, 3)
            times.append(time.perf_counter() - began)
            if pause:
                await asyncio.sleep(pause)

    await asyncio.gather(*(one() for _ in range(in_flight)))
    if writing is not None:
        await writing
    times.sort()
    p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
    return f"{len(times) / seconds} {p50 * 1e3} {p99 * 1e3}"


def caller(url: str) -> None:
    app = App(prefix="com.benchmark.caller")

    async def work() -> None:
        async with app.running(url):
            print("READY", flush=True)
            while line := await asyncio.to_thread(sys.stdin.readline):
                name, *rest = line.split()
                in_flight, pause, seconds, records = map(float, rest)
                said = await call(app, name, int(in_flight), pause, seconds, int(records))
                print(said, flush=True)

    asyncio.run(work())


if __name__ == "__main__":
    {"collector": collector, "service": service, "caller": caller}[sys.argv[1]](*sys.argv[2:])
