"""However often the keeper is killed: services agree with it afterwards, and none goes back.

`WAMPAPP_CRASH_ROUNDS=50` has it killed more often.
"""

import os
import random
import re
import signal
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.ports import free_port
from tests.support.process import ROOT, Wampapp, environment
from wampapp import WampappError, connect
from wampapp.components import Live

pytestmark = [pytest.mark.processes, pytest.mark.slow]

PROGRAMS = ROOT / "tests" / "programs" / "settings"
DEADLINE = 60.0
SERVICES = 4
ROUNDS = int(os.environ.get("WAMPAPP_CRASH_ROUNDS", "8"))
SEED = os.environ.get("WAMPAPP_CRASH_SEED", "1")


class Mill:
    """A router, a keeper, and services that have the settings: each a process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.processes: dict[str, Wampapp] = {}

    @property
    def url(self) -> str:
        return f"rs://127.0.0.1:{self.port}"

    def begin(self) -> None:
        self.start("router")
        self.start("keeper")
        for number in range(SERVICES):
            self.start(f"service{number}")

    def start(self, name: str) -> None:
        if name == "router":
            words: tuple[str | Path, ...] = ("router", "--port", str(self.port))
        else:
            program = "keeper.py" if name == "keeper" else "follower.py"
            words = ("run", PROGRAMS / program, "--url", self.url)
        env = environment(MILL_NAME=name, PYTHONUNBUFFERED="1")
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        self.processes[name] = Wampapp(*words, cwd=folder, env=env)
        self.processes[name].until("Press Ctrl-C", DEADLINE)

    def kill(self, name: str) -> None:
        process = self.processes.pop(name)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    def services(self) -> list[Wampapp]:
        return [process for name, process in self.processes.items() if "service" in name]

    def close(self) -> None:
        for name in [*self.processes]:
            self.kill(name)


@pytest.fixture
def mill(tmp_path: Path) -> Iterator[Mill]:
    mill = Mill(tmp_path)
    try:
        mill.begin()
        yield mill
    finally:
        mill.close()


class Admin(threading.Thread):
    """Changes a setting again and again, and remembers what was acknowledged."""

    def __init__(self, mill: Mill) -> None:
        super().__init__()
        self._mill = mill
        self.stopping = threading.Event()
        self.acknowledged: dict[int, int] = {}

    def run(self) -> None:
        speed = 0
        with connect(self._mill.url, timeout=DEADLINE) as client:
            settings: Live[Any] = Live(client, "com.mill.settings")
            while not self.stopping.is_set():
                speed += 1
                try:
                    changed = settings.sync.change(speed=speed)
                except WampappError:
                    self.stopping.wait(0.02)
                else:
                    self.acknowledged[changed.version] = speed


def test_services_agree_with_their_keeper(mill: Mill) -> None:
    dice = random.Random(SEED)
    admin = Admin(mill)
    admin.start()
    try:
        for _ in range(ROUNDS):
            threading.Event().wait(0.1 + dice.random() * 0.3)  # at a random instant
            mill.kill("keeper")
            mill.start("keeper")
    finally:
        admin.stopping.set()
        admin.join()
    with connect(mill.url, timeout=DEADLINE) as client:
        settings: Live[Any] = Live(client, "com.mill.settings")
        done = False
        while not done:
            try:
                last = settings.sync.change(speed=1_000_000).version
                # When it returns, those that are attached have it; all are, sooner or later.
                done = len(client.call("com.mill.settings.services")) == SERVICES
            except WampappError:
                pass
        snapshot = client.call("com.mill.settings.snapshot")
    assert snapshot == {
        "store": snapshot["store"],
        "version": last,
        "values": {"speed": 1_000_000},
    }
    for process in mill.services():
        process.until(f"^seen {last} 1000000$", DEADLINE)
        seen = [
            (int(version), int(speed))
            for version, speed in re.findall(r"^seen (\d+) (\d+)$", process.text, re.MULTILINE)
        ]
        versions = [version for version, _ in seen]
        assert versions == sorted(set(versions))
        # What was acknowledged is what they have seen, where they have seen that version.
        for version, speed in seen:
            assert admin.acknowledged.get(version, speed) == speed
    mill.close()
    file = mill.folder / "keeper" / "instance" / "settings.sqlite"
    connection = sqlite3.connect(file)
    try:
        kept = {version for (version,) in connection.execute("select version from setting_history")}
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
    finally:
        connection.close()
    assert kept >= {version for version in admin.acknowledged if version > last - 1000}
    assert len(admin.acknowledged) > ROUNDS
