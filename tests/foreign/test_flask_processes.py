"""Flask apps in the processes that they live in: Flask's own server, gunicorn, waitress."""

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import PIPE

import pytest

from tests.support.process import DEADLINE, EmbeddedRouter, Process, environment, run
from tests.support.programs import program
from wampapp import Canceled, ConnectedClient, Invocation, NoSuchProcedure, WampError, connect
from wampapp.crossbar import Crossbar

pytestmark = pytest.mark.processes

SITE = program("flask_processes_site.py")

#: How each server is started; `{port}` is where it listens.
SERVERS = {
    "flask run": ["flask", "run", "--port", "{port}"],
    "flask run --debug": ["flask", "run", "--debug", "--port", "{port}"],
    "gunicorn": ["gunicorn", "--workers", "2", "--bind", "127.0.0.1:{port}", "app:app"],
    "gunicorn --preload": [
        *("gunicorn", "--preload", "--workers", "2", "--bind", "127.0.0.1:{port}", "app:app"),
    ],
    "gunicorn gthread": [
        *("gunicorn", "--worker-class", "gthread", "--threads", "8", "--workers", "2"),
        *("--bind", "127.0.0.1:{port}", "app:app"),
    ],
    "gunicorn, 200 threads": [
        *("gunicorn", "--worker-class", "gthread", "--threads", "100", "--workers", "2"),
        *("--bind", "127.0.0.1:{port}", "app:app"),
    ],
    "waitress": ["waitress", "--listen", "127.0.0.1:{port}", "app:app"],
}
#: What each prints when it listens. Flask's server says so before its reloader's child does.
READY = {
    "flask run": "Running on",
    "flask run --debug": "Debugger is active",
    "gunicorn": "Booting worker",
    "waitress": "Serving on",
}
EVERY_SERVER = pytest.mark.parametrize(
    "server", [server for server in SERVERS if "200" not in server]
)
PREFIX = "com.flaskproc"


class Site(Process):
    """A Flask site, served by a real server."""

    def __init__(self, server: str, folder: Path, listens: int, **variables: str) -> None:
        self.port = listens
        words = [word.format(port=listens) for word in SERVERS[server]]
        variables = {f"FLASK_WAMP_{name.upper()}": value for name, value in variables.items()}
        super().__init__(
            sys.executable,
            "-m",
            *words,
            cwd=folder,
            # A folder of its own for gunicorn's control socket.
            env=environment(FLASK_WAMP_PREFIX=PREFIX, HOME=str(folder), **variables),
        )
        self.interrupt = signal.SIGTERM if server.startswith("gunicorn") else signal.SIGINT
        try:
            self.until(READY.get(server) or READY["gunicorn"])
        except BaseException:
            self.__exit__()
            raise

    def get(self, path: str) -> tuple[int, str]:
        """Ask for a page; return its status and text."""
        for _ in range(600):  # gunicorn says that its workers boot, and not when they have
            try:
                with urllib.request.urlopen(
                    f"http://127.0.0.1:{self.port}{path}", timeout=DEADLINE
                ) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                with error:
                    return error.code, error.read().decode()
            except (ConnectionError, urllib.error.URLError) as error:
                reason = getattr(error, "reason", error)
                if not isinstance(reason, ConnectionRefusedError):
                    raise
                threading.Event().wait(0.05)
        raise AssertionError(f"the site never answered; it said:\n{self.text}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(SITE)
    return tmp_path


@pytest.fixture
def router() -> Iterator[EmbeddedRouter]:
    """A router of the test's own, so that its sessions can be counted."""
    with EmbeddedRouter() as router:
        yield router
        assert router.stop() == 0, router.text


@pytest.fixture
def client(router: EmbeddedRouter) -> Iterator[ConnectedClient]:
    with connect(router.rs_url, timeout=DEADLINE) as joined:
        yield joined


def until_answered(
    client: ConnectedClient, uri: str, answer: object = None, deadline: float = DEADLINE
) -> object:
    """Call a procedure that is about to be registered, until it gives the answer, or any."""
    end = time.monotonic() + deadline
    found: object = None
    while time.monotonic() < end:
        try:
            found = client.call(uri)
        except (NoSuchProcedure, Canceled) as error:  # or it ended while it had the call
            found = error
        else:
            if answer in (None, found):
                return found
        threading.Event().wait(0.02)  # the other processes need the processor
    raise AssertionError(f"{uri} came to {found!r}")


@EVERY_SERVER
def test_views_of_each_process_call(
    server: str, folder: Path, free_port: int, router: EmbeddedRouter, client: ConnectedClient
) -> None:
    """Each process joins when its first view calls, and none before."""
    callers: dict[int, int] = {}

    def who(invocation: Invocation) -> int | None:
        return invocation.caller

    client.register(f"{PREFIX}.who", who)
    with Site(server, folder, free_port, url=router.rs_url) as site:
        assert site.get("/") == (200, "here")
        assert client.call("wamp.session.count") == 1  # this test's own
        workers = 2 if server.startswith("gunicorn") else 1
        with ThreadPoolExecutor(8) as pool:
            while len(callers) < workers:
                for status, text in pool.map(site.get, ["/who"] * 8):
                    assert status == 200, text
                    answer = json.loads(text)
                    callers[answer["process"]] = answer["session"]
        assert len(set(callers.values())) == workers
        assert client.call("wamp.session.count") == 1 + workers
        assert site.stop(site.interrupt) == 0, site.text
    assert client.call("wamp.session.count") == 1
    assert "Traceback" not in site.text


@EVERY_SERVER
def test_inline_serves_once(
    server: str, folder: Path, free_port: int, router: EmbeddedRouter, client: ConnectedClient
) -> None:
    """However many processes a server has, one of them serves: each event is handled once."""
    heard: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()

    def hear(text: str, process: int) -> None:
        heard.put((text, process))

    client.subscribe(f"{PREFIX}.heard", hear)
    with Site(server, folder, free_port, url=router.rs_url, inline="true") as site:
        if server == "waitress":  # which tells nobody that it is about to serve
            site.get("/")
        serving = until_answered(client, f"{PREFIX}.process")
        assert site.get("/say/one")[0] == 200
        assert site.get("/say/two")[0] == 200
        assert [heard.get(timeout=DEADLINE) for _ in range(2)] == [
            ("one", serving),
            ("two", serving),
        ]
        assert heard.empty()
        assert site.stop(site.interrupt) == 0, site.text
    assert client.call("wamp.session.count") == 1
    assert "Traceback" not in site.text


@pytest.mark.slow
def test_the_reloader_serves_what_was_saved(
    folder: Path, free_port: int, router: EmbeddedRouter, client: ConnectedClient
) -> None:
    with Site("flask run --debug", folder, free_port, url=router.rs_url, inline="true") as site:
        assert until_answered(client, f"{PREFIX}.version") == "first"
        before = client.call(f"{PREFIX}.process")
        assert client.call("wamp.session.count") == 2  # the parent has none
        (folder / "app.py").write_text(SITE.replace('"first"', '"second"'))
        until_answered(client, f"{PREFIX}.version", "second")
        assert client.call(f"{PREFIX}.process") != before
        assert client.call("wamp.session.count") == 2
        # A mistake is shown, and the next save is served again.
        (folder / "app.py").write_text(SITE.replace("def version", "def version("))
        site.until("SyntaxError")
        while True:
            # Werkzeug begins to watch a moment after it has shown the mistake; what is saved
            # before is not seen.
            (folder / "app.py").write_text(SITE.replace('"first"', '"third"'))
            try:
                until_answered(client, f"{PREFIX}.version", "third", deadline=3)
            except AssertionError:
                continue
            break
        assert site.stop() == 0, site.text


def test_what_failed_to_load_is_not_served(
    folder: Path, free_port: int, router: EmbeddedRouter, client: ConnectedClient
) -> None:
    """The reloader's process lives on to show the mistake; half of the app is declared in it."""
    with Site("flask run --debug", folder, free_port, url=router.rs_url, inline="true") as site:
        assert until_answered(client, f"{PREFIX}.version") == "first"
        (folder / "app.py").write_text(SITE + "\nmistake\n")
        site.until("NameError")
        site.until("Debugger is active")
        with pytest.raises(NoSuchProcedure):
            client.call(f"{PREFIX}.version")
        assert site.stop() == 0, site.text
    assert site.text.count("Serving WAMP") == 1


def test_inline_with_the_router_in_the_box(folder: Path, free_port: int) -> None:
    """With no URL, one process has everything: the site, the router and the handlers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        wamp_port = probe.getsockname()[1]
    with Site("flask run", folder, free_port, inline="true", port=str(wamp_port)) as site:
        site.until(rf"Serving WAMP at ws://127.0.0.1:{wamp_port}/ws, realm realm1")
        with connect(f"rs://127.0.0.1:{wamp_port}", timeout=DEADLINE) as client:
            assert client.call(f"{PREFIX}.version") == "first"
        assert json.loads(site.get("/who")[1])["session"] > 0
        assert site.stop() == 0, site.text
    assert "Coming back" not in site.text  # the views' session goes before the router does


def test_shutdown_hooks_run_at_the_end_of_a_web_process(
    folder: Path, free_port: int, router: EmbeddedRouter
) -> None:
    """Python starts no thread any more then, and a plain function runs in one."""
    hook = '@wamp.on_shutdown\ndef bye():\n    print("goodbye", wamp.__class__, flush=True)\n'
    (folder / "app.py").write_text(SITE + hook)
    with Site("flask run", folder, free_port, url=router.rs_url, inline="true") as site:
        site.until("Serving WAMP at")
        assert site.stop() == 0, site.text
    assert "goodbye <class" in site.text
    assert "Traceback" not in site.text


@pytest.mark.parametrize("server", ["gunicorn", "gunicorn --preload"])
def test_another_process_takes_over(
    server: str, folder: Path, free_port: int, router: EmbeddedRouter, client: ConnectedClient
) -> None:
    with Site(server, folder, free_port, url=router.rs_url, inline="true") as site:
        first = until_answered(client, f"{PREFIX}.process")
        assert isinstance(first, int)
        os.kill(first, signal.SIGKILL)
        while until_answered(client, f"{PREFIX}.process") == first:
            pass
        assert site.stop(site.interrupt) == 0, site.text


@pytest.mark.parametrize("words", [("wamp", "uris"), ("routes",)])
def test_other_commands_serve_nothing(
    folder: Path, router: EmbeddedRouter, client: ConnectedClient, words: tuple[str, ...]
) -> None:
    joined: queue.SimpleQueue[object] = queue.SimpleQueue()

    def on_join(details: object) -> None:
        joined.put(details)

    client.subscribe("wamp.session.on_join", on_join)
    done = flask(folder, *words, url=router.rs_url, inline="true")
    assert (done.returncode, done.stderr) == (0, "")
    client.call("wamp.session.count")  # an event before this would have come before its answer
    assert joined.empty()


def test_a_lock_that_cannot_be_taken_is_told(folder: Path, free_port: int, tmp_path: Path) -> None:
    """The site goes on, and its log says why the handlers are not served."""
    with Site("flask run", folder, free_port, inline="true", url="rs://127.0.0.1:9") as site:
        site.until("Trying again until a router answers")
        assert site.get("/")[0] == 200
        assert site.get("/who")[0] == 503
        assert site.stop() == 0, site.text
    missing = tmp_path / "missing"
    (folder / "app.py").write_text(f"import tempfile; tempfile.tempdir = '{missing}'\n{SITE}")
    with Site("flask run", folder, free_port, inline="true", url="rs://127.0.0.1:9") as site:
        site.until(r"WAMP is not served by this process: .*: No such file or directory\.")
        assert site.get("/")[0] == 200
        assert site.stop() == 0, site.text


def test_a_port_that_is_taken_is_told(folder: Path, free_port: int) -> None:
    """By the name that it has in Flask's configuration; ``flask run --port`` is another one."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with Site("flask run", folder, free_port, inline="true", port=port) as site:
            site.until(f"Port {port} on 127.0.0.1 is taken .* choose another port with WAMP_PORT")
            assert site.get("/")[0] == 200
            assert site.stop() == 0, site.text
            assert "--port" not in site.text


TWO_APPS = program("flask_processes_two_apps.py")


def test_two_apps_in_two_processes_are_no_deadlock(tmp_path: Path) -> None:
    """Each process serves one of them, and waits for the other one's."""
    env = environment(TMPDIR=str(tmp_path))
    script = (sys.executable, "-c", TWO_APPS)
    pipes = {"stdin": PIPE, "stdout": PIPE, "stderr": PIPE, "text": True, "env": env}
    with (
        subprocess.Popen((*script, "a", "b"), **pipes) as one,
        subprocess.Popen((*script, "b", "a"), **pipes) as two,
    ):
        assert one.stdin and two.stdin and one.stdout and two.stdout
        assert (one.stdout.readline(), two.stdout.readline()) == ("a is ours\n", "b is ours\n")
        for process in (one, two):
            process.stdin.write("\n")
            process.stdin.flush()
        assert one.stdout.readline() == "b is another's\n"
        assert two.stdout.readline() == "a is another's\n"
        assert one.communicate()[1] == ""
        while (line := two.stdout.readline()) == "a is another's\n":
            pass  # it asks again and again
        assert line == "a is ours\n"
        assert two.communicate()[1] == ""


def test_the_same_app_twice_in_a_process_is_served_once(
    folder: Path, free_port: int, router: EmbeddedRouter, client: ConnectedClient
) -> None:
    made = SITE.replace("\n", "\n    ")
    (folder / "app.py").write_text(
        f"def create_app():\n    {made}\n    return app\n\ncreate_app()\napp = create_app()\n"
    )
    heard: queue.SimpleQueue[str] = queue.SimpleQueue()
    client.subscribe(f"{PREFIX}.heard", lambda text, process: heard.put(text))
    with Site("flask run", folder, free_port, url=router.rs_url, inline="true") as site:
        until_answered(client, f"{PREFIX}.process")
        assert site.get("/say/one")[0] == 200
        assert site.get("/say/two")[0] == 200
        assert [heard.get(timeout=DEADLINE) for _ in range(2)] == ["one", "two"]
        client.call("wamp.session.count")  # a further event would have come before its answer
        assert heard.empty()
        assert site.stop() == 0, site.text


# flask wamp …


def flask(folder: Path, *words: str, **variables: str):
    variables = {f"FLASK_WAMP_{name.upper()}": value for name, value in variables.items()}
    return run(
        sys.executable,
        *("-m", "flask", *words),
        cwd=folder,
        env=environment(FLASK_WAMP_PREFIX=PREFIX, **variables),
    )


def test_flask_wamp_run(folder: Path, router: EmbeddedRouter, client: ConnectedClient) -> None:
    """Also where the configuration says inline, which is for web processes."""
    env = environment(FLASK_WAMP_URL=router.rs_url, FLASK_WAMP_PREFIX=PREFIX)
    for inline in ("false", "true"):
        with Process(
            *(sys.executable, "-m", "flask", "wamp", "run"),
            cwd=folder,
            env={**env, "FLASK_WAMP_INLINE": inline},
        ) as service:
            service.until(r"version\(\) -> str")
            service.until("Press Ctrl-C to stop")
            assert client.call(f"{PREFIX}.version") == "first"
            assert client.call("wamp.session.count") == 2
            heard: queue.SimpleQueue[str] = queue.SimpleQueue()

            def hear(text: str, _process: int, heard=heard) -> None:
                heard.put(text)

            client.subscribe(f"{PREFIX}.heard", hear)
            client.publish(f"{PREFIX}.news", "extra")  # its handler publishes by g.wamp
            assert heard.get(timeout=DEADLINE) == "extra"
            assert service.stop() == 0, service.text
        assert "Traceback" not in service.text
        assert client.call("wamp.session.count") == 1


def test_flask_wamp_run_with_the_router_in_the_box(folder: Path, free_port: int) -> None:
    with Process(
        *(sys.executable, "-m", "flask", "wamp", "run", "--port", str(free_port)),
        cwd=folder,
        env=environment(FLASK_WAMP_PREFIX=PREFIX),
    ) as service:
        service.until("Press Ctrl-C to stop")
        done = flask(folder, "wamp", "call", ".version", port=str(free_port))
        assert (done.returncode, done.stdout, done.stderr) == (0, '"first"\n', "")
        assert service.stop() == 0, service.text


def test_flask_wamp_uris(folder: Path) -> None:
    done = flask(folder, "wamp", "uris")
    assert (done.returncode, done.stderr) == (0, "")
    first = done.stdout.splitlines()[0].split("  ")
    assert first[0] == "procedure"
    assert first[1] == f"{PREFIX}.version() -> str"
    done = flask(folder, "wamp", "uris", "--json")
    assert [json.loads(line)["uri"].removeprefix(PREFIX) for line in done.stdout.splitlines()] == [
        ".version",
        ".process",
        ".who",
        ".news",
    ]


def test_flask_wamp_call_publish_and_errors(folder: Path, router: EmbeddedRouter) -> None:
    with connect(router.rs_url, timeout=DEADLINE) as client:

        def divide(a: int, b: int) -> float:
            if b == 0:
                raise WampError("com.error.zero", "by nothing")
            return a / b

        heard: queue.SimpleQueue[str] = queue.SimpleQueue()
        client.register(f"{PREFIX}.divide", divide)
        client.subscribe(f"{PREFIX}.news", heard.put)
        url = router.rs_url
        done = flask(folder, "wamp", "call", ".divide", "1", "-2", url=url)
        assert (done.returncode, done.stdout, done.stderr) == (0, "-0.5\n", "")
        done = flask(folder, "wamp", "call", f"{PREFIX}.divide", "1", "0", url=url)
        assert (done.returncode, done.stderr) == (5, "Error: com.error.zero: by nothing\n")
        done = flask(folder, "wamp", "publish", ".news", "très bien", url=url)
        assert (done.returncode, done.stderr) == (0, "")
        assert heard.get(timeout=DEADLINE) == "très bien"
        done = flask(folder, "wamp", "call", "not a uri", url=url)
        assert done.returncode == 2
        assert done.stderr.startswith("Error: ")
        done = flask(folder, "wamp", "call", ".x", url=url, realm="realm1", authmethod="ticket")
        assert done.returncode != 0  # a credential with no secret


def test_flask_wamp_inspect_and_doctor(folder: Path, router: EmbeddedRouter | Crossbar) -> None:
    url = router.rs_url
    with connect(url, timeout=DEADLINE) as client:
        client.register(f"{PREFIX}.listed", print)
        done = flask(folder, "wamp", "inspect", url=url)
        assert (done.returncode, done.stderr) == (0, "")
        assert f"{PREFIX}.listed" in done.stdout
        done = flask(folder, "wamp", "inspect", "--json", url=url)
        assert f"{PREFIX}.listed" in [
            json.loads(line).get("procedure", json.loads(line).get("uri"))
            for line in done.stdout.splitlines()
        ]
    done = flask(folder, "wamp", "doctor", url=url)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{url}, given by the Flask app's configuration" in done.stdout
    assert "round trip" in done.stdout


def test_flask_wamp_doctor_finds_that_there_is_no_router(folder: Path, free_port: int) -> None:
    done = flask(folder, "wamp", "doctor", url=f"rs://127.0.0.1:{free_port}")
    assert done.returncode == 3
    assert "TCP" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_flask_wamp_shell(folder: Path, embedded: EmbeddedRouter, free_port: int) -> None:
    def typed(script: str, *words: str, **variables: str):
        return run(
            *(sys.executable, "-m", "flask", "wamp", "shell", *words),
            cwd=folder,
            env=environment(
                FLASK_WAMP_PREFIX=PREFIX,
                **{f"FLASK_WAMP_{name.upper()}": value for name, value in variables.items()},
            ),
            input=script,
        )

    script = "from flask import current_app, g\nprint(call('.version'), current_app.name)\n"
    script += "print(await call('.version'))\nprint(g.wamp.call('.version'))\n"
    done = typed(script, "--serve", url=embedded.rs_url)
    assert (done.returncode, done.stdout) == (0, "first app\nfirst\nfirst\n"), done.stderr
    done = typed("print(call('wamp.session.count') > 0)", url=embedded.rs_url)
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
    done = typed("pass", url=f"rs://127.0.0.1:{free_port}")
    assert done.returncode == 3
    assert "Start it with 'flask wamp run', or serve the app here with --serve." in done.stderr


def test_flask_wamp_call_without_a_router(folder: Path, free_port: int) -> None:
    done = flask(folder, "wamp", "call", ".version", url=f"rs://127.0.0.1:{free_port}")
    assert done.returncode == 3
    assert done.stderr.startswith("Error: No router answers at ")
    assert len(done.stderr.splitlines()) == 1


def test_flask_wamp_subscribe(folder: Path, router: EmbeddedRouter) -> None:
    with Process(
        *(sys.executable, "-m", "flask", "wamp", "subscribe", ".news"),
        cwd=folder,
        env=environment(FLASK_WAMP_URL=router.rs_url, FLASK_WAMP_PREFIX=PREFIX),
    ) as subscriber:
        subscriber.until("Subscribed to")
        with connect(router.rs_url, timeout=DEADLINE) as client:
            client.publish(f"{PREFIX}.news", "hello")
        subscriber.until('"hello"')
        assert subscriber.stop() == 0, subscriber.text


# Load.

LOAD = program("flask_processes_load.py")


def test_load_with_the_router_restarted_in_the_middle(tmp_path: Path, free_port: int) -> None:
    """Of 200 requests those in flight say 503 when the router is killed, and none is lost."""
    held, before, after = 20, 80, 100
    (tmp_path / "app.py").write_text(LOAD)
    holding = threading.Semaphore(0)

    with EmbeddedRouter() as router:
        url, port = router.rs_url, router.port
        variables = environment(FLASK_WAMP_PREFIX=PREFIX, FLASK_WAMP_URL=url)
        with (
            Process(
                *(sys.executable, "-m", "flask", "wamp", "run"), cwd=tmp_path, env=variables
            ) as service,
            Site("gunicorn, 200 threads", tmp_path, free_port, url=url) as site,
            connect(url, timeout=DEADLINE) as client,
            ThreadPoolExecutor(held + before + after) as pool,
        ):
            service.until("Press Ctrl-C")
            client.subscribe(f"{PREFIX}.holding", holding.release)
            waiting = [pool.submit(site.get, "/hold") for _ in range(held)]
            early = [pool.submit(site.get, f"/square/{n}") for n in range(before)]
            assert [f.result(DEADLINE) for f in early] == [(200, str(n * n)) for n in range(before)]
            for _ in range(held):
                assert holding.acquire(timeout=DEADLINE)
            router.stop(signal.SIGKILL)
            late = [pool.submit(site.get, f"/square/{n}") for n in range(after)]
            with EmbeddedRouter(port) as restarted:
                assert [f.result(DEADLINE)[0] for f in waiting] == [503] * held
                assert [f.result(DEADLINE) for f in late] == [
                    (200, str(n * n)) for n in range(after)
                ]
                client.close()
                assert site.stop(site.interrupt) == 0, site.text
                assert service.stop() == 0, service.text
                assert restarted.stop() == 0
    assert "Traceback" not in site.text + service.text
