"""The command line as a user meets it: processes, their output and their exit codes."""

import json
import os
import platform
import re
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.process import (
    FULL_DISK,
    ROOT,
    EmbeddedRouter,
    Wampapp,
    environment,
    onto_a_full_disk,
    run,
    serving,
    wampapp,
)
from tests.support.programs import program
from wampapp.cli.group import SECTIONS
from wampapp.crossbar import Crossbar

Router = EmbeddedRouter | Crossbar
HELLO = ROOT / "examples" / "hello.py"

SERVICE = program("command_line_service.py")


@pytest.fixture(scope="module")
def service(router: Router, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wampapp]:
    """A service of its own process on each router."""
    file = tmp_path_factory.mktemp("service") / "service.py"
    file.write_text(SERVICE)
    with serving(file, "--url", router.rs_url) as process:
        yield process


def url_of(router: Router) -> list[str]:
    return ["--url", router.rs_url]


# call


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["one", "-5"], -5),
        (["one", '{"a": [1, {"b": "ß 🎈"}]}'], {"a": [1, {"b": "ß 🎈"}]}),
        (["one", "--", "--url"], "--url"),
        (["echo"], None),
        (["echo", "1", "k=[2]"], {"args": [1], "kwargs": {"k": [2]}}),
    ],
    ids=repr,
)
def test_call_prints_the_result_as_json(
    service: Wampapp, router: Router, words: list[str], expected: object
) -> None:
    procedure, *arguments = words
    done = wampapp("call", *url_of(router), f"com.cli.{procedure}", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == expected
    assert done.stdout.endswith("\n")


def test_options_may_stand_after_the_arguments(service: Wampapp, router: Router) -> None:
    done = wampapp("call", "com.cli.one", "5", *url_of(router), "--timeout", "20")
    assert (done.returncode, done.stdout) == (0, "5\n")


@pytest.mark.both_routers
@pytest.mark.parametrize(
    ("procedure", "sentence"),
    [
        ("refuse", "Error: com.cli.refused: not today, 7 (code=3)\n"),
        ("nobody", "Error: wamp.error.no_such_procedure: "),
        ("one", "Error: wamp.error.invalid_argument: `value`: missing"),
        ("crash", "Error: wamp.error.runtime_error: The procedure failed"),
    ],
)
def test_an_error_answer_goes_to_stderr_and_exits_5(
    service: Wampapp, router: Router, procedure: str, sentence: str
) -> None:
    done = wampapp("call", *url_of(router), f"com.cli.{procedure}")
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.startswith(sentence)
    assert "secret" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.both_routers
def test_an_answer_that_does_not_come_in_time_exits_5(router: Router, tmp_path: Path) -> None:
    file = tmp_path / "slow.py"
    file.write_text(
        "import asyncio\nfrom wampapp import App\napp = App(prefix='com.slow', grace=0)\n"
        "@app.register\nasync def sleep():\n    await asyncio.Event().wait()\n"
    )
    with Wampapp("run", file, *url_of(router)) as process:
        process.until("Press Ctrl-C")
        done = wampapp("call", *url_of(router), "com.slow.sleep", "--timeout", "0.2")
        assert (done.returncode, done.stdout) == (5, "")
        assert "wamp.error.timeout: No answer from com.slow.sleep came within 0.2 s." in done.stderr
        assert process.stop() == 0, process.text


@pytest.mark.parametrize("words", [["call", "com.a"], ["publish", "com.a"], ["subscribe", "com.a"]])
def test_no_router_exits_3(words: list[str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"rs://127.0.0.1:{free.getsockname()[1]}"
        done = wampapp(*words, "--url", url)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"Error: No router answers at {url}: the connection was refused.\n"


@pytest.mark.parametrize("scheme", ["rs", "ws"])
def test_a_router_that_never_answers_is_given_up(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"{scheme}://127.0.0.1:{mute.getsockname()[1]}"
        done = wampapp("call", "com.a", "--url", url, "--connect-timeout", "0.3")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        f"Error: What listens at {url} did not answer as a WAMP router within 0.3 s; check the "
        "URL and the port.\n"
    )


@pytest.mark.parametrize("scheme", ["rs", "ws"])
def test_what_is_no_router_is_told(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(30)
        url = f"{scheme}://127.0.0.1:{other.getsockname()[1]}"
        with Wampapp("call", "com.a", "--url", url) as process:
            connection, _ = other.accept()
            connection.recv(100)
            connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
            connection.close()
            assert process.wait() == 3
        assert "is not a WAMP router" in process.stderr[0]
        assert len(process.stderr) == 1, process.text


def test_a_realm_that_is_refused_exits_4(crossbar: Crossbar) -> None:
    done = wampapp("call", "com.a", "--url", crossbar.rs_url, "--realm", "nowhere")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("Error: The router refused the realm 'nowhere': ")
    assert "wamp.error.no_such_realm" in done.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["call"], "Missing argument 'URI'"),
        (["call", "com.a", "--tiemout", "3"], "No such option '--tiemout'"),
        (["call", "com.a", "--timeout", "-3"], "--timeout"),
        (["call", "com..a"], "'com..a' is not a valid URI"),
        (["call", "com.a", "k=1", "k=2"], "'k' is given twice"),
        (["call", "com.a", "--url", "http://127.0.0.1"], "has no known scheme; use one of ws://"),
        (["call", "com.a", "--url", "rs://"], "names no host"),
        (["call", "com.a", "--url", "rs://127.0.0.1:99999"], "a whole number up to 65535"),
        (["call", "com.a", "--realm", "a b"], "realm 'a b' is not a valid name"),
        (["subscribe", "com. a"], "is not a valid URI"),
        (["router", "--port", "70000"], "70000"),
        (["router", "--host", "203.0.113.7", "--allow-anonymous"], "cannot listen on 203.0.113.7"),
        (["nonsense"], "No such command 'nonsense'"),
    ],
    ids=repr,
)
def test_a_mistake_in_usage_exits_2(words: list[str], sentence: str) -> None:
    done = wampapp(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_url_and_realm_come_from_the_environment(service: Wampapp, router: Router) -> None:
    done = wampapp("call", "com.cli.one", "1", env=environment(WAMPAPP_URL=router.rs_url))
    assert (done.returncode, done.stdout) == (0, "1\n")
    done = wampapp("call", "com.cli.one", "1", env=environment(WAMPAPP_URL="rs://127.0.0.1:1"))
    assert done.returncode == 3
    done = wampapp(
        "call", "com.cli.one", "1", *url_of(router), env=environment(WAMPAPP_URL="nonsense")
    )
    assert (done.returncode, done.stdout) == (0, "1\n")


# publish and subscribe


@pytest.mark.both_routers
def test_subscribe_prints_each_event_until_ctrl_c(router: Router) -> None:
    with Wampapp("subscribe", *url_of(router), "com.cli.news") as subscriber:
        subscriber.until("Subscribed to com.cli.news")
        for words in (["Ada"], ["1", "two", "loud=true"], [], ["Grüße 🎈"]):
            done = wampapp("publish", *url_of(router), "com.cli.news", *words)
            assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        subscriber.until("🎈")
        assert subscriber.stop(signal.SIGINT) == 0
    assert subscriber.stdout == ['"Ada"', '1 "two" loud=true', "", '"Grüße 🎈"']
    assert subscriber.stderr == ["Subscribed to com.cli.news; Ctrl-C stops."]


def test_subscribe_survives_the_router() -> None:
    with EmbeddedRouter() as router:
        with Wampapp("subscribe", "--url", router.rs_url, "com.cli.news") as subscriber:
            subscriber.until("Subscribed")
            assert router.stop() == 0
            subscriber.until("WARNING: The session ended: the router shuts down. Coming back.")
            with EmbeddedRouter(router.port):
                subscriber.until("Joined again")
                wampapp("publish", "com.cli.news", "1", "--url", router.rs_url)
                subscriber.until("^1$")
                assert subscriber.stop() == 0


# run


def test_hello_runs_with_its_own_router(free_port: int) -> None:
    with Wampapp("run", HELLO, "--port", str(free_port)) as process:
        process.until("Press Ctrl-C")
        done = wampapp("call", "com.example.add", "2", "3", "--url", f"rs://127.0.0.1:{free_port}")
        assert (done.returncode, done.stdout) == (0, "5\n")
        url = f"ws://127.0.0.1:{free_port}/ws"
        assert wampapp("publish", "com.example.hello", "Ada", "--url", url).returncode == 0
        process.until("Ada says hello")
        assert process.stop() == 0
    assert process.stdout == []
    shown = "\n".join(process.stderr)
    assert f"ws://127.0.0.1:{free_port}/ws" in shown
    assert f"rs://127.0.0.1:{free_port}\n" in shown
    assert "realm1" in shown
    assert "com.example.add(a: int, b: int) -> int  Return the sum of two numbers." in shown
    assert "com.example.hello(name: str)" in shown


def test_the_script_itself_runs_alike(router: Router) -> None:
    env = environment(WAMPAPP_URL=router.rs_url)
    from tests.support.process import Process

    with Process(sys.executable, HELLO, env=env) as process:
        process.until("Press Ctrl-C")
        assert wampapp("call", "com.example.add", "2", "3", env=env).stdout == "5\n"
        assert wampapp("publish", "com.example.hello", "Ada", env=env).returncode == 0
        process.until("Ada says hello")
        assert process.stop(signal.SIGTERM) == 0


def test_a_second_app_joins_the_router_that_is_there(
    embedded: EmbeddedRouter, tmp_path: Path
) -> None:
    (tmp_path / "other.py").write_text(
        "from wampapp import App\napp = App()\n"
        "@app.register('com.other.one')\ndef one(): return 1\n"
    )
    with Wampapp("run", "other.py", "--port", str(embedded.port), cwd=tmp_path) as process:
        process.until("Press Ctrl-C")
        process.until(f"{embedded.rs_url} .*running already; joined it")
        assert wampapp("call", "com.other.one", "--url", embedded.rs_url).stdout == "1\n"
        assert process.stop() == 0


def test_a_port_that_something_else_holds(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = wampapp("run", HELLO, "--port", str(port), "--handshake-timeout", "0.3")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"Error: Port {port} on 127.0.0.1 is taken by something that is not a WAMP router; choose "
        "another port with --port, or stop what holds it.\n"
    )


def test_a_router_alone_on_a_taken_port(embedded: EmbeddedRouter) -> None:
    done = wampapp("router", "--port", str(embedded.port))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"Port {embedded.port} on 127.0.0.1 is taken; choose another with --port." in done.stderr


@pytest.mark.parametrize(
    "command",
    [["router"], ["run", "examples/hello.py"], ["run", "examples/hello.py", "--workers=2"]],
)
def test_beyond_loopback_somebody_must_say_that_everybody_may_come(command: list[str]) -> None:
    done = wampapp(*command, "--host", "0.0.0.0", "--port", "0")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "On 0.0.0.0 the router can be reached from beyond this machine" in done.stderr
    assert "--allow-anonymous" in done.stderr


def test_beyond_loopback_it_says_what_that_means(free_port: int) -> None:
    open_to_all = ("--host", "0.0.0.0", "--port", str(free_port), "--allow-anonymous")
    with Wampapp("router", *open_to_all) as process:
        process.until("beyond this machine")
        process.until("without a password and unencrypted")
        assert process.stop() == 0


@pytest.mark.parametrize(
    "words",
    [
        ["router", "--config"],
        ["run", "examples/hello.py", "--router-config"],
        ["run", "examples/hello.py", "--workers", "2", "--router-config"],
    ],
    ids=["router", "run", "workers"],
)
@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("open_realms = true\n", "without a password and unencrypted"),
        (
            '[realms.realm1]\nanonymous = "a"\n[realms.realm1.roles.a]\n',
            "not encrypted, and neither are tickets",
        ),
    ],
    ids=["open", "guarded"],
)
def test_beyond_loopback_the_warning_goes_by_what_the_file_allows(
    words: list[str], text: str, warning: str, tmp_path: Path, free_port: int
) -> None:
    file = tmp_path / "router.toml"
    file.write_text(text)
    more = ("--host", "0.0.0.0", "--allow-anonymous", "--port", str(free_port))
    with Wampapp(*words, str(file), *more) as process:
        process.until(warning)
        assert process.stop() == 0


@pytest.mark.both_routers
def test_a_procedure_of_another_service_exits_4(router: Router, service: Wampapp) -> None:
    done = wampapp("run", Path(service.words[4]), *url_of(router))
    assert (done.returncode, done.stdout) == (4, "")
    assert "has registered 'com.cli.echo' already" in done.stderr
    assert len(done.stderr.splitlines()) == 1


TARGETS = {
    "app.py": "from wampapp import App\napp = App()\n",
    "named.py": "from wampapp import App\nservice = App()\n",
    "two.py": "from wampapp import App\none = App()\ntwo = App()\n",
    "none.py": "x = 5\n",
    "factory.py": (
        "from wampapp import App\ndef create_app():\n    return App()\n"
        "def needy(config):\n    return App()\ndef wrong():\n    return 5\n"
        "def broken():\n    return {}['no']\n"
    ),
    "runs.py": "from wampapp import App\napp = App()\napp.run()\n",
    "syntax.py": "from wampapp import App\napp = App(\n",
    "broken.py": "def helper():\n    return 1 / 0\n\nhelper()\n",
    "missing.py": "import a_module_that_is_not_there\n",
    "exits.py": "raise SystemExit(3)\n",
    "double.py": (
        "from wampapp import App\napp = App()\n\n@app.register('com.a')\ndef one(): ...\n\n"
        "@app.register('com.a')\ndef two(): ...\n"
    ),
    "baduri.py": "from wampapp import App\napp = App()\n\n@app.register('com..a')\ndef f(): ...\n",
    "package/__init__.py": "",
    "package/service.py": "from wampapp import App\nfrom . import helper\napp = App()\n",
    "package/helper.py": "",
    "shadow/random.py": "from wampapp import App\napp = App()\n",
    "my-app.py": "from wampapp import App\napp = App()\n",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("targets")
    for name, text in TARGETS.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    "target",
    [
        "app",
        "app:app",
        "app.py",
        "app.py:app",
        "./app.py",
        "named",
        "named.py:service",
        "two:two",
        "factory:create_app()",
        "factory.py:create_app()",
        "runs",
        "runs.py",
        "package.service",
        "package/service.py",
        "package/service.py:app",
        "shadow/random.py",
        "my-app.py",
    ],
)
def test_every_form_of_target_runs(folder: Path, embedded: EmbeddedRouter, target: str) -> None:
    with Wampapp("run", target, "--url", embedded.rs_url, cwd=folder) as process:
        process.until("Press Ctrl-C")
        assert process.stop() == 0


@pytest.mark.parametrize(
    ("target", "code", "sentence"),
    [
        ("ap", 2, "There is no module 'ap' here or on Python's path. Did you mean app?"),
        ("package.servic", 2, "no module 'package.servic' .* Did you mean package.service?"),
        ("nothing.at.all", 2, "There is no module 'nothing' here"),
        ("ap.py", 2, "There is no file 'ap.py'. Did you mean app.py?"),
        ("pakcage/service.py", 2, "no file 'pakcage/service.py'. Did you mean package/service.py?"),
        ("named:servic", 2, "named has no 'servic'. Did you mean service?"),
        ("named:App", 2, "'App' in named is a type, not an App. Its apps: service."),
        ("two", 2, "two has several apps: one, two; say which: two:one."),
        ("none", 2, "none has no App; write 'app = App()' in it."),
        ("none:x", 2, "'x' in none is an int, not an App."),
        ("factory", 2, "To call its factory, write factory:create_app()."),
        ("factory:create_app", 2, "to call it as a factory, write factory:create_app()."),
        ("factory:needy()", 2, "needy() in factory needs arguments"),
        ("factory:wrong()", 2, "wrong() in factory returns an int, not an App"),
        ("app:app()", 2, "'app' in app is not a function; write app:app."),
        ("exits", 2, "exits ends the process while it is imported (SystemExit 3)"),
        ("double", 2, "double.py:7: The procedure 'com.a' is registered already, by one"),
        ("baduri", 2, "baduri.py:4: The procedure 'com..a' is not a valid URI"),
        ("app:", 2, "'app:' is not a target"),
        ("app:1x", 2, "'app:1x' is not a target"),
        ("", 2, "'' is not a target"),
    ],
)
def test_a_target_that_does_not_run_is_told_in_one_line(
    folder: Path, target: str, code: int, sentence: str
) -> None:
    done = wampapp("run", target, cwd=folder)
    assert (done.returncode, done.stdout) == (code, "")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    import re

    pattern = re.escape(sentence).replace(r"\ \.\*\ ", " .* ")
    assert re.search(pattern, done.stderr), done.stderr


def test_a_mistake_in_syntax_is_shown_as_one_block(folder: Path) -> None:
    done = wampapp("run", "syntax", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "Error: syntax.py:2: '(' was never closed.",
        "",
        "    app = App(",
        "             ^",
    ]


@pytest.mark.parametrize(
    ("target", "last"),
    [
        ("broken", "ZeroDivisionError: division by zero"),
        ("missing", "ModuleNotFoundError: No module named 'a_module_that_is_not_there'"),
        ("factory:broken()", "KeyError: 'no'"),
    ],
)
def test_an_error_in_the_users_code_shows_the_users_frames_alone(
    folder: Path, target: str, last: str
) -> None:
    done = wampapp("run", target, cwd=folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == last
    assert str(folder) in done.stderr
    assert "wampapp/" not in done.stderr.replace(str(folder), "")
    assert "importlib" not in done.stderr


def test_a_mistake_in_a_script_is_raised_at_the_users_line(folder: Path) -> None:
    done = run(sys.executable, "double.py", cwd=folder)
    assert done.returncode == 1
    assert 'double.py", line 7, in <module>' in done.stderr
    assert "give one of them another URI" in done.stderr.splitlines()[-1]


# uris


URIS = program("command_line_uris.py")


def test_uris_lists_what_an_app_declares(tmp_path: Path) -> None:
    (tmp_path / "listed.py").write_text(URIS)
    done = wampapp("uris", "listed:app", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split("  ") for line in re.sub("   +", "  ", done.stdout).splitlines()] == [
        [
            *("procedure", "com.uris.item.<sku>(count: int = 1) -> list[float]"),
            *("wildcard roundrobin", "item", "listed.py:6"),
        ],
        ["topic", "com.uris.log.<path:rest>(line)", "prefix", "on_log", "listed.py:11"],
        ["timer", "every 2.5 s", "tick", "listed.py:15"],
    ]
    # In columns: where the handlers stand, they stand one below the other.
    assert (
        len(
            {
                line.index(name)
                for line, name in zip(
                    done.stdout.splitlines(), ("item  ", "on_log  ", "tick  "), strict=True
                )
            }
        )
        == 1
    )
    done = wampapp("uris", "listed.py", "--json", cwd=tmp_path)
    assert json.loads(done.stdout.splitlines()[0]) == {
        "kind": "procedure",
        "uri": "com.uris.item.<sku>",
        "match": "wildcard",
        "invoke": "roundrobin",
        "handler": "item",
        "signature": "(count: int = 1) -> list[float]",
        "file": str(tmp_path / "listed.py"),
        "line": 6,
    }
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "kind": "timer",
        "seconds": 2.5,
        "handler": "tick",
        "file": str(tmp_path / "listed.py"),
        "line": 15,
    }
    assert wampapp("uris", "missing", cwd=tmp_path).returncode == 2


# around it


@pytest.mark.parametrize("command", [[], *([name] for part in SECTIONS.values() for name in part)])
def test_help_fits_a_screen(command: list[str]) -> None:
    done = wampapp(*command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: wampapp")
    assert len(done.stdout.splitlines()) <= 44


def test_version() -> None:
    from wampapp import __version__

    lines = [line.split() for line in wampapp("--version").stdout.splitlines()]
    assert [name for name, *_ in lines] == ["wampapp", "Autobahn", "Twisted", "Python", "loop"]
    assert lines[0] == ["wampapp", __version__]
    assert lines[3] == ["Python", platform.python_version()]
    assert lines[4][1] in ("uvloop", "asyncio")


def test_a_closed_pipe_ends_quietly(service: Wampapp, router: Router) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    import subprocess

    with os.fdopen(writer, "w") as gone:
        done = subprocess.run(
            [sys.executable, "-m", "wampapp", "call", "com.cli.one", "1", *url_of(router)],
            stdout=gone,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_told(service: Wampapp, router: Router) -> None:
    assert onto_a_full_disk("call", "com.cli.one", "1", *url_of(router)) == (1, FULL_DISK)
