"""The pytest plugin, as a user's own tests have it."""

import sys
from pathlib import Path

import pytest

from tests.support.process import environment, run

pytestmark = pytest.mark.processes

CONFIG = "[pytest]\nfilterwarnings = error\n    ignore:'crypt' is deprecated:DeprecationWarning\n"

IMPORTS_NOTHING = """
import sys

def test_nothing_was_imported():
    ours = {name for name in sys.modules if name.startswith("wampapp.")}
    assert ours <= {"wampapp._version", "wampapp.pytest_plugin"}
    assert not {"autobahn", "twisted", "msgspec", "click"} & set(sys.modules)
"""

REAL = """
import wampapp

app = wampapp.App(prefix="com.real")

@app.register
def add(a: int, b: int) -> int:
    return a + b

def test_both_transports(wamp_router):
    for url in (wamp_router.url, wamp_router.ws_url):
        with wampapp.connect(url, wamp_router.realm) as client:
            client.register("com.real.add", lambda a, b: a + b)
            assert client.call("com.real.add", 2, 3) == 5

def test_the_router_is_the_same(wamp_router, wamp_url):
    assert wamp_url == wamp_router.url
    with wampapp.connect(wamp_url) as one, wampapp.connect(wamp_url) as other:
        one.register("com.real.five", lambda: 5)
        assert other.call("com.real.five") == 5

def test_a_test_client_beside_it(wamp_router):
    with app.test_client() as client:
        assert client.call("com.real.add", 2, 3) == 5
"""

CHOSEN = """
import wampapp

def test_it_is_crossbar(wamp_url):
    with wampapp.connect(wamp_url) as client:
        details = client._current().session.details
        assert any(name.startswith("x_cb") for name in details), details
        client.register("com.chosen.five", lambda: 5)
        assert client.call("com.chosen.five") == 5
"""


def run_tests(folder: Path, text: str, *options: str) -> str:
    """Run a file of tests as a user does, in a folder of its own; return what pytest said."""
    (folder / "pytest.ini").write_text(CONFIG)
    (folder / "test_it.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    done = run(*command, cwd=folder, env=environment())
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_nothing_is_imported_unless_it_is_used(tmp_path: Path) -> None:
    assert "1 passed" in run_tests(tmp_path, IMPORTS_NOTHING)


def test_a_real_router(tmp_path: Path) -> None:
    assert "3 passed" in run_tests(tmp_path, REAL)


@pytest.mark.usefixtures("crossbar")  # so that it is installed
def test_crossbar_by_an_option(tmp_path: Path) -> None:
    assert "1 passed" in run_tests(tmp_path, CHOSEN, "--wamp-router", "crossbar")


def test_the_fixtures_are_listed_with_what_they_are(tmp_path: Path) -> None:
    said = run_tests(tmp_path, IMPORTS_NOTHING, "--fixtures")
    for name in ("wamp_router", "wamp_crossbar", "wamp_url"):
        assert name in said
    assert "The embedded router on a free port" in said
