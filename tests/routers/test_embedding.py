"""An app in a program's own event loop: asyncio's, uvloop's, or a Twisted reactor of any kind.

A process has one reactor that modules import, so each program runs in a process of its own, in
Python's development mode, and must end by itself with nothing left and nothing to complain of.
"""

import signal
import subprocess
import sys

import pytest

from tests.support.process import ROOT, EmbeddedRouter, Process, environment
from wampapp import NoSuchProcedure, connect
from wampapp.crossbar import Crossbar

pytestmark = pytest.mark.processes

DEADLINE = 60.0  # seconds
Router = EmbeddedRouter | Crossbar

#: passlib, which Autobahn imports where it is installed, asks for a module that goes with 3.13.
WARNINGS = ("-X", "dev", "-W", "error", "-W", "ignore:'crypt' is deprecated:DeprecationWarning")

PROGRAMS = ROOT / "tests" / "programs" / "embedding"


def command(name: str, *words: object) -> list[str]:
    """The command of one of the programs."""
    return [sys.executable, *WARNINGS, str(PROGRAMS / f"{name}.py"), *map(str, words)]


def program(name: str, *words: object) -> str:
    """Run a program to its end; it complains of nothing. Return what it prints."""
    done = subprocess.run(
        command(name, *words),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


@pytest.fixture(params=["rs", "ws"])
def url(request: pytest.FixtureRequest, embedded: EmbeddedRouter) -> str:
    """Each transport of our own router: what differs here is the loop."""
    return embedded.rs_url if request.param == "rs" else embedded.ws_url


@pytest.fixture(params=["asyncio", "uvloop"])
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    name: str = request.param
    return name


# Loops of asyncio.


def test_it_runs_in_one_loop_after_another(kind: str, url: str) -> None:
    program("it_runs_in_one_loop_after_another", kind, url)


def test_it_carries_its_own_router(kind: str, free_port: int) -> None:
    program("it_carries_its_own_router", kind, free_port)


def test_web_apps_are_served_in_a_loop(kind: str, free_port: int) -> None:
    program("web_apps_in_a_loop", kind, free_port)


@pytest.mark.parametrize("own", [False, True])
def test_nothing_is_left_after_any_number_of_loops(
    kind: str, embedded: EmbeddedRouter, own: bool
) -> None:
    program("nothing_is_left_after_any_number_of_loops", kind, "" if own else embedded.rs_url)


def test_a_second_start_in_the_same_loop_leaves_nothing(
    kind: str, embedded: EmbeddedRouter
) -> None:
    program("a_second_start_in_the_same_loop_leaves_nothing", kind, embedded.rs_url)


def test_the_connection_is_closed_when_the_stop_is_done(kind: str, url: str) -> None:
    program("the_connection_is_closed_when_the_stop_is_done", kind, url)


def test_it_runs_in_a_loop_of_another_thread(kind: str, embedded: EmbeddedRouter) -> None:
    program("it_runs_in_a_loop_of_another_thread", kind, embedded.rs_url)


def test_what_the_block_raises_comes_out_and_the_app_stops(free_port: int) -> None:
    program("what_the_block_raises_comes_out_and_the_app_stops", free_port)


def test_options_go_where_those_of_run_go(embedded: EmbeddedRouter) -> None:
    program("options_go_where_those_of_run_go", embedded.rs_url)


def test_the_environment_counts(embedded: EmbeddedRouter) -> None:
    program("the_environment_counts", embedded.rs_url)


def test_many_calls_at_one_time(kind: str, url: str) -> None:
    program("many_calls_at_one_time", kind, url)


# More than one, more than once.


def test_two_apps_in_one_loop(kind: str, free_port: int) -> None:
    program("two_apps_in_one_loop", kind, free_port)


def test_starting_twice_is_told(embedded: EmbeddedRouter) -> None:
    program("starting_twice_is_told", embedded.rs_url)


def test_stopping_what_does_not_run_does_nothing(embedded: EmbeddedRouter) -> None:
    program("stopping_what_does_not_run_does_nothing", embedded.rs_url)


def test_a_running_handler_may_finish_when_the_app_stops(
    kind: str, embedded: EmbeddedRouter
) -> None:
    program("a_running_handler_may_finish_when_the_app_stops", kind, embedded.rs_url)


def test_it_is_stopped_where_it_runs(kind: str, embedded: EmbeddedRouter) -> None:
    program("it_is_stopped_where_it_runs", kind, embedded.rs_url)


@pytest.mark.parametrize("first", ["nothing", "app", "client"])
def test_without_a_running_loop_a_sentence_says_so(first: str, embedded: EmbeddedRouter) -> None:
    program("without_a_running_loop_a_sentence_says_so", first, embedded.rs_url)


# A start that comes to nothing.


def test_a_realm_that_is_refused_leaves_nothing(kind: str, crossbar: Crossbar) -> None:
    program("a_realm_that_is_refused_leaves_nothing", kind, crossbar.rs_url)


def test_a_procedure_of_another_leaves_nothing(kind: str, router: Router) -> None:
    program("a_procedure_of_another_leaves_nothing", kind, router.rs_url)


def test_a_port_that_something_else_holds_leaves_nothing(free_port: int) -> None:
    program("a_port_that_something_else_holds_leaves_nothing", free_port)


@pytest.mark.parametrize("moment", ["startup", "join"])
def test_a_hook_that_fails_leaves_nothing(moment: str, free_port: int) -> None:
    program("a_hook_that_fails_leaves_nothing", moment, free_port)


def test_a_mistake_in_the_options_leaves_nothing(embedded: EmbeddedRouter) -> None:
    program("a_mistake_in_the_options_leaves_nothing", embedded.rs_url)


# A start that is given up.


@pytest.mark.parametrize(
    "way", ["at once", "waiting", "timeout", "no time", "block", "block at once"]
)
def test_a_start_that_is_cancelled_leaves_nothing(
    kind: str, embedded: EmbeddedRouter, free_port: int, way: str
) -> None:
    program("a_start_that_is_cancelled_leaves_nothing", kind, embedded.rs_url, way, free_port)


def test_a_start_that_is_cancelled_takes_its_router_along(free_port: int) -> None:
    program("a_start_that_is_cancelled_takes_its_router_along", free_port)


@pytest.mark.parametrize("way", ["at once", "waiting"])
def test_a_stop_ends_a_start_that_waits(embedded: EmbeddedRouter, free_port: int, way: str) -> None:
    """Or the app would join when a router comes, long after it was stopped."""
    program("a_stop_ends_a_start_that_waits", embedded.rs_url, free_port, way)


def test_two_that_stop_it_at_one_time_stop_it_once(embedded: EmbeddedRouter) -> None:
    """A handler runs meanwhile, which both of them wait for, and neither for the grace time."""
    program("two_that_stop_it_at_one_time_stop_it_once", embedded.rs_url)


def test_a_stop_that_is_cancelled_can_be_repeated(free_port: int) -> None:
    """As by a timeout of the program's own, which is shorter than the grace time."""
    program("a_stop_that_is_cancelled_can_be_repeated", free_port)


# Routers that go and come back.


@pytest.mark.parametrize("kind", ["asyncio loop", "asyncio", "select", "epoll"])
def test_it_comes_back_when_its_router_does(kind: str) -> None:
    name = "comes_back_in_a_loop" if " " in kind else "comes_back_on_a_reactor"
    with EmbeddedRouter() as first:
        with Process(*command(name, kind, first.rs_url)) as embedding:
            embedding.until("^joined")
            assert first.stop() == 0
            embedding.until("^left")
            with EmbeddedRouter(first.port) as second:
                embedding.until("Joined again|^joined$")
                with connect(second.rs_url, timeout=60) as client:
                    prefix = f"com.embed.p{embedding.pid}"
                    while embedding.stdout.count("joined") < 2:
                        embedding.until("^joined")
                    assert client.call(f"{prefix}.through", 2, 3) == 5
                    client.publish(f"{prefix}.end")
                assert embedding.wait() == 0, embedding.text
                assert second.stop() == 0
    assert "Traceback" not in embedding.text


def test_it_can_be_stopped_while_offline() -> None:
    with EmbeddedRouter() as router:
        with Process(*command("can_be_stopped_while_offline", router.rs_url)) as embedding:
            embedding.until("^joined")
            assert router.stop() == 0
            assert embedding.wait() == 0, embedding.text
    assert embedding.stderr == []


# Twisted's reactors.

REACTORS = ["select", "poll", "epoll", "asyncio"]
FEW = ["epoll", "asyncio"]  # Twisted's own choice here, and the one that has an asyncio loop


@pytest.mark.parametrize("reactor", REACTORS)
def test_in_a_program_of_twisted_s_react(reactor: str, url: str) -> None:
    program("in_a_program_of_twisted_s_react", reactor, url)


@pytest.mark.parametrize("reactor", REACTORS)
def test_in_a_program_that_runs_its_reactor(reactor: str, url: str) -> None:
    said = program("in_a_program_that_runs_its_reactor", reactor, url)
    assert said == "end\n"


@pytest.mark.parametrize("reactor", REACTORS)
def test_a_reactor_carries_a_router_and_two_apps(reactor: str, free_port: int) -> None:
    program("a_reactor_carries_a_router_and_two_apps", reactor, free_port)


@pytest.mark.parametrize("reactor", REACTORS)
def test_web_apps_are_served_on_a_reactor(reactor: str, free_port: int) -> None:
    program("web_apps_on_a_reactor", reactor, free_port)


@pytest.mark.parametrize("reactor", FEW)
def test_nothing_is_left_on_a_reactor(reactor: str, url: str) -> None:
    program("nothing_is_left_on_a_reactor", reactor, url)


@pytest.mark.parametrize("reactor", FEW)
def test_handlers_on_a_reactor_s_loop_find_a_running_loop(reactor: str, url: str) -> None:
    """Handlers with run="loop" are called as messages come in, from Twisted's own callbacks."""
    program("handlers_on_a_reactor_s_loop_find_a_running_loop", reactor, url)


@pytest.mark.parametrize("reactor", FEW)
def test_progress_on_a_reactor_s_loop_comes_before_the_result(reactor: str, url: str) -> None:
    program("progress_on_a_reactor_s_loop_comes_before_the_result", reactor, url)


@pytest.mark.parametrize("reactor", FEW)
def test_what_was_written_for_autobahn_on_a_reactor(reactor: str, url: str) -> None:
    program("what_was_written_for_autobahn_on_a_reactor", reactor, url)


@pytest.mark.parametrize("reactor", FEW)
def test_a_refusal_reaches_a_reactor_s_program(reactor: str, crossbar: Crossbar) -> None:
    program("a_refusal_reaches_a_reactor_s_program", reactor, crossbar.rs_url)


@pytest.mark.parametrize("reactor", FEW)
@pytest.mark.parametrize("way", ["at once", "later"])
def test_a_start_on_a_reactor_can_be_cancelled(
    reactor: str, embedded: EmbeddedRouter, free_port: int, way: str
) -> None:
    program("a_start_on_a_reactor_can_be_cancelled", reactor, embedded.rs_url, free_port, way)


@pytest.mark.parametrize("reactor", FEW)
def test_a_blocking_client_beside_an_app_on_a_reactor(reactor: str, url: str) -> None:
    program("a_blocking_client_beside_an_app_on_a_reactor", reactor, url)


@pytest.mark.parametrize("reactor", FEW)
def test_the_reactor_s_thread_is_where_it_belongs(reactor: str, embedded: EmbeddedRouter) -> None:
    program("the_reactor_s_thread_is_where_it_belongs", reactor, embedded.rs_url)


@pytest.mark.parametrize("reactor", FEW)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_service_on_a_reactor_leaves_in_good_order(
    reactor: str, number: int, embedded: EmbeddedRouter
) -> None:
    """Tied to the reactor's end, as the manual has it."""
    with Process(*command("leaves_in_good_order", reactor, embedded.rs_url)) as service:
        service.until("^up$")
        with connect(embedded.rs_url, timeout=60) as client:
            assert client.call(f"com.embed.p{service.pid}.blocking", 2, 3) == 5
            service.stop(number)
            with pytest.raises(NoSuchProcedure):
                client.call(f"com.embed.p{service.pid}.blocking", 2, 3)
    assert (service.stdout, service.stderr) == (["up", "shutdown", "left"], [])


def test_an_asyncio_program_beside_a_reactor(embedded: EmbeddedRouter) -> None:
    """A select reactor is installed and runs in the main thread; an asyncio loop in another."""
    program("an_asyncio_program_beside_a_reactor", "select", embedded.rs_url)


# What stays the program's.


@pytest.mark.parametrize("place", ["asyncio", "uvloop", *(f"{name}reactor" for name in REACTORS)])
def test_the_program_s_signals_stay_its_own(place: str, embedded: EmbeddedRouter) -> None:
    if place == "uvloop":
        pytest.importorskip("uvloop")
    if place.endswith("reactor"):
        name = place.removesuffix("reactor")
        program("signals_on_reactor", name, embedded.rs_url)
    else:
        program("signals_in_loop", place, embedded.rs_url)


def test_ctrl_c_ends_the_program_and_the_app_stops(kind: str, embedded: EmbeddedRouter) -> None:
    program("ctrl_c_ends_the_program_and_the_app_stops", kind, embedded.rs_url)


def test_the_program_s_log_and_warnings_stay_its_own(embedded: EmbeddedRouter) -> None:
    program("the_program_s_log_and_warnings_stay_its_own", embedded.rs_url)


# What does not go together with a running loop, and what does.


def test_app_run_inside_a_loop_names_app_start(kind: str, embedded: EmbeddedRouter) -> None:
    program("app_run_inside_a_loop_names_app_start", kind, embedded.rs_url)


def test_a_blocking_client_beside_an_embedded_app(kind: str, url: str) -> None:
    program("a_blocking_client_beside_an_embedded_app", kind, url)


def test_a_blocking_verb_off_a_run_says_so(embedded: EmbeddedRouter) -> None:
    """It starts no loop in the background just to say that."""
    program("a_blocking_verb_off_a_run_says_so", embedded.rs_url)


def test_an_app_is_started_by_another_s_handler(embedded: EmbeddedRouter) -> None:
    """Inside app.run(), whose loop is our own."""
    with Process(*command("started_by_a_handler", embedded.rs_url)) as process:
        process.until("Press Ctrl-C")
        with connect(embedded.rs_url, timeout=60) as client:
            for _ in range(2):
                assert client.call(f"com.embed.p{process.pid}.nest") == "nested"
        assert process.stop() == 0, process.text
    assert "Traceback" not in process.text
