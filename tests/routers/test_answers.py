"""A call gets exactly one answer, whatever comes between its handler and the wire."""

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pydantic
import pytest

from tests.support.process import EmbeddedRouter
from tests.support.running import running
from wampapp import App, ConnectedClient, Invocation, WampError, connect
from wampapp.crossbar import Crossbar
from wampapp.errors import NotJoined

DEADLINE = 60.0  # seconds
Router = EmbeddedRouter | Crossbar
HALF = "\ud83d"  # half of a surrogate pair, which no serializer carries
FAILED = "wamp.error.runtime_error"
REFUSED = "com.t.refused"


class Unspeakable:
    """An object that raises whatever it is asked."""

    def __repr__(self) -> str:
        raise KeyError("repr")

    def __getattr__(self, name: str) -> Any:
        raise LookupError(name)


class Mute(Exception):
    """An exception without a text."""

    def __str__(self) -> str:
        raise KeyError("str")


class Unfinished(WampError):
    """An error whose class forgot to call the one that it extends."""

    def __init__(self, sku: int) -> None:
        self.sku = sku


class Order(pydantic.BaseModel):
    """A model whose own code fails while it is taken apart."""

    sku: int

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def price(self) -> int:
        raise NotJoined("The price is not known.") if self.sku else KeyError("price")


def raises(make: Callable[[], BaseException]) -> Callable[[], Any]:
    def fail() -> Any:
        raise make()

    return fail


#: What a handler does, and the URI of the error that its caller gets.
OUTCOMES: dict[str, tuple[Callable[[], Any], str]] = {
    "half an emoji": (raises(lambda: WampError(REFUSED, HALF)), REFUSED),
    "half an emoji by name": (raises(lambda: WampError(REFUSED, 1, sku=HALF)), REFUSED),
    "half an emoji in a URI": (raises(lambda: WampError(f"com.{HALF}")), FAILED),
    "a URI that is None": (raises(lambda: WampError(None)), FAILED),  # type: ignore[arg-type]
    "a URI that is a number": (raises(lambda: WampError(404)), FAILED),  # type: ignore[arg-type]
    "a URI that is bytes": (raises(lambda: WampError(b"com.x")), FAILED),  # type: ignore[arg-type]
    "an argument without a repr": (raises(lambda: WampError(REFUSED, Unspeakable())), REFUSED),
    "an unfinished error": (raises(lambda: Unfinished(7)), FAILED),
    "an exception without a text": (raises(Mute), FAILED),
    "an exception with half an emoji": (raises(lambda: ValueError(HALF)), FAILED),
    "an exception that is a cancellation": (raises(GeneratorExit), FAILED),
    "a result with half an emoji": (lambda: [HALF], "wampapp.error.payload_not_encodable"),
    "a result without a repr": (Unspeakable, "wampapp.error.payload_not_encodable"),
    "a model that raises": (lambda: Order(sku=0), FAILED),
    "a model that raises what links raise": (lambda: Order(sku=1), FAILED),
}


def handler(kind: str, act: Callable[[], Any]) -> tuple[Callable[..., Any], Any]:
    """Make a handler of some kind, and say how it is run."""

    def plain() -> Any:
        return act()

    async def coroutine() -> Any:
        return act()

    def generator() -> Iterator[Any]:
        yield act()

    async def stream() -> AsyncIterator[Any]:
        yield act()

    def progress(invocation: Invocation) -> None:
        invocation.progress(act())

    functions: dict[str, Callable[..., Any]] = {
        "async": coroutine,
        "generator": generator,
        "stream": stream,
        "progress": progress,
    }
    return functions.get(kind, plain), "loop" if kind in ("loop", "progress") else None


class Log(logging.Handler):
    """Keeps the lines of the app and of its session, tracebacks included."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        formatter = logging.Formatter()
        if record.exc_info:
            text = formatter.formatException(record.exc_info)
            # Kept in the record, for pytest cannot carry half an emoji between its processes.
            record.exc_text = text.encode(errors="backslashreplace").decode()
        self.lines.append(formatter.format(record))


@pytest.fixture
def log() -> Iterator[Log]:
    handler = Log()
    loggers = [logging.getLogger(name) for name in ("com.t", "wampapp.session")]
    for logger in loggers:
        logger.addHandler(handler)
    yield handler
    for logger in loggers:
        logger.removeHandler(handler)


KINDS = ["thread", "loop", "async", "generator", "stream", "progress"]


@pytest.fixture(scope="module")
def client(router: Router) -> Iterator[ConnectedClient]:
    with connect(router.rs_url, timeout=DEADLINE) as joined:
        yield joined


@pytest.mark.parametrize("debug", [False, True], ids=["", "debug"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_cannot_be_sent_is_an_error_and_the_next_call_has_its_turn(
    client: ConnectedClient, router: Router, kind: str, debug: bool, log: Log
) -> None:
    app = App(prefix="com.t", debug=debug)
    for number, (act, _) in enumerate(OUTCOMES.values()):
        function, run = handler(kind, act)
        app.add_registration(function, f".act{number}", run=run, concurrency=1)
    with running(app, router.rs_url):
        for number, (outcome, (_, uri)) in enumerate(OUTCOMES.items()):
            for _ in range(2):
                log.lines.clear()
                with pytest.raises(WampError) as caught:
                    if kind in ("thread", "loop", "async"):
                        client.call(f"com.t.act{number}")
                    else:
                        list(client.stream(f"com.t.act{number}"))
                assert caught.value.uri == uri, outcome
                [line] = log.lines  # why
                if uri == FAILED:
                    assert len(caught.value.kwargs["error_id"]) == 8
                    assert caught.value.kwargs["error_id"] in line


def test_an_error_that_cannot_be_sent_whole_keeps_its_uri_and_says_the_rest_as_text(
    client: ConnectedClient, router: Router
) -> None:
    app = App(prefix="com.t")

    @app.register
    async def refuse(how: str) -> None:
        raise WampError(REFUSED, {"text": HALF, "object": Unspeakable}[how], "and more")

    with running(app, router.rs_url):
        with pytest.raises(WampError) as caught:
            client.call("com.t.refuse", "text")
        assert caught.value.args == ("\\ud83d, and more",)
        with pytest.raises(WampError) as caught:
            client.call("com.t.refuse", "object")
        assert caught.value.args == (f"{Unspeakable!r}, and more",)


def test_an_error_without_a_uri_points_to_the_line_that_raised_it(
    client: ConnectedClient, router: Router, log: Log
) -> None:
    app = App(prefix="com.t")

    @app.register
    async def refuse() -> None:
        raise WampError(404, "not found")  # type: ignore[arg-type]

    with running(app, router.rs_url), pytest.raises(WampError):
        client.call("com.t.refuse")
    assert 'raise WampError(404, "not found")' in log.lines[-1]
    assert "takes an error URI first, such as 'com.example.sold_out', not 404" in log.lines[-1]


def test_the_log_shows_an_exception_and_what_kept_it_from_being_sent(
    client: ConnectedClient, router: Router, log: Log
) -> None:
    app = App(prefix="com.t")

    @app.register
    async def refuse() -> None:
        raise Unfinished(7)

    with running(app, router.rs_url), pytest.raises(WampError):
        client.call("com.t.refuse")
    assert "raise Unfinished(7)" in log.lines[-1]
    assert "object has no attribute 'uri'" in log.lines[-1]


def test_an_event_whose_failure_has_no_text_is_logged_and_the_next_one_comes(
    client: ConnectedClient, router: Router, log: Log
) -> None:
    app = App(prefix="com.t")
    came: list[int] = []

    @app.subscribe
    async def news(number: int) -> None:
        came.append(number)
        raise Mute if number == 1 else WampError(REFUSED, Unspeakable())

    with running(app, router.rs_url):
        for number in (1, 2, 3):
            client.publish("com.t.news", number)
        client.call("wamp.session.count")
    assert came == [1, 2, 3]
    assert str(log.lines).count("com.t.news failed on an event") == 3
