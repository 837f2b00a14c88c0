"""Flask apps as WAMP peers, on both routers."""

import datetime as dt
import functools
import gc
import itertools
import queue
import socket
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import flask
import pytest
from flask import Blueprint, Flask, abort, current_app, g, has_request_context, jsonify
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.exceptions import HTTPException

from tests.support.process import EmbeddedRouter, run
from tests.support.programs import FOLDER
from tests.support.running import running
from wampapp import (
    App,
    CallTimeout,
    ConnectedClient,
    DuplicateUri,
    InvalidArgument,
    InvalidUri,
    Invocation,
    NotJoined,
    RouterRefused,
    RouterUnreachable,
    Ticket,
    UsageError,
    WampError,
)
from wampapp.crossbar import Crossbar
from wampapp.errors import SessionError
from wampapp.flask import WAMP
from wampapp.flask.settings import settings_from
from wampapp.observe.tracing import current_trace_id

DEADLINE = 60.0  # seconds
_numbers = itertools.count()


@pytest.fixture(scope="session")
def url(router: EmbeddedRouter | Crossbar) -> str:
    """Each router in turn; the transports are tested elsewhere."""
    return router.rs_url


@pytest.fixture
def prefix() -> str:
    """A prefix of the test's own: the routers are shared."""
    return f"com.flask.t{next(_numbers)}"


@pytest.fixture
def site(url: str, prefix: str) -> Flask:
    """A Flask app that is joined to each router in turn when it calls."""
    app = Flask("site")
    app.config.update(WAMP_URL=url, WAMP_PREFIX=prefix, WAMP_TIMEOUT=DEADLINE)
    return app


@pytest.fixture
def wamp(site: Flask) -> Iterator[WAMP]:
    extension = WAMP(site)
    yield extension
    site.extensions["wamp"].close()


@pytest.fixture
def serve(site: Flask, url: str) -> Iterator[Callable[[], None]]:
    """Call it when everything is declared: what the app registers is served."""
    with_service: list[Any] = []

    def start() -> None:
        block = running(site.extensions["wamp"].app, url)
        block.__enter__()
        with_service.append(block)

    yield start
    for block in with_service:
        block.__exit__(None, None, None)


# What flask-wamp's README promises, in its own spelling: only the import is another.


@pytest.fixture
def heard() -> "queue.SimpleQueue[Any]":
    return queue.SimpleQueue()


@pytest.fixture
def old_app(url: str, heard: "queue.SimpleQueue[Any]") -> Iterator[Flask]:
    app = Flask(__name__)
    app.config.update(TESTING=True, ROUTER_URL=url, REALM="realm1")
    wamp_app = WAMP(app)

    @app.route("/hello")
    @wamp_app.callee
    def hello():
        return "Hello, World!"

    @app.route("/goodbye")
    @wamp_app.callee
    def goodbye():
        return "Goodbye, World!"

    @wamp_app.consume(topic="foo")
    def foo_eater(message):
        heard.put(("foo", message))

    @wamp_app.consume(topic="spam")
    def spam_eater(message):
        heard.put(("spam", message))

    @app.route("/todays_date")
    def get_date():
        return g.wampy.rpc.get_todays_date()

    @app.route("/publish_spam")
    def publish_spam():
        g.wampy.publish(topic="spam", message="tastes nice!")
        return ""

    @app.route("/call_hello")
    def call_hello():
        return g.wampy.call("hello")

    assert app.extensions["flask_wamp"] is wamp_app
    with running(app.extensions["wamp"].app, url):
        yield app
    app.extensions["wamp"].close()


def test_callees_are_called_over_wamp(old_app: Flask, client: ConnectedClient) -> None:
    assert client.call("hello") == "Hello, World!"
    assert client.call("goodbye") == "Goodbye, World!"


def test_callees_are_flask_routes_too(old_app: Flask) -> None:
    web = old_app.test_client()
    assert web.get("/hello").data == b"Hello, World!"
    assert web.get("/goodbye").data == b"Goodbye, World!"


def test_subscribers_hear_others(
    old_app: Flask, heard: "queue.SimpleQueue[Any]", client: ConnectedClient
) -> None:
    client.publish("foo", message="foobar")
    client.publish("spam", message="ham")
    assert {heard.get(timeout=DEADLINE) for _ in range(2)} == {("foo", "foobar"), ("spam", "ham")}


def test_every_view_can_call(old_app: Flask, url: str) -> None:
    service = App()

    @service.register("get_todays_date")
    def get_todays_date() -> str:
        return dt.date(2020, 2, 29).isoformat()

    with running(service, url):
        assert old_app.test_client().get("/todays_date").data == b"2020-02-29"
    assert old_app.test_client().get("/call_hello").data == b"Hello, World!"


def test_every_view_can_publish(
    old_app: Flask, heard: "queue.SimpleQueue[Any]", client: ConnectedClient
) -> None:
    others: queue.SimpleQueue[str] = queue.SimpleQueue()

    def hear(message: str) -> None:
        others.put(message)

    client.subscribe("spam", hear)
    assert old_app.test_client().get("/publish_spam").status_code == 200
    assert others.get(timeout=DEADLINE) == "tastes nice!"
    assert heard.get(timeout=DEADLINE) == ("spam", "tastes nice!")  # the app's own subscriber too


def test_nothing_to_publish_is_told(old_app: Flask) -> None:
    with old_app.app_context(), pytest.raises(UsageError, match=r"message=…"):
        g.wampy.publish(topic="spam")


# Decorators.


def test_a_view_serves_http_and_wamp(
    site: Flask, wamp: WAMP, serve: Any, client: ConnectedClient, prefix: str
) -> None:
    @site.route("/sum/<int:a>/<int:b>")
    @wamp.register
    def add(a: int, b: int) -> dict[str, int]:
        return {"sum": a + b}

    @wamp.register(".tree.<size>")
    def tree(size: int, invocation: Invocation) -> str:
        return f"{invocation.procedure.removeprefix(prefix)} {size}"

    serve()
    assert site.test_client().get("/sum/2/3").json == {"sum": 5}
    assert client.call(f"{prefix}.add", 2, 3) == {"sum": 5}
    assert client.call(f"{prefix}.tree.7") == ".tree.7 7"
    with pytest.raises(InvalidArgument):
        client.call(f"{prefix}.add", "two", 3)


def test_views_of_a_flask_blueprint(
    site: Flask, wamp: WAMP, serve: Any, client: ConnectedClient, prefix: str
) -> None:
    pages = Blueprint("pages", __name__, url_prefix="/pages")

    @pages.route("/hello")
    @wamp.register
    def hello() -> tuple[str, int]:
        return "hello", 201

    site.register_blueprint(pages)
    serve()
    assert site.test_client().get("/pages/hello").status_code == 201
    assert client.call(f"{prefix}.hello") == "hello"


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("text", "plain"),
        ("made", {"n": 1}),
        ("described", "with headers"),
        ("pair", [1, 2]),  # no view, so a tuple is a tuple
    ],
)
def test_what_a_view_returns_is_a_result(
    site: Flask,
    wamp: WAMP,
    serve: Any,
    client: ConnectedClient,
    prefix: str,
    name: str,
    result: Any,
) -> None:
    @site.route("/text")
    @wamp.register
    def text() -> flask.Response:
        return flask.Response("plain")

    @site.route("/made")
    @wamp.register
    def made() -> flask.Response:
        return jsonify(n=1)

    @site.route("/described")
    @wamp.register
    def described() -> Any:
        return "with headers", {"X-Answer": "42"}

    @wamp.register
    def pair() -> tuple[int, int]:
        return 1, 2

    serve()
    assert client.call(f"{prefix}.{name}") == result


@pytest.mark.parametrize(
    ("status", "uri"),
    [
        (400, "wamp.error.invalid_argument"),
        (401, "wamp.error.not_authorized"),
        (403, "wamp.error.not_authorized"),
        (404, "wampapp.error.http"),
        (503, "wampapp.error.http"),
    ],
)
def test_abort_and_error_statuses_are_errors(
    site: Flask,
    wamp: WAMP,
    serve: Any,
    client: ConnectedClient,
    prefix: str,
    status: int,
    uri: str,
) -> None:
    @wamp.register
    def aborts() -> None:
        abort(status, "not today")

    @site.route("/returns")
    @wamp.register
    def returns() -> Any:
        return {"why": "not today"}, status

    @wamp.register
    async def later() -> None:
        abort(status, "not today")

    @wamp.register
    def generates() -> Iterator[int]:
        yield 1
        abort(status, "not today")

    @wamp.register
    async def streams() -> Any:
        yield 1
        abort(status, "not today")

    @wamp.register
    def hands_on() -> Any:
        return later()

    serve()
    for name, message in (
        ("aborts", "not today"),
        ("generates", "not today"),
        ("streams", "not today"),
        ("hands_on", "not today"),
        ("returns", {"why": "not today"}),
        ("later", "not today"),
    ):
        with pytest.raises(WampError) as caught:
            client.call(f"{prefix}.{name}")
        assert (caught.value.uri, caught.value.args) == (uri, (message,))
        assert caught.value.kwargs == ({"status": status} if "http" in uri else {})


def test_a_blueprint_of_wampapp_and_its_options(
    site: Flask, wamp: WAMP, serve: Any, client: ConnectedClient, prefix: str
) -> None:
    from wampapp import Blueprint as Declared

    class SoldOut(Exception):
        pass

    shop = Declared(".shop")

    @shop.register(concurrency=1, timeout=DEADLINE)
    def stock(sku: str) -> int:
        raise SoldOut(sku)

    @shop.errorhandler(SoldOut)
    def sold_out(error: SoldOut) -> str:
        return f"{current_app.name}: {error} is sold out"  # in an app context as well

    wamp.include(shop)
    serve()
    assert client.call(f"{prefix}.shop.stock", "tea") == "site: tea is sold out"


def test_declarations_are_checked(site: Flask, wamp: WAMP) -> None:
    @wamp.register(".once")
    def once() -> None: ...

    with pytest.raises(DuplicateUri):
        wamp.register(".once")(lambda: None)
    with pytest.raises(InvalidUri):
        wamp.register("not a uri")(once)


def test_what_is_declared_too_late_is_told(site: Flask, wamp: WAMP, serve: Any) -> None:
    serve()
    with pytest.raises(UsageError, match="was started already"):

        @wamp.register
        def late() -> None: ...


def test_one_extension_for_several_apps(url: str, prefix: str, client: ConnectedClient) -> None:
    wamp = WAMP()

    @wamp.register
    def which() -> str:
        return current_app.name

    apps = [Flask(name) for name in ("one", "two")]
    for app in apps:
        app.config.update(WAMP_URL=url, WAMP_PREFIX=f"{prefix}.{app.name}")
        wamp.init_app(app)
    one, two = (app.extensions["wamp"].app for app in apps)
    with running(one, url), running(two, url):
        assert client.call(f"{prefix}.one.which") == "one"
        assert client.call(f"{prefix}.two.which") == "two"


def test_a_second_extension_is_refused(site: Flask, wamp: WAMP) -> None:
    with pytest.raises(UsageError, match="already has a WAMP extension"):
        WAMP(site)


# App contexts.


def test_each_run_has_an_app_context_of_its_own(
    site: Flask, wamp: WAMP, serve: Any, client: ConnectedClient, prefix: str
) -> None:
    torn_down: queue.SimpleQueue[Any] = queue.SimpleQueue()

    @site.teardown_appcontext
    def teardown(error: BaseException | None) -> None:
        torn_down.put((g.pop("kind", None), type(error).__name__, threading.current_thread().name))

    def note(kind: str) -> str:
        assert "kind" not in g
        assert not has_request_context()
        g.kind = kind
        return current_app.name

    @wamp.register
    def thread() -> str:
        return note("thread")

    @wamp.register(run="loop")
    def loop() -> str:
        return note("loop")

    @wamp.register
    async def task() -> str:
        return note("task")

    @wamp.register
    def generator() -> Iterator[str]:
        note("generator")
        yield current_app.name
        yield g.kind

    @wamp.register
    async def stream() -> Any:
        note("stream")
        yield current_app.name
        yield g.kind

    @wamp.register
    def fails() -> None:
        note("fails")
        raise KeyError("why")

    serve()
    for kind in ("thread", "loop", "task"):
        assert client.call(f"{prefix}.{kind}") == "site"
        assert torn_down.get(timeout=DEADLINE)[:2] == (kind, "NoneType")
    for kind in ("generator", "stream"):
        assert list(client.stream(f"{prefix}.{kind}")) == ["site", kind]
        assert torn_down.get(timeout=DEADLINE)[:2] == (kind, "NoneType")
    with pytest.raises(WampError, match="error id"):
        client.call(f"{prefix}.fails")
    kind, error, name = torn_down.get(timeout=DEADLINE)
    assert (kind, error, name) == ("fails", "KeyError", "wampapp")  # in the worker thread


def test_a_generator_below_another_decorator_runs_in_an_app_context(
    wamp: WAMP, serve: Any, client: ConnectedClient, prefix: str
) -> None:
    def passed_through(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapper

    @wamp.register
    @passed_through
    def generator() -> Iterator[str]:
        yield current_app.name

    @wamp.register
    @passed_through
    async def stream() -> Any:
        yield current_app.name

    serve()
    for kind in ("generator", "stream"):
        assert client.call(f"{prefix}.{kind}") == ["site"]


def test_events_hooks_and_timers_have_one_too(
    site: Flask, wamp: WAMP, serve: Any, client: ConnectedClient, prefix: str
) -> None:
    seen: queue.SimpleQueue[str] = queue.SimpleQueue()

    @wamp.on_startup
    def startup() -> None:
        seen.put(f"startup {current_app.name}")

    @wamp.on_join
    async def join() -> None:
        seen.put(f"join {current_app.name}")

    @wamp.subscribe
    def news(text: str) -> None:
        seen.put(f"{text} {current_app.name}")

    serve()
    assert seen.get(timeout=DEADLINE) == "startup site"
    assert seen.get(timeout=DEADLINE) == "join site"
    client.publish(f"{prefix}.news", "news")
    assert seen.get(timeout=DEADLINE) == "news site"


def test_timers_have_an_app_context(url: str, prefix: str) -> None:
    site = Flask("site")
    site.config.update(WAMP_URL=url, WAMP_PREFIX=prefix)
    wamp = WAMP(site)
    seen: queue.SimpleQueue[str] = queue.SimpleQueue()

    @wamp.every(0.01)
    def tick() -> None:
        seen.put(current_app.name)

    with running(site.extensions["wamp"].app, url):
        assert seen.get(timeout=DEADLINE) == "site"


def test_handlers_call(
    site: Flask, wamp: WAMP, serve: Any, client: ConnectedClient, prefix: str
) -> None:
    @wamp.register
    def add(a: int, b: int) -> int:
        return a + b

    @wamp.register
    def blocking(a: int, b: int) -> int:
        return g.wamp.call(".add", a, b)

    @wamp.register
    async def awaiting(a: int, b: int) -> int:
        return await current_app.extensions["wamp"].app.call(".add", a, b)

    serve()
    assert client.call(f"{prefix}.blocking", 2, 3) == 5
    assert client.call(f"{prefix}.awaiting", 2, 3) == 5


def test_sessions_of_flask_sqlalchemy(
    site: Flask,
    wamp: WAMP,
    serve: Any,
    client: ConnectedClient,
    prefix: str,
    tmp_path: Path,
) -> None:
    """Each call has a database session of its own, which its teardown gives back."""
    site.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path / 'notes.db'}"
    db = SQLAlchemy(site)

    class Note(db.Model):  # type: ignore[name-defined, misc]
        id: Mapped[int] = mapped_column(primary_key=True)
        text: Mapped[str]

    sessions: set[int] = set()

    @wamp.register
    def note(text: str) -> int:
        sessions.add(id(db.session()))
        db.session.add(Note(text=text))
        if text == "bad":
            raise ValueError("so this one is rolled back")
        db.session.commit()
        return db.session.query(Note).count()

    with site.app_context():
        db.create_all()
        engine = db.engine
    serve()
    assert [client.call(f"{prefix}.note", "good") for _ in range(3)] == [1, 2, 3]
    with pytest.raises(WampError):
        client.call(f"{prefix}.note", "bad")
    assert client.call(f"{prefix}.note", "good") == 4
    assert engine.pool.checkedout() == 0
    with site.app_context():
        engine.dispose()


# g.wamp.


def test_every_verb_in_a_view(
    site: Flask, wamp: WAMP, serve: Any, client: ConnectedClient, prefix: str
) -> None:
    heard: queue.SimpleQueue[str] = queue.SimpleQueue()
    client.subscribe(f"{prefix}.news", heard.put)

    @wamp.register
    def count(most: int) -> Iterator[int]:
        yield from range(most)

    @site.route("/verbs")
    def verbs() -> Any:
        assert g.wamp is current_app.extensions["wamp"]
        count = g.wamp.procedure(".count", timeout=DEADLINE, returns=list[float])
        g.wamp.publish(".news", "published")
        topic = g.wamp.topic(".news", exclude_me=False)
        assert isinstance(topic.publish("by a topic"), int)
        assert g.wamp.topic(".news", acknowledge=False).publish("in passing") is None
        return jsonify(
            call=g.wamp.call(".count", 3),
            stream=list(g.wamp.stream(".count", 3)),
            procedure=count(2),
            follow=list(g.wamp.procedure(".count").stream(2)),
            uris=[count.uri, topic.uri],
            shown=[repr(count), repr(topic)],
        )

    serve()
    assert site.test_client().get("/verbs").json == {
        "call": [0, 1, 2],
        "stream": [0, 1, 2],
        "procedure": [0.0, 1.0],
        "follow": [0, 1],
        "uris": [f"{prefix}.count", f"{prefix}.news"],
        "shown": [f"<Procedure '{prefix}.count'>", f"<Topic '{prefix}.news'>"],
    }
    assert [heard.get(timeout=DEADLINE) for _ in range(3)] == [
        "published",
        "by a topic",
        "in passing",
    ]


def test_in_commands_and_in_threads(site: Flask, wamp: WAMP, serve: Any, prefix: str) -> None:
    @wamp.register
    def add(a: int, b: int) -> int:
        return a + b

    @site.cli.command("sum")
    def total() -> None:
        flask.cli.click.echo(g.wamp.call(".add", 2, 3))

    serve()
    assert site.test_cli_runner().invoke(args=["sum"]).output == "5\n"
    answers: queue.SimpleQueue[int] = queue.SimpleQueue()

    def work() -> None:
        with site.app_context():
            answers.put(g.wamp.call(".add", 20, 3))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(DEADLINE)
    assert answers.get(timeout=DEADLINE) == 23


def test_many_threads_share_one_session(site: Flask, wamp: WAMP, serve: Any, prefix: str) -> None:
    @wamp.register
    def who(invocation: Invocation) -> Any:
        return invocation.caller

    @site.route("/who")
    def ask() -> str:
        return str(g.wamp.procedure(".who", disclose_me=True)())

    serve()
    ready = threading.Barrier(16)
    answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def get() -> None:
        ready.wait(DEADLINE)
        answers.put(site.test_client().get("/who").data)

    threads = [threading.Thread(target=get) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert len({answers.get(timeout=DEADLINE) for _ in range(16)}) == 1


def test_a_timeout_ends_a_call(url: str, prefix: str) -> None:
    site = Flask("site")
    site.config.update(WAMP_URL=url, WAMP_PREFIX=prefix, WAMP_TIMEOUT=0.2)
    wamp = WAMP(site)
    release = threading.Event()

    @wamp.register
    def hang() -> None:
        release.wait(DEADLINE)

    with running(site.extensions["wamp"].app, url), site.app_context():
        for ask in (
            lambda: g.wamp.call(".hang"),
            g.wamp.procedure(".hang"),
            lambda: list(g.wamp.stream(".hang")),
        ):
            with pytest.raises(CallTimeout):
                ask()
        release.set()
    site.extensions["wamp"].close()


def test_views_and_handlers_are_tested_without_a_router(prefix: str) -> None:
    site = Flask("site")
    site.config["WAMP_PREFIX"] = prefix
    wamp = WAMP(site)

    @wamp.register
    def add(a: int, b: int) -> int:
        return a + b

    @wamp.register
    def through(a: int, b: int) -> int:
        return g.wamp.call(".add", a, b)

    @site.route("/sum")
    def total() -> str:
        return str(g.wamp.call(".through", 2, 3))

    for _ in range(2):
        with site.extensions["wamp"].app.test_client() as client:
            assert client.call(f"{prefix}.through", 20, 3) == 23
            assert site.test_client().get("/sum").text == "5"
    assert site.test_client().get("/sum").status_code == 503  # it runs no more
    site.extensions["wamp"].close()


def test_an_inline_site_is_tested_without_a_router(free_port: int) -> None:
    """What the configuration says of web processes does not come into a test."""
    site = Flask("site")
    site.config.update(WAMP_INLINE=True, WAMP_PREFIX="com.inline", WAMP_PORT=free_port)
    wamp = WAMP(site)

    @wamp.register
    def answer() -> int:
        return 42

    @site.route("/")
    def index() -> str:
        return str(g.wamp.call(".answer"))

    service = site.extensions["wamp"].app
    with service.test_client():
        running_service = service.running_service
        assert site.test_client().get("/").text == "42"
        assert service.running_service is running_service
    site.testing = True  # said after the extension was set up
    assert site.test_client().get("/").status_code == 503
    assert not service.is_running


def test_an_app_that_is_gone_is_freed() -> None:
    site = Flask("site")
    WAMP(site)
    gone = weakref.ref(site)
    del site
    gc.collect()
    assert gone() is None


# A router that is not there.


def test_no_router_is_503_at_once(free_port: int) -> None:
    site = Flask("site")
    site.config.update(WAMP_URL=f"rs://127.0.0.1:{free_port}", WAMP_TIMEOUT=DEADLINE)
    WAMP(site)

    @site.route("/")
    def index() -> str:
        return g.wamp.call("com.flask.any")

    web = site.test_client()
    for _ in range(2):  # at once both times: a view does not wait for a router that is away
        answer = web.get("/")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert str(free_port) not in answer.text
    with site.app_context(), pytest.raises(RouterUnreachable, match="refused"):
        g.wamp.call("com.flask.any")
    site.extensions["wamp"].close()


def test_it_joins_by_itself_when_the_router_comes(free_port: int) -> None:
    """What failed in one view is right in a later one, with nothing done about it."""
    site = Flask("site")
    site.config.update(WAMP_URL=f"rs://127.0.0.1:{free_port}", WAMP_TIMEOUT=DEADLINE)
    WAMP(site)
    peer = site.extensions["wamp"]
    with pytest.raises(RouterUnreachable):
        peer.call("wamp.session.count")
    with EmbeddedRouter(free_port) as router:

        def joined() -> int:
            while True:
                try:
                    count: int = peer.call("wamp.session.count")
                except RouterUnreachable:
                    continue
                else:
                    return count

        assert joined() == 1
        peer.close()
        assert router.stop() == 0


@pytest.mark.slow
def test_a_lost_session_is_waited_for_and_then_not(free_port: int) -> None:
    site = Flask("site")
    site.config.update(WAMP_URL=f"rs://127.0.0.1:{free_port}", WAMP_TIMEOUT=4)
    WAMP(site)
    peer = site.extensions["wamp"]
    with EmbeddedRouter(free_port) as router:
        assert peer.call("wamp.session.count") == 1
        assert router.stop() == 0
    asked = threading.Event()
    answers: queue.SimpleQueue[int] = queue.SimpleQueue()

    def ask() -> None:
        asked.set()
        answers.put(peer.call("wamp.session.count"))

    asking = threading.Thread(target=ask)
    asking.start()
    assert asked.wait(DEADLINE)
    with EmbeddedRouter(free_port) as router:
        assert answers.get(timeout=DEADLINE) == 1  # it was asked while there was no router
        assert router.stop() == 0
    asking.join(DEADLINE)
    with pytest.raises(NotJoined):  # after four seconds, once
        peer.call("wamp.session.count")
    with pytest.raises(NotJoined, match=r"no session with .* for \d+ s; nothing was sent"):
        peer.call("wamp.session.count")
    peer.close()


def test_a_first_join_that_is_ended_by_close() -> None:
    with socket.socket() as silent, ThreadPoolExecutor(1) as pool:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        site = Flask("site")
        site.config.update(
            WAMP_URL=f"rs://127.0.0.1:{silent.getsockname()[1]}", WAMP_TIMEOUT=DEADLINE
        )
        WAMP(site)
        peer = site.extensions["wamp"]
        asking = pool.submit(peer.call, "com.flask.any")
        joining, _ = silent.accept()
        with joining:
            peer.close()
            with pytest.raises(NotJoined, match="The app stops"):
                asking.result(DEADLINE)


def test_a_refusal_is_told_each_time(embedded: EmbeddedRouter) -> None:
    site = Flask("site")
    site.config.update(WAMP_URL=embedded.rs_url, WAMP_AUTH=Ticket("joe", "secret"))
    WAMP(site)

    @site.route("/")
    def index() -> str:
        return g.wamp.call("com.flask.any")

    for _ in range(2):
        with site.app_context(), pytest.raises(RouterRefused):
            g.wamp.call("com.flask.any")
        assert site.test_client().get("/").status_code == 503
    site.extensions["wamp"].close()


def test_the_site_s_own_handler_answers_first(free_port: int) -> None:
    site = Flask("site")
    site.config["WAMP_URL"] = f"rs://127.0.0.1:{free_port}"

    @site.errorhandler(SessionError)
    def offline(error: SessionError) -> tuple[str, int]:
        return f"offline: {type(error).__name__}", 502

    WAMP(site)

    @site.route("/")
    def index() -> str:
        return g.wamp.call("com.flask.any")

    answer = site.test_client().get("/")
    assert (answer.status_code, answer.text) == (502, "offline: RouterUnreachable")
    site.extensions["wamp"].close()


def test_the_site_s_page_for_http_errors(free_port: int) -> None:
    site = Flask("site")
    site.config["WAMP_URL"] = f"rs://127.0.0.1:{free_port}"
    WAMP(site)

    @site.errorhandler(HTTPException)
    def as_json(error: HTTPException) -> Any:
        return jsonify(status=error.code), error.code

    @site.route("/")
    def index() -> str:
        return g.wamp.call("com.flask.any")

    answer = site.test_client().get("/")
    assert (answer.status_code, answer.json) == (503, {"status": 503})
    site.extensions["wamp"].close()


# Configuration.


def test_from_prefixed_env(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "URL": "rs://127.0.0.1:9999",
        "REALM": "realm2",
        "PREFIX": "com.env",
        "TIMEOUT": "2.5",
        "INLINE": "true",
        "AUTHMETHOD": "ticket",
        "AUTHID": "joe",
        "SECRET": "12345",
        "ALLOW_ORIGINS": "https://a.example https://b.example",
        "ALLOW_ANONYMOUS": "true",
        "THREADS": "7",
    }.items():
        monkeypatch.setenv(f"FLASK_WAMP_{name}", value)
    site = Flask("site")
    site.config.from_prefixed_env()
    settings = settings_from(site.config)
    config = settings.config
    assert (config.url, config.realm) == ("rs://127.0.0.1:9999", "realm2")
    assert (settings.prefix, settings.timeout, settings.inline) == ("com.env", 2.5, True)
    assert settings.threads == 7
    assert config.auth == Ticket("joe", "12345")
    assert config.allow_origins == ("https://a.example", "https://b.example")
    assert config.allow_anonymous is True
    assert "12345" not in repr(settings)


def test_flask_s_configuration_comes_before_our_variables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WAMPAPP_URL", "rs://127.0.0.1:1111")
    monkeypatch.setenv("WAMPAPP_REALM", "realm1111")
    config = settings_from({"WAMP_URL": "rs://127.0.0.1:2222"}).config
    assert (config.url, config.realm) == ("rs://127.0.0.1:2222", "realm1111")


def test_defaults() -> None:
    settings = settings_from({})
    assert (settings.config.url, settings.config.port) == (None, 8080)
    assert (settings.prefix, settings.timeout, settings.inline) == (None, 10.0, False)
    config = settings_from({"WAMP_HOST": "::1", "WAMP_PORT": 9}).config
    assert (config.host, config.port) == ("::1", 9)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("WAMP_URL", "127.0.0.1:8080", "no known scheme"),
        ("WAMP_REALM", "a realm", "not a valid name"),
        ("WAMP_PREFIX", "not valid", "not valid"),
        ("WAMP_TIMEOUT", "soon", "WAMP_TIMEOUT is 'soon'"),
        ("WAMP_TIMEOUT", 0, "WAMP_TIMEOUT is 0"),
        ("WAMP_INLINE", "yes", "WAMP_INLINE is 'yes'; give true or false"),
        ("WAMP_THREADS", 0, "WAMP_THREADS is 0"),
        ("WAMP_PORT", "http", "port 'http'"),
        ("WAMP_ALLOW_ORIGINS", 5, "WAMP_ALLOW_ORIGINS is 5; give a list"),
        ("WAMP_AUTH", "secret", "give a credential"),
        ("WAMP_SECRET_FILE", "/nowhere", "cannot be read"),
        ("WAMP_SECRET", b"hidden", "WAMP_SECRET is a bytes; give a string"),
        ("WAMP_SECRET", 12e3, "WAMP_SECRET is a float"),  # as from_prefixed_env() reads 12e3
    ],
)
def test_what_is_not_valid_is_told_at_once(name: str, value: object, says: str) -> None:
    site = Flask("site")
    site.config[name] = value
    if name == "WAMP_SECRET_FILE":
        site.config.update(WAMP_AUTHMETHOD="ticket", WAMP_AUTHID="joe")
    with pytest.raises(UsageError, match=says) as caught:
        WAMP(site)
    assert "secret" not in str(caught.value) or name != "WAMP_AUTH"


def test_what_is_set_after_the_extension_counts(
    url: str, prefix: str, client: ConnectedClient, free_port: int
) -> None:
    """As in a factory that makes the extension first, or in the fixture of a test."""
    site = Flask("site")
    site.config["WAMP_URL"] = f"rs://127.0.0.1:{free_port}"
    wamp = WAMP(site)

    @wamp.register(".double")
    def double(number: int) -> int:
        return 2 * number

    @site.route("/")
    def index() -> str:
        return str(g.wamp.call(".double", 2))

    with site.app_context():  # such as a command's: nothing is used
        pass
    site.config.update(WAMP_URL=url, WAMP_PREFIX=prefix, WAMP_TIMEOUT=DEADLINE)
    app = site.extensions["wamp"].app
    assert (app.config.url, app.prefix) == (url, prefix)
    with running(app, url):
        assert client.call(f"{prefix}.double", 3) == 6
        assert site.test_client().get("/").text == "4"
        with site.app_context():
            assert g.wamp.call(".double", 4) == 8
    site.extensions["wamp"].close()


def test_what_is_set_later_and_not_valid_is_told_where_it_is_used() -> None:
    site = Flask("site")
    WAMP(site)
    site.config["WAMP_TIMEOUT"] = "soon"
    with pytest.raises(UsageError, match="WAMP_TIMEOUT is 'soon'"):
        site.extensions["wamp"].call("com.example.any")


def test_inline_may_be_set_after_the_extension(prefix: str, free_port: int) -> None:
    site = Flask("site")
    wamp = WAMP(site)
    site.config.update(WAMP_INLINE=True, WAMP_PREFIX=prefix, WAMP_PORT=free_port)

    @wamp.register
    def answer() -> int:
        return 42

    @site.route("/")
    def index() -> str:
        return str(g.wamp.call(".answer"))

    service = site.extensions["wamp"].app
    try:
        assert site.test_client().get("/").text == "42"
        assert service.is_running
    finally:
        site.extensions["wamp"].close()
        running_service = service.running_service
        assert running_service is not None
        running_service.runtime.call(running_service.stop())


def test_without_flask_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    done = run(
        sys.executable,
        "-c",
        "import sys; sys.modules['flask'] = None\n"
        "try:\n    import wampapp.flask\nexcept ModuleNotFoundError as error:\n    print(error)",
    )
    assert done.stdout == (
        "wampapp.flask needs Flask; install it with: pip install 'wampapp[flask]'\n"
    )


def test_nothing_starts_at_import() -> None:
    """No thread, no reactor, no connection: a process may still fork."""
    done = run(
        sys.executable,
        FOLDER / "flask_import.py",
    )
    assert (done.stdout, done.stderr) == ("1 False\n", "")


def test_a_request_s_trace_goes_on_in_services(
    site: Flask, wamp: WAMP, serve: Any, prefix: str
) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"

    @wamp.register(".end")
    def end() -> str | None:
        return current_trace_id()

    @site.get("/trace")
    def traces() -> list[str | None]:
        return [current_trace_id(), g.wamp.call(".end")]

    serve()
    visitor = site.test_client()
    header = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    assert visitor.get("/trace", headers=header).json == [trace] * 2
    one, two = visitor.get("/trace").json, visitor.get("/trace").json
    assert one[0] == one[1] != two[0] == two[1]
    assert current_trace_id() is None
    with site.app_context():
        assert current_trace_id() is None
