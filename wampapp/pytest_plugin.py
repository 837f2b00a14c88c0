"""For users' tests with pytest: short tracebacks, and fixtures with real routers over real sockets.

It is installed with wampapp, and pytest finds it by itself. It imports nothing of wampapp until a
test uses a fixture.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


class RunningRouter:
    """A router that runs for the tests.

    Attributes:
        rs_url: its URL for RawSocket.
        ws_url: its URL for WebSocket.
        url: the same as ``rs_url``.
        realm: a realm that anybody may join.
    """

    def __init__(self, rs_url: str, ws_url: str) -> None:
        self.rs_url = self.url = rs_url
        self.ws_url = ws_url
        self.realm = "realm1"

    def __repr__(self) -> str:
        return f"<RunningRouter {self.url}>"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--wamp-router``."""
    parser.getgroup("wampapp").addoption(
        "--wamp-router",
        choices=["embedded", "crossbar"],
        default="embedded",
        help="The router behind the fixture wamp_url: embedded (the default) or crossbar.",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> None:
    """Hide wampapp's own lines from a failing test's traceback; ``--full-trace`` shows them."""
    if call.excinfo is None or Path(__file__).parents[1] == item.config.rootpath:
        return  # it passed, or it is a test of wampapp itself
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "wampapp":
            module.__tracebackhide__ = True  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def wamp_router() -> Iterator[RunningRouter]:
    """The embedded router on a free port of the loopback interface, for the whole run."""
    from wampapp.runner.standalone import routing

    with routing() as address:
        yield RunningRouter(address.rawsocket_url, address.websocket_url)


@pytest.fixture(scope="session")
def wamp_crossbar(request: pytest.FixtureRequest) -> Iterator[RunningRouter]:
    """A real Crossbar.io, for the whole run; on first use it is installed into a cache folder."""
    from wampapp.crossbar import Crossbar

    capture: Any = request.config.pluginmanager.getplugin("capturemanager")

    def tell(line: str) -> None:
        # Shown at once, though pytest captures output: installing takes minutes.
        with capture.global_and_fixture_disabled():
            print(f"\n{line}", flush=True)

    with Crossbar(progress=tell) as router:
        yield RunningRouter(router.rs_url, router.ws_url)


@pytest.fixture(scope="session")
def wamp_url(request: pytest.FixtureRequest) -> str:
    """The URL of the router that ``--wamp-router`` names."""
    kind = request.config.getoption("--wamp-router")
    fixture = "wamp_crossbar" if kind == "crossbar" else "wamp_router"
    router: RunningRouter = request.getfixturevalue(fixture)
    return router.url
