"""Coroutines that await futures and Deferreds alike."""

import asyncio
import types
from collections.abc import Coroutine, Generator
from typing import Any

import pytest
from twisted.internet.defer import CancelledError as DeferredCancelled
from twisted.internet.defer import Deferred, fail, inlineCallbacks, maybeDeferred, succeed

from wampapp.loop.deferreds import with_deferreds


def drive(coroutine: Coroutine[Any, Any, Any]) -> Any:
    async def main() -> Any:
        async with asyncio.timeout(20):
            return await with_deferreds(coroutine)

    return asyncio.run(main())


def soon(work: Any, *args: Any) -> None:
    """Do something in one of the next turns of the loop."""
    loop = asyncio.get_running_loop()
    loop.call_soon(loop.call_soon, work, *args)


def test_a_coroutine_that_awaits_nothing_gives_its_result() -> None:
    async def coroutine() -> int:
        return 7

    assert drive(coroutine()) == 7


def test_a_deferred_that_has_fired_is_awaited() -> None:
    async def coroutine() -> int:
        return await succeed(7)

    assert drive(coroutine()) == 7


def test_a_deferred_that_fires_later_is_awaited() -> None:
    async def coroutine() -> int:
        deferred: Deferred[int] = Deferred()
        soon(deferred.callback, 7)
        return await deferred

    assert drive(coroutine()) == 7


def test_a_result_of_none_is_a_result() -> None:
    async def coroutine() -> list[Any]:
        deferred: Deferred[None] = Deferred()
        soon(deferred.callback, None)
        return [await deferred]

    assert drive(coroutine()) == [None]


@pytest.mark.parametrize("later", [False, True])
def test_a_deferred_s_failure_is_raised_where_it_is_awaited(later: bool) -> None:
    async def coroutine() -> str:
        deferred: Deferred[int] = Deferred() if later else fail(LookupError("x"))
        if later:
            soon(deferred.errback, LookupError("x"))
        try:
            await deferred
        except LookupError as error:
            return f"caught {error}"
        return "nothing"

    assert drive(coroutine()) == "caught x"


def test_futures_and_deferreds_may_alternate() -> None:
    async def deeper(number: int) -> int:
        deferred: Deferred[int] = Deferred()
        soon(deferred.callback, number)
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        soon(future.set_result, number)
        await asyncio.sleep(0)
        return await deferred + await future

    async def coroutine() -> int:
        return sum([await deeper(number) for number in range(100)])

    assert drive(coroutine()) == 2 * sum(range(100))


def test_a_function_of_inline_callbacks_is_awaited() -> None:
    @inlineCallbacks
    def older() -> Generator[Deferred[int], int, int]:
        deferred: Deferred[int] = Deferred()
        soon(deferred.callback, 3)
        first = yield deferred
        second = yield maybeDeferred(lambda: 4)
        return first + second

    async def coroutine() -> int:
        return await older()

    assert drive(coroutine()) == 7


def test_a_deferred_hands_its_result_on_to_its_later_callbacks() -> None:
    async def coroutine() -> list[int]:
        deferred: Deferred[int] = Deferred()
        soon(deferred.callback, 7)
        seen = [await deferred]
        deferred.addCallback(seen.append)
        return seen

    assert drive(coroutine())[0] == 7


def test_an_exception_passes() -> None:
    async def coroutine() -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        drive(coroutine())


async def on_task(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What a dispatcher's task does: a task takes only coroutines, and this is one."""
    return await with_deferreds(coroutine)


@pytest.mark.parametrize("what", ["future", "deferred", "sleep"])
def test_a_cancellation_reaches_the_coroutine(what: str) -> None:
    seen: list[str] = []

    async def coroutine() -> None:
        waited: Any = {
            "future": asyncio.get_running_loop().create_future,
            "deferred": Deferred,
            "sleep": lambda: asyncio.sleep(3600),
        }[what]()
        try:
            await waited
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def main() -> None:
        task = asyncio.create_task(on_task(coroutine()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()

    asyncio.run(main())
    assert seen == ["cancelled"]


def test_a_cancellation_can_be_survived() -> None:
    async def coroutine() -> int:
        try:
            await Deferred()
        except asyncio.CancelledError:
            return await succeed(7)
        return 0

    async def main() -> int:
        task = asyncio.create_task(on_task(coroutine()))
        await asyncio.sleep(0)
        task.cancel()
        return await task

    assert asyncio.run(main()) == 7


def test_a_deferred_that_fires_after_the_cancellation_harms_nobody() -> None:
    async def main() -> None:
        deferred: Deferred[int] = Deferred()

        async def coroutine() -> int:
            return await deferred

        task = asyncio.create_task(on_task(coroutine()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        deferred.callback(7)
        assert deferred.called

    asyncio.run(main())


def test_a_timeout_ends_the_wait_for_a_deferred() -> None:
    async def coroutine() -> str:
        try:
            async with asyncio.timeout(0):
                await Deferred()
        except TimeoutError:
            return "timed out"
        return "nothing"

    assert drive(coroutine()) == "timed out"


def test_a_cancelled_deferred_is_an_error_of_its_own_kind() -> None:
    async def coroutine() -> str:
        deferred: Deferred[int] = Deferred()
        soon(deferred.cancel)
        try:
            await deferred
        except DeferredCancelled:
            return "cancelled by its owner"
        return "nothing"

    assert drive(coroutine()) == "cancelled by its owner"


def test_what_cannot_be_awaited_is_told_where_it_stands() -> None:
    @types.coroutine
    def strange() -> Generator[Any, Any, Any]:
        return (yield 42)

    async def coroutine() -> str:
        try:
            await strange()
        except RuntimeError as error:
            return str(error)
        return "nothing"

    assert drive(coroutine()) == "Task got bad yield: 42"


def test_asyncio_s_own_tools_work_inside() -> None:
    async def coroutine() -> list[int]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(asyncio.sleep(0, number)) for number in range(3)]
        gathered = await asyncio.gather(*(asyncio.sleep(0, number) for number in range(3)))
        queue: asyncio.Queue[int] = asyncio.Queue()
        soon(queue.put_nowait, 3)
        return [task.result() for task in tasks] + gathered + [await queue.get()]

    assert drive(coroutine()) == [0, 1, 2, 0, 1, 2, 3]
