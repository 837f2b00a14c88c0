"""Sessions and components of Autobahn's that `wampapp run` runs as they are, on both routers."""

import json
import queue
from pathlib import Path
from typing import Any

import pytest

from tests.support.credentials import PASSWORD, RIGHT, SECRET, SEED, TICKET, WRONG
from tests.support.process import ROOT, EmbeddedRouter, Wampapp, environment, wampapp
from tests.support.tls import Authority
from wampapp import ConnectedClient, Tls, connect
from wampapp.crossbar import Crossbar

pytestmark = pytest.mark.processes

DEADLINE = 60.0  # seconds
FOLDER = ROOT / "tests" / "programs" / "autobahn"
SERVICES = ["twisted_service.py:Service", "asyncio_service.py:Service", "component.py"]
Router = EmbeddedRouter | Crossbar


@pytest.fixture(params=SERVICES)
def target(request: pytest.FixtureRequest) -> str:
    return str(FOLDER / request.param)


@pytest.fixture(params=["rs", "ws"])
def url(request: pytest.FixtureRequest, router: Router) -> str:
    return router.rs_url if request.param == "rs" else router.ws_url


def works(client: ConnectedClient) -> None:
    """Call it, and have it answer an event by another one."""
    assert client.call("com.hosted.add", 1, 2) == 3
    heard: queue.Queue[int] = queue.Queue()
    subscription = client.subscribe("com.hosted.answered", heard.put)
    client.publish("com.hosted.asked", 21)
    assert heard.get(timeout=DEADLINE) == 42
    subscription.unsubscribe()


@pytest.mark.both_routers
def test_it_runs_as_it_is(target: str, url: str) -> None:
    with Wampapp("run", target, "--url", url) as service:
        service.until("registered by .* anonymous")
        with connect(url, timeout=DEADLINE) as client:
            works(client)
        assert service.stop() == 0
        assert "disconnected" in service.text
        assert "Traceback" not in service.text


@pytest.mark.parametrize("target", SERVICES)
@pytest.mark.parametrize("options", [[], ["--reload"], ["--workers", "1"]], ids=str)
def test_with_the_router_in_the_box(target: str, options: list[str]) -> None:
    with Wampapp("run", FOLDER / target, "--port", "0", *options) as service:
        url = service.until(r"(rs://\S+)")[1]
        service.until("Press Ctrl-C")
        # What it registers is registered by then.
        with connect(url, timeout=DEADLINE) as client:
            works(client)
        assert service.stop() == 0


@pytest.mark.both_routers
@pytest.mark.parametrize("program", ["twisted_service.py", "asyncio_service.py"])
def test_one_that_leaves_by_itself_ends_the_run(program: str, url: str) -> None:
    with connect(url, timeout=DEADLINE) as client:
        client.register("com.hosted.add", lambda a, b: a + b)
        done = wampapp("run", FOLDER / f"{program}:Once", "--url", url)
    assert done.returncode == 0, done.stderr
    said = [
        line for line in done.stdout.splitlines() if line.startswith(("the sum", "left", "dis"))
    ]
    assert said == ["the sum is 23", "left: wamp.close.normal", "disconnected"]
    assert "Traceback" not in done.stderr


def test_one_may_stop_the_reactor_at_any_time() -> None:
    done = wampapp("run", FOLDER / "stopping.py", "--port", "0")
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stdout.splitlines() if line in ("joined", "disconnected")]
    assert said == ["joined", "disconnected"]
    assert "Traceback" not in done.stderr
    assert "ERROR" not in done.stderr


@pytest.mark.parametrize("flavour", ["twisted", "asyncio"])
@pytest.mark.parametrize(
    ("name", "code", "last"),
    [
        ("RaisesOnConnect", 1, "Error: RaisesOnConnect.onConnect failed: ValueError: no database."),
        ("ForgetsToJoin", 1, "Error: ForgetsToJoin did not call self.join() within 2 s."),
        ("Denies", 4, "Error: Denies cannot join: not trusted."),
        ("fragile", 1, "Error: component failed: ValueError: not yet."),
        ("Disconnects", 0, "Press Ctrl-C to stop."),
    ],
)
def test_one_that_ends_by_itself_says_why(flavour: str, name: str, code: int, last: str) -> None:
    file = FOLDER / f"{flavour}_faults.py"
    hurry = ("--handshake-timeout", "2") if name == "ForgetsToJoin" else ()
    done = wampapp("run", f"{file}:{name}", "--port", "0", *hurry)
    assert done.returncode == code, done.stderr
    assert done.stderr.strip().rpartition("\n")[2] == last
    # A traceback shows only what was raised, once.
    assert done.stderr.count("Traceback") == done.stderr.count("raise ValueError") <= 1


@pytest.mark.parametrize("flavour", ["twisted", "asyncio"])
def test_a_component_runs_its_main_until_it_succeeds(flavour: str) -> None:
    done = wampapp("run", FOLDER / f"{flavour}_faults.py:stubborn", "--port", "0")
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith("run")] == [
        "run 1",
        "run 2",
        "run 3",
    ]
    assert done.stderr.count("Traceback") == 2


@pytest.mark.parametrize("flavour", ["twisted", "asyncio"])
def test_a_listener_that_fails_keeps_nothing_from_going_on(flavour: str) -> None:
    done = wampapp("run", FOLDER / f"{flavour}_faults.py:careless", "--port", "0")
    assert done.returncode == 0, done.stderr
    assert "ready" in done.stdout.splitlines()
    assert done.stderr.count("While notifying 'join'") == done.stderr.count("Traceback") == 1


def test_it_comes_back(target: str, free_port: int) -> None:
    url = f"ws://127.0.0.1:{free_port}/ws"
    with EmbeddedRouter(free_port) as first, Wampapp("run", target, "--url", url) as service:
        service.until("registered by")
        assert first.stop() == 0
        service.until("Coming back")
        with EmbeddedRouter(free_port) as second:
            service.until("Joined again")
            with connect(second.rs_url, timeout=DEADLINE) as client:
                works(client)
            assert service.stop() == 0


def test_credentials_are_given_to_it(target: str, gatekeeper: Router) -> None:
    env = environment(WAMPAPP_AUTHMETHOD="wampcra", WAMPAPP_AUTHID="salted", WAMPAPP_SECRET=SECRET)
    with Wampapp("run", target, "--url", gatekeeper.ws_url, env=env) as service:
        service.until("registered by salted member")
        with connect(gatekeeper.rs_url, auth=RIGHT["ticketed"], timeout=DEADLINE) as client:
            works(client)
        assert service.stop() == 0
    done = wampapp("run", target, "--url", gatekeeper.ws_url)
    assert done.returncode == 4
    assert done.stderr.count("Error: The router refused") == 1


AUTHENTICATING = FOLDER / "authenticating.py"
TICKET_OF_ONE = {"ticket": {"authid": "ticketed", "ticket": TICKET}}
AUTHENTICATIONS: dict[str, dict[str, Any]] = {
    "ticketed": TICKET_OF_ONE,
    "salted": {"wampcra": {"authid": "salted", "secret": SECRET}},
    "argon2": {
        "scram": {"authid": "argon2", "password": PASSWORD, "nonce": "", "kdf": "argon2id13"}
    },
    "signing": {"cryptosign": {"authid": "signing", "privkey": SEED}},
}


def authenticating(**authentication: Any) -> dict[str, str]:
    """The environment of the program that proves by itself who it is."""
    return environment(AUTHENTICATION=json.dumps(authentication))


@pytest.mark.parametrize("authid", AUTHENTICATIONS)
def test_a_component_proves_by_itself_who_it_is(authid: str, gatekeeper: Router) -> None:
    target = f"{AUTHENTICATING}:component"
    env = authenticating(**AUTHENTICATIONS[authid])
    with Wampapp("run", target, "--url", gatekeeper.ws_url, env=env) as service:
        service.until(f"joined as {authid} member")
        service.until("Press Ctrl-C")
        assert service.stop() == 0


@pytest.mark.parametrize("name", ["component", "Ticketed"])
def test_what_is_not_let_in_is_one_sentence(name: str, gatekeeper: Router) -> None:
    target = f"{AUTHENTICATING}:{name}"
    right, wrong = TICKET_OF_ONE, {"ticket": {"authid": "ticketed", "ticket": WRONG}}
    with Wampapp("run", target, "--url", gatekeeper.rs_url, env=authenticating(**right)) as service:
        service.until("joined as ticketed member ticket")
        service.until("Press Ctrl-C")
        assert service.stop() == 0
    done = wampapp("run", target, "--url", gatekeeper.rs_url, env=authenticating(**wrong))
    assert done.returncode == 4, done.stderr
    assert done.stderr.count("Error: The router refused") == 1
    assert "Traceback" not in done.stderr


def test_what_has_no_answer_to_a_challenge_says_so(gatekeeper: Router) -> None:
    env = authenticating(**TICKET_OF_ONE)
    target = f"{AUTHENTICATING}:Unprepared"
    done = wampapp("run", target, "--url", gatekeeper.rs_url, env=env)
    assert done.returncode == 4, done.stderr
    assert done.stderr.splitlines()[-1] == (
        "Error: Unprepared cannot join: received authentication challenge, but onChallenge not "
        "implemented."
    )


def test_tls_is_spoken(target: str, authority: Authority) -> None:
    certificate = authority.issue("localhost")
    with Wampapp("router", "--port", "0", "--tls-cert", certificate) as router:
        port = int(router.until(r"RawSocket +rss://127\.0\.0\.1:(\d+)")[1])
        for url in (f"rss://localhost:{port}", f"wss://localhost:{port}/ws"):
            with Wampapp("run", target, "--url", url, "--ca", authority.file) as service:
                service.until("registered by")
                with connect(url, tls=Tls(ca=authority.file), timeout=DEADLINE) as client:
                    works(client)
                assert service.stop() == 0


def test_a_router_that_is_away_is_one_sentence(target: str, free_port: int) -> None:
    url = f"ws://127.0.0.1:{free_port}/ws"
    done = wampapp("run", target, "--url", url, "--give-up-after", "0")
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1].startswith("Error: No router answers at ")


def test_a_module_with_several_is_asked_which() -> None:
    done = wampapp("run", FOLDER / "twisted_service.py")
    assert done.returncode == 2
    assert "has several sessions of Autobahn's: Service, Once; say which: " in done.stderr


def test_both_flavours_in_one_program_are_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "both.py"
    file.write_text("import autobahn.asyncio.wamp\nimport autobahn.twisted.wamp\n")
    done = wampapp("run", file)
    assert done.returncode == 2
    assert done.stderr == (
        f"Error: {file} imports both autobahn.twisted and autobahn.asyncio; import all of Autobahn "
        "from one of them, for a process can have one.\n"
    )


RUNNER = """\
from autobahn.{}.wamp import ApplicationRunner, ApplicationSession
ApplicationRunner("ws://127.0.0.1:1/ws", "realm1").run(ApplicationSession)
"""
COMPONENTS = """\
from autobahn.{}.component import Component, run
run([Component()])
"""
REACTOR = """\
from twisted.internet import reactor
reactor.run()
"""


@pytest.mark.parametrize("options", [[], ["--workers", "2"]], ids=str)
@pytest.mark.parametrize(
    ("program", "what"),
    [
        (RUNNER.format("twisted"), "Autobahn's ApplicationRunner.run() is called"),
        (RUNNER.format("asyncio"), "Autobahn's ApplicationRunner.run() is called"),
        (COMPONENTS.format("twisted"), "Autobahn's run() is called"),
        (COMPONENTS.format("asyncio"), "Autobahn's run() is called"),
        (REACTOR, "Twisted's reactor is run"),
    ],
)
def test_a_module_that_runs_by_itself_is_one_sentence(
    program: str, what: str, options: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "unguarded.py"
    file.write_text(program)
    done = wampapp("run", file, "--port", "0", *options)
    assert done.returncode == 2
    assert done.stderr == (
        f"Error: {file}:2: {what} while the module is imported, and wampapp is to run it; put the "
        "call under: if __name__ == '__main__'.\n"
    )
