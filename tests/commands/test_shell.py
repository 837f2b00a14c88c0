"""`wampapp shell` as a user meets it: on a terminal, with and without IPython, and in a pipe."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.process import (
    DEADLINE,
    ROOT,
    EmbeddedRouter,
    Wampapp,
    environment,
    serving,
    wampapp,
)
from tests.support.programs import program
from tests.support.scripted import ScriptedRouter
from tests.support.terminal import WampappTerminal
from wampapp.crossbar import Crossbar

Router = EmbeddedRouter | Crossbar
PROMPTS = {"ipython": r"^In \[\d+\]: ", "python": "^>>> "}

SERVICE = program("shell_service.py")
WELCOME = [2, 1, {"roles": {"broker": {}, "dealer": {}}}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("shell")
    (found / "service.py").write_text(SERVICE)
    return found


@pytest.fixture(scope="module")
def service(router: Router, folder: Path) -> Iterator[Wampapp]:
    """The service on each router."""
    with serving("service.py", "--url", router.rs_url, cwd=folder) as process:
        yield process


class Prompt(WampappTerminal):
    """`wampapp shell …` on a terminal, at its prompt."""

    def __init__(
        self, kind: str, folder: Path, *words: str, variables: dict[str, str] | None = None
    ) -> None:
        self.kind = kind
        plain = ["--no-ipython"] if kind == "python" else []
        # Without a history, which IPython would suggest from. No answer comes to the question
        # where the cursor is.
        home = tempfile.mkdtemp(dir=folder)
        env = environment(IPYTHONDIR=home, PROMPT_TOOLKIT_NO_CPR="1", **(variables or {}))
        super().__init__("shell", *words, *plain, cwd=folder, env=env)

    def ready(self) -> None:
        """Wait for the prompt."""
        self.until(PROMPTS[self.kind])

    def enter(self, line: str, shows: str) -> re.Match[str]:
        """Type a line at the prompt, and wait for what it shows."""
        self.ready()
        self.type(line)
        return self.until(shows)

    def value(self, line: str, value: str) -> None:
        """Type an expression at the prompt, and wait for its value."""
        self.enter(line, rf"^(Out\[\d+\]: )?{re.escape(value)}$")

    def leave(self) -> None:
        self.ready()
        self.press("ctrl-d")
        assert self.wait() == 0, self.text


@pytest.fixture(params=list(PROMPTS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def prompt(kind: str, service: Wampapp, router: Router, folder: Path) -> Iterator[Prompt]:
    """The prompt with TARGET, joined to the router that the service is joined to."""
    with Prompt(kind, folder, "service.py", "--url", router.rs_url) as found:
        yield found


# at a terminal


def test_calls_with_and_without_await(prompt: Prompt) -> None:
    banner = prompt.until(r"wampapp \S+  Python \S+(.*)\n\n  router  (\S+)\n  realm   realm1\n")
    assert banner[1].startswith("  IPython") == (prompt.kind == "ipython")
    prompt.until(r"  app     service\.py, relative to com\.shell$")
    prompt.value('call("com.shell.add", 2, 3)', "5")
    prompt.value('await call(".add", b=2, a=4)', "6")
    prompt.value('await app.call(".add", 3, 4)', "7")
    prompt.value('app.sync.call(".add", 4, 4)', "8")
    prompt.value('[*stream(".count", 3)]', "[0, 1, 2]")
    prompt.value('[n async for n in stream(".count", 4)]', "[0, 1, 2, 3]")
    prompt.enter('describe(".add")', r"^add\(a: .*, b: .*\) → ")
    prompt.enter(
        'await describe("com.none")', r"^No app that tells what it offers has com\.none\.$"
    )
    prompt.value('call(".size", "ß" * 2_000_000)', "2000000")
    prompt.enter('x = await call(".add", 1, 1)', "")
    prompt.value("x + 0.5", "2.5")
    prompt.leave()


def test_what_is_awaited_runs_on_the_loop(prompt: Prompt) -> None:
    prompt.enter("import asyncio, threading; from twisted.internet import defer", "")
    prompt.value("threading.current_thread() is threading.main_thread()", "True")
    prompt.value(
        "(await asyncio.sleep(0)) or threading.current_thread() is threading.main_thread()", "False"
    )
    prompt.value("await defer.succeed('fired')", "'fired'")
    # What is defined on one side can be used on the other.
    prompt.enter('ask = lambda: call(".add", 5, 5)', "")
    prompt.value("ask()", "10")
    prompt.value("await ask()", "10")
    prompt.leave()


def test_an_error_answer_is_one_line(prompt: Prompt) -> None:
    for verb in ("call", "await call", "await app.call"):
        prompt.enter(f'{verb}(".refuse")', r"^Error: com\.shell\.refused: not today \(code=3\)$")
        prompt.enter(f'{verb}(".nothing")', r"^Error: wamp\.error\.no_such_procedure: ")
    prompt.enter('call("not valid")', "^Error: The procedure 'not valid' is not a valid URI")
    prompt.enter('app.call(".add")', r"^Error: app\.call\(\) belongs to the event loop's thread")
    assert "Traceback" not in prompt.text
    prompt.leave()


def test_another_error_shows_the_users_frames(prompt: Prompt) -> None:
    prompt.enter("import asyncio", "")
    for line in ("1 / 0", "await asyncio.sleep(0) / 0"):
        prompt.enter(line, "(ZeroDivision|Type)Error.*")
    prompt.ready()
    assert "Traceback" in prompt.text
    assert not re.search(r"wampapp/\w+|prompt\.py|loop\.py", prompt.text)
    prompt.type("1 +")
    prompt.until("SyntaxError: invalid syntax")
    prompt.leave()


@pytest.mark.both_routers
@pytest.mark.parametrize("verb", ["call", "await call", "await app.call"])
def test_ctrl_c_ends_a_call_and_the_prompt_goes_on(
    prompt: Prompt, service: Wampapp, verb: str
) -> None:
    name = f"caller {prompt.pid}"
    prompt.enter(f'{verb}(".wait", "{name}")', "")
    service.until(f"{name} waits")
    prompt.press("ctrl-c")
    prompt.until("^KeyboardInterrupt$")
    prompt.value('call(".add", 20, 22)', "42")
    service.until(f"{name} is given up")
    assert "Traceback" not in prompt.text
    prompt.leave()


def test_ctrl_c_empties_the_line(prompt: Prompt) -> None:
    prompt.ready()
    prompt.type("never(", enter=False)
    prompt.until(r"never\(")
    prompt.until_it_waits()
    prompt.press("ctrl-c")
    if prompt.kind == "python":  # IPython empties the line where it stands
        prompt.ready()
    prompt.type('"gone"')
    prompt.until("'gone'$")
    prompt.leave()


def test_exit_ends_it(prompt: Prompt) -> None:
    prompt.ready()
    prompt.type("exit()")
    assert prompt.wait() == 0, prompt.text


@pytest.mark.both_routers
def test_events_are_shown_above_the_prompt(prompt: Prompt, router: Router) -> None:
    prompt.enter('subscribe(".events")', "")
    prompt.enter('await subscribe(".others")', "")
    prompt.ready()
    prompt.type('"half a " + ', enter=False)
    prompt.until(r'"half a " \+')
    words = ("--url", router.rs_url, "com.shell.events", "é", "n=[1]")
    assert wampapp("publish", *words).returncode == 0
    prompt.until(r"com\.shell\.events\('é', n=\[1\]\)$")
    prompt.type('"line"')
    prompt.until("'half a line'")
    words = ("--url", router.rs_url, "com.shell.others", "2")
    assert wampapp("publish", *words).returncode == 0
    prompt.until(r"com\.shell\.others\(2\)$")
    prompt.leave()


def test_a_handler_of_ones_own_and_publish(prompt: Prompt, service: Wampapp) -> None:
    prompt.enter("import queue; heard = queue.Queue()", "")
    prompt.enter('subscribe(".back", lambda *words: heard.put(words))', "")
    publish = "app.sync.topic('.back', exclude_me=False).publish('a', 1)"
    prompt.enter(f"done = {publish}", "")
    prompt.value("heard.get(timeout=60)", "('a', 1)")
    for verb in ("publish", "await publish"):
        word = f"{verb.replace(' ', '_')}_{prompt.kind}_{prompt.pid}"
        prompt.enter(f'{verb}(".on_news", "{word}")', "")
        service.until(f"heard {word}")
    prompt.leave()


# Tab


def complete(prompt: Prompt, begun: str, rest: str, quote: str = '"') -> None:
    """Type the beginning of a URI, press Tab, and wait for the rest of it."""
    prompt.ready()
    prompt.type(begun, enter=False)
    prompt.until(re.escape(begun))
    prompt.press("tab")
    prompt.until(re.escape(rest))
    if prompt.kind == "ipython":  # readline writes the closing quote by itself
        prompt.type(quote, enter=False)


def test_tab_completes_the_apps_own_uris(prompt: Prompt) -> None:
    complete(prompt, 'call("com.shell.ad', "d")
    prompt.type(", 1, 2)")
    prompt.until(r"^(Out\[\d+\]: )?3$")
    complete(prompt, 'call(".ad', "d")
    prompt.type(", 2, 2)")
    prompt.until(r"^(Out\[\d+\]: )?4$")
    complete(prompt, "publish('.on_", "news", "'")
    prompt.type(") or 'sent'")
    prompt.until(r"^(Out\[\d+\]: )?'sent'$")
    complete(prompt, "issubcl", "ass", "")
    prompt.press("ctrl-u")
    prompt.type("")
    prompt.leave()


@pytest.mark.both_routers
def test_tab_completes_what_the_router_holds(kind: str, router: Router, tmp_path: Path) -> None:
    live = tmp_path / "live.py"
    live.write_text(
        "from wampapp import App\napp = App(prefix='com.live-uris')\n"
        "@app.register\ndef here(): return 'answered'\n"
        "@app.subscribe\ndef there(): app.log('heard')\n"
    )
    with (
        Wampapp("run", live, "--url", router.rs_url) as process,
        Prompt(kind, tmp_path, "--url", router.rs_url) as prompt,
    ):
        process.until("Press Ctrl-C")
        complete(prompt, 'call("com.live-uris.h', "ere")
        prompt.type(")")
        prompt.until("'answered'$")
        complete(prompt, 'publish("com.live-u', "ris.there")
        prompt.type(")")
        process.until("heard")
        prompt.leave()
        assert process.stop() == 0, process.text


def test_a_router_that_does_not_answer_keeps_tab_from_nothing(kind: str, folder: Path) -> None:
    with ScriptedRouter(WELCOME) as silent:
        with Prompt(kind, folder, "service.py", "--url", silent.url) as prompt:
            complete(prompt, 'x = ("call", call("com.shell.si', "ze")
            prompt.press("ctrl-u")
            prompt.type("")
            prompt.leave()  # GOODBYE is not answered either


# in a pipe


def piped(
    script: str | bytes, *words: str, folder: Path, **options: object
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "wampapp", "shell", *words],
        input=script.encode() if isinstance(script, str) else script,
        cwd=folder,
        env=environment(),
        capture_output=True,
        timeout=DEADLINE,
        **options,  # type: ignore[call-overload]
    )


SCRIPT = """
from __future__ import annotations
from dataclasses import dataclass

@dataclass
class Sum:
    of: int

def add(a: Unknown) -> int:
    return call(".add", a, 1)

async def later() -> int:
    return await call(".add", 2, 2)

print(Sum(add(2)))
print(await later())
add(5)
for n in stream(".count", 2):
    print("é", n)
"""


def test_what_is_piped_in_is_run(service: Wampapp, router: Router, folder: Path) -> None:
    done = piped(SCRIPT, "service.py", "--url", router.rs_url, folder=folder)
    assert done.stderr == b""
    assert done.stdout.decode() == "Sum(of=3)\n4\né 0\né 1\n"
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("script", "code", "stderr"),
    [
        ("call('.refuse')\nprint(2)", 1, r"Error: com\.shell\.refused: not today \(code=3\)\n"),
        ("await call('.refuse')\nprint(2)", 1, r"Error: com\.shell\.refused: .*\n"),
        ("def f():\n    1 / 0\n\nf()", 1, r"(?s)Traceback.*line 4.*line 2, in f.*ZeroDivision.*"),
        ("print('a'", 1, r"(?s).*line 1.*SyntaxError: .* never closed\n"),
        (b"\xff", 1, r"(?s).*SyntaxError: .*"),
        ("exit(7)", 7, ""),
        ("import asyncio\nawait asyncio.sleep(0)\nexit('so long')", 1, "so long\n"),
        ("", 0, ""),
    ],
    ids=repr,
)
def test_how_a_script_ends(folder: Path, script: str | bytes, code: int, stderr: str) -> None:
    done = piped(script, "service.py", "--serve", "--port", "0", folder=folder)
    assert done.stdout == b""
    assert re.fullmatch(stderr, done.stderr.decode()), done.stderr.decode()
    assert done.returncode == code
    assert b"wampapp/" not in done.stderr


def test_a_script_reads_what_the_app_that_it_serves_says(folder: Path) -> None:
    script = "describe('.add')\nawait describe('.add')\n"
    done = piped(script, "service.py", "--serve", "--port", "0", folder=folder)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().splitlines() == ["add(a: integer, b: integer) → integer"] * 2


def test_a_reader_that_has_enough(folder: Path) -> None:
    command = [sys.executable, "-m", "wampapp", "shell", "service.py", "--serve", "--port", "0"]
    script = "for n in range(1_000_000): print(n)"
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=environment(),
    ) as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdin.write(script)
        process.stdin.close()
        assert process.stdout.readline() == "0\n"
        process.stdout.close()
        assert process.wait(DEADLINE) == 1
        assert process.stderr.read() == ""


def test_ctrl_c_ends_a_script(folder: Path) -> None:
    command = [sys.executable, "-m", "wampapp", "shell", "service.py", "--serve", "--port", "0"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=environment(),
    ) as process:
        assert process.stdin and process.stderr
        process.stdin.write("await call('.wait', 'script')")
        process.stdin.close()
        assert "script waits" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
        assert process.wait(DEADLINE) == 130
        assert said.endswith("Interrupted.\n")
        assert "Traceback" not in said


# around it


def test_serve_runs_the_app_as_well(kind: str, folder: Path) -> None:
    with Prompt(kind, folder, "service.py", "--serve", "--port", "0") as prompt:
        url = prompt.until(r"^  router  (rs://127\.0\.0\.1:\d+)$")[1]
        prompt.value('call(".add", 40, 2)', "42")
        done = wampapp("call", "--url", url, "com.shell.add", "1", "1")
        assert done.stdout == "2\n"
        prompt.leave()


def test_without_ipython_the_prompt_is_pythons_own(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "IPython.py").write_text("raise ImportError('not here')")
    with Prompt(
        "ipython",
        folder,
        "service.py",
        "--serve",
        "--port",
        "0",
        variables={"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
    ) as prompt:
        prompt.kind = "python"
        prompt.value('call(".add", 40, 2)', "42")
        assert "IPython" not in prompt.text
        prompt.leave()


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ([], 3, r"No router answers at {url}: .*\. Start one with 'wampapp router'\."),
        (
            ["service.py"],
            3,
            r"No router .*\. Start it with 'wampapp run service\.py', or .* with --serve\.",
        ),
        (["service.py", "--serve"], 3, r"No router answers at {url}: the connection was refused\."),
        (["--serve"], 2, "--serve runs an app; say which: .*"),
        (["service.py", "--port", "1"], 2, "--port is for the router that --serve .*"),
        (["nothing.py"], 2, "There is no file 'nothing.py'.*"),
    ],
    ids=repr,
)
def test_what_cannot_be_is_one_sentence(
    folder: Path, free_port: int, words: list[str], code: int, sentence: str
) -> None:
    url = f"rs://127.0.0.1:{free_port}"
    done = wampapp("shell", *words, "--url", url, cwd=folder, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout) == (code, "")
    assert re.fullmatch(f"Error: {sentence.format(url=re.escape(url))}\n", done.stderr)
