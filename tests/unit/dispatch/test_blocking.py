"""What blocks the event loop is named in the log while it blocks."""

import asyncio
import contextlib
import functools
import logging
import threading
from collections.abc import Awaitable, Callable, Iterator
from types import FrameType
from typing import Any

import pytest
from twisted.internet.defer import inlineCallbacks

from tests.support.names import shown
from wampapp.dispatch.blocking import names_of, warn_once, watch
from wampapp.loop.watchdog import Watchdog
from wampapp.registry.blueprint import Blueprint

DEADLINE = 60.0  # seconds


class Warned(logging.Handler):
    """Holds what was logged, and ends the blocking when something is."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.came = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self.came.set()


WARNED = Warned()


@pytest.fixture
def warned() -> Iterator[Warned]:
    logger = logging.getLogger("wampapp")
    WARNED.lines.clear()
    WARNED.came.clear()
    logger.addHandler(WARNED)
    yield WARNED
    logger.removeHandler(WARNED)


def blocked(blueprint: Blueprint, block: Callable[[], Awaitable[Any]]) -> None:
    """Block a loop that is watched."""

    async def main() -> None:
        watchdog = watch(asyncio.get_running_loop(), blueprint.registry)
        try:
            await block()
        finally:
            watchdog.stop()

    asyncio.run(main())


def test_a_handler_that_blocks_the_loop_is_named_with_its_line(warned: Warned) -> None:
    blueprint = Blueprint("com.example")

    @blueprint.register
    async def report() -> None:
        assert warned.came.wait(DEADLINE)

    line = report.__code__.co_firstlineno + 2
    blocked(blueprint, report)
    [sentence] = warned.lines
    assert sentence == (
        f"com.example.report has blocked the event loop for 100 ms, at {__file__}:{line}; nothing "
        "else runs meanwhile. Make it a plain 'def' function, which runs in a thread, or await "
        "asyncio.to_thread(...)."
    )


def block() -> None:
    assert WARNED.came.wait(DEADLINE)


async def coroutine() -> None:
    block()


async def stream() -> Any:
    yield block()


@inlineCallbacks
def callbacks() -> Any:
    block()
    yield None


class Object:
    def __call__(self) -> None:
        block()

    def method(self) -> None:
        block()


def passed_through(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


async def run(function: Callable[..., Any]) -> None:
    """Run a function on the loop, whatever its kind."""
    value = function()
    if hasattr(value, "__anext__"):
        async with contextlib.aclosing(value):
            await anext(value)
    elif asyncio.iscoroutine(value):
        await value


@pytest.mark.parametrize(
    ("decorate", "function", "name"),
    [
        (lambda app: app.register(".a", run="loop"), block, "com.example.a has blocked "),
        (lambda app: app.register(".a"), coroutine, "com.example.a has blocked "),
        (lambda app: app.register(".a"), stream, "com.example.a has blocked "),
        (lambda app: app.register(".a"), callbacks, "com.example.a has blocked "),
        (lambda app: app.register(".a"), passed_through(coroutine), "com.example.a has blocked "),
        (lambda app: app.register(".a"), functools.partial(coroutine), "com.example.a has "),
        (lambda app: app.register(".a"), Object(), "com.example.a has blocked "),
        (lambda app: app.register(".a"), Object().method, "com.example.a has blocked "),
        (lambda app: app.subscribe(".a"), coroutine, "com.example.a has blocked "),
        (lambda app: app.on_join, coroutine, "The join hook coroutine has blocked "),
        (lambda app: app.every(60), coroutine, "The timer coroutine has blocked "),
    ],
    ids=shown,
)
def test_functions_of_every_kind_are_named(
    decorate: Callable[[Blueprint], Any], function: Callable[..., Any], name: str, warned: Warned
) -> None:
    blueprint = Blueprint("com.example")
    decorate(blueprint)(function)

    blocked(blueprint, lambda: run(function))
    assert [line[: len(name)] for line in warned.lines] == [name]


def test_a_task_of_the_users_own_is_named(warned: Warned) -> None:
    blocked(Blueprint(), lambda: asyncio.create_task(coroutine()))
    assert [line[:22] for line in warned.lines] == ["coroutine has blocked "]


def test_a_function_is_named_once(warned: Warned) -> None:
    blueprint = Blueprint("com.example")
    seen = threading.Semaphore(0)

    @blueprint.register
    async def report() -> None:
        assert seen.acquire(timeout=DEADLINE)

    async def main() -> None:
        named = names_of(blueprint.registry)
        on_blocked = warn_once(named)

        def noticed(frame: FrameType) -> None:
            on_blocked(frame)
            seen.release()

        watchdog = Watchdog(asyncio.get_running_loop(), noticed)
        await report()
        await asyncio.sleep(0)
        await report()
        watchdog.stop()

    asyncio.run(main())
    assert len(warned.lines) == 1


def test_an_idle_loop_and_one_that_runs_nothing_of_the_users_are_not_named(warned: Warned) -> None:
    seen = threading.Event()

    async def main() -> None:
        watchdog = Watchdog(asyncio.get_running_loop(), lambda _frame: seen.set())
        await asyncio.sleep(0)
        assert seen.wait(DEADLINE)  # it is blocked here
        watchdog.stop()

    asyncio.run(main())
    assert warned.lines == []
