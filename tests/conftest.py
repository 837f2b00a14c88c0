"""What every test may ask for."""

import signal
from collections.abc import Callable, Iterator
from functools import partial

import hypothesis
import pytest

from tests.support import ports
from tests.support.credentials import REALM, SECRET, guarded_file, guarded_node
from tests.support.distributions import Installed, install
from tests.support.postgres import Postgres
from tests.support.process import EmbeddedRouter, environment
from tests.support.tls import Authority
from wampapp import ConnectedClient, connect
from wampapp.crossbar import Crossbar, Progress

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As in a shell's background job. The processes that tests start would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


# How long an example takes depends on what else runs, as in pytest -n. The examples are the same in
# each run; to look for others: pytest --hypothesis-profile=wampapp-search.
for name, is_fixed in {"wampapp": True, "wampapp-search": False}.items():
    hypothesis.settings.register_profile(
        name,
        deadline=None,
        derandomize=is_fixed,
        max_examples=100 if is_fixed else 2000,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
hypothesis.settings.load_profile("wampapp")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs Crossbar.io, and put the longest first."""
    for item in items:
        if _needs_crossbar(item):
            item.add_marker("crossbar")
    # With --dist worksteal, what is short fills up the end of the run.
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def _needs_crossbar(item: pytest.Item) -> bool:
    params = item.callspec.params.values() if hasattr(item, "callspec") else ()
    routers = {param for param in params if param in ("embedded", "crossbar")}
    if routers:
        return "crossbar" in routers
    return "new_crossbar" in getattr(item, "fixturenames", ())


@pytest.fixture(scope="session")
def progress(request: pytest.FixtureRequest) -> Progress:
    """A function that prints a line at once, whatever pytest captures: installing takes minutes."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def tell(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n{line}", flush=True)

    return tell


@pytest.fixture(scope="session")
def new_crossbar(progress: Progress) -> Callable[..., Crossbar]:
    """Makes a real Crossbar.io, not started yet, for what needs one of its own."""
    return partial(Crossbar, progress=progress)


@pytest.fixture(scope="session")
def crossbar(new_crossbar: Callable[..., Crossbar]) -> Iterator[Crossbar]:
    """A real Crossbar.io with one realm, `realm1`, shared by the whole run."""
    with new_crossbar() as router:
        yield router


@pytest.fixture(scope="session")
def guarded(new_crossbar: Callable[..., Crossbar]) -> Iterator[Crossbar]:
    """A Crossbar.io that only those join who are in `RIGHT`, shared by the whole run."""
    with new_crossbar(realm=REALM, config=guarded_node()) as router:
        yield router


@pytest.fixture(scope="session")
def guarded_embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRouter]:
    """Our own router that only those join who are in `RIGHT`, shared by the whole run."""
    path = guarded_file(tmp_path_factory.mktemp("router"))
    env = environment(SHARED_SECRET=SECRET)
    with EmbeddedRouter(0, "--config", path, env=env) as router:
        yield router
        assert router.stop() == 0, router.text


@pytest.fixture(params=["embedded", "crossbar"])
def gatekeeper(request: pytest.FixtureRequest) -> EmbeddedRouter | Crossbar:
    """Each of the two routers that only those join who are in `RIGHT`."""
    name = "guarded" if request.param == "crossbar" else "guarded_embedded"
    found: EmbeddedRouter | Crossbar = request.getfixturevalue(name)
    return found


@pytest.fixture(scope="session")
def embedded() -> Iterator[EmbeddedRouter]:
    """Our own router in a process of its own, shared by the whole run."""
    with EmbeddedRouter() as router:
        yield router
        assert router.stop() == 0, router.text


@pytest.fixture(params=["embedded", "crossbar"], scope="session")
def router(request: pytest.FixtureRequest) -> EmbeddedRouter | Crossbar:
    """Each of the two routers in turn; what speaks WAMP is tested on both."""
    found: EmbeddedRouter | Crossbar = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["rs", "ws"], scope="session")
def url(request: pytest.FixtureRequest, router: EmbeddedRouter | Crossbar) -> str:
    """Each transport of each router in turn."""
    return router.rs_url if request.param == "rs" else router.ws_url


@pytest.fixture
def client(url: str) -> Iterator[ConnectedClient]:
    """A blocking client, joined; none of its verbs waits for ever."""
    with connect(url, "realm1", timeout=60) as joined:
        yield joined


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs the certificates of routers and clients, and is trusted where a test says so."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, progress: Progress) -> Installed:
    """Our wheel, in a virtual environment where the checkout is not found."""
    return install(tmp_path_factory, progress)


@pytest.fixture(scope="session")
def postgres(progress: Progress) -> Iterator[Postgres]:
    """A real PostgreSQL, shared by the whole run; each test makes a schema of its own in it."""
    with Postgres(progress) as server:
        yield server


@pytest.fixture
def free_port() -> int:
    """A TCP port that nobody listens on."""
    return ports.free_port()
