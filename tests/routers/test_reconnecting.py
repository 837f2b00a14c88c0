"""A connection that comes back: routers that die, wires that go silent, verbs while offline."""

import asyncio
import logging
import os
import queue
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.process import EmbeddedRouter, Wampapp, wampapp
from tests.support.proxy import Wire
from tests.support.running import running
from tests.support.scripted import ScriptedRouter
from wampapp import App, ConnectedClient, ConnectionLost, NotJoined, connect
from wampapp.crossbar import Crossbar
from wampapp.loop.runtime import get_runtime
from wampapp.session import backoff
from wampapp.session.session import Session

DEADLINE = 60.0  # seconds


class Restartable:
    """A router that can be killed and started again on its port."""

    def __init__(self, kind: str, new_crossbar: Callable[..., Crossbar]) -> None:
        self._kind = kind
        self._crossbar = new_crossbar()
        self._embedded: EmbeddedRouter | None = None
        self.port = 0

    def start(self) -> None:
        if self._kind == "crossbar":
            self._crossbar.start()
            self.port = self._crossbar.port
        else:
            self._embedded = EmbeddedRouter(self.port)
            self.port = self._embedded.port

    def kill(self) -> None:
        if self._embedded is not None:
            self._embedded.stop(signal.SIGKILL)
            self._embedded = None
        else:
            self._crossbar.kill()

    def stop(self) -> None:
        if self._embedded is not None:
            self._embedded.stop()
            self._embedded = None
        else:
            self._crossbar.stop()

    def url(self, scheme: str) -> str:
        return f"{scheme}://127.0.0.1:{self.port}{'/ws' if scheme == 'ws' else ''}"


@pytest.fixture(params=["embedded", "crossbar"])
def mortal(
    request: pytest.FixtureRequest, new_crossbar: Callable[..., Crossbar]
) -> Iterator[Restartable]:
    router = Restartable(request.param, new_crossbar)
    router.start()
    try:
        yield router
    finally:
        router.stop()


@pytest.fixture
def wire(embedded: EmbeddedRouter) -> Iterator[Wire]:
    with Wire(embedded.port) as wire:
        yield wire


class Lines(logging.Handler):
    """The lines that wampapp logs, to be waited for."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.said: list[str] = []
        self._news = threading.Condition()

    def emit(self, record: logging.LogRecord) -> None:
        with self._news:
            self.said.append(record.getMessage())
            self._news.notify_all()

    def until(self, text: str) -> None:
        with self._news:
            came = self._news.wait_for(lambda: any(text in line for line in self.said), DEADLINE)
        assert came, f"{text!r} was never said, but {self.said}"

    def count(self, text: str) -> int:
        return len([line for line in self.said if text in line])


@pytest.fixture
def lines() -> Iterator[Lines]:
    lines = Lines()
    logger = logging.getLogger("wampapp")
    before = logger.level
    logger.addHandler(lines)
    logger.setLevel(logging.INFO)
    yield lines
    logger.removeHandler(lines)
    logger.setLevel(before)


def wait_until_offline(client: ConnectedClient) -> None:
    session = client._current().session
    if session is not None:

        async def ended() -> None:
            await asyncio.shield(session.closed)

        get_runtime().call(ended())


class Moments:
    """What an app's hooks went through, in order."""

    def __init__(self, app: App) -> None:
        self._news: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.seen: list[str] = []
        for moment in ("startup", "join", "leave", "shutdown"):
            getattr(app, f"on_{moment}")(self._teller(moment))

    def _teller(self, moment: str) -> Callable[[], None]:
        def tell() -> None:
            self.seen.append(moment)
            self._news.put(moment)

        return tell

    def until(self, moment: str) -> None:
        while self._news.get(timeout=DEADLINE) != moment:
            pass


def make_app(**options: Any) -> tuple[App, Moments, "queue.SimpleQueue[Any]"]:
    app = App(prefix="com.back", **options)
    events: queue.SimpleQueue[Any] = queue.SimpleQueue()

    @app.register
    def add(a: int, b: int) -> int:
        return a + b

    @app.subscribe(".news")
    def on_news(item: Any) -> None:
        events.put(item)

    return app, Moments(app), events


# The router dies and comes back.


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["rs", "ws"])
def test_a_killed_router_comes_back_with_everything(mortal: Restartable, scheme: str) -> None:
    app, moments, events = make_app()
    with running(app, mortal.url(scheme)), connect(mortal.url(scheme), timeout=60) as client:
        assert client.call("com.back.add", 1, 2) == 3
        mortal.kill()
        moments.until("leave")
        mortal.start()
        moments.until("join")
        assert client.call("com.back.add", 2, 3) == 5
        client.publish("com.back.news", "again")
        assert events.get(timeout=DEADLINE) == "again"
        assert moments.seen == ["startup", "join", "leave", "join"]
    assert moments.seen == ["startup", "join", "leave", "join", "shutdown", "leave"]


def test_attempts_are_never_far_apart() -> None:
    """How soon a service answers again once its router is back, is measured by a benchmark."""
    assert backoff.MAX_DELAY <= 1.5


@pytest.mark.slow
def test_calls_under_load_survive_a_restart_or_say_why(mortal: Restartable) -> None:
    app, moments, _ = make_app()
    lost: list[BaseException] = []
    done = threading.Semaphore(0)
    stop = threading.Event()

    def load(client: ConnectedClient) -> None:
        while not stop.is_set():
            try:
                assert client.call("com.back.add", 1, 2) == 3
                done.release()
            except Exception as error:
                lost.append(error)

    def fifty_more() -> None:
        for _ in range(50):
            assert done.acquire(timeout=DEADLINE)

    url = mortal.url("rs")
    with running(app, url), connect(url, timeout=60) as client:
        threads = [threading.Thread(target=load, args=(client,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        fifty_more()
        mortal.kill()
        moments.until("leave")
        mortal.start()
        moments.until("join")
        while done.acquire(blocking=False):
            pass
        fifty_more()
        stop.set()
        for thread in threads:
            thread.join(DEADLINE)
    # Also where the caller was back before the callee.
    assert {type(error).__name__ for error in lost} <= {"ConnectionLost"}, lost


# The wire.


@pytest.mark.parametrize("scheme", ["rs", "ws"])
@pytest.mark.parametrize("kind", ["embedded", "crossbar"])
def test_a_silent_wire_is_noticed(request: pytest.FixtureRequest, kind: str, scheme: str) -> None:
    router = request.getfixturevalue(kind)
    with Wire(router.port) as wire:
        app, moments, _ = make_app(keep_alive=1.0, handshake_timeout=2.0)
        with running(app, wire.rs_url if scheme == "rs" else wire.ws_url) as service:
            wire.silence()
            moments.until("leave")
            wire.cut()
            moments.until("join")
            assert service.connection is not None
            assert service.connection.is_joined


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["embedded", "crossbar"])
def test_an_idle_wire_is_kept(
    request: pytest.FixtureRequest, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    router = request.getfixturevalue(kind)
    probes = threading.Semaphore(0)
    probe = Session.probe

    def counted(self: Session) -> None:
        probe(self)
        probes.release()

    monkeypatch.setattr(Session, "probe", counted)
    # Long enough for a router that has to wait for a busy processor, too.
    app, moments, _ = make_app(keep_alive=2.0)
    with running(app, router.rs_url) as service:
        assert service.connection is not None
        session = service.connection.session
        for _ in range(4):
            assert probes.acquire(timeout=DEADLINE)
        assert moments.seen == ["startup", "join"]
        assert service.connection.session is session


@pytest.mark.slow
def test_a_loop_that_was_blocked_does_not_take_its_router_for_dead(
    embedded: EmbeddedRouter,
) -> None:
    app, moments, _ = make_app(keep_alive=0.9)
    turns = 0

    @app.register(run="loop")
    def block() -> None:
        nonlocal turns
        turns += 1
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            pass

    with running(app, embedded.rs_url), connect(embedded.rs_url, timeout=DEADLINE) as client:
        for _ in range(3):
            client.call("com.back.block")
    assert turns == 3
    assert moments.seen == ["startup", "join", "shutdown", "leave"]


def test_the_default_notices_within_fifteen_seconds() -> None:
    from wampapp.session.keepalive import _READING_SECONDS, _TICKS

    assert App().config.keep_alive == 15.0
    assert 3 * 15.0 / _TICKS + _READING_SECONDS < 15.0


# While offline.


def test_a_call_waits_for_the_session(wire: Wire) -> None:
    app, moments, _ = make_app()
    with running(app, wire.rs_url), connect(wire.rs_url) as client:
        wire.cut()
        moments.until("join")  # the first
        moments.until("join")
        assert client.call("com.back.add", 2, 3) == 5


def offline(wire: Wire) -> None:
    """Break all connections of the wire, and let none through."""
    wire.cut()
    wire.silence()


def test_a_call_while_offline_ends_with_not_joined(wire: Wire) -> None:
    with connect(wire.rs_url, timeout=0.3) as client:
        offline(wire)
        wait_until_offline(client)
        with pytest.raises(NotJoined, match="nothing was sent"):
            client.call("com.back.add", 2, 3)
        with pytest.raises(NotJoined, match="nothing was sent"):
            client.publish("com.back.news", 1)
        with pytest.raises(NotJoined, match="no session"):
            list(client.stream("com.back.add", 2, 3))
        wire.cut()


def test_rejoin_timeout_bounds_what_has_no_timeout_of_its_own(wire: Wire) -> None:
    with connect(wire.rs_url, rejoin_timeout=0.2) as client:
        offline(wire)
        wait_until_offline(client)
        with pytest.raises(NotJoined, match=r"within 0\.2 s; nothing was sent"):
            client.call("com.back.add", 2, 3)
        wire.cut()


def test_app_verbs_while_offline(wire: Wire, embedded: EmbeddedRouter) -> None:
    app, moments, _ = make_app(rejoin_timeout=0.3)
    heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
    with running(app, wire.rs_url) as service, connect(embedded.rs_url) as listener:
        listener.subscribe("com.back.waiting", heard.put)

        async def offline_verbs() -> None:
            assert service.connection is not None
            assert not service.connection.is_joined
            with pytest.raises(NotJoined):
                await app.call(".add", 1, 2)
            with pytest.raises(NotJoined):
                await app.procedure(".add", timeout=0.1)(1, 2)
            with pytest.raises(NotJoined):
                await app.topic(".waiting", acknowledge=True).publish("lost")
            item = ["first"]
            await app.publish(".waiting", item)
            item[0] = "changed later"
            for number in range(999):
                await app.publish(".waiting", number)
            with pytest.raises(NotJoined, match="1000 events"):
                await app.publish(".waiting", "one too many")
            with pytest.raises(NotJoined, match="bytes"):
                app.topic(".waiting")
                await app.publish(".waiting", "x" * 20_000_000)

        offline(wire)
        moments.until("leave")
        service.runtime.call(offline_verbs())
        wire.cut()
        moments.until("join")
        got = [heard.get(timeout=DEADLINE) for _ in range(1000)]
    assert got == [["first"], *range(999)]


def test_events_that_were_never_published_are_told_of(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    app, moments, _ = make_app()
    with running(app, wire.rs_url) as service:
        offline(wire)
        moments.until("leave")

        async def publish() -> None:
            app.publish(".news", 1)

        service.runtime.call(publish())
    assert "1 events that waited for the router were never published" in caplog.text


def test_a_call_in_flight_is_lost_and_not_repeated(wire: Wire, embedded: EmbeddedRouter) -> None:
    calls: queue.SimpleQueue[int] = queue.SimpleQueue()
    hold = threading.Event()
    app = App(prefix="com.flight")

    @app.register
    def slow(number: int) -> int:
        calls.put(number)
        hold.wait(DEADLINE)
        return number

    errors: list[BaseException] = []

    def call(client: ConnectedClient) -> None:
        try:
            client.call("com.flight.slow", 1)
        except BaseException as error:
            errors.append(error)

    with running(app, embedded.rs_url), connect(wire.rs_url) as client:
        thread = threading.Thread(target=call, args=(client,))
        thread.start()
        assert calls.get(timeout=DEADLINE) == 1
        wire.cut()
        thread.join(DEADLINE)
        hold.set()
        assert client.call("com.flight.slow", 2) == 2
        assert calls.get(timeout=DEADLINE) == 2
        assert calls.empty()
    assert [type(error) for error in errors] == [ConnectionLost]
    assert "whether it was carried out is unknown" in str(errors[0])


def test_an_idempotent_call_is_sent_again(wire: Wire, embedded: EmbeddedRouter) -> None:
    calls: queue.SimpleQueue[int] = queue.SimpleQueue()
    callee = App(prefix="com.again")
    hold = threading.Event()

    @callee.register
    def work(number: int) -> int:
        calls.put(number)
        hold.wait(DEADLINE)
        return number * 2

    app, _, _ = make_app()
    with running(callee, embedded.rs_url), running(app, wire.rs_url) as service:
        work_again = app.procedure("com.again.work", idempotent=True, timeout=DEADLINE)

        async def call() -> Any:
            return await work_again(4)

        future = asyncio.run_coroutine_threadsafe(call(), service.runtime.loop)
        assert calls.get(timeout=DEADLINE) == 4
        wire.cut()
        assert calls.get(timeout=DEADLINE) == 4
        hold.set()
        assert future.result(DEADLINE) == 8


# Hooks, and log lines.


def test_a_leave_hook_may_call(wire: Wire) -> None:
    app, moments, _ = make_app()
    results: queue.SimpleQueue[Any] = queue.SimpleQueue()

    @app.on_leave
    async def leave() -> None:
        if not results.qsize() and not app._service.connection.is_joined:  # type: ignore[union-attr]
            results.put(await app.call(".add", 20, 1))

    with running(app, wire.rs_url):
        moments.until("join")
        wire.cut()
        assert results.get(timeout=DEADLINE) == 21
        moments.until("join")


def test_a_join_hook_that_a_lost_link_failed_is_run_again(wire: Wire) -> None:
    app = App(prefix="com.hook", grace=0.1)
    joins: queue.SimpleQueue[int] = queue.SimpleQueue()

    called = threading.Event()

    @app.register
    async def never() -> None:
        called.set()
        await asyncio.sleep(3600)

    @app.on_join
    async def join() -> None:
        joins.put(1)
        if joins.qsize() == 1:
            await app.call(".never")

    def cut() -> None:
        assert called.wait(DEADLINE)
        wire.cut()

    cutter = threading.Thread(target=cut)
    cutter.start()
    with running(app, wire.rs_url):
        cutter.join()
        assert joins.qsize() == 2


def test_one_line_per_change_of_state(wire: Wire, lines: Lines) -> None:
    app, moments, _ = make_app(handshake_timeout=1.0)
    with running(app, wire.rs_url):
        taken = wire.taken
        offline(wire)
        wire.until_taken(taken + 4)
        wire.cut()
        moments.until("leave")
        moments.until("join")
        lines.until("Joined again")
    assert lines.count("Coming back") == 1, lines.said
    assert lines.count("Trying again") == 1, lines.said
    assert lines.count("Joined again") == 1, lines.said


def test_a_procedure_held_by_the_dead_session_is_taken_when_it_is_free(
    embedded: EmbeddedRouter, lines: Lines
) -> None:
    """The wire goes silent: the router keeps the old session, whose end it cannot see."""
    with Wire(embedded.port) as wire, Wire(embedded.port) as second:
        app, moments, _ = make_app(keep_alive=0.5, handshake_timeout=2.0)
        with running(app, wire.rs_url) as service:
            assert service.connection is not None
            wire.silence()
            moments.until("leave")
            # Back by another wire, while the old session still stands behind the silent one.
            service.connection._dialer._url = service.connection._dialer._url.__class__(  # type: ignore[attr-defined]
                second.rs_url, "rs", "127.0.0.1", second.port, ""
            )
            lines.until("is taken, perhaps by a session that was lost")
            wire.cut()
            moments.until("join")
            with connect(embedded.rs_url, timeout=DEADLINE) as client:
                assert client.call("com.back.add", 1, 2) == 3


def test_a_frozen_service_is_told_apart_from_a_dead_one(embedded: EmbeddedRouter) -> None:
    """What a router hears nothing from for a while it keeps: the kernel answers for it."""
    router = EmbeddedRouter()
    try:
        app, moments, _ = make_app(keep_alive=0.4, handshake_timeout=1.0)
        with running(app, router.rs_url):
            os.kill(router.pid, signal.SIGSTOP)
            moments.until("leave")
            os.kill(router.pid, signal.SIGCONT)
            moments.until("join")
    finally:
        router.stop()


# Transient or permanent.

ABORT = 3
HELLO_APP = "from wampapp import App\napp = App(prefix='com.once')\n"


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "once.py"
    path.write_text(HELLO_APP)
    return path


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("wamp.error.no_such_realm", "refused the realm 'realm1'"),
        ("wamp.error.not_authorized", "to let nobody in particular into the realm 'realm1'"),
        ("wamp.error.no_matching_auth_method", "--authmethod"),
        ("wamp.error.protocol_violation", "refused the session"),
    ],
)
def test_what_will_not_change_ends_the_run_at_once(module: Path, reason: str, words: str) -> None:
    with ScriptedRouter([ABORT, {"message": "no way"}, reason]) as router:
        done = wampapp("run", module, "--url", router.url)
        assert len(router.hellos) == 1
    assert done.returncode == 4
    assert done.stderr.startswith("Error: The router refused ")
    assert words in done.stderr
    assert f"no way ({reason})" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "answer",
    [
        [ABORT, {"message": "later"}, "wamp.close.system_shutdown"],
        None,
        [ABORT, {}, "wamp.close.close_realm"],
        [ABORT, {"message": "ask again"}, "wamp.error.unavailable"],
    ],
    ids=["shutdown", "hang up", "close", "unavailable"],
)
def test_what_may_change_is_tried_again(module: Path, answer: list[Any] | None) -> None:
    refusal = [ABORT, {}, "wamp.error.no_such_realm"]
    with ScriptedRouter(answer, answer, refusal) as router:
        done = wampapp("run", module, "--url", router.url)
        assert len(router.hellos) == 3
    assert done.returncode == 4
    assert done.stderr.count("Trying again until a router answers.") == 1
    assert len(done.stderr.splitlines()) == 2


def test_a_duplicate_procedure_ends_the_run_at_once(url: str, tmp_path: Path) -> None:
    path = tmp_path / "twice.py"
    path.write_text(HELLO_APP + "@app.register('com.once.taken')\ndef taken() -> None: ...\n")
    with connect(url) as client:
        client.register("com.once.taken", lambda: None)
        done = wampapp("run", path, "--url", url)
    assert done.returncode == 4
    assert "has registered 'com.once.taken' already" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_give_up_after_ends_with_the_exit_code_of_a_missing_router(
    module: Path, free_port: int
) -> None:
    url = f"rs://127.0.0.1:{free_port}"
    done = wampapp("run", module, "--url", url, "--give-up-after", "0.7")
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1] == (
        f"Error: No router answers at {url}: the connection was refused. Given up after 0.7 s."
    )
    assert len(done.stderr.splitlines()) == 2


def test_give_up_after_zero_does_not_try_again(module: Path, free_port: int) -> None:
    url = f"rs://127.0.0.1:{free_port}"
    done = wampapp("run", module, "--url", url, "--give-up-after", "0")
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1


def test_give_up_after_holds_for_a_mute_router(module: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"rs://127.0.0.1:{mute.getsockname()[1]}"
        done = wampapp("run", module, "--url", url, "--give-up-after", "0.5")
    assert done.returncode == 3
    assert "Given up after 0.5 s." in done.stderr


def test_an_app_that_gave_up_later_says_why(module: Path) -> None:
    router = EmbeddedRouter()
    with router, Wampapp("run", module, "--url", router.rs_url, "--give-up-after", "0.5") as run:
        run.until("Press Ctrl-C")
        router.stop(signal.SIGKILL)
        assert run.wait() == 3
        assert "Given up after 0.5 s." in run.stderr[-1]
        assert "Traceback" not in run.text
