"""What is said of a procedure that does not exist, and of a realm that nobody else has joined."""

import logging
from collections.abc import Iterator

import pytest

from tests.support.process import EmbeddedRouter, Wampapp, wampapp
from tests.support.running import running
from wampapp import App, ConnectedClient, NoSuchProcedure, connect
from wampapp.crossbar import Crossbar

Router = EmbeddedRouter | Crossbar
app = App(prefix="com.hints", debug=True)


@app.register
async def total() -> int:
    return 6


@app.register
async def ask(uri: str) -> int:
    result: int = await app.call(uri)
    return result


@app.register
async def ask_a_stream(uri: str) -> int:
    return sum([number async for number in app.procedure(uri).stream()])


@app.register
async def ask_for_what_asks(uri: str) -> int:
    return await app.call(".ask", uri)


@app.register(".options.<name>")
async def option(name: str) -> str:
    return name


@pytest.fixture
def served(router: Router) -> Iterator[ConnectedClient]:
    with running(app, router.rs_url), connect(router.rs_url, timeout=60) as client:
        yield client


@pytest.mark.parametrize(
    ("uri", "hint"),
    [
        ("com.hints.totl", "Did you mean com.hints.total?"),
        ("com.hint.total", "Did you mean com.hints.total?"),
        ("total", "Did you mean com.hints.total?"),
        (".ak", "Did you mean com.hints.ask?"),
        ("com.entirely.different", ""),
    ],
)
@pytest.mark.parametrize("through", ["ask", "ask_a_stream"])
def test_in_debug_an_error_names_the_nearest_procedures(
    served: ConnectedClient, through: str, uri: str, hint: str
) -> None:
    with pytest.raises(NoSuchProcedure) as caught:
        served.call(f"com.hints.{through}", uri)
    assert caught.value.message.partition(" Did you")[2] == hint.removeprefix("Did you")
    assert served.call("com.hints.ask", ".total") == 6


def test_the_error_of_another_call_is_passed_on_as_it_is(served: ConnectedClient) -> None:
    with pytest.raises(NoSuchProcedure) as caught:
        served.call("com.hints.ask_for_what_asks", "com.hints.totl")
    assert caught.value.message.count("Did you mean") == 1


def test_without_debug_nothing_is_asked(router: Router) -> None:
    with (
        running(app, router.rs_url),
        connect(router.rs_url, timeout=60) as client,
        pytest.raises(NoSuchProcedure) as caught,
    ):
        client.call("com.hints.totl")
    assert "Did you mean" not in str(caught.value)


@pytest.mark.parametrize("words", [(), ("--stream",)])
def test_the_command_line_names_them(
    served: ConnectedClient, router: Router, words: tuple[str, ...]
) -> None:
    assert served.call("com.hints.total") == 6
    done = wampapp("call", "com.hints.totl", "--url", router.rs_url, *words)
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.endswith(" Did you mean com.hints.total?\n")


def test_the_prompt_names_them(served: ConnectedClient, router: Router) -> None:
    assert served.call("com.hints.total") == 6
    program = "try:\n    call('com.hints.totl')\nexcept Exception as error:\n    print(error)\n\n"
    done = wampapp("shell", "--url", router.rs_url, input=program)
    assert done.stdout.endswith(" Did you mean com.hints.total?\n"), done.stderr


HINT = "Nobody else is in the realm 'relam1'; there are sessions in 'realm1'."


@pytest.fixture
def occupied() -> Iterator[EmbeddedRouter]:
    """A router of ours with a session in `realm1`; Crossbar.io refuses realms that it lacks."""
    with EmbeddedRouter() as router, connect(router.rs_url):
        yield router


def test_who_is_alone_in_a_realm_is_told_which_have_sessions(
    occupied: EmbeddedRouter, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.WARNING, "wampapp"),
        connect(occupied.rs_url, "relam1") as client,
        connect(occupied.rs_url, "relam1"),
        connect(occupied.rs_url, "realm1"),
    ):
        assert client.publish("com.hints") > 0
    assert [record.getMessage() for record in caplog.records] == [HINT]


def test_who_is_alone_where_no_realm_has_sessions_is_told_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with (
        EmbeddedRouter() as router,
        caplog.at_level(logging.WARNING, "wampapp"),
        connect(router.rs_url, "relam1"),
    ):
        assert not caplog.records


@pytest.mark.parametrize(
    ("words", "code"), [(("call", "com.hints.total"), 5), (("publish", "com.hints"), 0)]
)
def test_commands_tell_it(occupied: EmbeddedRouter, words: tuple[str, ...], code: int) -> None:
    done = wampapp(*words, "--realm", "relam1", "--url", occupied.rs_url)
    assert (done.returncode, done.stderr.splitlines()[0]) == (code, HINT)


def test_inspect_and_doctor_tell_it(occupied: EmbeddedRouter) -> None:
    done = wampapp("inspect", "--realm", "relam1", "--url", occupied.rs_url)
    assert (done.returncode, done.stderr) == (0, f"{HINT}\n")
    done = wampapp("doctor", "--realm", "relam1", "--url", occupied.rs_url)
    assert done.returncode == 0
    assert f". {HINT}" in done.stdout


def test_a_service_tells_it(occupied: EmbeddedRouter) -> None:
    words = ("run", __file__, "--realm", "relam1", "--url", occupied.rs_url)
    with Wampapp(*words) as process:
        process.until(f"wampapp  WARNING: {HINT}")
        process.until("Press Ctrl-C")
        assert process.stop() == 0
