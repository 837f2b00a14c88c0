"""The pytest plugin, as a user's own tests have it."""

import re
import sys
from pathlib import Path

import pytest

from tests.support.process import environment, run
from tests.support.programs import program

pytestmark = pytest.mark.processes

CONFIG = "[pytest]\nfilterwarnings = error\n    ignore:'crypt' is deprecated:DeprecationWarning\n"

IMPORTS_NOTHING = program("pytest_plugin_imports_nothing.py")

REAL = program("pytest_plugin_real.py")

CHOSEN = program("pytest_plugin_chosen.py")


FAILS = program("pytest_plugin_fails.py")


def run_tests(folder: Path, text: str, *options: str, code: int = 0) -> str:
    """Run a file of tests as a user does, in a folder of its own; return what pytest said."""
    (folder / "pytest.ini").write_text(CONFIG)
    (folder / "test_it.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    done = run(*command, cwd=folder, env=environment())
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_nothing_is_imported_unless_it_is_used(tmp_path: Path) -> None:
    assert "1 passed" in run_tests(tmp_path, IMPORTS_NOTHING)


def test_a_real_router(tmp_path: Path) -> None:
    assert "3 passed" in run_tests(tmp_path, REAL)


@pytest.mark.slow
@pytest.mark.usefixtures("crossbar")  # so that it is installed
def test_crossbar_by_an_option(tmp_path: Path) -> None:
    assert "1 passed" in run_tests(tmp_path, CHOSEN, "--wamp-router", "crossbar")


def test_the_fixtures_are_listed_with_what_they_are(tmp_path: Path) -> None:
    said = run_tests(tmp_path, IMPORTS_NOTHING, "--fixtures")
    for name in ("wamp_router", "wamp_crossbar", "wamp_url"):
        assert name in said
    assert "The embedded router on a free port" in said


def test_a_failing_test_shows_the_user_s_lines_and_none_of_ours(tmp_path: Path) -> None:
    said = run_tests(tmp_path, FAILS, code=1)
    assert "4 failed" in said
    assert "wampapp/" not in said, said
    for line in ("client.call(", "return PRICES[sku]", "events.wait_for(1", "app.sync.publish("):
        assert re.search(rf"^>? +.*{re.escape(line)}", said, re.MULTILINE), said
    for error in ("no_such_procedure", "KeyError: 'gold'", "0 of 1 events", "is not running"):
        assert error in said
    assert "wampapp/client/blocking.py" in run_tests(tmp_path, FAILS, "--full-trace", code=1)
