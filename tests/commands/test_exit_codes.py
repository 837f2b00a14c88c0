"""How every command ends: its exit code, and only one sentence on standard error.

The exceptions to the one sentence: a mistake in usage that Click finds comes with the command's
usage and where help is; code of the user's own that raises is shown by its traceback; `publish` of
many says how many it published; what runs until Ctrl-C has shown a banner, or what it subscribed
to. `doctor` and many calls have printed by then what they found out.
"""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.answering import HELLO, AnsweringRouter
from tests.support.process import (
    DEADLINE,
    EmbeddedRouter,
    Wampapp,
    environment,
    run,
    serving,
    wampapp,
)
from tests.support.programs import program
from tests.support.terminal import WampappTerminal
from wampapp.crossbar import Crossbar

SERVICE = program("exit_codes_service.py")
FILES = {
    "empty.py": "from wampapp import App\napp = App()\n",
    "raises.py": "1 / 0\n",
    "hangs.py": "print('importing', flush=True)\nimport time\ntime.sleep(60)\n",
}

SENTENCE = r"Error: [^\n]+[.?]\n"
#: An error that somebody else answered with may have no message, or one that is no sentence.
ANSWER = r"Error: (?:wamp|com)\.[^\n]+\n"
#: Click's own form of a mistake in usage.
USAGE = r"Usage: wampapp [^\n]+\nTry 'wampapp [a-z]+ --help' for help\.\n\nError: [^\n]+\n"
TRACEBACK = r"Traceback \(most recent call last\):\n(?s:.)+ZeroDivisionError: division by zero\n"

#: The commands that join, each with what it needs.
JOINING = {
    "run": ("run", "empty.py"),
    "shell": ("shell",),
    "inspect": ("inspect",),
    "doctor": ("doctor",),
    "call": ("call", "com.exits.one"),
    "publish": ("publish", "com.exits.topic"),
    "subscribe": ("subscribe", "com.exits.topic"),
    "register": ("register", "com.exits.new", "--", "true"),
}
#: These print what they find out, step by step.
PRINTING = {"doctor"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exits")
    for name, text in {**FILES, "service.py": SERVICE}.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def service(embedded: EmbeddedRouter, folder: Path) -> Iterator[Wampapp]:
    with serving("service.py", "--url", embedded.rs_url, cwd=folder) as process:
        yield process


def joining(words: tuple[str, ...], *options: str) -> list[str]:
    """A command with options, which stand before another command's words."""
    return [words[0], *options, *words[1:]]


def ended(
    done: subprocess.CompletedProcess[str], code: int, stderr: str, *, printing: bool = False
) -> None:
    assert re.fullmatch(stderr, done.stderr), done.stderr
    assert done.returncode == code
    assert printing or done.stdout == ""


# 0: done


@pytest.mark.parametrize(
    ("words", "stdout", "stderr"),
    [
        (("new", "shop"), "Made a service in shop:", ""),
        (("uris", "service.py"), "procedure  com.exits.one", ""),
        (("shell",), "", ""),
        (("inspect",), "realm1 at rs://", ""),
        (("doctor",), "versions    ok", ""),
        (("call", "com.exits.one"), "1\n", ""),
        (("publish", "com.exits.topic"), "", ""),
        (("publish", "com.exits.topic", "--repeat", "2"), "", r"Published 2 events in .*\n"),
    ],
    ids=repr,
)
def test_0_done(
    embedded: EmbeddedRouter,
    service: Wampapp,
    folder: Path,
    words: tuple[str, ...],
    stdout: str,
    stderr: str,
) -> None:
    env = environment(WAMPAPP_URL=embedded.rs_url)
    done = wampapp(*words, cwd=folder, env=env, stdin=subprocess.DEVNULL)
    assert done.returncode == 0
    assert done.stdout.startswith(stdout)
    assert re.fullmatch(stderr, done.stderr)


@pytest.mark.parametrize(
    ("words", "up"),
    [
        (("run", "empty.py"), "Press Ctrl-C"),
        (("router", "--port", "0"), "Press Ctrl-C"),
        (("register", "com.exits.new", "--", "true"), "Press Ctrl-C"),
        (("subscribe", "com.exits.topic"), "Ctrl-C stops"),
    ],
    ids=repr,
)
def test_0_is_what_ctrl_c_ends_in_the_ordinary_way(
    embedded: EmbeddedRouter, folder: Path, words: tuple[str, ...], up: str
) -> None:
    env = environment(WAMPAPP_URL=embedded.rs_url)
    with Wampapp(*words, cwd=folder, env=env) as process:
        process.until(up)
        assert process.stop(signal.SIGINT) == 0, process.text
        assert process.stdout == []
        assert "Error" not in process.text


# 1: failed


@pytest.mark.parametrize(
    ("words", "stderr"),
    [
        (("new", "/proc/shop"), SENTENCE),
        (("run", "raises.py"), TRACEBACK),
        (("uris", "raises.py"), TRACEBACK),
        (("shell", "raises.py"), TRACEBACK),
        (("shell",), TRACEBACK),
        (("doctor", "raises.py"), TRACEBACK + SENTENCE),
    ],
    ids=repr,
)
def test_1_failed(
    embedded: EmbeddedRouter, folder: Path, words: tuple[str, ...], stderr: str
) -> None:
    env = environment(WAMPAPP_URL=embedded.rs_url)
    done = wampapp(*words, cwd=folder, env=env, input="1 / 0\n")
    ended(done, 1, stderr, printing=words[0] in PRINTING)


WRITING: Mapping[str, tuple[str, ...]] = {
    "new": ("new", "written"),
    "uris": ("uris", "service.py"),
    "shell": ("shell",),
    "inspect": ("inspect",),
    "doctor": ("doctor",),
    "call": ("call", "com.exits.one"),
    "call --stream": ("call", "com.exits.one", "--stream"),
    "call --repeat": ("call", "com.exits.one", "--repeat", "2"),
    "--help": ("--help",),
}


@pytest.mark.parametrize("words", WRITING.values(), ids=WRITING)
def test_1_nobody_takes_the_output(
    embedded: EmbeddedRouter, service: Wampapp, tmp_path: Path, folder: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "service.py").write_text(SERVICE)
    env = environment(WAMPAPP_URL=embedded.rs_url)
    command = f'echo "print(1)" | {sys.executable} -m wampapp {" ".join(words)} >&-'
    done = run("bash", "-c", command, cwd=tmp_path, env=env)
    ended(done, 1, re.escape("Error: The output cannot be written: Bad file descriptor.\n"))


# 2: usage


@pytest.mark.parametrize(
    ("words", "stderr"),
    [
        (("new", ""), SENTENCE),
        (("new",), USAGE),
        (("run", "nothing.py"), SENTENCE),
        (("run",), USAGE),
        (("router", "--host", "203.0.113.7"), SENTENCE),
        (("router", "--port", "x"), USAGE),
        (("uris", "nothing.py"), SENTENCE),
        (("uris",), USAGE),
        (("shell", "--serve"), SENTENCE),
        (("shell", "--port", "x"), USAGE),
        (("inspect", "--realm", "a b"), SENTENCE),
        (("inspect", "more"), USAGE),
        (("doctor", "nothing.py"), SENTENCE),
        (("doctor", "--port", "x"), USAGE),
        (("call", "com..a"), SENTENCE),
        (("call", "com.a", "--count", "3"), USAGE),
        (("call", "com.a", "--concurrency", "3"), USAGE),
        (("call", "com.a", "--stream", "--repeat", "3"), USAGE),
        (("call", "com.a", "[" * 200 + "]" * 200), USAGE),
        (("call", "com.a", "--ask-secret"), SENTENCE),
        (("publish", "com..a"), SENTENCE),
        (("publish", "com.a", "1", "--from-file", "nothing"), USAGE),
        (("publish", "com.a", "--from-file", "nothing"), SENTENCE),
        (("publish", "com.a", "k=" + "[" * 20_000 + "]" * 20_000), USAGE),
        (("subscribe", "com..a"), SENTENCE),
        (("subscribe", "com.a", "--match", "fuzzy"), USAGE),
        (("register", "com..a", "--", "true"), SENTENCE),
        (("register", "com.a", "--", "no-such-command"), SENTENCE),
        (("register", "com.a"), USAGE),
    ],
    ids=lambda words: " ".join(words)[:60] if isinstance(words, tuple) else "",
)
def test_2_usage(folder: Path, words: tuple[str, ...], stderr: str) -> None:
    done = wampapp(*words, cwd=folder, stdin=subprocess.DEVNULL, start_new_session=True)
    ended(done, 2, stderr, printing=words[0] in PRINTING)


SECONDS = {
    "run": ("--handshake-timeout", "--give-up-after"),
    "router": ("--handshake-timeout",),
    "shell": ("--handshake-timeout",),
    "inspect": ("--timeout", "--connect-timeout"),
    "doctor": ("--connect-timeout",),
    "call": ("--timeout", "--connect-timeout", "--rate"),
    "publish": ("--timeout", "--connect-timeout", "--rate"),
    "subscribe": ("--timeout", "--connect-timeout"),
    "register": ("--timeout", "--handshake-timeout", "--give-up-after"),
}


@pytest.mark.parametrize("number", ["inf", "nan", "1e300"])
@pytest.mark.parametrize(
    ("command", "option"), [(name, option) for name in SECONDS for option in SECONDS[name]]
)
def test_2_no_timer_counts_so_long(folder: Path, command: str, option: str, number: str) -> None:
    words = joining(JOINING.get(command, (command,)), option, number)
    done = wampapp(*words, cwd=folder)
    ended(done, 2, USAGE)
    assert f"'{option}': {number} is not a number up to 1,000,000,000." in done.stderr


# 3: router unreachable


@pytest.mark.parametrize("words", JOINING.values(), ids=JOINING)
def test_3_no_router(folder: Path, free_port: int, words: tuple[str, ...]) -> None:
    words = tuple(joining(words, "--url", f"rs://127.0.0.1:{free_port}"))
    env = environment(WAMPAPP_GIVE_UP_AFTER="0")
    done = wampapp(*words, cwd=folder, env=env, stdin=subprocess.DEVNULL)
    ended(done, 3, SENTENCE, printing=words[0] in PRINTING)


@pytest.mark.parametrize("command", ["inspect", "doctor", "call", "publish", "subscribe"])
def test_3_a_mute_router(folder: Path, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"rs://127.0.0.1:{mute.getsockname()[1]}"
        done = wampapp(*JOINING[command], "--url", url, "--connect-timeout", "0.3", cwd=folder)
    ended(done, 3, SENTENCE, printing=command in PRINTING)


class DyingRouter(AnsweringRouter):
    """Joins everybody, and dies at the next message."""

    def _answers(self, message: list[Any], held: dict[str, list[Any]]) -> list[Any]:
        if message[0] != HELLO:
            raise ConnectionResetError
        return super()._answers(message, held)


@pytest.mark.parametrize(
    "words",
    [
        ("inspect",),
        ("doctor",),
        ("call", "com.a"),
        ("call", "com.a", "--stream"),
        ("call", "com.a", "--repeat", "3"),
        ("publish", "com.a"),
    ],
    ids=repr,
)
def test_3_a_router_that_dies_is_told_once(words: tuple[str, ...]) -> None:
    with DyingRouter({}) as router:
        done = wampapp(*words, "--url", router.url)
    ended(done, 3, SENTENCE, printing=words[0] in PRINTING)


# 4: refused


@pytest.mark.parametrize("words", JOINING.values(), ids=JOINING)
def test_4_the_router_refuses_the_realm(
    crossbar: Crossbar, folder: Path, words: tuple[str, ...]
) -> None:
    words = tuple(joining(words, "--url", crossbar.rs_url, "--realm", "nowhere"))
    done = wampapp(*words, cwd=folder, stdin=subprocess.DEVNULL)
    ended(done, 4, SENTENCE, printing=words[0] in PRINTING)


# 5: an error answer


@pytest.mark.parametrize(
    ("words", "stderr"),
    [
        (("inspect",), SENTENCE),
        (("call", "com.a"), ANSWER),
        (("call", "com.a", "--stream"), ANSWER),
        (("call", "com.a", "--repeat", "3"), "Error: 3 of 3 calls failed.\n"),
    ],
    ids=repr,
)
def test_5_the_answer_is_an_error(words: tuple[str, ...], stderr: str) -> None:
    with AnsweringRouter({}) as router:
        done = wampapp(*words, "--url", router.url)
    ended(done, 5, stderr, printing="--repeat" in words)


@pytest.mark.parametrize(
    ("words", "stderr"),
    [
        (("inspect",), SENTENCE),
        (("call", "com.a"), SENTENCE),
        (("publish", "com.a"), SENTENCE),
        (("publish", "com.a", "--repeat", "3"), rf"Published 0 events in .*\n{SENTENCE}"),
        (("subscribe", "com.a"), SENTENCE),
    ],
    ids=repr,
)
def test_5_no_answer_comes_in_time(words: tuple[str, ...], stderr: str) -> None:
    with AnsweringRouter({}, silent=True) as router:
        done = wampapp(*words, "--url", router.url, "--timeout", "0.3")
    ended(done, 5, stderr)


# 130: interrupted. `new` is over before anybody could; `router` is at its ordinary end.


@pytest.mark.parametrize("command", ["run", "uris", "shell", "doctor"])
def test_130_while_it_imports(folder: Path, command: str) -> None:
    with Wampapp(command, "hangs.py", cwd=folder) as process:
        process.until("importing")
        assert process.stop(signal.SIGINT) == 130
    assert process.stderr[-1:] == ["Interrupted."]
    assert [line for line in process.stderr if line] == ["Interrupted."]


@pytest.mark.parametrize("command", ["inspect", "doctor", "call", "publish", "subscribe", "shell"])
def test_130_while_it_joins(folder: Path, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        mute.settimeout(DEADLINE)
        url = f"rs://127.0.0.1:{mute.getsockname()[1]}"
        with Wampapp(*JOINING[command], "--url", url, cwd=folder) as process:
            connections = [mute.accept()[0]]
            if command == "doctor":  # it knocks first
                connections.append(mute.accept()[0])
            assert process.stop(signal.SIGINT) == 130
            for connection in connections:
                connection.close()
    assert [line for line in process.stderr if line] == ["Interrupted."]
    assert command in PRINTING or process.stdout == []


def test_130_while_it_waits_for_an_answer(
    embedded: EmbeddedRouter, service: Wampapp, folder: Path
) -> None:
    with Wampapp("call", "com.exits.hang", "--url", embedded.rs_url) as process:
        service.until("hang was called")
        assert process.stop(signal.SIGINT) == 130
    assert (process.stdout, [line for line in process.stderr if line]) == ([], ["Interrupted."])


def test_130_while_it_asks_for_the_secret() -> None:
    with WampappTerminal("call", "com.a", "--ask-secret") as terminal:
        terminal.until("Secret: ")
        terminal.press("ctrl-c")
        assert terminal.wait() == 130
        assert terminal.text.splitlines()[-1] == "Interrupted."


def test_an_empty_secret_is_asked_for_again(embedded: EmbeddedRouter) -> None:
    with WampappTerminal("publish", "com.a", "--url", embedded.rs_url, "--ask-secret") as terminal:
        terminal.until("Secret: ")
        terminal.press("enter")
        terminal.until("Secret: ")
        terminal.press("ctrl-d")
        assert terminal.wait() == 2
        assert "There is no terminal to ask for the secret at" in terminal.text
