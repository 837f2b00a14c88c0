"""What others sent is shown by the command line, and commands no terminal; what was set for other
commands does not hinder this one."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.answering import AnsweringRouter
from tests.support.process import EmbeddedRouter, Wampapp, environment, run, wampapp
from tests.support.scripted import ScriptedRouter
from wampapp import ConnectedClient, WampError, connect

#: Clear the screen, in seven bits and in eight; begin another line.
EVIL = "\x1b[2J\x9b2J\x7f\nError: "
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")


def peer(router: EmbeddedRouter) -> ConnectedClient:
    return connect(router.rs_url, timeout=60)


def shown(done: subprocess.CompletedProcess[str]) -> str:
    text = done.stdout + done.stderr
    assert not CONTROL.search(text), text
    return text


def evil() -> None:
    raise WampError("com.evil\x1b[2J", EVIL, EVIL)


@pytest.mark.parametrize("options", [(), ("--stream",), ("--repeat", "2")], ids=repr)
def test_an_error_answer_is_one_line(options: tuple[str, ...]) -> None:
    with AnsweringRouter({"com.a": evil}) as router:
        done = wampapp("call", "com.a", *options, "--url", router.url)
    assert done.returncode == 5
    assert len(done.stderr.splitlines()) == 1
    assert r"com.evil\x1b[2J" in shown(done)


def test_a_result_is_json_that_a_terminal_shows() -> None:
    with AnsweringRouter({"com.a": lambda: {EVIL: EVIL}}) as router:
        done = wampapp("call", "com.a", "--url", router.url)
    assert (done.returncode, json.loads(done.stdout)) == (0, {EVIL: EVIL})
    assert len(done.stdout.splitlines()) == 1
    shown(done)


@pytest.mark.parametrize("words", [("call", "com.a"), ("inspect",), ("doctor",)], ids=repr)
def test_a_refusal_is_one_line(words: tuple[str, ...]) -> None:
    with ScriptedRouter([3, {"message": EVIL}, "com.no\x1b[2J"]) as router:
        done = wampapp(*words, "--url", router.url)
    assert done.returncode == 4
    assert len(done.stderr.splitlines()) == 1
    assert r"\x1b[2J" in shown(done)


def test_an_event_is_one_line(embedded: EmbeddedRouter) -> None:
    words = ("subscribe", "com.evil", "--match", "prefix", "--url", embedded.rs_url)
    with Wampapp(*words, "--count", "1") as process, peer(embedded) as client:
        process.until("Ctrl-C stops")
        client.publish("com.evil.\x1b[2J\x9b", EVIL, **{EVIL: EVIL})
        assert process.wait() == 0
    [line] = process.stdout
    assert not CONTROL.search(line), line
    assert line.startswith(r"com.evil.\x1b[2J\x9b ")


# Descriptors that are closed.


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("words", ["call com.a", "inspect", "doctor", "publish com.a"])
def test_a_closed_descriptor_is_nobody_s_socket(
    embedded: EmbeddedRouter, words: str, closed: str
) -> None:
    env = environment(WAMPAPP_URL=embedded.rs_url)
    done = run("bash", "-c", f"exec {sys.executable} -m wampapp {words} {closed}", env=env)
    output = words.startswith(("inspect", "doctor"))
    expected = 1 if output and ">&-" in closed.replace("2>&-", "") else 0 if output else None
    expected = expected if expected is not None else 5 if words.startswith("call") else 0
    assert done.returncode == expected, done.stderr
    assert "Traceback" not in done.stderr


def test_a_service_runs_with_all_of_them_closed(embedded: EmbeddedRouter, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "from wampapp import App\napp = App()\n"
        "@app.on_join\ndef joined():\n    open('joined', 'w').close()\n    raise SystemExit(7)\n"
    )
    command = f"exec {sys.executable} -m wampapp run app.py --url {embedded.rs_url} <&- >&- 2>&-"
    done = run("bash", "-c", command, cwd=tmp_path)
    assert (tmp_path / "joined").exists()
    assert done.returncode == 1


# Variables that are meant for another command.


@pytest.fixture
def answering() -> Iterator[AnsweringRouter]:
    with AnsweringRouter({"com.a": lambda *_: 7}) as router:
        yield router


@pytest.mark.parametrize(
    ("variables", "words", "stdout"),
    [
        ({"WAMPAPP_COUNT": "3"}, (), "7"),
        ({"WAMPAPP_CONCURRENCY": "3"}, (), "7"),
        ({"WAMPAPP_COUNT": "3", "WAMPAPP_CONCURRENCY": "3"}, ("--stream",), "7"),
        ({"WAMPAPP_REPEAT": "3"}, ("--stream",), "7"),
        ({"WAMPAPP_STREAM": "1"}, ("--repeat", "3", "--json"), '{"calls":3'),
        ({"WAMPAPP_STREAM": "1", "WAMPAPP_RATE": "9"}, ("--repeat", "3", "--json"), '{"calls":3'),
    ],
    ids=repr,
)
def test_a_variable_that_does_not_apply_to_a_call_is_passed_over(
    answering: AnsweringRouter,
    variables: dict[str, str],
    words: tuple[str, ...],
    stdout: str,
) -> None:
    done = wampapp("call", "com.a", *words, "--url", answering.url, env=environment(**variables))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(stdout)


@pytest.mark.parametrize(
    ("variables", "words", "published"),
    [
        ({"WAMPAPP_FROM_FILE": "nothing"}, ("1",), ""),
        ({"WAMPAPP_FROM_FILE": "nothing"}, ("--repeat", "3"), "Published 3 events in "),
        ({"WAMPAPP_REPEAT": "3"}, ("--from-file", "events"), "Published 2 events in "),
    ],
    ids=repr,
)
def test_a_variable_that_does_not_apply_to_an_event_is_passed_over(
    embedded: EmbeddedRouter,
    tmp_path: Path,
    variables: dict[str, str],
    words: tuple[str, ...],
    published: str,
) -> None:
    (tmp_path / "events").write_text("1\n2\n")
    env = environment(WAMPAPP_URL=embedded.rs_url, **variables)
    done = wampapp("publish", "com.a", *words, cwd=tmp_path, env=env)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith(published)
    assert published or done.stderr == ""


def test_a_variable_that_does_not_apply_to_a_prompt_is_passed_over(
    embedded: EmbeddedRouter,
) -> None:
    env = environment(WAMPAPP_URL=embedded.rs_url, WAMPAPP_SERVE="1", WAMPAPP_PORT="1")
    done = wampapp("shell", env=env, input="print(7)\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "7\n", "")


# Standard error that takes nothing.


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("call com.nobody.has.it", 5),
        ("call com.a --no-such-option", 2),
        ("uris nothing.py", 2),
        ("publish com.a --repeat 3", 0),
        ("subscribe com.kept --get-retained --count 1", 0),
    ],
)
def test_an_error_that_cannot_be_told_keeps_its_exit_code(
    embedded: EmbeddedRouter, words: str, code: int
) -> None:
    env = environment(WAMPAPP_URL=embedded.rs_url)
    with peer(embedded) as client:  # a realm, and what it keeps, goes with its last session
        client.topic("com.kept", retain=True).publish(1)
        done = run("bash", "-c", f"exec {sys.executable} -m wampapp {words} 2>/dev/full", env=env)
    assert done.returncode == code
