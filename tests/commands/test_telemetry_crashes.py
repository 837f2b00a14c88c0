"""However often the collector is killed: each record is there once, or was counted as dropped.

`WAMPAPP_CRASH_ROUNDS=50` has it killed more often.
"""

import logging
import os
import re
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.process import ROOT, Wampapp, environment
from tests.support.running import running
from wampapp import App, NoSuchProcedure, WampappError
from wampapp.components import Telemetry
from wampapp.components.telemetry.log_handler import MAX_WAITING

pytestmark = [pytest.mark.processes, pytest.mark.slow]

COLLECTOR = ROOT / "tests" / "programs" / "telemetry" / "collector.py"
DEADLINE = 60.0
ROUNDS = int(os.environ.get("WAMPAPP_CRASH_ROUNDS", "5"))
#: How many records are written in a second.
RATE = 5_000

logger = logging.getLogger("mill")


class Mill:
    """A router and a collector, each in a process, and a service in this one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"rs://127.0.0.1:{free_port()}"
        self.app = App(prefix="com.mill", name="mill")
        self.telemetry = Telemetry(self.app)
        self.ground = self.telemetry.counter("ground", "Sacks")
        self.written = 0
        port = self.url.rpartition(":")[2]
        self._router = self._start("router", "--port", port)
        self._router.until("Press Ctrl-C", DEADLINE)
        self.start_collector()

    def _start(self, *words: str | Path) -> Wampapp:
        return Wampapp(*words, cwd=self.folder, env=environment())

    def start_collector(self) -> None:
        self._collector = self._start("run", COLLECTOR, "--url", self.url)
        self._collector.until("Press Ctrl-C", DEADLINE)

    def kill_collector(self) -> None:
        os.kill(self._collector.pid, signal.SIGKILL)
        self._collector.wait()

    def close(self) -> None:
        self.kill_collector()
        os.kill(self._router.pid, signal.SIGKILL)
        self._router.wait()

    def write(self, count: int) -> None:
        for _ in range(count):
            self.written += 1
            self.ground.inc()
            logger.info("sack %d", self.written)

    def flush(self) -> None:
        end = time.monotonic() + DEADLINE
        while True:
            try:
                self.telemetry.sync.flush()
            except (NoSuchProcedure, WampappError):
                assert time.monotonic() < end
            else:
                return

    def sacks(self) -> tuple[list[int], int]:
        """Return the numbers of the records that came, in order, and how many were dropped."""
        numbers: list[int] = []
        dropped = after = 0
        ask = self.app.sync.procedure("com.mill.telemetry.logs", timeout=DEADLINE)
        while found := ask(services=["mill"], after=after, limit=1000):
            for record in found:
                after = record["id"]
                if match := re.fullmatch(r"sack (\d+)", record["message"]):
                    numbers.append(int(match[1]))
                elif match := re.match(r"(\d+) log records were dropped here", record["message"]):
                    dropped += int(match[1])
        return numbers, dropped

    def total(self) -> float:
        text = self.app.sync.call("com.mill.telemetry.metrics")
        (line,) = re.findall(r"^ground_total.* (\S+)$", text, re.MULTILINE)
        return float(line)

    def check(self) -> None:
        """Fail if the store is damaged, or does not find what it has."""
        connection = sqlite3.connect(self.folder / "instance" / "telemetry.sqlite")
        try:
            assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
            connection.execute(
                "insert into log_text (log_text, rank) values ('integrity-check', 1)"
            )
        finally:
            connection.close()


@pytest.fixture
def mill(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Mill]:
    caplog.set_level(logging.INFO, "mill")
    caplog.handler.setLevel(logging.CRITICAL)  # thousands of lines are of no use
    mill = Mill(tmp_path)
    try:
        with running(mill.app, mill.url):
            yield mill
    finally:
        mill.close()


def test_the_collector_is_killed_again_and_again(mill: Mill) -> None:
    mill.flush()
    ended = threading.Event()

    def grind() -> None:
        due = time.monotonic()
        while not ended.is_set():
            mill.write(RATE // 100)
            due += 0.01
            time.sleep(max(0.0, due - time.monotonic()))

    grinding = threading.Thread(target=grind)
    grinding.start()
    try:
        for _ in range(ROUNDS):
            before = mill.written
            while mill.written < before + RATE // 5:
                time.sleep(0.01)
            mill.kill_collector()
            mill.start_collector()
    finally:
        ended.set()
        grinding.join(DEADLINE)
    mill.flush()
    numbers, dropped = mill.sacks()
    assert numbers == sorted(set(numbers)), "a record came twice, or late"
    assert len(numbers) + dropped == mill.written
    assert mill.total() == mill.written
    mill.kill_collector()
    mill.check()
    mill.start_collector()


def test_the_collector_is_away_for_long(mill: Mill) -> None:
    """More is logged than there is room for; the newest are kept."""
    mill.write(10)
    mill.flush()
    mill.kill_collector()
    mill.write(3 * MAX_WAITING)
    mill.start_collector()
    mill.flush()
    numbers, dropped = mill.sacks()
    assert len(numbers) + dropped == mill.written
    assert dropped >= 2 * MAX_WAITING
    assert numbers[:10] == list(range(1, 11))
    assert numbers[-1] == mill.written
    assert mill.total() == mill.written
