"""Many requests on one session: how many are in flight, and how a pipeline ends."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.process import DEADLINE
from wampapp.cli.verbs.pipeline import Pipeline
from wampapp.errors import UsageError, WampError


class Peer:
    is_joined = True


class Requests:
    """Requests that are answered by the test."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.waiting: list[asyncio.Future[None]] = []
        self.errors: list[BaseException | None] = []

    def ask(self, _peer: Any, item: int) -> asyncio.Future[None]:
        self.sent.append(item)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append(future)
        return future

    def settled(self, error: BaseException | None, seconds: float) -> None:
        assert seconds >= 0
        self.errors.append(error)
        if isinstance(error, UsageError):
            raise error

    def pipeline(self, **options: Any) -> Pipeline[int]:
        return Pipeline(self.ask, self.settled, **options)


async def turns() -> None:
    """Let the loop run what is ready."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_no_more_requests_are_in_flight_than_allowed() -> None:
    async def main() -> None:
        requests = Requests()
        pipeline = requests.pipeline(most=3)
        task = asyncio.create_task(pipeline.feed(None, range(5)))  # type: ignore[arg-type]
        await turns()
        assert requests.sent == [0, 1, 2]
        requests.waiting[1].set_result(None)
        await turns()
        assert requests.sent == [0, 1, 2, 3]
        assert not task.done()
        requests.waiting[0].set_result(None)
        await turns()
        assert requests.sent == [0, 1, 2, 3, 4]
        assert not task.done()
        requests.waiting[2].set_result(None)
        await asyncio.wait_for(task, DEADLINE)
        assert pipeline.done == 3
        draining = asyncio.create_task(pipeline.drain())
        for number in (3, 4):
            await turns()
            assert not draining.done()
            requests.waiting[number].set_result(None)
        await asyncio.wait_for(draining, DEADLINE)
        assert pipeline.done == 5

    asyncio.run(main())


def test_a_pipeline_that_is_cancelled_cancels_what_is_in_flight() -> None:
    async def main() -> None:
        requests = Requests()
        task = asyncio.create_task(requests.pipeline(most=3).feed(None, range(5)))  # type: ignore[arg-type]
        await turns()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await turns()
        assert [future.cancelled() for future in requests.waiting] == [True] * 3
        assert requests.errors == []

    asyncio.run(main())


def test_a_pipeline_ends_with_the_first_error_that_is_raised() -> None:
    async def main() -> None:
        requests = Requests()
        pipeline = requests.pipeline(most=3)
        task = asyncio.create_task(pipeline.feed(None, range(5)))  # type: ignore[arg-type]
        await turns()
        requests.waiting[0].set_exception(WampError("com.counted"))
        requests.waiting[1].set_exception(UsageError("first"))
        requests.waiting[2].set_exception(UsageError("second"))
        with pytest.raises(UsageError, match="first"):
            await asyncio.wait_for(task, DEADLINE)
        assert requests.sent == [0, 1, 2, 3]

    asyncio.run(main())


def test_an_error_between_two_feeds_is_raised_by_the_next() -> None:
    async def main() -> None:
        requests = Requests()
        pipeline = requests.pipeline(most=3)
        await pipeline.feed(None, range(2))  # type: ignore[arg-type]
        requests.waiting[0].set_exception(UsageError("between"))
        await turns()
        with pytest.raises(UsageError, match="between"):
            await asyncio.wait_for(pipeline.drain(), DEADLINE)
        requests.waiting[1].set_result(None)
        await asyncio.wait_for(pipeline.drain(), DEADLINE)

    asyncio.run(main())


def test_what_the_items_raise_ends_a_pipeline() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise UsageError("no more")

    async def main() -> None:
        requests = Requests()
        pipeline = requests.pipeline(most=3)
        with pytest.raises(UsageError, match="no more"):
            await asyncio.wait_for(pipeline.feed(None, items()), DEADLINE)  # type: ignore[arg-type]
        requests.waiting[0].set_result(None)
        await asyncio.wait_for(pipeline.drain(), DEADLINE)
        assert pipeline.done == 1

    asyncio.run(main())


def test_an_answer_that_does_not_come_is_a_timeout() -> None:
    async def main() -> None:
        requests = Requests()
        pipeline = requests.pipeline(most=1, timeout=0.01)
        await asyncio.wait_for(pipeline.feed(Peer(), range(2)), DEADLINE)  # type: ignore[arg-type]
        await asyncio.wait_for(pipeline.drain(), DEADLINE)
        assert [getattr(error, "uri", None) for error in requests.errors] == [
            "wamp.error.timeout"
        ] * 2

    asyncio.run(main())
