"""Coroutine functions that never wait: each runs at once, with what a task has."""

import asyncio
import contextvars
import functools
import logging
import weakref
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from unittest.mock import AsyncMock

import pytest

from tests.support.no_task import no_task
from wampapp.dispatch.dispatcher import Dispatcher
from wampapp.dispatch.momentary import Momentary
from wampapp.dispatch.tasks import EAGER
from wampapp.errors import Canceled, HandlerFailed
from wampapp.loop.threads import ThreadPool
from wampapp.registry.endpoint import endpoint_for, never_waits
from wampapp.registry.records import Registration, Scope

logger = logging.getLogger("test.momentary")


class Reply:
    """Keeps the outcome, which is there when the dispatcher returns."""

    outcome: tuple[str, Any]

    def result(self, value: Any) -> None:
        self.outcome = "result", value

    def error(self, error: BaseException) -> None:
        self.outcome = "error", error


def serving(function: Callable[..., Any], **options: Any) -> Callable[..., tuple[str, Any]]:
    """Return what calls a handler as a link does, and returns its outcome."""
    endpoint = endpoint_for(Registration("com.example.served", function, **options))
    dispatcher = Dispatcher(asyncio.get_running_loop(), ThreadPool(1), logger)

    def call(*args: Any) -> tuple[str, Any]:
        reply = Reply()
        with no_task():
            dispatcher.call(endpoint, args, {}, reply)
        return reply.outcome

    return call


def on_a_loop(main: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        async with asyncio.timeout(60):
            await main()

    asyncio.run(run())


# Which functions never wait.


async def adds(a: int, b: int) -> int:
    return a + b


async def awaits() -> None:
    await asyncio.sleep(0)


async def awaits_in_a_branch(wanted: bool) -> None:
    if wanted:
        await asyncio.sleep(0)


async def iterates(items: Any) -> None:
    async for _ in items:
        pass


async def enters(manager: Any) -> None:
    async with manager:
        pass


async def comprehends(items: Any) -> list[Any]:
    return [item async for item in items]


async def has_one_inside() -> Any:
    async def inner() -> None:
        await asyncio.sleep(0)

    return inner.__name__


async def yields() -> Any:
    yield 1


def plain() -> None: ...


class Thing:
    async def method(self) -> None: ...

    async def __call__(self) -> None: ...


class Proxy:
    """A decorator in C may show the attributes of what it wraps, its code too."""

    __code__ = adds.__code__
    __wrapped__ = adds

    async def __call__(self, *args: Any) -> Any:
        await asyncio.sleep(0)
        return await adds(*args)


@functools.wraps(adds)
async def wrapper(*args: Any) -> Any:
    return await adds(*args)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (adds, True),
        (has_one_inside, True),
        (Thing().method, True),
        (awaits, False),
        (awaits_in_a_branch, False),
        (iterates, False),
        (enters, False),
        (comprehends, False),
        (wrapper, False),
        (yields, False),
        (plain, False),
        (Thing(), False),
        (functools.partial(adds, 1), False),
        (AsyncMock(), False),
        (Proxy(), False),
        (Proxy().__call__, False),
        (print, False),
    ],
)
def test_which_functions_never_wait(function: Any, expected: bool) -> None:
    assert never_waits(function) == expected


# What runs meanwhile.


def test_it_is_answered_at_once() -> None:
    async def main() -> None:
        assert serving(adds)(2, 3) == ("result", 5)

    on_a_loop(main)


def test_it_has_a_task_by_every_test_of_a_task() -> None:
    told: list[str] = []
    seen: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
    kept: list[Any] = []

    async def handler() -> tuple[Any, ...]:
        task = asyncio.current_task()
        assert task is not None
        seen[task] = len(kept)
        kept.append(task)
        task.add_done_callback(lambda done: told.append(done.get_name()))
        states = task.done(), task.cancelled(), task.cancelling(), task.get_name()
        assert asyncio.iscoroutine(task.get_coro())
        assert isinstance(task.get_stack(), list)
        return states

    async def main() -> None:
        call = serving(handler)
        for _ in range(2):
            assert call() == ("result", (False, False, 0, "com.example.served"))
        assert len(seen) == 2
        assert asyncio.current_task() not in kept
        await asyncio.sleep(0)
        assert told == ["com.example.served"] * 2
        assert all(task.done() for task in kept)

    on_a_loop(main)


@pytest.mark.skipif(EAGER, reason="from Python 3.12 on it is a task")
def test_what_nobody_has_kept_stands_for_the_next_too(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    kept: list[Any] = []

    def counted(**options: Any) -> Momentary:
        made.append(len(kept))
        return Momentary(**options)

    async def handler(keeps: bool) -> None:
        if keeps:
            kept.append(asyncio.current_task())

    async def main() -> None:
        call = serving(handler)
        for keeps in (False, False, True, True, False, False):
            assert call(keeps) == ("result", None)
        assert made == [0, 1, 2]
        assert kept[0] is not kept[1]
        assert [task.done() for task in kept] == [True, True]

    monkeypatch.setattr("wampapp.dispatch.momentary.Momentary", counted)
    on_a_loop(main)


def test_what_only_a_weak_reference_knows_stands_for_no_other() -> None:
    seen: weakref.WeakKeyDictionary[Any, bool] = weakref.WeakKeyDictionary()

    async def handler() -> bool:
        task = asyncio.current_task()
        known = task in seen
        seen[task] = True
        return known

    async def main() -> None:
        call = serving(handler)
        assert [call() for _ in range(3)] == [("result", False)] * 3
        assert not len(seen)

    on_a_loop(main)


def test_what_has_somebody_to_call_back_stands_for_no_other() -> None:
    told: list[bool] = []

    async def handler() -> None:
        asyncio.current_task().add_done_callback(  # type: ignore[union-attr]
            lambda task: told.append(task.cancelled())
        )

    async def main() -> None:
        call = serving(handler)
        call()
        call()
        await asyncio.sleep(0)
        assert told == [False, False]

    on_a_loop(main)


def test_one_that_was_given_an_attribute_stands_for_no_other() -> None:
    async def handler(user: str) -> Any:
        task: Any = asyncio.current_task()
        before = getattr(task, "user", None)
        task.user = user
        if user == "fails":
            raise ValueError
        return before

    async def main() -> None:
        call = serving(handler)
        call("fails")
        assert [call(user) for user in ("ann", "ben")] == [("result", None)] * 2

    on_a_loop(main)


@pytest.mark.parametrize("end", ["set_result", "set_exception"])
def test_nobody_else_can_end_it(end: str) -> None:
    async def handler() -> bool:
        task: Any = asyncio.current_task()
        with pytest.raises(RuntimeError, match=f"Task does not support {end} operation"):
            getattr(task, end)(ValueError())
        return bool(task.done())

    async def main() -> None:
        call = serving(handler)
        assert [call(), call()] == [("result", False)] * 2

    on_a_loop(main)


def test_one_that_was_cancelled_stands_for_no_other() -> None:
    async def handler() -> int:
        asyncio.current_task().cancel()  # type: ignore[union-attr]
        return asyncio.current_task().cancelling()  # type: ignore[union-attr]

    async def main() -> None:
        call = serving(handler)
        assert [call(), call()] == [("result", 1)] * 2

    on_a_loop(main)


def test_it_has_a_context_of_its_own() -> None:
    seen = contextvars.ContextVar("seen", default="nothing")

    async def handler() -> str:
        found = seen.get()
        seen.set("another run's")
        return found

    async def main() -> None:
        seen.set("the caller's")
        call = serving(handler)
        assert [call(), call()] == [("result", "the caller's")] * 2
        assert seen.get() == "the caller's"

    on_a_loop(main)


def test_what_it_starts_runs_on() -> None:
    started: list[asyncio.Task[Any]] = []

    async def handler() -> int:
        async def later() -> str:
            await asyncio.sleep(0)
            return asyncio.current_task() is started[0] and "done"

        started.append(asyncio.get_running_loop().create_task(later()))
        return 1

    async def main() -> None:
        assert serving(handler)() == ("result", 1)
        assert await started[0] == "done"

    on_a_loop(main)


def test_anyio_finds_its_task() -> None:
    anyio = pytest.importorskip("anyio")

    async def handler() -> tuple[str, bool]:
        with anyio.CancelScope() as scope:
            scope.cancel()
        return anyio.get_current_task().name, scope.cancel_called

    async def main() -> None:
        assert serving(handler)() == ("result", ("com.example.served", True))
        await asyncio.sleep(0)  # nothing is left that would complain

    on_a_loop(main)


# How it ends.


def test_a_cancellation_that_nobody_asked_for_is_a_failure() -> None:
    async def handler() -> None:
        raise asyncio.CancelledError

    async def main() -> None:
        kind, error = serving(handler)()
        assert (kind, type(error)) == ("error", HandlerFailed)

    on_a_loop(main)


def test_it_may_cancel_its_own_task() -> None:
    async def cancels(ends: str) -> str:
        task = asyncio.current_task()
        assert task is not None
        assert task.cancel("enough")
        assert task.cancelling() == 1
        if ends == "raises":
            raise asyncio.CancelledError
        if ends == "takes it back":
            assert task.uncancel() == 0
        return ends

    async def main() -> None:
        call = serving(cancels)
        kind, error = call("raises")
        assert (kind, type(error)) == ("error", Canceled)
        assert call("returns") == ("result", "returns")
        assert call("takes it back") == ("result", "takes it back")

    on_a_loop(main)


@pytest.mark.parametrize("error", [ValueError("no"), StopIteration(1), SystemExit(3)], ids=repr)
def test_what_it_raises_is_its_outcome(error: BaseException) -> None:
    async def handler() -> None:
        raise error

    async def main() -> None:
        kind, failed = serving(handler)()
        assert (kind, type(failed)) == ("error", HandlerFailed)
        assert asyncio.current_task() is not None

    on_a_loop(main)


def test_its_error_handler_sees_its_context() -> None:
    seen = contextvars.ContextVar("seen", default="nothing")
    done: list[tuple[str, Any]] = []

    async def handler() -> None:
        seen.set("the handler's")
        raise ValueError

    async def on_error(_error: ValueError) -> str:
        return seen.get()

    async def main() -> None:
        scope = Scope()
        scope.handlers[ValueError] = on_error
        record = Registration("com.example.served", handler, scopes=(scope,))
        dispatcher = Dispatcher(asyncio.get_running_loop(), ThreadPool(1), logger)
        reply = Reply()
        with no_task():
            dispatcher.call(endpoint_for(record), [], {}, reply)
        while not hasattr(reply, "outcome"):
            await asyncio.sleep(0)
        done.append(reply.outcome)

    on_a_loop(main)
    assert done == [("result", "the handler's")]


def test_what_an_iterator_yields_that_it_returns_is_its_result() -> None:
    async def handler() -> Iterator[int]:
        return iter([1, 2, 3])

    async def main() -> None:
        reply = Reply()
        workers = ThreadPool(1)
        dispatcher = Dispatcher(asyncio.get_running_loop(), workers, logger)
        with no_task():
            dispatcher.call(
                endpoint_for(Registration("com.example.served", handler)), [], {}, reply
            )
        while not hasattr(reply, "outcome"):
            await asyncio.sleep(0)
        assert reply.outcome == ("result", [1, 2, 3])
        workers.close()
        await asyncio.to_thread(workers.join)

    on_a_loop(main)


def test_it_gives_its_place_to_the_next() -> None:
    async def handler(number: int) -> int:
        return number

    async def main() -> None:
        call = serving(handler, concurrency=1)
        assert [call(number) for number in range(5)] == [("result", n) for n in range(5)]

    on_a_loop(main)


def test_inside_of_a_task_it_has_a_real_one() -> None:
    kinds: list[type] = []

    async def handler() -> None:
        kinds.append(type(asyncio.current_task()))

    async def main() -> None:
        dispatcher = Dispatcher(asyncio.get_running_loop(), ThreadPool(1), logger)
        endpoint = endpoint_for(Registration("com.example.served", handler))
        dispatcher.call(endpoint, [], {}, Reply())
        while not kinds:
            await asyncio.sleep(0)

    on_a_loop(main)
    assert kinds == [asyncio.Task]
