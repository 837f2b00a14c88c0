"""What a new test client for each test costs, compared with tests that call the function itself."""

import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from time import perf_counter

from tests.benchmarks.harness import Row, Table, environ, in_turns

TESTS = 100
ROUNDS = 3

HEAD = """
import pytest
from wampapp import App

app = App(prefix="com.example")

@app.register
def add(a: int, b: int) -> int:
    return a + b
"""
OURS = """
@pytest.mark.parametrize("number", range({tests}))
def test_add(number):
    with app.test_client() as client:
        assert client.call("com.example.add", number, 1) == number + 1
"""
BARE = """
@pytest.mark.parametrize("number", range({tests}))
def test_add(number):
    assert add(number, 1) == number + 1
"""


def measure(rounds: int) -> Table:
    """Measure both as processes, including pytest and its start."""
    cells = {"ours": partial(seconds, HEAD + OURS), "bare": partial(seconds, HEAD + BARE)}
    samples = in_turns(cells, max(rounds, ROUNDS), "tests")
    row = Row(f"{TESTS} small tests", samples["ours"], samples["bare"])
    note = "A pytest run, with a new app.test_client() per test; the peer calls the function."
    title = "Seconds for a run of tests"
    return Table(title, note, [row], smaller_is_better=True)


def seconds(text: str) -> float:
    """Run a file of tests, and return the seconds that it took."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "test_it.py"
        file.write_text(text.format(tests=TESTS))
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", file]
        begun = perf_counter()
        subprocess.run(command, cwd=folder, env=environ(), check=True, stdout=subprocess.DEVNULL)
        return perf_counter() - begun
