"""`wampapp kv …`, as somebody types it who looks after a key/value store."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.process import ROOT, Process, Wampapp, environment, run, wampapp
from wampapp import ConnectedClient, connect
from wampapp.components import KV

pytestmark = pytest.mark.processes

PROGRAMS = ROOT / "tests" / "programs" / "kv"
MIB = 1024 * 1024


class Store:
    """A service with a store, and what is typed about it."""

    def __init__(self, folder: Path, program: str = "service.py", port: int = 0) -> None:
        self.folder = folder
        self.service = Wampapp(
            "run", PROGRAMS / program, "--port", str(port), cwd=folder, env=environment()
        )
        found = self.service.until(r"rs://127\.0\.0\.1:(\d+)")
        self.url, self.port = found[0], int(found[1])
        self.service.until("Press Ctrl-C")

    def typed(self, *words: str, code: int = 0, columns: int = 80) -> str:
        env = environment(COLUMNS=str(columns))
        done = wampapp("kv", *words, "--url", self.url, cwd=self.folder, env=env)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr if code else done.stdout

    def fed(self, text: str, *words: str, code: int = 0) -> str:
        done = run_with(text, "load", *words, "--url", self.url)
        assert done[0] == code, done
        return done[2] if code else done[1]

    def client(self) -> ConnectedClient:
        return connect(self.url, timeout=60)


def run_with(text: str, *words: str) -> tuple[int, str, str]:
    """Run `wampapp kv …` with a standard input."""
    # A file in between, as run() takes no text.
    code = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[2:], stdin=open(sys.argv[1])).returncode)"
    raise NotImplementedError(code, words)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path)
    with store.service:
        yield store
        store.service.stop()
