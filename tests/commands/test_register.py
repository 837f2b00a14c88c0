"""`wampapp register URI -- COMMAND`: commands that answer calls."""

import json
import signal
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.process import DEADLINE, EmbeddedRouter, Wampapp, environment, wampapp
from wampapp import CallTimeout, ConnectedClient, HandlerFailed, connect
from wampapp.crossbar import Crossbar

Router = EmbeddedRouter | Crossbar
URI = "com.command.one"

# What the commands run: it gets what to do as the first argument of the call.
BODY = """
import json, os, socket, subprocess, sys
call = json.load(sys.stdin)
exec(call["args"][0])
"""


class Registered(Wampapp):
    """`wampapp register` with a command; by default one that does what its caller says."""

    def __init__(self, router: Router, *options: str, uri: str = URI, command: str = BODY) -> None:
        words = ("register", uri, "--url", router.rs_url, *options)
        super().__init__(*words, "--", sys.executable, "-c", command, terminal=True)
        try:
            self.until("Press Ctrl-C")
        except BaseException:
            self.__exit__()
            raise


@pytest.fixture(scope="module")
def registered(router: Router) -> Iterator[Registered]:
    """One such on each router, which most tests share."""
    with Registered(router) as process:
        yield process
        assert process.stop() == 0, process.text


class Line:
    """Where commands call in; the other end is held open by what they start as well."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(DEADLINE)
        #: What a command executes to call in, and to wait for its word.
        self.call = (
            f"s = socket.create_connection(('127.0.0.1', {self._server.getsockname()[1]}));"
            "s.sendall(b'here');"
        )
        self.wait = "s.recv(2) or sys.exit(7);"

    def answer(self) -> socket.socket:
        """Wait until a command has called in."""
        connection, _ = self._server.accept()
        connection.settimeout(DEADLINE)
        assert connection.recv(4) == b"here"
        return connection

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.close()


def is_over(connection: socket.socket) -> bool:
    """Wait until nobody holds the other end any more."""
    with connection:
        try:
            return connection.recv(1) == b""
        except ConnectionResetError:
            return True


# In and out


@pytest.mark.both_routers
def test_a_call_goes_in_as_json_and_the_result_comes_out(
    registered: Registered, peer: ConnectedClient
) -> None:
    echo = "print(json.dumps(call))"
    assert peer.call(URI, echo, 1, [None, {"ß": "🎈"}], key=True, call=2.5) == {
        "args": [echo, 1, [None, {"ß": "🎈"}]],
        "kwargs": {"key": True, "call": 2.5},
    }


@pytest.mark.parametrize(
    ("printed", "result"),
    [
        ("", None),
        (" \n\n", None),
        ("5\n", 5),
        ("null", None),
        ('{"a":\n [1,\n 2]}\n', {"a": [1, 2]}),
        ('"5"', "5"),
        ("two words\n", "two words"),
        ("  indented\nGrüße 🎈\n\n", "  indented\nGrüße 🎈"),
        ("1\n2\n", "1\n2"),
        ("NaN percent", "NaN percent"),
        ("[" * 190 + "]" * 190, json.loads("[" * 190 + "]" * 190)),
    ],
)
def test_what_is_printed_is_the_result(
    registered: Registered, peer: ConnectedClient, printed: str, result: object
) -> None:
    assert peer.call(URI, f"sys.stdout.buffer.write({printed.encode()!r})") == result


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("sys.exit(3)", "ended with exit code 3."),
        ("os.kill(os.getpid(), 9)", "ended by SIGKILL."),
        ("sys.stdout.buffer.write(bytes([255]))", "printed bytes that are not UTF-8."),
        ("print('[1, NaN]')", "printed NaN or Infinity, which JSON does not have."),
        ("print('-Infinity')", "printed NaN or Infinity, which JSON does not have."),
        ("print('[' * 300 + ']' * 300)", "printed JSON that is nested too deeply."),
        ("print('[' * 10 ** 5 + ']' * 10 ** 5)", "printed JSON that is nested too deeply."),
        ("print('x' * 2 ** 24)", "printed more than 16 MiB."),
        ("while True: os.write(1, bytes(2 ** 16))", "printed more than 16 MiB."),
    ],
)
def test_a_failure_is_an_error_to_the_caller(
    registered: Registered, peer: ConnectedClient, code: str, sentence: str
) -> None:
    with pytest.raises(HandlerFailed) as raised:
        peer.call(URI, f"print('the secret', file=sys.stderr)\n{code}")
    assert raised.value.message == f"The procedure's command {sentence}"
    assert "secret" not in str(raised.value.kwargs)
    assert peer.call(URI, "print(1)") == 1  # it goes on


def test_what_a_command_says_goes_to_the_log(registered: Registered, peer: ConnectedClient) -> None:
    code = "print('said\\x1b[31m', file=sys.stderr); sys.stderr.write('unfinished'); print(1)"
    assert peer.call(URI, code) == 1
    registered.until(rf"^\d\d:\d\d:\d\d  {URI}  said\\x1b\[31m$")
    registered.until(rf"^\d\d:\d\d:\d\d  {URI}  unfinished$")
    with pytest.raises(HandlerFailed) as raised:
        peer.call(URI, "sys.exit(11)")
    assert raised.value.kwargs == {"exit_code": 11}
    registered.until("WARNING: The command ended with exit code 11$")


def test_with_debug_the_caller_hears_what_a_command_said(
    router: Router, peer: ConnectedClient
) -> None:
    with Registered(router, "--debug", uri="com.command.debug") as process:
        with pytest.raises(HandlerFailed) as raised:
            peer.call("com.command.debug", "sys.exit('what went wrong')")
        assert raised.value.kwargs == {"exit_code": 1, "stderr": "what went wrong\n"}
        assert process.stop(signal.SIGTERM) == 0, process.text


@pytest.mark.both_routers
def test_the_environment_tells_procedure_and_caller(
    registered: Registered, peer: ConnectedClient
) -> None:
    code = "print(json.dumps([os.environ['WAMP_PROCEDURE'], os.environ.get('WAMP_CALLER')]))"
    procedure, caller = peer.procedure(URI, disclose_me=True)(code)
    assert procedure == URI
    session = peer.on_loop(_session_id)
    assert caller == str(session)


async def _session_id(connection: object) -> int:
    return connection.session.id  # type: ignore[attr-defined,no-any-return]


@pytest.mark.both_routers
def test_two_megabytes_in_and_out(registered: Registered, peer: ConnectedClient) -> None:
    large = "ß" * 2**20
    assert peer.call(URI, "print(json.dumps(call['args'][1]))", large) == large
    # Nor does it matter whether a command reads them.
    assert peer.call(URI, "print(len(call['args']))", large) == 2


def test_a_command_need_not_read(router: Router, peer: ConnectedClient) -> None:
    uri = "com.command.deaf"
    words = ("register", uri, "--concurrency", "4", "--url", router.rs_url, "--", "true")
    with Wampapp(*words) as process, ThreadPoolExecutor(4) as threads:
        process.until("Press Ctrl-C")
        sizes = (0, 2**21, *[0] * 198)  # it may be over before anything is written
        assert set(threads.map(lambda size: peer.call(uri, "x" * size), sizes)) == {None}
        assert process.stop() == 0, process.text
    assert "Traceback" not in process.text


@pytest.mark.both_routers
def test_a_family_of_procedures(router: Router, peer: ConnectedClient) -> None:
    show = "import os, sys; print(os.environ['WAMP_PROCEDURE'], sys.stdin.read().strip())"
    options = ("--match", "prefix")
    with Registered(router, *options, uri="com.command.family", command=show) as process:
        assert peer.call("com.command.family.child", 1) == (
            'com.command.family.child {"args":[1],"kwargs":{}}'
        )
        assert process.stop() == 0, process.text
    with Registered(router, uri="com.command.<who>.says", command=show) as process:
        assert peer.call("com.command.ada.says") == (
            'com.command.ada.says {"args":[],"kwargs":{"who":"ada"}}'
        )
        assert process.stop() == 0, process.text


@pytest.mark.both_routers
def test_several_share_a_procedure(router: Router, peer: ConnectedClient) -> None:
    options = ("--invoke", "roundrobin")
    uri = "com.command.shared"
    with Registered(router, *options, uri=uri, command="print('one')") as one:
        with Registered(router, *options, uri=uri, command="print('two')") as two:
            assert {peer.call(uri), peer.call(uri)} == {"one", "two"}
            assert two.stop() == 0, two.text
        assert one.stop() == 0, one.text


# One at a time, or several


def test_commands_run_one_at_a_time(
    registered: Registered, peer: ConnectedClient, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    code = f"f = open({str(log)!r}, 'a'); print('begin', file=f, flush=True); print('end', file=f)"
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda _: peer.call(URI, code), range(4))) == [None] * 4
    assert log.read_text().split() == ["begin", "end"] * 4


def test_or_as_many_as_are_asked_for(router: Router, peer: ConnectedClient, line: Line) -> None:
    uri = "com.command.several"
    with Registered(router, "--concurrency", "2", uri=uri) as process:
        with ThreadPoolExecutor(2) as threads:
            code = line.call + line.wait + "print(1)"
            results = [threads.submit(peer.call, uri, code) for _ in range(2)]
            both = [line.answer(), line.answer()]
            for connection in both:
                connection.sendall(b"go")
                assert is_over(connection)
            assert [result.result(DEADLINE) for result in results] == [1, 1]
        assert process.stop() == 0, process.text


# The end of a command


CHILD = "p = subprocess.Popen(['sleep', '1000'], pass_fds=[s.fileno()]);"


def test_what_takes_too_long_is_killed_with_all_it_started(
    router: Router, peer: ConnectedClient, line: Line
) -> None:
    uri = "com.command.slow"
    with Registered(router, "--timeout", "3", uri=uri) as process:
        with ThreadPoolExecutor(1) as threads:
            result = threads.submit(peer.call, uri, line.call + CHILD + line.wait)
            assert is_over(line.answer())
            with pytest.raises(CallTimeout, match="The command of .* took longer than its 3 s."):
                result.result(DEADLINE)
        process.until("WARNING: The command took longer than 3 s and was killed")
        assert peer.call(uri, "print(1)") == 1
        assert process.stop() == 0, process.text


@pytest.mark.both_routers
def test_a_cancelled_call_kills_its_command(
    registered: Registered, router: Router, line: Line
) -> None:
    words = ("call", URI, line.call + CHILD + line.wait, "--url", router.rs_url)
    with Wampapp(*words, terminal=True) as call:
        connection = line.answer()
        assert call.stop(signal.SIGINT) == 130
        assert is_over(connection)


def test_what_a_command_leaves_behind_is_killed(
    registered: Registered, peer: ConnectedClient, line: Line
) -> None:
    quiet = "stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL"
    child = f"p = subprocess.Popen(['sleep', '1000'], pass_fds=[s.fileno()], {quiet});"
    assert peer.call(URI, line.call + child + "print(1)") == 1
    assert is_over(line.answer())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_runs_may_finish(
    router: Router, peer: ConnectedClient, line: Line, number: int
) -> None:
    """Ctrl-C reaches the whole foreground, and yet not the command."""
    uri = f"com.command.finish{number}"
    with Registered(router, uri=uri) as process:
        with ThreadPoolExecutor(1) as threads:
            result = threads.submit(peer.call, uri, line.call + line.wait + "print('done')")
            connection = line.answer()
            process.send(number)
            process.until("^Stopping: running handlers may finish")
            connection.sendall(b"go")
            assert result.result(DEADLINE) == "done"
        assert is_over(connection)
        assert process.wait() == 0, process.text


def test_a_second_ctrl_c_leaves_nothing_running(
    router: Router, peer: ConnectedClient, line: Line
) -> None:
    uri = "com.command.at_once"
    with Registered(router, uri=uri) as process:
        with ThreadPoolExecutor(1) as threads:
            result = threads.submit(peer.call, uri, line.call + CHILD + line.wait)
            connection = line.answer()
            process.send(signal.SIGINT)
            process.until("^Stopping")
            process.send_again()
            assert process.wait() == 130, process.text
            assert is_over(connection)
            assert result.exception(DEADLINE) is not None


# Mistakes


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["com.a", "--", "no-such-command"], "There is no command 'no-such-command' that can be"),
        (["com.a", "--", "./README.md"], "There is no command './README.md' that can be run"),
        (["com.a", "--", ""], "There is no command '' that can be run"),
        (["com.a"], "Missing argument 'COMMAND...'"),
        (
            ["com.a", "sort", "-n"],
            "No such option '-n'. If it belongs to COMMAND, write -- before",
        ),
        (["com..a", "--", "true"], "'com..a' is not a valid URI"),
        (["wamp.a", "--", "true"], "starts with 'wamp.', which is reserved"),
        (["com.a", "--concurrency", "0", "--", "true"], "--concurrency"),
        (["com.a", "--timeout", "-1", "--", "true"], "--timeout"),
        (["com.a", "--timeout", "nan", "--", "true"], "--timeout"),
        (["com.a", "--url", "http://a", "--", "true"], "has no known scheme"),
    ],
    ids=repr,
)
def test_a_mistake_in_usage_exits_2(words: list[str], sentence: str) -> None:
    done = wampapp("register", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.both_routers
def test_a_procedure_that_is_taken_exits_4(registered: Registered, router: Router) -> None:
    done = wampapp("register", URI, "--url", router.rs_url, "--", "true")
    assert (done.returncode, done.stdout) == (4, "")
    assert f"has registered {URI!r} already" in done.stderr


def test_no_router_exits_3_when_it_gives_up(free_port: int) -> None:
    url = f"rs://127.0.0.1:{free_port}"
    done = wampapp("register", URI, "--url", url, "--give-up-after", "0", "--", "true")
    assert (done.returncode, done.stdout) == (3, "")
    assert "Given up after 0 s." in done.stderr


def test_a_command_that_cannot_be_run_any_more(
    router: Router, peer: ConnectedClient, tmp_path: Path
) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\necho 1\n")
    script.chmod(0o755)
    words = ("register", "com.command.gone", "--url", router.rs_url, "--", script)
    with Wampapp(*words) as process:
        process.until("Press Ctrl-C")
        assert peer.call("com.command.gone") == 1
        script.unlink()
        with pytest.raises(HandlerFailed, match="cannot be run; the service's log says why"):
            peer.call("com.command.gone")
        process.until("ERROR: The command cannot be run: .*No such file or directory")
        assert process.stop() == 0, process.text


def test_help_fits_a_screen() -> None:
    done = wampapp("register", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: wampapp register [OPTIONS] URI COMMAND...")
    assert len(done.stdout.splitlines()) <= 42


def test_it_comes_back_with_the_router(line: Line) -> None:
    with EmbeddedRouter() as router:
        with Registered(router) as process:
            assert router.stop() == 0
            with EmbeddedRouter(router.port):
                process.until("Joined again")
                done = wampapp("call", URI, "print(1)", "--url", router.rs_url)
                assert (done.returncode, done.stdout) == (0, "1\n")
                assert process.stop() == 0, process.text


def test_without_uvloop_it_is_the_same(
    embedded: EmbeddedRouter, line: Line, tmp_path: Path
) -> None:
    (tmp_path / "uvloop.py").write_text("raise ImportError('not here')\n")
    env = environment(WAMPAPP_URL=embedded.rs_url, PYTHONPATH=str(tmp_path))
    uri = "com.command.plain"
    words = ("register", uri, "--timeout", "3", "--", sys.executable, "-c", BODY)
    with Wampapp(*words, env=env, terminal=True) as process, connect(embedded.rs_url) as peer:
        process.until("Press Ctrl-C")
        assert peer.call(uri, "print('x' * 2 ** 20)") == "x" * 2**20
        with pytest.raises(CallTimeout):
            peer.call(uri, line.call + CHILD + line.wait)
        assert is_over(line.answer())
        assert process.stop() == 0, process.text
    assert "Warning" not in process.text
