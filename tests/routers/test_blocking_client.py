"""The blocking client for scripts: its verbs, its handlers, its threads."""

import asyncio
import gc
import itertools
import queue
import signal
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

import wampapp
from tests.support.process import EmbeddedRouter, Process, environment, run
from tests.support.programs import FOLDER
from tests.support.proxy import Wire
from wampapp import (
    CallTimeout,
    ConnectedClient,
    InvalidHandler,
    InvalidUri,
    Invocation,
    NoSuchProcedure,
    NotJoined,
    ProcedureExists,
    UsageError,
    WampError,
    WrongThread,
    connect,
)
from wampapp.loop.runtime import _ENDED, get_runtime

DEADLINE = 60.0  # seconds


def test_every_verb(url: str) -> None:
    heard: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def numbers(most: int) -> Any:
        yield from range(most)

    with connect(url, timeout=DEADLINE) as callee, connect(url, timeout=DEADLINE) as caller:
        registration = callee.register("com.client.add", lambda a, b: a + b)
        callee.register("com.client.numbers", numbers)
        subscription = callee.subscribe("com.client.news", heard.put)
        assert caller.call("com.client.add", 2, 3) == 5
        assert list(caller.stream("com.client.numbers", 3)) == [0, 1, 2]
        assert caller.publish("com.client.news", "hello") > 0
        assert heard.get(timeout=DEADLINE) == "hello"
        assert registration.id == caller.call("wamp.registration.lookup", "com.client.add")
        assert subscription.id == caller.call("wamp.subscription.lookup", "com.client.news")
        registration.unregister()
        subscription.unsubscribe()
        with pytest.raises(NoSuchProcedure):
            caller.call("com.client.add", 2, 3)
        assert caller.call("wamp.subscription.lookup", "com.client.news") is None
        assert (registration.id, subscription.id) == (None, None)


def test_handlers_have_what_those_of_an_app_have(url: str) -> None:
    def who(sku: str, quantity: int, call: Invocation) -> Any:
        return sku, quantity, call.procedure

    async def soon(value: int) -> int:
        return value + 1

    with connect(url, timeout=DEADLINE) as client:
        client.register("com.client.<sku>.order", who, concurrency=2, timeout=5)
        client.register("com.client.soon", soon)
        assert client.call("com.client.tea.order", 3) == ["tea", 3, "com.client.tea.order"]
        assert client.call("com.client.soon", 3) == 4
        with pytest.raises(WampError, match="invalid_argument"):
            client.call("com.client.tea.order", "three")


def test_handlers_run_in_worker_threads(client: ConnectedClient) -> None:
    names: queue.SimpleQueue[str] = queue.SimpleQueue()
    client.register("com.client.name", lambda: names.put(threading.current_thread().name))
    client.call("com.client.name")
    assert names.get(timeout=DEADLINE) not in ("MainThread", "wampapp-loop")


def test_a_handler_may_use_its_own_client_however_many_do(client: ConnectedClient) -> None:
    def count(depth: int) -> int:
        return 0 if depth == 0 else 1 + client.call("com.client.count", depth - 1)

    client.register("com.client.count", count)
    assert client.call("com.client.count", 60) == 60  # more than there are threads


def test_on_the_loop_s_thread_it_is_refused(client: ConnectedClient) -> None:
    async def wrong() -> Any:
        return client.call("com.client.any")

    client.register("com.client.wrong", wrong)
    with pytest.raises(WampError, match="runtime_error"):
        client.call("com.client.wrong")

    async def directly() -> None:
        with pytest.raises(WrongThread, match="await app.call"):
            client.call("com.client.any")
        with pytest.raises(WrongThread):
            connect("rs://127.0.0.1:1")

    get_runtime().call(directly())


def test_what_is_registered_comes_back(embedded: EmbeddedRouter) -> None:
    heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
    with Wire(embedded.port) as wire, connect(wire.rs_url, timeout=DEADLINE) as client:
        client.register("com.client.back", lambda: "back")
        client.subscribe("com.client.back.news", heard.put)
        first = client._current().session
        wire.cut()
        while client._current().session is first:
            client.publish("com.client.other")  # waits for the session, or is lost with it
        assert client.call("com.client.back") == "back"
        with connect(embedded.rs_url) as other:
            other.publish("com.client.back.news", 1)
        assert heard.get(timeout=DEADLINE) == 1


def test_refusals(url: str) -> None:
    with connect(url) as client:
        client.register("com.client.mine", lambda: None)
        with pytest.raises(ProcedureExists), connect(url) as other:
            other.register("com.client.mine", lambda: None)
        with pytest.raises(InvalidUri):
            client.register("not a uri", lambda: None)
        with pytest.raises(InvalidHandler):
            client.register("com.client.five", 5)  # type: ignore[arg-type]
        with pytest.raises(UsageError, match="option"):
            client.register("com.client.six", lambda: None, color="red")  # type: ignore[call-arg]


def test_a_closed_client_says_so(embedded: EmbeddedRouter) -> None:
    client = connect(embedded.rs_url)
    client.close()
    client.close()
    for verb in (
        lambda: client.call("com.client.any"),
        lambda: client.publish("com.client.any"),
        lambda: list(client.stream("com.client.any")),
        lambda: client.register("com.client.any", lambda: None),
        lambda: client.subscribe("com.client.any", lambda: None),
        client.wait,
    ):
        with pytest.raises(NotJoined, match="closed"):
            verb()  # type: ignore[operator]


def test_a_handler_may_close_its_own_client(embedded: EmbeddedRouter) -> None:
    client = connect(embedded.rs_url)
    closed = threading.Event()

    def end() -> None:
        client.close()
        closed.set()

    client.subscribe("com.client.end", end)
    with connect(embedded.rs_url) as other:
        other.publish("com.client.end")
    assert closed.wait(DEADLINE)


def test_a_timeout_is_told_from_being_offline(client: ConnectedClient) -> None:
    held = threading.Event()
    client.register("com.client.held", lambda: held.wait(DEADLINE))
    client._timeout = 0.2
    with pytest.raises(CallTimeout, match=r"within 0\.2 s"):
        client.call("com.client.held")
    held.set()


SCRIPT = """
import sys, wampapp
with wampapp.connect(sys.argv[1]) as client:
    def held():
        print("called", flush=True)
        import time
        time.sleep(3600)
    client.register("com.script.held", held)
    print("ready", flush=True)
    {wait}
"""


@pytest.mark.parametrize(
    "wait",
    ["client.call('com.script.held')", "client.wait()", "list(client.stream('com.script.held'))"],
)
def test_ctrl_c_works_while_waiting(embedded: EmbeddedRouter, tmp_path: Path, wait: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(wait=wait))
    with Process(sys.executable, script, embedded.rs_url) as process:
        process.until("called" if "held" in wait else "ready")
        assert process.stop(signal.SIGINT) in (1, -signal.SIGINT)
    assert process.stderr[-1].startswith("KeyboardInterrupt")


def test_a_script_with_a_client_that_is_not_closed_ends(
    embedded: EmbeddedRouter, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, wampapp\nclient = wampapp.connect(sys.argv[1])\n"
        "print(client.publish('com.script.news') > 0)\n"
    )
    done = run(sys.executable, script, embedded.rs_url, env=environment())
    assert (done.returncode, done.stdout) == (0, "True\n")


def test_after_a_fork_it_says_so(embedded: EmbeddedRouter) -> None:
    done = run(sys.executable, FOLDER / "blocking_client_fork.py", embedded.rs_url)
    assert done.returncode == 0, done.stderr
    assert "was forked after wampapp had started" in done.stdout


def test_the_class_is_public() -> None:
    assert isinstance(wampapp.ConnectedClient, type)
    assert issubclass(wampapp.ConnectedClient, wampapp.Client)


@pytest.mark.parametrize("leaving", ["with", "nothing"])
def test_no_thread_of_the_loop_is_left_when_python_takes_itself_apart(
    embedded: EmbeddedRouter, leaving: str
) -> None:
    """One that was in the middle of uvloop or OpenSSL then could end the process by a fault."""
    script = f"""
import atexit, threading
atexit.register(lambda: print([t.name for t in threading.enumerate()]))  # the last of all
import wampapp
client = wampapp.connect({embedded.rs_url!r}, timeout={DEADLINE})
client.call("wamp.session.count")
if {leaving!r} == "with":
    client.close()
"""
    done = run(sys.executable, "-c", script)
    assert (done.returncode, done.stdout, done.stderr) == (0, "['MainThread']\n", "")


@pytest.mark.parametrize(
    ("what", "output"),
    [
        ("stream", "0 1 2\n"),
        ("handle", "0 1 2\n"),
        ("with", "0 1 2\n"),
        ("verb", f"NotJoined: {_ENDED}\n"),
        ("client", "5\n"),
        ("atexit", "5\n"),
    ],
)
def test_a_script_ends_whatever_it_leaves_open(
    embedded: EmbeddedRouter, what: str, output: str
) -> None:
    """A stream is finalized, and may call, when the threads of the process have stopped already."""

    def numbers() -> Iterator[int]:
        yield from range(1_000)

    with connect(embedded.rs_url) as callee:
        callee.register("com.exit.numbers", numbers)
        callee.register("com.exit.add", lambda a, b: a + b)
        done = run(sys.executable, FOLDER / "blocking_client_exit.py", embedded.rs_url, what)
    assert (done.returncode, done.stdout, done.stderr) == (0, output, "")


def test_a_stream_that_is_collected_on_the_loop_s_thread_is_cancelled(url: str) -> None:
    """Python may collect a cycle in any thread, even where a blocking verb would never return."""
    ended = threading.Event()

    async def numbers() -> AsyncIterator[int]:
        try:
            for number in itertools.count():
                yield number
                await asyncio.sleep(0.01)
        finally:
            ended.set()

    async def collect(_: object) -> None:
        gc.collect()

    with connect(url) as callee, connect(url) as caller:
        callee.register("com.client.endless", numbers)
        gc.disable()
        try:
            cycle: list[Any] = [caller.stream("com.client.endless")]
            assert next(cycle[0]) == 0
            cycle.append(cycle)
            del cycle
            caller.on_loop(collect)
        finally:
            gc.enable()
        assert ended.wait(DEADLINE)


def test_relative_uris_are_relative_to_the_prefix(url: str) -> None:
    heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
    with (
        connect(url, prefix="com.client", timeout=DEADLINE) as client,
        connect(url, timeout=DEADLINE) as other,
    ):
        client.register(".add", lambda a, b: a + b)
        client.subscribe(".news", heard.put)
        assert client.call(".add", 2, 3) == client.procedure(".add")(2, 3) == 5
        assert list(client.stream(".add", 2, 3)) == [5]
        assert other.call("com.client.add", 2, 3) == 5
        other.publish("com.client.news", 1)
        assert heard.get(timeout=DEADLINE) == 1


def test_without_a_prefix_a_relative_uri_is_refused(client: ConnectedClient) -> None:
    client.register("add", lambda a, b: a + b)
    for verb in (
        lambda: client.call(".add", 2, 3),
        lambda: client.publish(".add", 2, 3),
        lambda: list(client.stream(".add", 2, 3)),
        lambda: client.procedure(".add"),
        lambda: client.topic(".add"),
        lambda: client.register(".add", print),
        lambda: client.subscribe(".add", print),
        lambda: client.register(test_refusals),
        lambda: client.subscribe()(test_refusals),
    ):
        with pytest.raises(InvalidUri, match=r"'\.\w+' is relative .* or pass connect\(prefix="):
            verb()  # type: ignore[operator]
    with pytest.raises(InvalidUri, match="leave the dot out"):
        connect("rs://127.0.0.1:1", prefix=".shop")
    with pytest.raises(InvalidUri, match="prefix"):
        connect("rs://127.0.0.1:1", prefix="not a uri")


def test_the_first_component_of_a_wildcard_may_be_empty(client: ConnectedClient, url: str) -> None:
    client.register(".client..price", lambda: 3, match="wildcard")
    with connect(url, timeout=DEADLINE) as caller:
        assert caller.call("com.client.tea.price") == 3


def test_register_and_subscribe_are_decorators_too(url: str) -> None:
    heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
    with (
        connect(url, prefix="com.client", timeout=DEADLINE) as client,
        connect(url, timeout=DEADLINE) as other,
    ):

        @client.register
        def add(a: int, b: int) -> int:
            return a + b

        @client.register("com.client.double", concurrency=1)
        @client.register(".twice")
        def double(a: int) -> int:
            return 2 * a

        @client.subscribe(uri=".news", run="loop")
        @client.subscribe()
        def sold(sku: str) -> None:
            heard.put(sku)

        assert (add(2, 3), double(2)) == (5, 4)
        assert [
            other.call("com.client.add", 2, 3),
            other.call("com.client.double", 2),
            other.call("com.client.twice", 3),
        ] == [5, 4, 6]
        other.publish("com.client.sold", "tea")
        assert heard.get(timeout=DEADLINE) == "tea"
        other.publish("com.client.news", "milk")
        assert heard.get(timeout=DEADLINE) == "milk"


def test_mistakes_with_register_are_told(client: ConnectedClient) -> None:
    with pytest.raises(InvalidUri, match=r"URI comes first: client\.register\("):
        client.register(print, "com.client.print")  # type: ignore[call-overload]
    with pytest.raises(InvalidUri, match=r"URI comes first: client\.subscribe\("):
        client.subscribe(print, "com.client.print")  # type: ignore[call-overload]
    with pytest.raises(InvalidHandler):
        client.register("com.client.none", None)  # type: ignore[arg-type]
