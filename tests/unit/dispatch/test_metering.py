"""What is counted of the runs of handlers, whatever their kind and their end."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.dispatch.test_dispatcher import EACH_KIND, House, Reply, Serve, on_a_loop
from wampapp.dispatch.metering import BUCKETS, MAX_HANDLERS, OTHERS, HandlerNumbers, Meter
from wampapp.registry.endpoint import Endpoint, endpoint_for
from wampapp.registry.records import Registration, Subscription


def metered(work: Callable[[House], Any]) -> HandlerNumbers:
    """Run some work, and return what was counted of the only handler."""
    meter = Meter()

    async def main(house: House) -> None:
        house.dispatcher.measure_with(meter)
        await work(house)

    on_a_loop(main)
    (numbers,) = meter.handlers.values()
    assert numbers.running == 0
    return numbers


@EACH_KIND
def test_calls_are_counted(serve: Serve) -> None:
    endpoint = serve(lambda wrong: 1 / 0 if wrong else None)

    async def work(house: House) -> None:
        for wrong in (False, True, False):
            await house.outcome(endpoint, wrong)

    numbers = metered(work)
    assert (numbers.uri, numbers.is_event) == ("com.example.served", False)
    assert (sum(numbers.buckets), numbers.errors) == (3, 1)
    assert 0 < numbers.seconds < 60


def test_how_long_they_take() -> None:
    async def handler(seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def work(house: House) -> None:
        await house.outcome(endpoint_for(Registration("com.example.served", handler)), 0.11)

    numbers = metered(work)
    assert numbers.seconds >= 0.11
    first = next(index for index, count in enumerate(numbers.buckets) if count)
    assert BUCKETS[first] >= 0.25


def test_arguments_that_do_not_fit_are_an_error() -> None:
    def handler(number: int) -> None: ...

    async def work(house: House) -> None:
        await house.outcome(endpoint_for(Registration("com.example.served", handler)), "x")

    numbers = metered(work)
    assert (sum(numbers.buckets), numbers.errors) == (1, 1)


def test_what_is_cancelled_is_not_an_error() -> None:
    async def handler() -> None:
        await asyncio.Event().wait()

    async def work(house: House) -> None:
        reply = Reply()
        endpoint = endpoint_for(Registration("com.example.served", handler))
        run = house.dispatcher.call(endpoint, [], {}, reply)
        await asyncio.sleep(0)
        run.cancel()
        await reply.outcome()

    numbers = metered(work)
    assert (sum(numbers.buckets), numbers.errors) == (1, 0)


def test_a_result_that_cannot_be_sent_is_an_error() -> None:
    class Broken(Reply):
        def result(self, value: Any) -> None:
            raise ValueError(value)

    async def work(house: House) -> None:
        reply = Broken()
        endpoint = endpoint_for(Registration("com.example.served", lambda: 1, "loop"))
        house.dispatcher.call(endpoint, [], {}, reply)
        await reply.outcome()

    numbers = metered(work)
    assert (sum(numbers.buckets), numbers.errors) == (1, 1)


@pytest.mark.parametrize("wrong", [False, True])
def test_events_are_counted(wrong: bool) -> None:
    def handler() -> None:
        if wrong:
            raise ValueError

    def endpoint() -> Endpoint:
        return endpoint_for(Subscription("com.example.heard", handler, "loop"))

    async def work(house: House) -> None:
        reply = Reply()
        house.dispatcher.call(endpoint(), [], {}, reply, publication=1)
        await reply.outcome()

    numbers = metered(work)
    assert (numbers.uri, numbers.is_event) == ("com.example.heard", True)
    assert (sum(numbers.buckets), numbers.errors) == (1, wrong)


def test_there_are_not_too_many_handlers() -> None:
    meter = Meter()
    extra = 5

    async def main(house: House) -> None:
        house.dispatcher.measure_with(meter)
        for number in range(MAX_HANDLERS + extra):
            record = Registration(f"com.example.n{number}", lambda: None, "loop")
            await house.outcome(endpoint_for(record))
            await house.outcome(endpoint_for(record))

    on_a_loop(main)
    assert len(meter.handlers) == MAX_HANDLERS + 1
    assert sum(meter.handlers[OTHERS, False].buckets) == 2 * extra
    assert sum(meter.handlers["com.example.n0", False].buckets) == 2
