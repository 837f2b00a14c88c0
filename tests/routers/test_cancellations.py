"""A function of the app that awaits what was cancelled has failed; only we cancel the function."""

import asyncio
import queue
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.support.process import EmbeddedRouter
from tests.support.running import running
from wampapp import App, ConnectedClient, HandlerFailed, HookFailed, WampError, connect
from wampapp.crossbar import Crossbar
from wampapp.registry.context import Call

DEADLINE = 60.0  # seconds
LONG = 3600.0  # seconds; nobody waits for it
Router = EmbeddedRouter | Crossbar
SENTENCE = "it awaited something that was cancelled"


@pytest.fixture(scope="module")
def client(router: Router) -> Iterator[ConnectedClient]:
    with connect(router.rs_url, timeout=DEADLINE) as joined:
        yield joined


async def own_task() -> None:
    task = asyncio.create_task(asyncio.sleep(LONG))
    task.cancel()
    await task


async def own_future() -> None:
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


async def raised() -> None:
    raise asyncio.CancelledError


def raised_in_a_thread() -> None:
    raise asyncio.CancelledError


CAUSES = [own_task, own_future, raised, raised_in_a_thread]
EACH_CAUSE = pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.__name__)
Cause = Callable[[], Any]


async def caused(cause: Cause) -> Any:
    """Do in a coroutine what cancels something of its own."""
    value = cause()
    return await value if isinstance(value, Awaitable) else value


@EACH_CAUSE
def test_a_call_fails_as_with_any_other_exception(
    client: ConnectedClient, router: Router, cause: Cause, caplog: pytest.LogCaptureFixture
) -> None:
    app = App(prefix="com.cancelled")
    app.add_registration(cause, ".plain", concurrency=1)

    @app.register
    async def stream() -> AsyncIterator[int]:
        yield 1
        await caused(cause)

    with running(app, router.rs_url):
        for _ in range(2):
            with pytest.raises(HandlerFailed) as caught:
                client.call("com.cancelled.plain")
            assert f"error id {caught.value.kwargs['error_id']}" in caplog.text
        with pytest.raises(HandlerFailed):
            client.call("com.cancelled.stream")
    assert caplog.text.count(f"RuntimeError: {SENTENCE}") == 3
    assert cause.__name__ in caplog.text  # the traceback ends where it happened


@EACH_CAUSE
def test_an_error_handler_gets_it(client: ConnectedClient, router: Router, cause: Cause) -> None:
    app = App(prefix="com.cancelled")
    app.add_registration(cause, ".plain")

    @app.errorhandler(Exception)
    async def answer(error: Exception) -> str:
        return str(error)

    with running(app, router.rs_url):
        assert client.call("com.cancelled.plain") == SENTENCE


@EACH_CAUSE
def test_an_error_handler_and_middleware_fail_too(
    client: ConnectedClient, router: Router, cause: Cause
) -> None:
    app = App(prefix="com.cancelled")
    app.errorhandler(KeyError)(lambda _error: cause())

    @app.register
    async def fails() -> None:
        raise KeyError

    @app.register
    async def fine() -> int:
        return 5

    @app.middleware
    async def around(call: Call, following: Callable[[], Awaitable[Any]]) -> Any:
        value = await following()
        await caused(cause)
        return value

    with running(app, router.rs_url):
        for procedure in ("com.cancelled.fails", "com.cancelled.fine"):
            with pytest.raises(HandlerFailed):
                client.call(procedure)


@EACH_CAUSE
def test_an_event_is_logged_and_the_next_one_comes(
    client: ConnectedClient, router: Router, cause: Cause, caplog: pytest.LogCaptureFixture
) -> None:
    app = App(prefix="com.cancelled")
    heard: queue.Queue[str] = queue.Queue()

    @app.subscribe
    async def news(text: str) -> None:
        if text == "cancel":
            await caused(cause)
        heard.put(text)

    with running(app, router.rs_url):
        for text in ("cancel", "after"):
            client.publish("com.cancelled.news", text)
        assert heard.get(timeout=DEADLINE) == "after"
    assert "com.cancelled.news failed on an event" in caplog.text


def test_an_event_whose_own_call_was_cancelled_elsewhere_is_logged(
    client: ConnectedClient, router: Router, caplog: pytest.LogCaptureFixture
) -> None:
    app = App(prefix="com.cancelled")
    heard: queue.Queue[str] = queue.Queue()

    @app.register
    async def gone() -> None:
        raise WampError("wamp.error.canceled", "The callee left.")

    @app.subscribe
    async def news(text: str) -> None:
        if text == "call":
            await app.call(".gone")
        heard.put(text)

    with running(app, router.rs_url):
        for text in ("call", "after"):
            client.publish("com.cancelled.news", text)
        assert heard.get(timeout=DEADLINE) == "after"
    assert "com.cancelled.news failed on an event" in caplog.text
    assert "The callee left." in caplog.text


@EACH_CAUSE
def test_a_timer_runs_again(router: Router, cause: Cause, caplog: pytest.LogCaptureFixture) -> None:
    app = App(prefix="com.cancelled")
    runs: queue.Queue[int] = queue.Queue()

    @app.every(0.01)
    async def tick() -> None:
        runs.put(1)
        await caused(cause)

    with running(app, router.rs_url):
        for _ in range(3):
            runs.get(timeout=DEADLINE)
    assert caplog.text.count("tick failed") >= 2


def test_a_timer_that_cancels_its_own_task_says_that_it_ends(
    router: Router, caplog: pytest.LogCaptureFixture
) -> None:
    app = App(prefix="com.cancelled")
    ended: queue.Queue[int] = queue.Queue()

    @app.every(0.01)
    async def tick() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.add_done_callback(lambda _: ended.put(1))
        task.cancel()
        await asyncio.sleep(LONG)

    with running(app, router.rs_url):
        ended.get(timeout=DEADLINE)
    assert "tick was cancelled, and does not run again" in caplog.text


@pytest.mark.parametrize("kind", ["on_startup", "on_join"])
@EACH_CAUSE
def test_a_hook_ends_the_run_in_a_sentence(router: Router, kind: str, cause: Cause) -> None:
    app = App(prefix="com.cancelled")
    getattr(app, kind)(cause)
    with (
        pytest.raises(HookFailed, match=f"hook {cause.__name__} .* failed: RuntimeError: "),
        running(app, router.rs_url),
    ):
        pass


@EACH_CAUSE
def test_the_hooks_that_follow_run(
    router: Router, cause: Cause, caplog: pytest.LogCaptureFixture
) -> None:
    app = App(prefix="com.cancelled")
    ran: list[str] = []
    app.on_leave(cause)
    app.on_leave(lambda: ran.append("leave"))
    app.on_shutdown(lambda: ran.append("shutdown"))
    app.on_shutdown(cause)  # the last one runs first
    with running(app, router.rs_url):
        pass
    assert ran == ["shutdown", "leave"]
    assert f"The shutdown hook {cause.__name__} failed" in caplog.text
    assert f"The leave hook {cause.__name__} failed" in caplog.text


@pytest.mark.parametrize("end", [False, True], ids=["begin", "end"])
@EACH_CAUSE
def test_a_lifespan_fails(
    router: Router, cause: Cause, end: bool, caplog: pytest.LogCaptureFixture
) -> None:
    @asynccontextmanager
    async def lifespan(_app: App) -> AsyncIterator[None]:
        if not end:
            await caused(cause)
        yield
        await caused(cause)

    app = App(prefix="com.cancelled", lifespan=lifespan)
    if end:
        with running(app, router.rs_url):
            pass
        assert "The lifespan failed at its end" in caplog.text
        return
    with pytest.raises(HookFailed, match=SENTENCE), running(app, router.rs_url):
        pass


def test_what_we_cancel_is_cancelled_and_not_a_failure(
    client: ConnectedClient, router: Router, caplog: pytest.LogCaptureFixture
) -> None:
    app = App(prefix="com.cancelled")
    began: queue.Queue[int] = queue.Queue()

    @app.register
    async def waits() -> None:
        began.put(1)
        await asyncio.sleep(LONG)

    @app.subscribe
    async def news() -> None:
        began.put(1)
        await asyncio.sleep(LONG)

    with running(app, router.rs_url) as service:
        client.publish("com.cancelled.news")
        began.get(timeout=DEADLINE)
        with pytest.raises(WampError), connect(router.rs_url, timeout=1) as hasty:
            hasty.call("com.cancelled.waits")
        began.get(timeout=DEADLINE)
        service.runtime.call(service.dispatcher.drain(0))
    assert "failed" not in caplog.text
