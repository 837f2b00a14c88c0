"""Commands that are told no URL find a Crossbar.io that speaks only WebSocket, as by default."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.process import ROOT, Wampapp, environment, wampapp
from wampapp.crossbar import Crossbar, node_configuration

SHOP = ROOT / "tests" / "programs" / "tasks" / "shop.py"


@pytest.fixture(scope="module")
def web(new_crossbar: Callable[..., Crossbar]) -> Iterator[Crossbar]:
    """A node as `crossbar init` writes it: a web server with WebSocket at /ws, no RawSocket."""
    config = node_configuration("realm1", "127.0.0.1")
    transport = config["workers"][0]["transports"][0]
    config["workers"][0]["transports"] = [
        {
            "type": "web",
            "endpoint": transport["endpoint"],
            "paths": {"/": {"type": "json", "value": {}}, "ws": {"type": "websocket"}},
        }
    ]
    with new_crossbar(config=config) as router:
        yield router


@pytest.fixture
def env(web: Crossbar) -> dict[str, str]:
    return environment(WAMPAPP_PORT=str(web.port))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("call", "wamp.session.count"), ""),
        (("publish", "com.found"), ""),
        (("inspect",), "realm1 at {url}"),
        (("doctor",), "{url}, the default: WebSocket to 127.0.0.1"),
    ],
)
def test_a_command_finds_it(
    web: Crossbar, env: dict[str, str], words: tuple[str, ...], says: str
) -> None:
    done = wampapp(*words, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert says.format(url=web.ws_url) in done.stdout


def test_the_prompt_finds_it(web: Crossbar, env: dict[str, str]) -> None:
    done = wampapp("shell", input="print(call('wamp.session.count') > 0)\n", env=env)
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr


def test_a_procedure_of_the_command_line_finds_it(web: Crossbar, env: dict[str, str]) -> None:
    with Wampapp("register", "com.found.date", "date", env=env) as process:
        process.until(f"router +{web.ws_url}$")
        process.until("Press Ctrl-C")
        assert wampapp("call", "com.found.date", env=env).returncode == 0
        assert process.stop() == 0


def test_a_service_finds_it(web: Crossbar, env: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "found.py"
    file.write_text("from wampapp import App\napp = App()\n")
    with Wampapp("run", file, env=env) as process:
        process.until(f"router +{web.ws_url}  .it was running already; joined it.")
        process.until("Press Ctrl-C")
        assert process.stop() == 0


@pytest.mark.parametrize("words", [(), ("--processes", "2")], ids=str)
def test_a_worker_finds_it(web: Crossbar, env: dict[str, str], words: tuple[str, ...]) -> None:
    with Wampapp("worker", SHOP, *words, env=env) as process:
        process.until(f"router +{web.ws_url}$")
        process.until("Press Ctrl-C")
        assert process.stop() == 0
