"""The log that `wampapp run` writes: a line for each call at level debug, as text or as JSON."""

import json
import re
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.support.credentials import (
    MISTAKEN,
    PASSWORD,
    SECRET,
    TICKET,
    WRONG,
)
from tests.support.process import EmbeddedRouter, Process, Wampapp, environment, run, wampapp
from tests.support.programs import program
from wampapp import ConnectedClient, InvalidArgument, WampError, connect
from wampapp.crossbar import Crossbar

DEADLINE = 60.0  # seconds
Router = EmbeddedRouter | Crossbar
SECRETS = (TICKET, SECRET, PASSWORD, WRONG)

SERVICE = program("access_log_service.py")


@pytest.fixture
def script(tmp_path: Path) -> Path:
    file = tmp_path / "service.py"
    file.write_text(SERVICE)
    return file


def running(script: Path, url: str, *words: str, **env: str) -> Wampapp:
    return Wampapp("run", script, "--url", url, *words, env=environment(**env))


def wait_until_up(service: Wampapp) -> None:
    service.until(r"Press Ctrl-C|is up\"")


#: How calls come out: what is called, with what, and the outcome that the log tells.
OUTCOMES: list[tuple[str, tuple[Any, ...], str]] = [
    ("add", (2, 3), "ok"),
    ("add_async", (2, 3), "ok"),
    ("add_on_loop", (2, 3), "ok"),
    ("count", (3,), "ok"),
    ("count_async", (3,), "ok"),
    ("part.one", (), "ok"),
    ("add", (2, "three"), "wamp.error.invalid_argument"),
    ("add", (2,), "wamp.error.invalid_argument"),
    ("refuse", (), "com.access.error.refused"),
    ("crash", (), "wamp.error.runtime_error"),
    ("unfit", (), "wampapp.error.payload_not_encodable"),
    ("late", (), "wamp.error.timeout"),
]


def make_calls(client: ConnectedClient) -> None:
    for name, args, outcome in OUTCOMES:
        if outcome == "ok":
            client.call(f"com.access.{name}", *args)
            continue
        with pytest.raises(WampError) as caught:
            client.call(f"com.access.{name}", *args)
        assert caught.value.uri == outcome


def access_lines(service: Wampapp) -> list[dict[str, Any]]:
    """The lines of the log of calls, of a service that has ended and wrote JSON."""
    found: list[dict[str, Any]] = [json.loads(line) for line in service.stderr]
    return [line for line in found if line["logger"] == "wampapp.access"]


# A line for each call.


@pytest.mark.both_routers
def test_each_call_is_a_line_of_text(router: Router, script: Path) -> None:
    with running(script, router.rs_url, "--log-level", "debug") as service:
        wait_until_up(service)
        with connect(router.rs_url, timeout=DEADLINE) as client:
            make_calls(client)
            session = client._current().session
            assert session is not None
            number = session.id
        for name, _, outcome in OUTCOMES:
            service.until(
                rf"^\d\d:\d\d:\d\d  wampapp\.access  DEBUG: com\.access\.{re.escape(name)}  "
                rf"from {number}  \d+\.\d\d ms  {re.escape(outcome)}$"
            )
        assert service.stop() == 0
    lines = [line for line in service.stderr if "  wampapp.access  " in line]
    assert len(lines) == len(OUTCOMES)


def test_each_call_is_a_line_of_json(router: Router, script: Path) -> None:
    words = ("--log-level", "debug", "--log-format", "json")
    with running(script, router.rs_url, *words) as service:
        wait_until_up(service)
        with connect(router.rs_url, timeout=DEADLINE) as client:
            make_calls(client)
            session = client._current().session
            assert session is not None
            number = session.id
        service.until('"outcome":"wamp.error.timeout"')
        assert service.stop() == 0
    lines = access_lines(service)
    assert [(line["procedure"], line["outcome"]) for line in lines] == [
        (f"com.access.{name}", outcome) for name, _, outcome in OUTCOMES
    ]
    for line in lines:
        assert (line["level"], line["caller"]) == ("debug", number)
        assert 0 <= line["seconds"] < DEADLINE
        assert line["message"].startswith(f"{line['procedure']}  from {number}  ")
    (late,) = [line for line in lines if line["procedure"] == "com.access.late"]
    assert late["seconds"] >= 0.045  # timers have the milliseconds' grain


@pytest.mark.both_routers
def test_a_call_that_its_caller_gave_up_is_a_line(router: Router, script: Path) -> None:
    words = ("--log-level", "debug", "--log-format", "json")
    with running(script, router.rs_url, *words) as service:
        wait_until_up(service)
        done = wampapp("call", "com.access.held", "--url", router.rs_url, "--timeout", "0.5")
        assert done.returncode == 5
        service.until('"outcome":"wamp.error.canceled"')
        assert service.stop() == 0
    assert [line["procedure"] for line in access_lines(service)] == ["com.access.held"]


def test_a_call_that_the_stop_cuts_off_is_a_line(embedded: EmbeddedRouter, script: Path) -> None:
    words = ("--log-level", "debug", "--log-format", "json")
    with running(script, embedded.rs_url, *words) as service:
        wait_until_up(service)
        with connect(embedded.rs_url, timeout=DEADLINE) as client:
            ends: list[BaseException] = []

            def call() -> None:
                try:
                    client.call("com.access.held")
                except WampError as error:
                    ends.append(error)

            thread = threading.Thread(target=call)
            thread.start()
            service.until("^held$")
            assert service.stop() == 0
            thread.join(DEADLINE)
            assert len(ends) == 1
    (line,) = access_lines(service)
    assert (line["procedure"], line["outcome"]) == ("com.access.held", "wamp.error.canceled")


def test_each_of_many_calls_is_one_line(embedded: EmbeddedRouter, script: Path) -> None:
    words = ("--log-level", "debug", "--log-format", "json")
    with running(script, embedded.rs_url, *words) as service:
        wait_until_up(service)

        def load() -> None:
            with connect(embedded.rs_url, timeout=DEADLINE) as client:
                for number in range(50):
                    assert client.call("com.access.add_async", number, 1) == number + 1

        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE)
        assert service.stop() == 0
    lines = access_lines(service)
    assert len(lines) == 200
    assert len({line["caller"] for line in lines}) == 4


def test_a_service_with_a_router_of_its_own_logs_calls(free_port: int, script: Path) -> None:
    words = ("--port", str(free_port), "--log-level", "debug")
    with Wampapp("run", script, *words) as service:
        wait_until_up(service)
        with connect(f"rs://127.0.0.1:{free_port}", timeout=DEADLINE) as client:
            client.call("com.access.add", 2, 3)
        service.until(r"wampapp\.access  DEBUG: com\.access\.add  from \d+  \d+\.\d\d ms  ok$")
        assert service.stop() == 0


def test_a_service_that_comes_back_logs_calls_again(script: Path) -> None:
    words = ("--log-level", "debug", "--log-format", "json")
    with EmbeddedRouter() as first, running(script, first.rs_url, *words) as service:
        wait_until_up(service)
        assert first.stop() == 0
        service.until("Coming back")
        with EmbeddedRouter(first.port) as second:
            service.until("Joined again")
            with connect(second.rs_url, timeout=DEADLINE) as client:
                client.call("com.access.add", 2, 3)
            service.until('"procedure":"com.access.add"')
            assert service.stop() == 0
            assert second.stop() == 0
    assert [line["outcome"] for line in access_lines(service)] == ["ok"]


# None where nobody asked.


@pytest.mark.parametrize("level", [None, "info", "warning", "error", "critical"])
def test_above_debug_no_call_is_a_line(
    embedded: EmbeddedRouter, script: Path, level: str | None
) -> None:
    words = ("--log-level", level) if level else ()
    with running(script, embedded.rs_url, *words) as service:
        wait_until_up(service)
        with connect(embedded.rs_url, timeout=DEADLINE) as client:
            make_calls(client)
        assert service.stop() == 0
    assert "wampapp.access" not in service.text
    assert ("com.access.crash failed" in service.text) == (level != "critical")


# Where it is said.


@pytest.mark.parametrize("level", ["debug", "DEBUG", "Debug"])
def test_the_environment_says_it_as_well(
    embedded: EmbeddedRouter, script: Path, level: str
) -> None:
    variables = {"WAMPAPP_LOG_LEVEL": level, "WAMPAPP_LOG_FORMAT": "json"}
    with running(script, embedded.rs_url, **variables) as service:
        wait_until_up(service)
        with connect(embedded.rs_url, timeout=DEADLINE) as client:
            client.call("com.access.add", 2, 3)
        service.until('"procedure":"com.access.add"')
        assert service.stop() == 0
    assert len(access_lines(service)) == 1


def test_options_come_before_the_environment(embedded: EmbeddedRouter, script: Path) -> None:
    variables = {"WAMPAPP_LOG_LEVEL": "debug", "WAMPAPP_LOG_FORMAT": "json"}
    words = ("--log-level", "info", "--log-format", "text")
    with running(script, embedded.rs_url, *words, **variables) as service:
        service.until("Press Ctrl-C")
        with connect(embedded.rs_url, timeout=DEADLINE) as client:
            client.call("com.access.add", 2, 3)
        assert service.stop() == 0
    assert "wampapp.access" not in service.text
    assert not [line for line in service.stderr if line.startswith("{")]


def test_a_script_that_runs_itself_takes_the_environment(
    embedded: EmbeddedRouter, tmp_path: Path
) -> None:
    file = tmp_path / "itself.py"
    file.write_text(SERVICE + f"\napp.run({embedded.rs_url!r})\n")
    variables = {"WAMPAPP_LOG_LEVEL": "debug", "WAMPAPP_LOG_FORMAT": "json"}
    with Process(sys.executable, file, env=environment(**variables)) as service:
        service.until('is up"')
        with connect(embedded.rs_url, timeout=DEADLINE) as client:
            client.call("com.access.add", 2, 3)
        service.until('"procedure":"com.access.add"')
        assert service.stop() == 0
    assert all(json.loads(line) for line in service.stderr)


@pytest.mark.parametrize(
    ("words", "variables"),
    [
        (("--log-level", "loud"), {}),
        (("--log-format", "xml"), {}),
        ((), {"WAMPAPP_LOG_LEVEL": "loud"}),
        ((), {"WAMPAPP_LOG_FORMAT": "xml"}),
    ],
)
@pytest.mark.parametrize("command", ["run", "router", "itself"])
def test_an_unknown_level_or_format_is_told(
    script: Path, command: str, words: tuple[str, ...], variables: dict[str, str]
) -> None:
    env = environment(**variables)
    if command == "itself":
        if words:
            pytest.skip("a script has no options of ours")
        script.write_text(SERVICE + "\napp.run()\n")
        done = run(sys.executable, script, env=env)
    else:
        first = ["run", script] if command == "run" else ["router", "--port", "0"]
        done = wampapp(*first, *words, env=env)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    assert "loud" in last or "xml" in last


# What else is written.


@pytest.mark.parametrize("level", ["debug", "info"])
@pytest.mark.parametrize("scheme", ["rs", "ws"])
def test_every_line_of_json_is_an_object(
    router: Router, script: Path, level: str, scheme: str
) -> None:
    url = router.rs_url if scheme == "rs" else router.ws_url
    with running(script, url, "--log-level", level, "--log-format", "json") as service:
        wait_until_up(service)
        with connect(url, timeout=DEADLINE) as client:
            make_calls(client)
            client.publish("com.access.news", "fail")
            service.until("failed on an event")
            client.publish("com.access.news", {"not": "\u2028 fit\x1b[2J"})
            service.until("^news")
            with pytest.raises(InvalidArgument):
                client.call("com.access.add", "\u2028\x85\x1b[31m", "\n{")
        assert service.stop() == 0
    for line in service.stderr:
        found = json.loads(line)
        assert {"time", "level", "logger", "message"} <= found.keys()
        assert len(line.splitlines()) == 1
        assert "\x1b" not in line
    crash = next(json.loads(line) for line in service.stderr if "crash failed" in line)
    assert crash["level"] == "error"
    assert crash["exception"].endswith("ZeroDivisionError: so much\n12:00:00  forged")
    up = next(json.loads(line) for line in service.stderr if ' is up"' in line)
    assert "com.access.add" in up["procedures"]
    assert up["topics"] == ["com.access.news"]


def test_a_service_of_json_says_in_json_that_it_waits_and_stops(
    free_port: int, script: Path
) -> None:
    with running(script, f"rs://127.0.0.1:{free_port}", "--log-format", "json") as service:
        service.until("Trying again until a router answers")
        assert service.stop() == 0
    levels = [json.loads(line)["level"] for line in service.stderr]
    assert levels == ["warning", "info"]


def test_a_router_writes_json_as_well() -> None:
    with Wampapp("router", "--port", "0", "--log-format", "json") as router:
        port = int(router.until(r'"router":"rs://\S+:(\d+)"')[1])
        with connect(f"rs://127.0.0.1:{port}", timeout=DEADLINE) as client:
            client.publish("com.access.news", 1)
        assert router.stop() == 0
    assert router.stdout == []
    assert all(json.loads(line) for line in router.stderr)


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_handlers_print_is_left_as_it_is(
    embedded: EmbeddedRouter, script: Path, form: str
) -> None:
    text = 'Zoë says {"level": "debug"} \t %s 12:00:00  forged'
    words = ("--log-level", "debug", "--log-format", form)
    with running(script, embedded.rs_url, *words) as service:
        wait_until_up(service)
        with connect(embedded.rs_url, timeout=DEADLINE) as client:
            client.call("com.access.add", 2, 3)
            client.call("com.access.shout", text)
            client.publish("com.access.news", 7)
            service.until("^news 7$")
        assert service.stop() == 0
    assert service.stdout == ["adding 2 3", text, "news 7"]
    assert service.stderr.count(text) == 1  # printed there by the handler
    shouted = [line for line in service.stderr if "shouted" in line]
    assert len(shouted) == 1
    if form == "json":
        assert json.loads(shouted[0])["message"] == f"shouted {text}"
    else:
        assert shouted[0].endswith(f"  com.access  shouted {text}")


# Secrets.


def told(text: str) -> list[str]:
    """The secrets that a text gives away, as they are or written as JSON or Python write them."""
    forms = {
        form: secret
        for secret in SECRETS
        for form in (secret, json.dumps(secret)[1:-1], ascii(secret)[1:-1], repr(secret.encode()))
    }
    return [secret for form, secret in forms.items() if form in text]


PROOFS = {
    "ticketed": ("ticket", TICKET),
    "shared": ("wampcra", SECRET),
    "salted": ("wampcra", SECRET),
    "pbkdf2": ("scram", PASSWORD),
}


def proof(name: str, secret: str | None = None) -> dict[str, str]:
    method, right = PROOFS[name]
    return {
        "WAMPAPP_AUTHMETHOD": method,
        "WAMPAPP_AUTHID": name,
        "WAMPAPP_SECRET": secret or right,
    }


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("name", PROOFS)
def test_no_secret_is_written_when_it_proves_right(
    guarded: Crossbar, script: Path, name: str, form: str
) -> None:
    words = ("--log-level", "debug", "--log-format", form)
    with running(script, guarded.rs_url, *words, **proof(name)) as service:
        wait_until_up(service)
        env = environment(**proof(name))
        done = wampapp("call", "com.access.add", "2", "3", "--url", guarded.ws_url, env=env)
        assert (done.returncode, done.stdout) == (0, "5\n")
        done = wampapp("call", "com.access.crash", "--url", guarded.ws_url, env=env)
        assert done.returncode == 5
        assert told(done.stdout + done.stderr) == []
        service.until("com.access.crash failed")
        assert service.stop() == 0
    assert told(service.text) == []


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("name", PROOFS)
def test_no_secret_is_written_when_it_is_refused(
    guarded: Crossbar, script: Path, name: str, form: str
) -> None:
    words = ("--log-level", "debug", "--log-format", form)
    with running(script, guarded.ws_url, *words, **proof(name, WRONG)) as service:
        assert service.wait() == 4
    assert told(service.text) == []
    assert f"credential of {name!r}" in service.stderr[-1]
    assert MISTAKEN[name].method in service.stderr[-1]


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_is_written_where_the_router_takes_none(
    embedded: EmbeddedRouter, script: Path, form: str
) -> None:
    words = ("--log-level", "debug", "--log-format", form)
    with running(script, embedded.rs_url, *words, **proof("ticketed")) as service:
        assert service.wait() == 4
    assert told(service.text) == []
    assert "Traceback" not in service.text


def test_the_router_writes_no_secret(script: Path) -> None:
    with EmbeddedRouter(0, "--log-level", "debug") as router:
        env = environment(**proof("ticketed"))
        wampapp("publish", "com.access.news", "1", "--url", router.rs_url, env=env)
        assert router.stop() == 0
    assert told(router.text) == []


def test_no_secret_is_written_while_no_router_is_there(
    guarded: Crossbar, free_port: int, script: Path
) -> None:
    url = f"ws://127.0.0.1:{free_port}/ws"
    with running(script, url, "--log-level", "debug", **proof("salted")) as service:
        service.until("Trying again until a router answers")
        assert service.stop(signal.SIGTERM) == 0
    assert told(service.text) == []


def test_no_secret_is_written_where_the_credential_is_no_good(script: Path) -> None:
    """A secret without a name, or with a method that takes none."""
    for variables in (
        {"WAMPAPP_AUTHMETHOD": "ticket", "WAMPAPP_SECRET": TICKET},
        {"WAMPAPP_AUTHMETHOD": "cryptosign", "WAMPAPP_SECRET": TICKET},
        {"WAMPAPP_AUTHMETHOD": "guess", "WAMPAPP_SECRET": TICKET, "WAMPAPP_AUTHID": "me"},
        {"WAMPAPP_SECRET_FILE": TICKET, "WAMPAPP_AUTHMETHOD": "ticket"},
    ):
        done = wampapp("run", script, "--log-level", "debug", env=environment(**variables))
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr
        if "WAMPAPP_SECRET_FILE" not in variables:
            assert told(done.stderr + done.stdout) == []
