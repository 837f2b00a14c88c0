"""Handlers are run, whatever their kind, and each call has one outcome."""

import asyncio
import contextvars
import functools
import gc
import itertools
import logging
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from twisted.internet.defer import Deferred, inlineCallbacks

from tests.support.names import shown
from tests.support.no_task import no_task
from wampapp.dispatch.dispatcher import Dispatcher
from wampapp.dispatch.hooks import Hooks
from wampapp.dispatch.tasks import EAGER
from wampapp.dispatch.timers import Timers
from wampapp.errors import Canceled, HandlerFailed, HookFailed, InvalidArgument, WampError
from wampapp.loop.threads import ThreadPool
from wampapp.registry.context import Event
from wampapp.registry.endpoint import Endpoint, endpoint_for, kind_of
from wampapp.registry.records import Hook, Registration, RunIn, Scope, Subscription, Timer
from wampapp.registry.registry import Registry
from wampapp.registry.results import CallResult
from wampapp.session.events import Backlog, EventQueue

DEADLINE = 60.0  # seconds
LONG = 3600.0  # seconds; nobody waits for it

logger = logging.getLogger("test.dispatch")


class Reply:
    """Takes one outcome."""

    def __init__(self) -> None:
        self.outcomes: list[tuple[str, Any]] = []
        self.thread: int | None = None
        self._came = asyncio.Event()

    def result(self, value: Any) -> None:
        self._take("result", value)

    def error(self, error: BaseException) -> None:
        self._take("error", error)

    def _take(self, kind: str, value: Any) -> None:
        self.outcomes.append((kind, value))
        self.thread = threading.get_ident()
        self._came.set()

    async def outcome(self) -> tuple[str, Any]:
        await self._came.wait()
        [outcome] = self.outcomes
        return outcome


class House:
    """A dispatcher with its threads, on the running loop."""

    def __init__(self, *, debug: bool = False, threads: int = 4) -> None:
        self.workers = ThreadPool(threads)
        self.dispatcher = Dispatcher(asyncio.get_running_loop(), self.workers, logger, debug=debug)

    def call(self, endpoint: Endpoint, *args: Any, **kwargs: Any) -> Reply:
        reply = Reply()
        with no_task():
            self.dispatcher.call(endpoint, list(args), kwargs, reply)
        return reply

    async def outcome(self, endpoint: Endpoint, *args: Any, **kwargs: Any) -> tuple[str, Any]:
        return await self.call(endpoint, *args, **kwargs).outcome()


def on_a_loop(main: Callable[[House], Awaitable[Any]], **options: Any) -> Any:
    """Run a test on a loop, with a deadline; all threads end before it returns."""

    async def run() -> Any:
        house = House(**options)
        try:
            async with asyncio.timeout(DEADLINE):
                return await main(house)
        finally:
            house.workers.close()
            await asyncio.to_thread(house.workers.join)

    return asyncio.run(run())


def serving(function: Callable[..., Any], run: RunIn | None = None) -> Endpoint:
    return endpoint_for(Registration("com.example.served", function, run))


def listening(function: Callable[..., Any], run: RunIn | None = None) -> Endpoint:
    return endpoint_for(Subscription("com.example.heard", function, run))


def queue_for(house: House, endpoint: Endpoint) -> EventQueue:
    return EventQueue(house.dispatcher, endpoint, Backlog())


def asynchronous(function: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
    """Make an ``async def`` function that does the same as a plain one, after a turn."""

    @functools.wraps(function)
    async def handler(*args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(0)
        return function(*args, **kwargs)

    return handler


# The same handler in each of the ways to run it.
EACH_KIND = pytest.mark.parametrize(
    "serve",
    [
        lambda function: serving(asynchronous(function)),
        serving,
        lambda function: serving(function, "loop"),
    ],
    ids=["async", "thread", "loop"],
)
Serve = Callable[[Callable[..., Any]], Endpoint]


# Kinds.


def plain() -> None: ...


async def coroutine() -> None: ...


class AsyncObject:
    async def __call__(self) -> None: ...

    async def method(self) -> None: ...


class PlainObject:
    def __call__(self) -> None: ...


@pytest.mark.parametrize(
    ("function", "run", "kind"),
    [
        (plain, None, "thread"),
        (plain, "thread", "thread"),
        (plain, "loop", "loop"),
        (PlainObject(), None, "thread"),
        (functools.partial(plain), None, "thread"),
        (coroutine, None, "task"),
        (coroutine, "loop", "task"),
        (AsyncObject(), None, "task"),
        (AsyncObject().method, None, "task"),
        (functools.partial(coroutine), None, "task"),
    ],
)
def test_the_kind_of_a_handler(function: Any, run: RunIn | None, kind: str) -> None:
    assert kind_of(function, run) == kind


def test_an_endpoint_is_prepared_from_either_record() -> None:
    for record in (Registration("com.x", plain), Subscription("com.x", plain, "loop")):
        endpoint = endpoint_for(record)
        assert (endpoint.uri, endpoint.function) == ("com.x", plain)
        assert endpoint.kind == (record.run or "thread")


# Outcomes.


@EACH_KIND
def test_the_return_value_is_the_result_and_is_told_on_the_loop(serve: Serve) -> None:
    def add(a: int, b: int = 0) -> int:
        return a + b

    async def main(house: House) -> None:
        reply = house.call(serve(add), 2, b=3)
        assert await reply.outcome() == ("result", 5)
        assert reply.thread == threading.get_ident()

    on_a_loop(main)


def this_thread() -> int:
    return threading.get_ident()


def test_only_a_plain_handler_leaves_the_loop_s_thread() -> None:
    async def main(house: House) -> None:
        here = threading.get_ident()
        _, ident = await house.outcome(serving(this_thread))
        assert ident != here
        assert await house.outcome(serving(this_thread, "loop")) == ("result", here)
        assert await house.outcome(serving(asynchronous(this_thread))) == ("result", here)

    on_a_loop(main)


@EACH_KIND
def test_arguments_that_do_not_fit_never_reach_the_handler(serve: Serve) -> None:
    ran: list[int] = []

    def handler(a: int) -> None:
        ran.append(a)

    async def main(house: House) -> None:
        kind, error = await house.outcome(serve(handler), "x")
        assert (kind, type(error), error.message) == (
            "error",
            InvalidArgument,
            "`a`: expected int, got str",
        )

    on_a_loop(main)
    assert ran == []


@EACH_KIND
def test_what_a_handler_raises_is_its_outcome(serve: Serve) -> None:
    raised = WampError("com.example.sold_out", "gone", sku=7)

    def handler() -> None:
        raise raised

    async def main(house: House) -> None:
        assert await house.outcome(serve(handler)) == ("error", raised)

    on_a_loop(main)


@EACH_KIND
def test_a_handler_that_raises_stop_iteration_is_answered(serve: Serve) -> None:
    def handler() -> None:
        raise StopIteration(7)

    async def main(house: House) -> None:
        kind, _ = await house.outcome(serve(handler))
        assert kind == "error"

    on_a_loop(main)


@EACH_KIND
def test_a_handler_that_exits_is_answered_and_the_service_goes_on(serve: Serve) -> None:
    def handler(code: int) -> int:
        return sys.exit(code) if code else code

    async def main(house: House) -> None:
        endpoint = serve(handler)
        kind, error = await house.outcome(endpoint, 3)
        assert (kind, type(error)) == ("error", HandlerFailed)
        assert await house.outcome(endpoint, 0) == ("result", 0)

    on_a_loop(main)


def test_an_async_handler_may_await_futures_and_deferreds() -> None:
    async def main(house: House) -> None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = loop.create_future()
        deferred: Deferred[int] = Deferred()

        async def handler() -> int:
            return await future + await deferred

        reply = house.call(serving(handler))
        loop.call_soon(future.set_result, 2)
        loop.call_soon(loop.call_soon, deferred.callback, 3)
        assert await reply.outcome() == ("result", 5)

    on_a_loop(main)


def test_a_future_that_a_handler_returns_is_waited_for() -> None:
    async def main(house: House) -> None:
        futures: list[asyncio.Future[Any]] = []

        def handler() -> asyncio.Future[Any]:
            futures.append(asyncio.get_running_loop().create_future())
            return futures[-1]

        endpoint = serving(handler, "loop")
        replies = [house.call(endpoint) for _ in range(4)]
        futures[0].set_result({"a": 1})
        futures[1].set_exception(KeyError("a"))
        futures[2].cancel()  # not by its caller: it is a failure of the handler
        futures[3].set_result(number for number in [7])
        assert await replies[0].outcome() == ("result", {"a": 1})
        for reply in replies[1:3]:
            kind, error = await reply.outcome()
            assert (kind, type(error)) == ("error", HandlerFailed)
        assert await replies[3].outcome() == ("result", [7])  # it is iterated over

        reply = Reply()
        run = house.dispatcher.call(endpoint, [], {}, reply)
        run.cancel()
        kind, error = await reply.outcome()
        assert (kind, type(error)) == ("error", Canceled)
        assert futures[4].cancelled()

        house.call(endpoint)
        asyncio.get_running_loop().call_soon(futures[5].set_result, None)
        assert await house.dispatcher.drain(DEADLINE) == []

    on_a_loop(main)


def test_async_handlers_run_at_one_time() -> None:
    async def main(house: House) -> None:
        together = asyncio.Barrier(3)

        async def handler() -> None:
            await together.wait()

        endpoint = serving(handler)
        for reply in [house.call(endpoint) for _ in range(3)]:
            assert await reply.outcome() == ("result", None)

    on_a_loop(main)


def test_blocking_handlers_run_at_one_time_and_the_loop_goes_on() -> None:
    together = threading.Barrier(4)

    async def main(house: House) -> None:
        endpoint = serving(lambda: together.wait(DEADLINE))
        replies = [house.call(endpoint) for _ in range(3)]
        await asyncio.sleep(0)  # a turn of the loop, while three handlers block
        assert [reply.outcomes for reply in replies] == [[], [], []]
        await asyncio.to_thread(together.wait, DEADLINE)
        for reply in replies:
            assert (await reply.outcome())[0] == "result"

    on_a_loop(main)


# Failures.


def quotient(a: int, b: int) -> float:
    return a / b


async def failed(house: House, endpoint: Endpoint, *args: Any) -> WampError:
    kind, error = await house.outcome(endpoint, *args)
    assert kind == "error"
    assert isinstance(error, WampError)
    return error


@EACH_KIND
def test_a_caller_gets_an_error_id_and_nothing_internal(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    def handler() -> None:
        raise LookupError("the password is 1234")

    answer = on_a_loop(lambda house: failed(house, serve(handler)))
    assert type(answer) is HandlerFailed
    error_id = answer.kwargs["error_id"]
    assert answer.args == (
        f"The procedure failed; the service's log says why, under the error id {error_id}.",
    )
    assert answer.kwargs == {"error_id": error_id}
    [record] = caplog.records
    assert record.name == "test.dispatch"
    assert record.levelno == logging.ERROR
    assert record.getMessage() == f"com.example.served failed (error id {error_id})"
    assert "LookupError: the password is 1234" in caplog.text


@EACH_KIND
def test_with_debug_the_caller_sees_the_exception(serve: Serve) -> None:
    answer = on_a_loop(lambda house: failed(house, serve(quotient), 1, 0), debug=True)
    assert answer.args == ("ZeroDivisionError: division by zero",)
    assert answer.kwargs["traceback"].startswith("Traceback (most recent call last):")
    assert answer.kwargs["traceback"].endswith("ZeroDivisionError: division by zero\n")
    assert "return a / b" in answer.kwargs["traceback"]
    assert len(answer.kwargs["error_id"]) == 8


@EACH_KIND
def test_the_logged_traceback_starts_in_the_handler(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    on_a_loop(lambda house: failed(house, serve(quotient), 1, 0))
    [record] = caplog.records
    assert record.exc_info is not None
    files = {frame.filename for frame in traceback.extract_tb(record.exc_info[2])}
    assert files == {__file__}


def test_each_failure_has_an_id_of_its_own() -> None:
    async def main(house: House) -> set[str]:
        endpoint = serving(quotient)
        return {(await failed(house, endpoint, 1, 0)).kwargs["error_id"] for _ in range(20)}

    assert len(on_a_loop(main)) == 20


def test_an_error_that_travels_is_passed_on_and_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = WampError("com.example.sold_out", sku=7)

    def handler() -> None:
        raise error

    assert on_a_loop(lambda house: failed(house, serving(handler))) is error
    assert caplog.records == []


def test_a_failure_of_our_own_code_is_logged_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main(house: House) -> None:
        house.dispatcher.failures.error_for(serving(plain), ValueError("no traceback"))

    on_a_loop(main)
    assert "ValueError: no traceback" in caplog.text


def test_what_a_caller_gets_is_an_error_of_wamp_before_the_reply_sees_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """There is one place that converts, and its error has a URI that can be sent."""

    class Defined(Exception):
        pass

    def handler(which: int) -> None:
        raise [LookupError("a secret"), Defined("x"), WampError("not a URI", "text")][which]

    scope = Scope()
    scope.uris[Defined] = "com.example.defined"

    async def main(house: House) -> None:
        endpoint = endpoint_for(
            Registration("com.example.served", handler, "loop", scopes=(scope,))
        )
        errors = [await failed(house, endpoint, which) for which in range(3)]
        assert [(type(error), error.uri) for error in errors] == [
            (HandlerFailed, HandlerFailed().uri),
            (WampError, "com.example.defined"),
            (HandlerFailed, HandlerFailed().uri),
        ]
        assert errors[1].args == ("x",)
        assert errors[2].args == ("text",)

    on_a_loop(main)
    assert len(caplog.records) == 2
    assert "the invalid URI 'not a URI'" in caplog.text


# What surrounds the app's functions.


def test_each_function_is_surrounded_once_however_often_it_runs() -> None:
    surrounded: list[Any] = []
    ran: list[str] = []

    def surround(function: Callable[..., Any], _kind: str) -> Callable[..., Any]:
        surrounded.append(function)

        @functools.wraps(function)
        def inside(*args: Any) -> Any:
            ran.append("inside")
            return function(*args)

        return inside

    def handler() -> None:
        raise LookupError

    def on_error(_error: Exception) -> str:
        return "handled"

    def hook() -> None:
        ran.append("hook")

    done = asyncio.Event()

    def timer() -> None:
        ran.append("timer")
        if ran.count("timer") == 3:
            done.set()

    async def timer_on_the_loop() -> None:
        timer()

    scope = Scope()
    scope.handlers[LookupError] = on_error
    registry = Registry()
    registry.add_hook(Hook("join", hook))
    registry.add_hook(Timer(0.001, timer_on_the_loop))

    async def main(house: House) -> None:
        dispatcher = Dispatcher(
            asyncio.get_running_loop(), house.workers, logger, surround=surround
        )
        house.dispatcher = dispatcher
        # The same function under two URIs is one function.
        for uri in ("com.example.one", "com.example.two"):
            endpoint = dispatcher.prepare(Registration(uri, handler, "loop", scopes=(scope,)))
            for _ in range(2):
                assert await house.outcome(endpoint) == ("result", "handled")
        hooks = Hooks(registry, dispatcher, None)
        for _ in range(3):
            await hooks.run_join()
        timers = Timers(registry, dispatcher)
        timers.start()
        await done.wait()
        await timers.stop(DEADLINE)

    on_a_loop(main)
    assert surrounded == [handler, on_error, hook, timer_on_the_loop]
    assert (ran.count("hook"), ran.count("timer")) == (3, 3)
    assert ran.count("inside") == 4 + 4 + 3 + 3


def passed_through(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate as other people's libraries do: what is below it cannot be seen."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def generator_of_three() -> Iterator[int]:
    yield from (1, 2, 3)


async def stream_of_three() -> AsyncIterator[int]:
    for number in (1, 2, 3):
        yield number


async def as_it_is(_call: object, following: Callable[[], Awaitable[Any]]) -> Any:
    return await following()


GENERATORS = pytest.mark.parametrize("function", [generator_of_three, stream_of_three])


@GENERATORS
def test_a_hook_that_returns_a_generator_fails_rather_than_never_running(
    function: Callable[..., Any],
) -> None:
    registry = Registry()
    registry.add_hook(Hook("join", passed_through(function)))

    async def main(house: House) -> None:
        with pytest.raises(HookFailed, match="returned a generator, whose body does not run"):
            await Hooks(registry, house.dispatcher, None).run_join()

    on_a_loop(main)


# Decorators of other people.


def passed_through_by_a_coroutine(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def mapped(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return map(int, function(*args, **kwargs))

    return wrapper


def listed(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return list(function(*args, **kwargs))

    return wrapper


WRAPPED = [
    *itertools.product(
        [passed_through, passed_through_by_a_coroutine], [generator_of_three, stream_of_three]
    ),
    (mapped, generator_of_three),
    (listed, generator_of_three),
]


@pytest.mark.parametrize("middleware", [[], [as_it_is]], ids=["bare", "in middleware"])
@pytest.mark.parametrize("run", [None, "loop"])
@pytest.mark.parametrize(("decorate", "function"), WRAPPED, ids=shown)
def test_what_a_decorated_generator_yields_is_the_result(
    decorate: Callable[..., Any],
    function: Callable[..., Any],
    run: RunIn | None,
    middleware: list[Any],
) -> None:
    scope = Scope()
    scope.middleware += middleware

    async def main(house: House) -> None:
        record = Registration("com.example.served", decorate(function), run, scopes=(scope,))
        assert await house.outcome(endpoint_for(record)) == ("result", [1, 2, 3])

    on_a_loop(main)


@GENERATORS
@pytest.mark.parametrize("run", [None, "loop"])
def test_what_a_decorated_generator_yields_is_progressive_where_it_is_taken(
    function: Callable[..., Any], run: RunIn | None
) -> None:
    class Taking(Reply):
        def __init__(self) -> None:
            super().__init__()
            self.taken: list[Any] = []

        def progress(self, args: Any, kwargs: Any) -> None:
            self.taken += args

    async def main(house: House) -> None:
        reply = Taking()
        endpoint = serving(passed_through(function), run)
        house.dispatcher.call(endpoint, [], {}, reply, {"receive_progress": True})
        assert await reply.outcome() == ("result", CallResult())
        assert reply.taken == [1, 2, 3]

    on_a_loop(main)


def test_an_iterator_is_read_in_the_thread_that_made_it() -> None:
    def handler() -> Any:
        made = threading.get_ident()
        return (threading.get_ident() == made for _ in range(2))

    async def main(house: House) -> None:
        assert await house.outcome(serving(handler)) == ("result", [True, True])

    on_a_loop(main)


@GENERATORS
@pytest.mark.parametrize("run", [None, "loop"])
def test_the_handler_of_an_event_that_returns_a_generator_fails_rather_than_never_running(
    function: Callable[..., Any], run: RunIn | None, caplog: pytest.LogCaptureFixture
) -> None:
    async def main(house: House) -> None:
        reply = Reply()
        endpoint = listening(passed_through(function), run)
        house.dispatcher.call(endpoint, [], {}, reply, publication=1)
        assert await reply.outcome() == ("result", None)

    on_a_loop(main)
    assert "returned a generator, whose body does not run" in caplog.text


def test_the_handler_of_an_event_may_return_an_iterator_that_nobody_reads() -> None:
    async def main(house: House) -> None:
        for handler in (lambda: iter([1]), asynchronous(lambda: iter([1]))):
            reply = Reply()
            house.dispatcher.call(listening(handler), [], {}, reply, publication=1)
            kind, _ = await reply.outcome()
            assert kind == "result"
        assert not house.dispatcher.running()

    on_a_loop(main)


def deferring() -> Any:
    yield Deferred


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (inlineCallbacks(deferring), "loop"),
        (passed_through(inlineCallbacks(deferring)), "loop"),
        (functools.partial(inlineCallbacks(deferring)), "loop"),
        (listed(generator_of_three), "thread"),
        (passed_through(generator_of_three), "thread"),
        (contextmanager(generator_of_three), "thread"),
    ],
    ids=["inlineCallbacks", "below another", "partial", "listed", "passed through", "context"],
)
def test_inline_callbacks_are_recognised_by_themselves(
    function: Callable[..., Any], kind: str
) -> None:
    assert kind_of(function, None) == kind


# Context variables.

WHO: contextvars.ContextVar[str] = contextvars.ContextVar("WHO", default="nobody")


async def as_somebody(_call: object, following: Callable[[], Awaitable[Any]]) -> Any:
    token = WHO.set("somebody")
    try:
        return await following()
    finally:
        WHO.reset(token)


def who() -> str:
    return WHO.get()


async def who_of_generator() -> Any:
    yield WHO.get()


def who_in_generator() -> Iterator[str]:
    yield WHO.get()


def failing() -> None:
    raise LookupError


ON_ERROR = pytest.mark.parametrize(
    "on_error",
    [lambda _error: WHO.get(), asynchronous(lambda _error: WHO.get())],
    ids=["def", "async def"],
)


@pytest.mark.parametrize(
    ("function", "run", "result"),
    [
        (who, None, "somebody"),
        (who, "loop", "somebody"),
        (asynchronous(who), None, "somebody"),
        (who_in_generator, None, ["somebody"]),
        (who_of_generator, None, ["somebody"]),
    ],
    ids=["thread", "loop", "coroutine", "generator", "asynchronous generator"],
)
def test_handlers_of_every_kind_see_the_context_of_their_middleware(
    function: Callable[..., Any], run: RunIn | None, result: Any
) -> None:
    scope = Scope()
    scope.middleware.append(as_somebody)

    async def main(house: House) -> None:
        endpoint = endpoint_for(Registration("com.example.who", function, run, scopes=(scope,)))
        assert await house.outcome(endpoint) == ("result", result)

    on_a_loop(main)


@ON_ERROR
@pytest.mark.parametrize("function", [failing, asynchronous(failing)], ids=["def", "async def"])
def test_error_handlers_see_the_context_of_the_middleware(
    function: Callable[..., Any], on_error: Callable[[Any], Any]
) -> None:
    scope = Scope()
    scope.middleware.append(as_somebody)
    scope.handlers[LookupError] = on_error

    async def main(house: House) -> None:
        endpoint = endpoint_for(Registration("com.example.who", function, scopes=(scope,)))
        assert await house.outcome(endpoint) == ("result", "somebody")

    on_a_loop(main)


@ON_ERROR
def test_error_handlers_see_the_context_of_a_handler_in_a_thread(
    on_error: Callable[[Any], Any],
) -> None:
    def handler() -> None:
        WHO.set("the handler")
        raise LookupError

    scope = Scope()
    scope.handlers[LookupError] = on_error

    async def main(house: House) -> None:
        endpoint = endpoint_for(Registration("com.example.who", handler, scopes=(scope,)))
        assert await house.outcome(endpoint) == ("result", "the handler")

    on_a_loop(main)


def test_a_coroutine_of_a_function_in_a_thread_sees_the_functions_context() -> None:
    def handler() -> Any:
        WHO.set("the function")
        return asynchronous(who)()

    async def main(house: House) -> None:
        assert await house.outcome(serving(handler)) == ("result", "the function")

    on_a_loop(main)


def test_middleware_gets_what_an_error_handler_answers_and_it_is_handled_once() -> None:
    seen: list[object] = []

    async def middleware(_call: object, following: Callable[[], Awaitable[Any]]) -> Any:
        try:
            result = await following()
        except WampError as error:
            seen.append(error.uri)
            raise
        seen.append(result)
        return result

    def on_error(error: Exception) -> str:
        if isinstance(error, WampError):
            return "handled twice"
        if error.args:
            raise WampError("com.example.answered")
        return "handled"

    def handler(*args: int) -> None:
        raise LookupError(*args)

    scope = Scope()
    scope.middleware.append(middleware)
    scope.handlers[Exception] = on_error

    async def main(house: House) -> None:
        endpoint = endpoint_for(Registration("com.example.served", handler, scopes=(scope,)))
        assert await house.outcome(endpoint) == ("result", "handled")
        kind, error = await house.outcome(endpoint, 1)
        assert (kind, error.uri) == ("error", "com.example.answered")
        assert seen == ["handled", "com.example.answered"]

    on_a_loop(main)


def test_what_middleware_itself_raises_is_handled_too() -> None:
    async def middleware(_call: object, _following: object) -> None:
        raise LookupError

    scope = Scope()
    scope.middleware.append(middleware)
    scope.handlers[LookupError] = lambda _error: "handled"

    async def main(house: House) -> None:
        endpoint = endpoint_for(Registration("com.example.served", who, scopes=(scope,)))
        assert await house.outcome(endpoint) == ("result", "handled")

    on_a_loop(main)


# Several values.


def test_a_result_of_several_values_shows_and_compares_them() -> None:
    result = CallResult(1, "a", k=2)
    assert (result.args, result.kwargs) == ((1, "a"), {"k": 2})
    assert result == CallResult(1, "a", k=2)
    assert result != CallResult(1, "a")
    assert result != (1, "a")
    assert repr(result) == "CallResult(1, 'a', k=2)"
    assert CallResult(self=1, args=2).kwargs == {"self": 1, "args": 2}
    with pytest.raises(TypeError):
        hash(result)


# Events.


class Listener:
    """A handler's record of the events that reached it."""

    def __init__(self, until: int) -> None:
        self.heard: list[int] = []
        self.until = until
        self.all = threading.Event()

    def take(self, number: int) -> None:
        self.heard.append(number)
        if len(self.heard) == self.until:
            self.all.set()


@pytest.mark.parametrize("run", [None, "loop"])
def test_events_reach_a_plain_handler_in_order(run: RunIn | None) -> None:
    listener = Listener(200)

    async def main(house: House) -> None:
        queue = queue_for(house, listening(listener.take, run))
        for number in range(200):
            queue.put([number], {}, {}, 1)
        assert await asyncio.to_thread(listener.all.wait, DEADLINE)

    on_a_loop(main)
    assert listener.heard == list(range(200))


def test_events_reach_an_async_handler_one_at_a_time() -> None:
    async def main(house: House) -> None:
        running, most, heard = 0, 0, []
        all_heard = asyncio.Event()

        async def handler(number: int) -> None:
            nonlocal running, most
            running += 1
            most = max(most, running)
            for _ in range(number % 3):
                await asyncio.sleep(0)
            heard.append(number)
            running -= 1
            if number == 99:
                all_heard.set()

        queue = queue_for(house, listening(handler))
        for number in range(100):
            queue.put([number], {}, {}, 1)
        await all_heard.wait()
        assert (heard, most) == (list(range(100)), 1)

    on_a_loop(main)


def test_events_reach_a_blocking_handler_one_at_a_time() -> None:
    inside = threading.Lock()
    listener = Listener(50)

    def handler(number: int) -> None:
        assert inside.acquire(blocking=False)
        listener.take(number)
        inside.release()

    async def main(house: House) -> None:
        queue = queue_for(house, listening(handler))
        for number in range(50):
            queue.put([number], {}, {}, 1)
        assert await asyncio.to_thread(listener.all.wait, DEADLINE)

    on_a_loop(main)
    assert listener.heard == list(range(50))


def test_two_handlers_do_not_wait_for_each_other() -> None:
    async def main(house: House) -> None:
        together = asyncio.Barrier(2)

        async def handler() -> None:
            await together.wait()

        for _ in range(2):
            queue_for(house, listening(handler)).put([], {}, {}, 1)
        await house.dispatcher.drain(DEADLINE)
        assert together.n_waiting == 0

    on_a_loop(main)


@pytest.mark.parametrize("kind", ["loop", "async", "misfit"])
def test_a_long_backlog_does_not_recurse(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """Ten thousand events wait for a handler that is done before its call returns."""
    heard: list[int] = []

    def handler(number: int) -> None:
        heard.append(number)

    async def eager(number: int) -> None:
        heard.append(number)

    async def main(house: House) -> None:
        function = eager if kind == "async" else handler
        queue = queue_for(house, listening(function, "loop"))
        queue._running = 1  # as while an event is being handled
        for number in range(10_000):
            queue.put(["x" if kind == "misfit" else number], {}, {}, 1)
        assert heard == []
        queue.result(None)
        await house.dispatcher.drain(DEADLINE)

    caplog.set_level(logging.CRITICAL, "test.dispatch")
    on_a_loop(main)
    assert heard == ([] if kind == "misfit" else list(range(10_000)))


def test_a_handler_that_publishes_to_itself_does_not_recurse() -> None:
    heard: list[int] = []

    async def main(house: House) -> None:
        def handler(number: int) -> None:
            heard.append(number)
            if number < 10_000:
                queue.put([number + 1], {}, {}, 1)

        queue = queue_for(house, listening(handler, "loop"))
        queue.put([0], {}, {}, 1)

    on_a_loop(main)
    assert heard == list(range(10_001))


@EACH_KIND
def test_a_handler_that_fails_on_an_event_is_logged_and_gets_the_next(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    heard = threading.Event()

    def handler(number: int) -> None:
        if number == 0:
            raise ZeroDivisionError("on the first")
        heard.set()

    async def main(house: House) -> None:
        queue = queue_for(house, serve(handler))
        queue.put([0], {}, {}, 1)
        queue.put([1], {}, {}, 1)
        assert await asyncio.to_thread(heard.wait, DEADLINE)

    on_a_loop(main)
    [record] = caplog.records
    assert record.getMessage() == "com.example.served failed on an event"
    assert "ZeroDivisionError: on the first" in caplog.text
    assert record.exc_info is not None
    assert {frame.filename for frame in traceback.extract_tb(record.exc_info[2])} == {__file__}


def test_an_event_that_does_not_fit_is_logged_without_a_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard: list[int] = []

    def handler(number: int) -> None:
        heard.append(number)

    async def main(house: House) -> None:
        queue = queue_for(house, listening(handler, "loop"))
        queue.put(["x"], {}, {}, 1)
        queue.put([], {"nobody": 1}, {}, 1)
        queue.put([3], {}, {}, 1)

    on_a_loop(main)
    assert heard == [3]
    assert [record.getMessage() for record in caplog.records] == [
        "com.example.heard: an event does not fit: `number`: expected int, got str",
        "com.example.heard: an event does not fit: `nobody`: there is no such parameter",
    ]
    assert not any(record.exc_info for record in caplog.records)


def test_an_event_whose_handler_is_cancelled_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main(house: House) -> None:
        async def handler() -> None:
            await asyncio.sleep(LONG)

        queue_for(house, listening(handler)).put([], {}, {}, 1)
        await asyncio.sleep(0)
        await house.dispatcher.drain(0)

    on_a_loop(main)
    assert caplog.records == []


# Draining.


def test_draining_with_nothing_to_do_is_done_at_once() -> None:
    async def main(house: House) -> None:
        assert await house.dispatcher.drain(LONG) == []

    on_a_loop(main)


def test_draining_waits_for_running_handlers() -> None:
    release = threading.Event()

    async def main(house: House) -> None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[str] = loop.create_future()

        async def waiting() -> str:
            return await future

        replies = [house.call(serving(waiting)), house.call(serving(release.wait), DEADLINE)]
        drained = asyncio.create_task(house.dispatcher.drain(LONG))
        await asyncio.sleep(0)
        assert not drained.done()
        future.set_result("done")
        assert await replies[0].outcome() == ("result", "done")
        assert not drained.done()
        release.set()
        assert await drained == []
        assert await replies[1].outcome() == ("result", True)

    on_a_loop(main)


def test_what_runs_longer_than_the_grace_is_cancelled() -> None:
    async def main(house: House) -> None:
        cleaned = asyncio.Event()

        async def handler() -> None:
            try:
                await asyncio.sleep(LONG)
            finally:
                cleaned.set()

        reply = house.call(serving(handler))
        await asyncio.sleep(0)
        assert await house.dispatcher.drain(0) == []
        kind, error = await reply.outcome()
        assert (kind, type(error)) == ("error", Canceled)
        assert error.message == "The call was cancelled."
        assert cleaned.is_set()

    on_a_loop(main)


def test_a_handler_may_tidy_up_when_it_is_cancelled() -> None:
    async def main(house: House) -> None:
        async def handler() -> str:
            try:
                await asyncio.sleep(LONG)
            except asyncio.CancelledError:
                await asyncio.sleep(0)
            return "tidy"

        reply = house.call(serving(handler))
        await asyncio.sleep(0)
        await house.dispatcher.drain(0)
        assert await reply.outcome() == ("result", "tidy")

    on_a_loop(main)


def test_threads_that_still_run_after_the_grace_are_named() -> None:
    release = threading.Event()

    async def main(house: House) -> None:
        reply = house.call(serving(release.wait), DEADLINE)
        assert house.dispatcher.running() == ["com.example.served"]
        assert await house.dispatcher.drain(0) == ["com.example.served"]
        release.set()
        assert await reply.outcome() == ("result", True)
        assert house.dispatcher.running() == []

    on_a_loop(main)


def test_a_call_that_is_cancelled_before_its_first_step_is_answered() -> None:
    async def main(house: House) -> None:
        async def handler() -> None:
            await asyncio.sleep(LONG)

        before = asyncio.all_tasks()
        reply = house.call(serving(handler))
        tasks = asyncio.all_tasks() - before
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await asyncio.sleep(0)
        assert [(kind, type(error)) for kind, error in reply.outcomes] == [("error", Canceled)]

    on_a_loop(main)


def test_a_call_that_is_cancelled_before_its_first_step_gives_its_place_to_the_next() -> None:
    async def main(house: House) -> None:
        ran: list[int] = []

        async def handler(number: int) -> None:
            ran.append(number)
            await asyncio.sleep(0 if number else LONG)

        endpoint = endpoint_for(Registration("com.example.served", handler, concurrency=1))
        before = asyncio.all_tasks()
        house.call(endpoint, 0)
        [task] = asyncio.all_tasks() - before
        task.cancel()
        assert await house.outcome(endpoint, 1) == ("result", None)
        assert ran[-1] == 1
        await house.dispatcher.drain(0)

    on_a_loop(main)


def test_a_handler_s_task_has_the_name_of_its_procedure() -> None:
    async def main(house: House) -> None:
        async def handler() -> str:
            task = asyncio.current_task()
            await asyncio.sleep(0)
            assert task in asyncio.all_tasks()
            return task.get_name()

        assert await house.outcome(serving(handler)) == ("result", "com.example.served")

    on_a_loop(main)


def test_each_run_of_a_coroutine_function_has_a_task_and_a_context_of_its_own() -> None:
    seen: contextvars.ContextVar[str] = contextvars.ContextVar("seen", default="nothing")

    async def main(house: House) -> None:
        tasks: list[asyncio.Task[Any] | None] = [asyncio.current_task()]

        async def handler(waits: bool) -> str:
            found = seen.get()
            seen.set("another run's")
            tasks.append(asyncio.current_task())
            if waits:
                await asyncio.sleep(0)
                assert asyncio.current_task() is tasks[-1]
            return found

        endpoint = serving(handler)
        for waits in (False, True, False):
            assert await house.outcome(endpoint, waits) == ("result", "nothing")
        assert len(set(tasks)) == 4
        assert seen.get() == "nothing"

    on_a_loop(main)


def test_anyio_finds_the_task_of_a_handler_from_its_first_step_on() -> None:
    anyio = pytest.importorskip("anyio")

    async def main(house: House) -> None:
        async def handler() -> tuple[str, bool, int]:
            name = anyio.get_current_task().name
            with anyio.CancelScope() as scope:
                scope.cancel()
                await anyio.sleep_forever()
            done: list[int] = []

            async def child(number: int) -> None:
                await anyio.sleep(0)
                done.append(number)

            async with anyio.create_task_group() as group:
                group.start_soon(child, 1)
                group.start_soon(child, 2)
            return name, scope.cancelled_caught, sum(done)

        outcome = await house.outcome(serving(handler))
        assert outcome == ("result", ("com.example.served", True, 3))

    on_a_loop(main)


@pytest.mark.skipif(EAGER, reason="since Python 3.12 the first step is taken at once")
def test_a_loop_that_is_closed_before_a_handler_s_first_step_answers_nothing() -> None:
    reply = Reply()
    workers = ThreadPool(1)
    loop = asyncio.new_event_loop()

    async def handler() -> None:
        await asyncio.sleep(0)
        raise AssertionError("it runs")

    Dispatcher(loop, workers, logger).call(serving(handler), [], {}, reply)
    loop.close()
    gc.collect()
    workers.close()
    assert reply.outcomes == []


def test_events_in_line_do_not_start_once_the_grace_is_over() -> None:
    async def main(house: House) -> None:
        started: list[int] = []
        ended: list[int] = []

        async def handler(number: int) -> None:
            started.append(number)
            try:
                await asyncio.sleep(LONG)
            finally:
                ended.append(number)

        queue = queue_for(house, listening(handler))
        for number in range(5):
            queue.put([number], {}, {}, 1)
        await asyncio.sleep(0)
        await house.dispatcher.drain(0)
        await asyncio.sleep(0)
        assert (started, ended) == ([0], [0])

    on_a_loop(main)


def test_a_cancelled_handler_leaves_no_task_behind() -> None:
    async def main(house: House) -> None:
        async def handler() -> None:
            await asyncio.sleep(LONG)

        for _ in range(10):
            house.call(serving(handler))
        await asyncio.sleep(0)
        await house.dispatcher.drain(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    on_a_loop(main)


@pytest.mark.parametrize("kind", ["task", "waits", "loop", "thread", "event"])
def test_a_run_leaves_nothing_to_the_collector(kind: str) -> None:
    """Its context has the run; a cycle would be memory until the next collection, and time then."""

    async def at_once() -> int:
        return 5

    async def waits() -> int:
        await asyncio.sleep(0)
        return 5

    def plain() -> int:
        return 5

    async def event(event: Event) -> None: ...

    endpoints = {
        "task": lambda: serving(at_once),
        "waits": lambda: serving(waits),
        "loop": lambda: serving(plain, "loop"),
        "thread": lambda: serving(plain, "thread"),
        "event": lambda: listening(event),
    }

    async def main(house: House) -> None:
        endpoint = endpoints[kind]()

        async def some() -> None:
            for _ in range(50):
                reply = Reply()
                publication = 1 if kind == "event" else None
                with no_task():
                    house.dispatcher.call(endpoint, [], {}, reply, publication=publication)
                await reply.outcome()

        await some()
        gc.collect()
        gc.disable()
        try:
            await some()
            assert gc.collect() < 50
        finally:
            gc.enable()

    on_a_loop(main)
