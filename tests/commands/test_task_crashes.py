"""Whatever is killed, stopped or cut, no task is lost, and none runs for ever.

`WAMPAPP_CRASH_ROUNDS=200` has the matrix run longer.
"""

import os
import random
import select
import signal
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.ports import free_port
from tests.support.process import ROOT, Wampapp, environment
from tests.support.proxy import Wire
from wampapp import ConnectedClient, WampappError, connect
from wampapp.components import Tasks
from wampapp.components.tasks import TaskFailed

pytestmark = [pytest.mark.processes, pytest.mark.slow]

PROGRAMS = ROOT / "tests" / "programs" / "tasks"
DEADLINE = 60.0
ROUNDS = int(os.environ.get("WAMPAPP_CRASH_ROUNDS", "50"))


class Mill:
    """A router, the owner of a queue, and two workers: each a process, each behind its own wire."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.noted = folder / "noted"
        self.noted.touch()
        self.wires = {name: Wire(self.port) for name in ("owner", "worker1", "worker2")}
        for wire in self.wires.values():
            wire.__enter__()
        self.processes: dict[str, Wampapp] = {}

    def begin(self) -> None:
        for name in ("router", *self.wires):
            self.start(name)
            # A worker that comes after the owner has told it of its tasks when it is ready.
            self.ready()

    def start(self, name: str) -> None:
        if name == "router":
            words = ("router", "--port", str(self.port))
        else:
            program = PROGRAMS / f"{name.rstrip('12')}.py"
            words = ("run", program, "--url", f"rs://127.0.0.1:{self.wires[name].port}")
        self.processes[name] = Wampapp(*words, cwd=self.folder, env=environment())

    def ready(self) -> None:
        for process in self.processes.values():
            process.until("Press Ctrl-C", DEADLINE)

    def kill(self, name: str) -> None:
        process = self.processes.pop(name)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    def until_a_worker_ends(self) -> str:
        """Wait for the end of one of the workers, and return its name."""
        ends = {
            os.pidfd_open(process.pid): name
            for name, process in self.processes.items()
            if name.startswith("worker")
        }
        try:
            ended, _, _ = select.select([*ends], [], [], DEADLINE)
            name = ends[ended[0]]
            assert self.processes[name].wait() == 9
        finally:
            for descriptor in ends:
                os.close(descriptor)
        return name

    def close(self) -> None:
        while self.processes:
            _, process = self.processes.popitem()
            os.kill(process.pid, signal.SIGCONT)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        while self.wires:
            self.wires.popitem()[1].__exit__(None, None, None)

    def client(self) -> ConnectedClient:
        return connect(f"rs://127.0.0.1:{self.port}", timeout=DEADLINE)

    def lines(self) -> list[list[str]]:
        return [line.split() for line in self.noted.read_text().splitlines()]

    def rows(self, sql: str) -> list[Any]:
        """Ask the file itself, which nobody owns any longer."""
        connection = sqlite3.connect(self.folder / "instance" / "tasks.sqlite")
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()


@pytest.fixture
def mill(tmp_path: Path) -> Iterator[Mill]:
    mill = Mill(tmp_path)
    try:
        mill.begin()
        yield mill
    finally:
        mill.close()


class Miller(threading.Thread):
    """Enqueues tasks one after the other, each until it is acknowledged."""

    def __init__(self, mill: Mill) -> None:
        super().__init__()
        self._mill = mill
        self.stopping = threading.Event()
        self.acknowledged: dict[int, int] = {}
        self.errors: Counter[str] = Counter()

    def run(self) -> None:
        dice = random.Random(7)
        with self._mill.client() as client:
            while not self.stopping.is_set():
                number = len(self.acknowledged)
                words = [str(self._mill.noted), number, dice.random() * 0.1]
                try:
                    found = client.call("com.mill.tasks.enqueue", "grind", words, key=f"n{number}")
                except WampappError as error:
                    self.errors[type(error).__name__] += 1
                    self.stopping.wait(0.02)
                else:
                    self.acknowledged[number] = found


def kill_and_restart(mill: Mill, name: str, dice: random.Random) -> None:
    mill.kill(name)
    mill.start(name)


def stop_and_kill(mill: Mill, name: str, dice: random.Random) -> None:
    """A process that hangs: the kernel answers for it, and nothing else does."""
    os.kill(mill.processes[name].pid, signal.SIGSTOP)
    threading.Event().wait(dice.random() * 0.3)
    kill_and_restart(mill, name, dice)


def cut(mill: Mill, name: str, dice: random.Random) -> None:
    """The process lives on, and comes back through another connection."""
    mill.wires[name].cut()


FAULTS: list[tuple[Callable[[Mill, str, random.Random], None], str]] = [
    (kill_and_restart, "worker1"),
    (kill_and_restart, "worker2"),
    (kill_and_restart, "owner"),
    (kill_and_restart, "router"),
    (stop_and_kill, "worker1"),
    (stop_and_kill, "owner"),
    (cut, "worker1"),
    (cut, "owner"),
]


def test_nothing_is_lost(mill: Mill) -> None:
    dice = random.Random(os.environ.get("WAMPAPP_CRASH_SEED", "1"))
    miller = Miller(mill)
    miller.start()
    try:
        for turn in range(ROUNDS):
            fault, name = FAULTS[turn % len(FAULTS)]
            # At a random instant, which need not find everything at work again.
            threading.Event().wait(dice.random() * 1.5)
            fault(mill, name, dice)
    finally:
        miller.stopping.set()
        miller.join()
    mill.ready()
    with mill.client() as client:
        tasks = Tasks(client, "com.mill.tasks")
        for number, task in miller.acknowledged.items():
            handle = tasks.sync.handle(task)
            try:
                assert handle.result(timeout=DEADLINE) == number
            except TaskFailed:
                # Three workers were killed while they had it, as bad luck would have it.
                assert handle.info().crashes == 3
    mill.close()

    attempts = dict(mill.rows("select request_key, attempt from task"))
    assert len(attempts) == len(miller.acknowledged)  # not one twice
    assert mill.rows("select id from task where finished is null") == []
    assert mill.rows("pragma integrity_check") == [("ok",)]
    started = Counter(int(line[1]) for line in mill.lines() if line[0] == "starts")
    ended = Counter(int(line[1]) for line in mill.lines() if line[0] == "ends")
    dead = dict(mill.rows("select request_key, crashes from task where state = 'dead'"))
    for number in miller.acknowledged:
        key = f"n{number}"
        assert ended[number] >= 1 or key in dead, number
        # Twice only where an attempt was under way at a kill.
        assert started[number] <= attempts[key], number
    again = sum(count > 1 for count in attempts.values())
    assert again < len(attempts) / 2, miller.errors


def test_what_kills_its_worker_is_dead_after_three(mill: Mill) -> None:
    with mill.client() as client:
        tasks = Tasks(client, "com.mill.tasks")
        handle = tasks.sync.enqueue("poison", str(mill.noted))
        for _ in range(3):
            name = mill.until_a_worker_ends()
            mill.processes.pop(name)
            others = [tasks.sync.enqueue("grind", str(mill.noted), n, 0.01) for n in range(3)]
            mill.start(name)
        with pytest.raises(TaskFailed):
            handle.result(timeout=DEADLINE)
        info = handle.info()
        assert (info.state, info.crashes) == ("dead", 3)
        assert info.error == "3 workers died while they ran it."
        assert [other.result(timeout=DEADLINE) for other in others] == [0, 1, 2]
    assert len([line for line in mill.lines() if line[0] == "poison"]) == 3
