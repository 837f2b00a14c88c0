"""What must not bring a service down, hang it, or leave its callers waiting."""

import queue
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import wampapp
from tests.support.process import EmbeddedRouter, Process, Wampapp, environment
from tests.support.process import wampapp as command
from tests.support.programs import FOLDER
from tests.support.running import running
from wampapp import App, ConnectedClient, WampError, connect
from wampapp.loop import threads

DEADLINE = 60.0  # seconds


class OddError(BaseException):
    """An exception that is no Exception."""


@dataclass
class Touchy:
    how: str

    def __post_init__(self) -> None:
        if self.how == "wamp":
            raise WampError("com.robust.touchy", "no")
        raise {"key": KeyError("x"), "value": ValueError("x"), "odd": OddError("x")}[self.how]


@pytest.fixture(scope="module")
def client(embedded: EmbeddedRouter) -> Iterator[ConnectedClient]:
    with connect(embedded.rs_url, timeout=DEADLINE) as joined:
        yield joined


ODD = [OddError, KeyboardInterrupt, SystemExit, GeneratorExit, StopIteration, StopAsyncIteration]


@pytest.mark.parametrize("kind", ["thread", "loop", "async", "stream", "generator"])
@pytest.mark.parametrize("odd", ODD)
def test_whatever_a_handler_raises_is_answered(
    client: ConnectedClient, embedded: EmbeddedRouter, kind: str, odd: type[BaseException]
) -> None:
    app = App(prefix="com.robust")
    heard: queue.Queue[str] = queue.Queue()

    def plain() -> Any:
        raise odd

    async def coroutine() -> Any:
        raise odd

    async def stream() -> Any:
        yield 1
        raise odd

    def generator() -> Any:
        yield 1
        raise odd

    functions = {"async": coroutine, "stream": stream, "generator": generator}
    run = "loop" if kind == "loop" else None
    app.add_registration(functions.get(kind, plain), ".fail", run=run)  # type: ignore[arg-type]

    @app.subscribe
    async def news(text: str) -> None:
        if text == "fail":
            raise odd
        heard.put(text)

    @app.register
    def ping() -> str:
        return "pong"

    with running(app, embedded.rs_url):
        with pytest.raises(wampapp.HandlerFailed):
            client.call("com.robust.fail")
        client.publish("com.robust.news", "fail")
        client.publish("com.robust.news", "after")
        assert heard.get(timeout=DEADLINE) == "after"
        assert client.call("com.robust.ping") == "pong"


@pytest.mark.parametrize(
    ("how", "uri"),
    [
        ("key", "wamp.error.runtime_error"),
        ("odd", "wamp.error.runtime_error"),
        ("value", "wamp.error.invalid_argument"),
        ("wamp", "com.robust.touchy"),
    ],
)
def test_an_argument_that_raises_as_it_is_made_harms_its_caller_alone(
    client: ConnectedClient, embedded: EmbeddedRouter, how: str, uri: str
) -> None:
    app = App(prefix="com.robust")

    @app.register
    def touch(touchy: Touchy) -> None: ...

    with running(app, embedded.rs_url) as service:
        assert service.connection
        session = service.connection.session
        with pytest.raises(WampError) as caught:
            client.call("com.robust.touch", {"how": how})
        assert caught.value.uri == uri
        assert service.connection.session is session


def test_handlers_that_wait_for_their_own_app_do_not_use_up_the_threads(
    client: ConnectedClient, embedded: EmbeddedRouter
) -> None:
    app = App(prefix="com.robust", threads=2)

    @app.register
    def echo(value: int) -> int:
        return value

    @app.register
    def nested(depth: int) -> int:
        return int(app.sync.call(".nested", depth - 1)) + 1 if depth else 0

    @app.register
    def twice(value: int) -> int:
        return int(app.sync.call(".echo", value)) * 2

    with running(app, embedded.rs_url):
        assert client.call("com.robust.nested", 50) == 50
        results: queue.Queue[int] = queue.Queue()
        callers = [
            threading.Thread(target=lambda: results.put(client.call("com.robust.twice", 4)))
            for _ in range(50)
        ]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(DEADLINE)
        assert [results.get_nowait() for _ in callers] == [8] * 50


def test_an_endless_recursion_ends_in_a_sentence(
    client: ConnectedClient, embedded: EmbeddedRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "MAX_THREADS", 20)
    app = App(prefix="com.robust", threads=2)

    @app.register
    def endless() -> None:
        app.sync.call(".endless")

    with running(app, embedded.rs_url):
        with pytest.raises(wampapp.Overloaded, match="call each other without end"):
            client.call("com.robust.endless")


def test_an_app_runs_after_a_client_was_closed(embedded: EmbeddedRouter, tmp_path: Path) -> None:
    (tmp_path / "both.py").write_text(
        "import wampapp\nwith wampapp.connect() as client:\n    client.publish('com.both')\n"
        "app = wampapp.App()\nopened = wampapp.connect() if OPEN else None\napp.run()\n"
    )
    env = environment(WAMPAPP_URL=embedded.rs_url)
    text = (tmp_path / "both.py").read_text()
    (tmp_path / "closed.py").write_text(f"OPEN = False\n{text}")
    (tmp_path / "open.py").write_text(f"OPEN = True\n{text}")
    with Process(sys.executable, "closed.py", cwd=tmp_path, env=env) as service:
        service.until("Press Ctrl-C")
        assert service.stop() == 0
    with Process(sys.executable, "open.py", cwd=tmp_path, env=env) as service:
        assert service.wait() == 2
    assert "close the clients of wampapp.connect()" in service.text


def test_an_app_runs_in_a_thread(embedded: EmbeddedRouter) -> None:
    env = environment(WAMPAPP_URL=embedded.rs_url)
    with Process(sys.executable, FOLDER / "robustness_threaded.py", env=env) as script:
        assert script.wait() == 0
    assert script.stdout == ["pong"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["router", "--host", ""], "The host '' is not an address"),
        (["run", "."], "'.' is a folder; name a file in it, such as factory.py."),
        (["run", "factory:later()"], "is 'async def'; a factory is a plain function"),
        (["run", "prefixed"], "prefixed.py:2: App('com.x') names a router"),
    ],
)
def test_more_mistakes_are_one_sentence(tmp_path: Path, words: list[str], sentence: str) -> None:
    (tmp_path / "factory.py").write_text("async def later(): ...\n")
    (tmp_path / "prefixed.py").write_text("from wampapp import App\napp = App('com.x')\n")
    done = command(*words, cwd=tmp_path, env=environment(PYTHONPATH=str(Path.cwd())))
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_exception_keeps_its_cause_in_the_traceback(tmp_path: Path) -> None:
    (tmp_path / "chained.py").write_text(
        "try:\n    {}['x']\nexcept KeyError as e:\n    raise ValueError('bad') from e\n"
    )
    env = environment(PYTHONPATH=str(Path.cwd()))
    done = command("run", "chained", cwd=tmp_path, env=env)
    assert done.returncode == 1
    assert "KeyError: 'x'" in done.stderr
    assert "direct cause" in done.stderr
    assert "/wampapp/" not in done.stderr


def test_a_service_outlives_its_terminal(embedded: EmbeddedRouter, tmp_path: Path) -> None:
    (tmp_path / "quiet.py").write_text(
        "from wampapp import App\napp = App(prefix='com.quiet')\n"
        "@app.register\ndef ping(): return 'pong'\n"
    )
    import os
    import subprocess

    reader, writer = os.pipe()
    service = subprocess.Popen(
        [sys.executable, "-m", "wampapp", "run", "quiet.py", "--url", embedded.rs_url],
        cwd=tmp_path,
        env=environment(PYTHONPATH=str(Path.cwd())),
        stderr=writer,
    )
    os.close(writer)
    with os.fdopen(reader) as stderr:
        assert any("Press Ctrl-C" in line for line in stderr)
    with connect(embedded.rs_url, timeout=DEADLINE) as client:
        assert client.call("com.quiet.ping") == "pong"
    service.terminate()
    assert service.wait(DEADLINE) == 0


def test_what_callers_send_cannot_forge_log_lines(embedded: EmbeddedRouter, tmp_path: Path) -> None:
    (tmp_path / "logs.py").write_text(
        "from wampapp import App\napp = App(prefix='com.logs')\n"
        "@app.register\nasync def tell(text): app.log(text)\n"
    )
    with Wampapp("run", "logs.py", "--url", embedded.rs_url, cwd=tmp_path,
                 env=environment(PYTHONPATH=str(Path.cwd()))) as service:  # fmt: skip
        service.until("Press Ctrl-C")
        with connect(embedded.rs_url, timeout=DEADLINE) as client:
            client.call("com.logs.tell", "one\n12:00:00  wampapp  forged\x1b[2J")
        service.until("forged")
        assert service.stop() == 0
    assert "    12:00:00  wampapp  forged\\x1b[2J" in service.stderr
