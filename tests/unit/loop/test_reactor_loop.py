"""An asyncio loop on reactors that are not asyncio's.

The reactors are made without being installed, so one process can have many of them.
"""

import asyncio
import concurrent.futures
import contextvars
import gc
import logging
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, inlineCallbacks, succeed
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.pollreactor import PollReactor
from twisted.internet.selectreactor import SelectReactor
from twisted.internet.task import Clock

from tests.support.programs import FOLDER
from wampapp.errors import UsageError
from wampapp.loop.deferreds import with_deferreds
from wampapp.loop.reactor_loop import ReactorLoop

DEADLINE = 60.0  # seconds
ROOT = Path(__file__).resolve().parents[3]

since_312 = pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with 3.12")


class Turns(Clock):
    """A reactor that a test turns by hand; `advance(0)` turns until nothing is ready."""

    running = True

    def callFromThread(self, work: Callable[..., object], *args: object) -> None:
        self.callLater(0, work, *args)


@contextmanager
def built(kind: type) -> Iterator[Any]:
    """A real reactor that is not installed; its file descriptors are closed in the end."""
    reactor = kind()
    try:
        yield reactor
    finally:
        for reader in list(reactor._internalReaders):
            reactor._internalReaders.discard(reader)
            reactor.removeReader(reader)
            reader.connectionLost(None)
        if hasattr(reactor, "_poller") and hasattr(reactor._poller, "close"):
            reactor._poller.close()


def drive(
    main: Callable[[Any, ReactorLoop], Coroutine[Any, Any, Any]], kind: type = SelectReactor
) -> Any:
    """Run a coroutine as a task on a reactor, and the reactor until it ends."""
    outcome: concurrent.futures.Future[Any] = concurrent.futures.Future()
    with built(kind) as reactor:
        loop = ReactorLoop(reactor)

        async def guarded() -> None:
            try:
                async with asyncio.timeout(20):
                    outcome.set_result(await main(reactor, loop))
            except BaseException as error:
                outcome.set_exception(error)
            finally:
                reactor.stop()

        reactor.callWhenRunning(loop.create_task, guarded())
        reactor.callLater(30, reactor.crash)
        reactor.run(installSignalHandlers=False)
        loop.close()
    assert asyncio._get_running_loop() is None
    return outcome.result(0)


@pytest.fixture
def clock() -> Turns:
    return Turns()


@pytest.fixture
def loop(clock: Turns) -> Iterator[ReactorLoop]:
    made = ReactorLoop(clock)
    yield made
    made.close()
    assert clock.getDelayedCalls() == []


# Callbacks in line.


def test_callbacks_run_in_the_order_of_the_calls(clock: Turns, loop: ReactorLoop) -> None:
    seen: list[int] = []
    for number in range(5):
        loop.call_soon(seen.append, number)
    assert seen == []
    clock.advance(0)
    assert seen == [0, 1, 2, 3, 4]


def test_one_delayed_call_is_enough_for_a_line(clock: Turns, loop: ReactorLoop) -> None:
    for number in range(5):
        loop.call_soon(int, number)
    assert len(clock.getDelayedCalls()) == 1


def test_what_a_callback_adds_waits_for_the_next_turn(clock: Turns, loop: ReactorLoop) -> None:
    seen: list[str] = []

    def first() -> None:
        seen.append("first")
        loop.call_soon(seen.append, "added")
        clock.callLater(0, seen.append, "twisted")

    loop.call_soon(first)
    loop.call_soon(seen.append, "second")
    (call,) = clock.getDelayedCalls()
    call.cancel()  # turn once by hand
    loop._wake = None
    loop._drain()
    assert seen == ["first", "second"]
    clock.advance(0)
    assert seen == ["first", "second", "added", "twisted"]


def test_the_reactor_gets_its_turn_between() -> None:
    async def main(reactor: Any, loop: ReactorLoop) -> bool:
        busy, came = True, False

        def again() -> None:
            if busy:
                loop.call_soon(again)

        def arrive() -> None:
            nonlocal came
            came = True

        again()
        reactor.callLater(0.01, arrive)
        while not came:
            await asyncio.sleep(0)
        busy = False
        return came

    assert drive(main)


def test_a_callback_can_be_cancelled(clock: Turns, loop: ReactorLoop) -> None:
    seen: list[int] = []
    handles = [loop.call_soon(seen.append, number) for number in range(3)]
    handles[1].cancel()
    clock.advance(0)
    assert seen == [0, 2]


def test_a_callback_can_cancel_the_next(clock: Turns, loop: ReactorLoop) -> None:
    seen: list[int] = []

    def cancel() -> None:
        handle.cancel()

    loop.call_soon(cancel)
    handle = loop.call_soon(seen.append, 1)
    clock.advance(0)
    assert seen == []


def test_callbacks_keep_their_context(clock: Turns, loop: ReactorLoop) -> None:
    variable = contextvars.ContextVar("variable", default="none")
    seen: list[str] = []
    own = contextvars.copy_context()
    own.run(variable.set, "own")
    variable.set("caller's")
    loop.call_soon(lambda: seen.append(variable.get()))
    loop.call_soon(lambda: seen.append(variable.get()), context=own)
    loop.call_later(1, lambda: seen.append(variable.get()), context=own)
    loop.call_soon_threadsafe(lambda: seen.append(variable.get()), context=own)
    variable.set("later")
    clock.advance(1)
    assert sorted(seen) == ["caller's", "own", "own", "own"]


# The running loop.


def test_in_a_callback_it_is_the_running_loop(clock: Turns, loop: ReactorLoop) -> None:
    seen: list[Any] = []
    loop.call_soon(lambda: seen.append(asyncio.get_running_loop()))
    clock.callLater(0, lambda: seen.append(asyncio._get_running_loop()))
    loop.call_later(0, lambda: seen.append(asyncio.get_event_loop()))
    clock.advance(0)
    assert seen == [loop, None, loop]
    assert asyncio._get_running_loop() is None


def test_it_gives_back_the_running_loop_that_was(clock: Turns, loop: ReactorLoop) -> None:
    async def main() -> list[Any]:
        outer = asyncio.get_running_loop()
        seen: list[Any] = []
        loop.call_soon(lambda: seen.append(asyncio.get_running_loop() is loop))
        hooks = sys.get_asyncgen_hooks()
        clock.advance(0)
        assert sys.get_asyncgen_hooks() == hooks
        return [*seen, asyncio.get_running_loop() is outer]

    assert asyncio.run(main()) == [True, True]


def test_twisted_code_can_enter_it(loop: ReactorLoop) -> None:
    with loop.entered():
        assert asyncio.get_running_loop() is loop
        with loop.entered():
            assert asyncio.get_running_loop() is loop
        assert asyncio.get_running_loop() is loop
    with pytest.raises(ZeroDivisionError), loop.entered():
        raise ZeroDivisionError
    assert asyncio._get_running_loop() is None


def test_it_runs_where_it_is_the_running_loop(clock: Turns, loop: ReactorLoop) -> None:
    assert not loop.is_running()
    seen: list[bool] = []
    loop.call_soon(lambda: seen.append(loop.is_running()))
    clock.advance(0)
    assert seen == [True]
    assert not loop.is_running()
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        assert threads.submit(loop.is_running).result()
        clock.running = False
        assert not threads.submit(loop.is_running).result()


def test_the_reactor_is_what_runs_and_stops(loop: ReactorLoop) -> None:
    async def nothing() -> None: ...

    for refused in (
        loop.run_forever,
        loop.stop,
        lambda: loop.run_until_complete(nothing()),
        lambda: loop.run_until_complete(loop.create_future()),
    ):
        with pytest.raises(UsageError, match="runs on Twisted's reactor"):
            refused()


def test_it_has_no_sockets(loop: ReactorLoop) -> None:
    with pytest.raises(NotImplementedError):
        loop.add_reader(0, print)


# Timers.


def test_time_is_the_reactor_s(clock: Turns, loop: ReactorLoop) -> None:
    clock.advance(7.5)
    assert loop.time() == 7.5


def test_timers_run_when_they_are_due(clock: Turns, loop: ReactorLoop) -> None:
    seen: list[str] = []
    loop.call_later(2, seen.append, "two")
    loop.call_later(1, seen.append, "one")
    timer = loop.call_at(3, seen.append, "three")
    assert timer.when() == 3
    for expected in ([], ["one"], ["one", "two"], ["one", "two", "three"]):
        assert seen == expected
        clock.advance(1)


def test_a_time_that_is_past_is_now(clock: Turns, loop: ReactorLoop) -> None:
    seen: list[str] = []
    clock.advance(10)
    loop.call_at(3, seen.append, "long ago")
    loop.call_later(-1, seen.append, "just now")
    assert seen == []
    clock.advance(0)
    assert sorted(seen) == ["just now", "long ago"]


def test_a_cancelled_timer_leaves_nothing_behind(clock: Turns, loop: ReactorLoop) -> None:
    seen: list[str] = []
    same = [loop.call_later(1, seen.append, "x") for _ in range(3)]
    same[1].cancel()
    same[1].cancel()
    assert len(clock.getDelayedCalls()) == 2
    clock.advance(1)
    assert seen == ["x", "x"]
    same[0].cancel()  # it has run


def test_a_timer_that_is_due_can_still_be_cancelled(clock: Turns, loop: ReactorLoop) -> None:
    seen: list[str] = []

    def cancel() -> None:
        timer.cancel()

    loop.call_later(1, cancel)
    timer = loop.call_later(1, seen.append, "x")
    clock.advance(1)
    assert seen == []


def test_what_was_ready_comes_before_a_timer(clock: Turns, loop: ReactorLoop) -> None:
    seen: list[str] = []
    loop.call_later(0, seen.append, "timer")
    loop.call_soon(seen.append, "ready")
    clock.advance(0)
    assert seen == ["ready", "timer"]


@pytest.mark.parametrize("kind", [SelectReactor, PollReactor, EPollReactor])
def test_sleeping_takes_its_time(kind: type) -> None:
    async def main(reactor: Any, loop: ReactorLoop) -> float:
        began = loop.time()
        await asyncio.gather(*(asyncio.sleep(0.05) for _ in range(100)))
        return loop.time() - began

    assert 0.049 < drive(main, kind) < 10


# Futures and tasks.


def test_a_task_runs_to_its_result(clock: Turns, loop: ReactorLoop) -> None:
    async def work() -> str:
        task = asyncio.current_task()
        assert task is not None
        await asyncio.sleep(3)
        assert asyncio.current_task() is task
        return task.get_name()

    task = loop.create_task(work(), name="worker")
    assert asyncio.all_tasks(loop) == {task}
    clock.advance(0)
    assert not task.done()
    clock.advance(3)
    assert task.result() == "worker"
    assert asyncio.all_tasks(loop) == set()


def test_a_task_runs_in_the_context_it_is_given(clock: Turns, loop: ReactorLoop) -> None:
    variable = contextvars.ContextVar("variable", default="none")

    async def work() -> str:
        return variable.get()

    own = contextvars.copy_context()
    own.run(variable.set, "own")
    tasks = [loop.create_task(work(), context=own), loop.create_task(work())]
    clock.advance(0)
    assert [task.result() for task in tasks] == ["own", "none"]


def test_a_timeout_ends_a_wait(clock: Turns, loop: ReactorLoop) -> None:
    async def work() -> str:
        try:
            async with asyncio.timeout(5):
                await asyncio.get_running_loop().create_future()
        except TimeoutError:
            return "timed out"
        return "nothing"

    task = loop.create_task(work())
    clock.advance(0)
    clock.advance(4.9)
    assert not task.done()
    clock.advance(0.2)
    assert task.result() == "timed out"


def test_a_wait_that_ends_in_time_leaves_no_timer(clock: Turns, loop: ReactorLoop) -> None:
    async def work() -> str:
        async with asyncio.timeout(5):
            await asyncio.sleep(0)
        return "in time"

    task = loop.create_task(work())
    clock.advance(0)
    assert task.result() == "in time"
    assert clock.getDelayedCalls() == []


def test_a_cancelled_task_ends(clock: Turns, loop: ReactorLoop) -> None:
    task = loop.create_task(asyncio.sleep(3600))
    clock.advance(0)
    task.cancel()  # from Twisted's side
    clock.advance(0)
    assert task.cancelled()
    assert clock.getDelayedCalls() == []


@pytest.mark.parametrize("kind", [SelectReactor, PollReactor, EPollReactor])
def test_asyncio_s_own_tools_work(kind: type) -> None:
    async def number(value: int) -> int:
        await asyncio.sleep(0.001)
        return value

    async def main(reactor: Any, loop: ReactorLoop) -> list[Any]:
        gathered = await asyncio.gather(*(number(value) for value in range(3)))
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(number(value)) for value in range(3)]
        done, pending = await asyncio.wait(
            [asyncio.ensure_future(number(7)), loop.create_future()], timeout=0.02
        )
        shielded = await asyncio.shield(number(8))
        queue: asyncio.Queue[int] = asyncio.Queue()
        loop.call_soon(queue.put_nowait, 9)
        waited = await asyncio.wait_for(queue.get(), 5)
        threaded = await asyncio.to_thread(int, "10")
        return [
            *gathered,
            *(task.result() for task in tasks),
            *(task.result() for task in done),
            len(pending),
            shielded,
            waited,
            threaded,
        ]

    assert drive(main, kind) == [0, 1, 2, 0, 1, 2, 7, 1, 8, 9, 10]


def test_a_task_group_cancels_the_others(clock: Turns, loop: ReactorLoop) -> None:
    async def fails() -> None:
        raise LookupError

    async def work() -> list[type]:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.sleep(3600))
                group.create_task(fails())
        except ExceptionGroup as errors:
            return [type(error) for error in errors.exceptions]
        return []

    task = loop.create_task(work())
    clock.advance(0)
    assert task.result() == [LookupError]


def test_a_task_factory_makes_the_tasks(clock: Turns, loop: ReactorLoop) -> None:
    made: list[dict[str, Any]] = []

    def factory(loop: Any, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        made.append(options)
        return asyncio.Task(coroutine, loop=loop, **options)

    loop.set_task_factory(factory)
    assert loop.get_task_factory() is factory
    context = contextvars.copy_context()
    tasks = [
        loop.create_task(asyncio.sleep(0), name="named"),
        loop.create_task(asyncio.sleep(0), context=context),
    ]
    assert made == [{}, {"context": context}]
    assert tasks[0].get_name() == "named"
    loop.set_task_factory(None)
    tasks.append(loop.create_task(asyncio.sleep(0)))
    assert len(made) == 2
    clock.advance(0)
    assert all(task.done() for task in tasks)
    with pytest.raises(TypeError):
        loop.set_task_factory(7)


@since_312
def test_an_eager_task_starts_at_once_where_the_loop_runs(clock: Turns, loop: ReactorLoop) -> None:
    seen: list[Any] = []

    async def quick() -> int:
        seen.append(asyncio.get_running_loop())
        return 7

    def start() -> None:
        task = asyncio.Task(quick(), loop=loop, eager_start=True)  # type: ignore[call-arg]
        seen.append(task.done())

    loop.call_soon(start)
    clock.advance(0)
    assert seen == [loop, True]


@since_312
def test_in_twisted_s_own_callback_it_waits_for_the_loop(clock: Turns, loop: ReactorLoop) -> None:
    async def work() -> None:
        await asyncio.sleep(0)

    loop.call_soon(int)
    clock.advance(0)
    task = asyncio.Task(work(), loop=loop, eager_start=True)  # type: ignore[call-arg]
    assert not task.done()
    clock.advance(0)
    assert task.done()
    with loop.entered():
        task = asyncio.Task(work(), loop=loop, eager_start=True)  # type: ignore[call-arg]
    clock.advance(0)
    assert task.done()


@since_312
def test_the_eager_task_factory_fits(clock: Turns, loop: ReactorLoop) -> None:
    async def quick() -> bool:
        return True

    async def work() -> bool:
        return asyncio.create_task(quick(), name="quick").done()

    loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined]
    task = loop.create_task(work())
    clock.advance(0)
    assert task.result()
    loop.set_task_factory(None)
    with loop.entered():
        assert loop.create_task(quick(), eager_start=True).done()


# Between asyncio and Twisted.


@pytest.mark.parametrize("kind", [SelectReactor, PollReactor, EPollReactor])
def test_deferreds_are_awaited_in_a_driven_task(kind: type) -> None:
    async def main(reactor: Any, loop: ReactorLoop) -> list[int]:
        async def handler() -> list[int]:
            later: Deferred[int] = Deferred()
            reactor.callLater(0.001, later.callback, 1)
            failing: Deferred[int] = Deferred()
            reactor.callLater(0.002, failing.errback, LookupError(2))
            seen = [await later, await succeed(0)]
            await asyncio.sleep(0.001)
            try:
                await failing
            except LookupError as error:
                seen.append(error.args[0])
            return seen

        return await with_deferreds(handler())

    assert drive(main, kind) == [1, 0, 2]


def test_a_future_is_awaited_by_inline_callbacks() -> None:
    async def main(reactor: Any, loop: ReactorLoop) -> Any:
        @inlineCallbacks
        def older() -> Any:
            value = yield Deferred.fromFuture(asyncio.ensure_future(asyncio.sleep(0.001, 7)))
            return value + 1

        return await older().asFuture(loop)

    assert drive(main) == 8


def test_a_program_with_a_reactor_of_its_own() -> None:
    """As such a program is: the reactor is installed, it listens, and a task talks to it."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(FOLDER / "reactor_loop_program.py")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["b'HELLO'", "PollReactor"]


# Threads.


@pytest.mark.parametrize("kind", [SelectReactor, PollReactor, EPollReactor])
def test_other_threads_wake_the_reactor(kind: type) -> None:
    async def main(reactor: Any, loop: ReactorLoop) -> list[int]:
        seen: list[int] = []
        ended = asyncio.Event()

        def work() -> None:
            for number in range(1000):
                loop.call_soon_threadsafe(seen.append, number)
            loop.call_soon_threadsafe(ended.set)

        thread = threading.Thread(target=work)
        thread.start()
        await ended.wait()
        thread.join()
        return seen

    assert drive(main, kind) == list(range(1000))


def test_a_coroutine_can_be_run_from_another_thread() -> None:
    async def main(reactor: Any, loop: ReactorLoop) -> tuple[int, bool]:
        def work() -> tuple[int, bool]:
            future = asyncio.run_coroutine_threadsafe(asyncio.sleep(0.001, 7), loop)
            return future.result(60), loop.is_running()

        return await asyncio.to_thread(work)

    assert drive(main) == (7, True)


def test_the_executor_s_threads_are_daemons() -> None:
    async def main(reactor: Any, loop: ReactorLoop) -> set[threading.Thread]:
        # The second may begin before the first one's thread has gone back to its line.
        return {await loop.run_in_executor(None, threading.current_thread) for _ in range(2)}

    for thread in drive(main):
        assert thread.daemon
        thread.join(60)  # the loop was closed
        assert not thread.is_alive()


def test_the_executor_runs_jobs_at_once() -> None:
    async def main(reactor: Any, loop: ReactorLoop) -> list[int]:
        barrier = threading.Barrier(4, timeout=60)
        jobs = [loop.run_in_executor(None, barrier.wait) for _ in range(4)]
        return sorted(await asyncio.gather(*jobs))

    assert drive(main) == [0, 1, 2, 3]


def test_more_jobs_than_threads_wait_in_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wampapp.loop.reactor_loop._MAX_THREADS", 2)

    async def main(reactor: Any, loop: ReactorLoop) -> tuple[list[int], int]:
        names = await asyncio.gather(*(asyncio.to_thread(threading.get_ident) for _ in range(50)))
        jobs = [loop.run_in_executor(None, int, str(number)) for number in range(50)]
        jobs[40].cancel()
        done = await asyncio.gather(*jobs, return_exceptions=True)
        return [number for number in done if isinstance(number, int)], len(set(names))

    numbers, threads = drive(main)
    assert numbers == [number for number in range(50) if number != 40]
    assert threads <= 2


def test_what_a_job_raises_reaches_its_future() -> None:
    async def main(reactor: Any, loop: ReactorLoop) -> None:
        await loop.run_in_executor(None, int, "x")

    with pytest.raises(ValueError, match="invalid literal"):
        drive(main)


def test_an_executor_can_be_given() -> None:
    async def main(reactor: Any, loop: ReactorLoop) -> list[str]:
        def name() -> str:
            return threading.current_thread().name

        with concurrent.futures.ThreadPoolExecutor(1, "given") as given:
            names = [await loop.run_in_executor(given, name)]
        loop.set_default_executor(concurrent.futures.ThreadPoolExecutor(1, "default"))
        names.append(await loop.run_in_executor(None, name))
        await loop.shutdown_default_executor()
        names.append(await loop.run_in_executor(None, name))
        await loop.shutdown_default_executor()
        return [name.partition("_")[0] for name in names]

    assert drive(main) == ["given", "default", "wampapp-executor"]


@pytest.mark.parametrize("kind", [SelectReactor, PollReactor, EPollReactor])
def test_names_are_resolved(kind: type) -> None:
    async def main(reactor: Any, loop: ReactorLoop) -> Any:
        found = await loop.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)
        return [entry[4] for entry in found], await loop.getnameinfo(
            ("127.0.0.1", 80), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
        )

    assert drive(main, kind) == ([("127.0.0.1", 80)], ("127.0.0.1", "80"))


# What goes wrong.


def test_a_callback_s_exception_is_logged(
    clock: Turns, loop: ReactorLoop, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []
    loop.call_soon(int, "x")
    loop.call_soon(seen.append, "next")
    clock.advance(0)
    assert seen == ["next"]
    (entry,) = caplog.records
    assert (entry.name, entry.levelno) == ("asyncio", logging.ERROR)
    assert entry.getMessage().startswith("Exception in callback int")
    assert "handle: <Handle int" in entry.getMessage()
    assert entry.exc_info is not None
    assert entry.exc_info[0] is ValueError


def test_a_task_s_exception_that_nobody_fetches_is_logged(
    clock: Turns, loop: ReactorLoop, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails() -> None:
        raise LookupError("x")

    loop.create_task(fails())
    clock.advance(0)
    gc.collect()
    (entry,) = caplog.records
    assert entry.getMessage().startswith("Task exception was never retrieved\nfuture: <Task")


def test_in_debug_mode_the_log_says_where_it_was_made(
    clock: Turns, loop: ReactorLoop, caplog: pytest.LogCaptureFixture
) -> None:
    loop.set_debug(True)
    assert loop.get_debug()
    loop.call_soon(int, "x")
    clock.advance(0)
    assert "source_traceback: created at (most recent call last):" in caplog.text
    assert Path(__file__).name in caplog.records[0].getMessage()


def test_a_handler_gets_the_exceptions(
    clock: Turns, loop: ReactorLoop, caplog: pytest.LogCaptureFixture
) -> None:
    variable = contextvars.ContextVar("variable", default="none")
    seen: list[Any] = []

    def handler(which: Any, context: dict[str, Any]) -> None:
        seen.extend([which, type(context["exception"]), variable.get()])

    async def fails() -> None:
        variable.set("task's")
        raise LookupError

    loop.set_exception_handler(handler)
    assert loop.get_exception_handler() is handler
    loop.create_task(fails())
    clock.advance(0)
    gc.collect()
    # Tasks tell their context from 3.12 on.
    assert seen[:2] == [loop, LookupError]
    assert seen[2] == ("task's" if sys.version_info >= (3, 12) else "none")
    loop.call_exception_handler({"message": "no exception", "exception": OSError()})
    assert seen[3:] == [loop, OSError, "none"]
    loop.set_exception_handler(None)
    assert caplog.records == []
    with pytest.raises(TypeError):
        loop.set_exception_handler(7)  # type: ignore[arg-type]


def test_a_handler_that_fails_is_logged(
    clock: Turns, loop: ReactorLoop, caplog: pytest.LogCaptureFixture
) -> None:
    def handler(which: Any, context: dict[str, Any]) -> None:
        raise ZeroDivisionError

    seen: list[str] = []
    loop.set_exception_handler(handler)
    loop.call_soon(int, "x")
    loop.call_soon(seen.append, "next")
    clock.advance(0)
    assert seen == ["next"]
    (entry,) = caplog.records
    assert "Unhandled error in exception handler, called with Exception in" in entry.getMessage()
    assert entry.exc_info is not None
    assert entry.exc_info[0] is ZeroDivisionError


def test_a_context_without_anything_is_logged(
    loop: ReactorLoop, caplog: pytest.LogCaptureFixture
) -> None:
    loop.call_exception_handler({"extra": "%s"})
    (entry,) = caplog.records
    assert entry.getMessage() == "Unhandled exception in event loop\nextra: '%s'"
    assert not entry.exc_info


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_an_exit_goes_on_to_the_reactor_and_strands_nobody(
    clock: Turns, loop: ReactorLoop, error: type[BaseException]
) -> None:
    seen: list[str] = []

    def leave() -> None:
        raise error

    loop.call_soon(leave)
    loop.call_soon(seen.append, "next")
    with pytest.raises(error):
        clock.advance(0)
    assert asyncio._get_running_loop() is None
    clock.advance(0)
    assert seen == ["next"]


# Asynchronous generators.


def test_a_generator_that_nobody_iterates_any_more_is_closed(
    clock: Turns, loop: ReactorLoop
) -> None:
    seen: list[str] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            seen.append("closed")

    async def work() -> int:
        async for number in numbers():
            return number
        return 0

    task = loop.create_task(work())
    clock.advance(0)
    gc.collect()
    clock.advance(0)
    assert task.result() == 1
    assert seen == ["closed"]


def test_generators_are_closed_together(
    clock: Turns, loop: ReactorLoop, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []

    async def numbers(fails: bool) -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            seen.append("closed")
            if fails:
                raise LookupError

    begun = [numbers(True), numbers(False)]

    async def work() -> None:
        for generator in begun:
            await anext(generator)
        await loop.shutdown_asyncgens()

    task = loop.create_task(work())
    clock.advance(0)
    task.result()
    assert seen == ["closed", "closed"]
    (entry,) = caplog.records
    assert "during closing of asynchronous generator" in entry.getMessage()


# Its end.


def test_closing_drops_what_is_pending(clock: Turns) -> None:
    loop = ReactorLoop(clock)
    assert repr(loop) == "<ReactorLoop on Turns>"
    seen: list[str] = []
    loop.call_soon(seen.append, "soon")
    loop.call_later(1, seen.append, "later")
    loop.call_soon_threadsafe(seen.append, "from a thread")
    timer = loop.call_later(2, seen.append, "later still")
    loop.close()
    loop.close()
    timer.cancel()
    clock.advance(10)
    assert seen == []
    assert clock.getDelayedCalls() == []
    assert loop.is_closed()
    assert repr(loop) == "<ReactorLoop closed>"


def test_a_closed_loop_takes_nothing_more(clock: Turns) -> None:
    loop = ReactorLoop(clock)
    loop.close()
    nothing = asyncio.sleep(0)
    for refused in (
        lambda: loop.call_soon(int),
        lambda: loop.call_soon_threadsafe(int),
        lambda: loop.call_later(1, int),
        lambda: loop.call_at(1, int),
        lambda: loop.create_task(nothing),
        lambda: loop.run_in_executor(None, int),
    ):
        with pytest.raises(RuntimeError, match="Event loop is closed"):
            refused()
    nothing.close()


def test_a_callback_cannot_close_it(clock: Turns, loop: ReactorLoop) -> None:
    errors: list[str] = []

    def close() -> None:
        try:
            loop.close()
        except RuntimeError as error:
            errors.append(str(error))

    loop.call_soon(close)
    clock.advance(0)
    assert errors == ["Cannot close a running event loop"]
    assert not loop.is_closed()


def test_a_closed_loop_is_let_go(clock: Turns) -> None:
    loop = ReactorLoop(clock)
    loop.call_later(1, int)
    loop.call_soon(int)
    loop.close()
    gone = weakref.ref(loop)
    del loop
    gc.collect()
    assert gone() is None


def test_two_loops_may_ride_on_one_reactor(clock: Turns, loop: ReactorLoop) -> None:
    other = ReactorLoop(clock)
    seen: list[bool] = []
    other.call_soon(lambda: seen.append(asyncio.get_running_loop() is other))
    loop.call_soon(lambda: seen.append(asyncio.get_running_loop() is loop))
    clock.advance(0)
    assert seen == [True, True]
    other.close()
