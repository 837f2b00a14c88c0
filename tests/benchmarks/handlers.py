"""What each kind of handler costs without a network: microseconds from call to result."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

from tests.benchmarks.harness import Row, Table, in_turns
from wampapp import Invocation
from wampapp.dispatch.dispatcher import Dispatcher
from wampapp.loop.runtime import get_runtime
from wampapp.loop.threads import ThreadPool
from wampapp.registry.endpoint import Endpoint, endpoint_for
from wampapp.registry.records import Registration

#: Calls between two readings of the clock, all in flight at the same time.
BATCH = 100


def add(a: int, b: int) -> int:
    return a + b


def add_untyped(a, b):  # type: ignore[no-untyped-def]
    return a + b


async def add_async(a: int, b: int) -> int:
    return a + b


def add_asking(a: int, b: int, call: Invocation) -> int:
    return a + b


KINDS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "def, run='loop', untyped": (add_untyped, {"run": "loop"}),
    "def, run='loop', typed": (add, {"run": "loop"}),
    "def, run='loop', typed, with an Invocation parameter": (add_asking, {"run": "loop"}),
    "async def, typed": (add_async, {}),
    "def in a worker thread, typed": (add, {}),
}


class Reply:
    """Counts results, and sets an event at the last one of a batch."""

    def __init__(self) -> None:
        self.left = 0
        self.done = asyncio.Event()

    def result(self, value: int) -> None:
        if value != 5:
            raise AssertionError(value)
        self.left -= 1
        if not self.left:
            self.done.set()

    def error(self, error: BaseException) -> None:
        raise error

    def progress(self, args: Any, kwargs: Any) -> None:
        raise AssertionError(args)


def measure(rounds: int, seconds: float) -> Table:
    """Measure all kinds in alternating rounds; the ratio compares with the plainest."""
    runtime = get_runtime()
    workers = ThreadPool(40)
    dispatcher = Dispatcher(runtime.loop, workers, logging.getLogger("benchmark"))

    def figure(endpoint: Endpoint) -> float:
        return runtime.run(microseconds(dispatcher, endpoint, seconds))

    cells = {
        label: partial(figure, endpoint_for(Registration("com.add", function, **options)))
        for label, (function, options) in KINDS.items()
    }
    samples = in_turns(cells, rounds, "handlers")
    plainest = next(iter(KINDS))
    rows = [Row(label, found, samples[plainest]) for label, found in samples.items()]
    workers.close()
    note = f"In one process, {BATCH} calls in flight; the ratio compares with the first row."
    return Table("Microseconds per call, by kind of handler", note, rows, smaller_is_better=True)


async def microseconds(dispatcher: Dispatcher, endpoint: Endpoint, seconds: float) -> float:
    """Call a handler for some seconds, and return how long a call took."""
    reply = Reply()
    call_soon = asyncio.get_running_loop().call_soon
    count = 0

    def call_all() -> None:
        for _ in range(BATCH):
            dispatcher.call(endpoint, [2, 3], {}, reply)

    start = perf_counter()
    while (took := perf_counter() - start) < seconds:
        reply.left = BATCH
        reply.done.clear()
        call_soon(call_all)  # as a link does, in no task
        await reply.done.wait()
        count += BATCH
    return took / count * 1e6
