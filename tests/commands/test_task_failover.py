"""A task queue in PostgreSQL, with a standby: whatever is killed or cut, no task is lost.

`WAMPAPP_CRASH_ROUNDS=200` has the matrix run longer.
"""

import os
import random
import re
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.postgres import Postgres
from tests.support.process import ROOT, Wampapp, environment
from tests.support.proxy import Wire
from wampapp import CallTimeout, ConnectedClient, WampappError, connect
from wampapp.components import Tasks
from wampapp.components.tasks import TaskFailed

pytestmark = [pytest.mark.processes, pytest.mark.slow]

PROGRAMS = ROOT / "tests" / "programs" / "tasks"
DEADLINE = 60.0
ROUNDS = int(os.environ.get("WAMPAPP_CRASH_ROUNDS", "50"))
OWNERS = ("owner1", "owner2")


class Mill:
    """A database, a router, two owners of whom one waits, and two workers: each a process.

    Each owner has a wire of its own to the database. An owner that ends by itself, because the
    other one has taken over, is started again, as a service manager does.
    """

    def __init__(self, folder: Path, server: Postgres) -> None:
        self.folder = folder
        self.server = server
        self.schema = server.new_schema()
        self.port = free_port()
        self.noted = folder / "noted"
        self.noted.touch()
        self.wires = {name: Wire(server.port) for name in OWNERS}
        for wire in self.wires.values():
            wire.__enter__()
        self.processes: dict[str, Wampapp] = {}
        #: What owners said that ended, and should not have.
        self.surprises: list[str] = []
        self._closing = threading.Event()
        self._lock = threading.RLock()
        for name in ("router", *OWNERS, "worker1", "worker2"):
            self.start(name)
        self._keeper = threading.Thread(target=self._look_after)
        self._keeper.start()

    def start(self, name: str) -> None:
        env = environment()
        if name == "router":
            words = ("router", "--port", str(self.port))
        else:
            program = PROGRAMS / f"{name.rstrip('12')}.py"
            words = ("run", program, "--url", f"rs://127.0.0.1:{self.port}")
        if name in OWNERS:
            url = self.server.tcp_url(self.schema, port=self.wires[name].port)
            env = environment(WAMPAPP_STORE=url)
        self.processes[name] = Wampapp(*words, cwd=self.folder, env=env)

    def kill(self, name: str) -> None:
        with self._lock:
            process = self.processes.pop(name)
            if not process.has_ended:
                process.send(signal.SIGKILL)
            process.wait()

    def restart(self, name: str) -> None:
        with self._lock:
            self.kill(name)
            self.start(name)

    def _look_after(self) -> None:
        """Start owners again that end by themselves."""
        while not self._closing.wait(0.1):
            with self._lock:
                for name in OWNERS:
                    process = self.processes[name]
                    if process.has_ended:
                        code = process.wait()
                        # Another one has taken over, or there was no database at its start.
                        if code != 2 or not re.search("and ends.|cannot be opened", process.text):
                            self.surprises.append(process.text)
                        self.start(name)

    def ready(self) -> None:
        """Wait until an owner serves, and everybody else works or waits."""
        for name, process in self.processes.items():
            words = "Press Ctrl-C|is served by another" if name in OWNERS else "Press Ctrl-C"
            process.until(words, DEADLINE)

    def close(self) -> None:
        self._closing.set()
        self._keeper.join()
        for name in [*self.processes]:
            process = self.processes[name]
            self.kill(name)
            print(f"\n== {name}\n{process.text}")  # pytest shows it if the test has failed
        while self.wires:
            self.wires.popitem()[1].__exit__(None, None, None)

    def client(self) -> ConnectedClient:
        return connect(f"rs://127.0.0.1:{self.port}", timeout=DEADLINE)


@pytest.fixture
def mill(tmp_path: Path) -> Iterator[Mill]:
    with Postgres() as server:
        mill = Mill(tmp_path, server)
        try:
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
                words = [str(self._mill.noted), number, dice.random() * 0.02]
                try:
                    found = client.call("com.mill.tasks.enqueue", "grind", words, key=f"n{number}")
                except WampappError as error:
                    self.errors[type(error).__name__] += 1
                    self.stopping.wait(0.02)
                else:
                    self.acknowledged[number] = found
                    self.stopping.wait(0.005)  # the workers keep up


def kill_and_restart(*names: str) -> Callable[[Mill, random.Random], None]:
    def fault(mill: Mill, dice: random.Random) -> None:
        mill.restart(dice.choice(names))

    return fault


def cut(mill: Mill, dice: random.Random) -> None:
    for wire in mill.wires.values():
        wire.cut()


def lose_an_answer(mill: Mill, dice: random.Random) -> None:
    """The owner does not hear of a commit, or the database not of the wish for one."""
    for wire in mill.wires.values():
        wire.break_at(dice.choice([b"COMMIT\0", b"commit\0"]))


def strand(mill: Mill, dice: random.Random) -> None:
    for wire in mill.wires.values():
        wire.strand()


def crash_the_database(mill: Mill, dice: random.Random) -> None:
    mill.server.stop(signal.SIGQUIT)
    mill.server.start()


FAULTS: list[Callable[[Mill, random.Random], None]] = [
    kill_and_restart(*OWNERS),
    lose_an_answer,
    cut,
    kill_and_restart(*OWNERS),
    crash_the_database,
    kill_and_restart("worker1", "worker2"),
    strand,
    lose_an_answer,
    kill_and_restart("router"),
]


def test_nothing_is_lost(mill: Mill) -> None:
    mill.ready()
    dice = random.Random(os.environ.get("WAMPAPP_CRASH_SEED", "1"))
    miller = Miller(mill)
    miller.start()
    try:
        for turn in range(ROUNDS):
            threading.Event().wait(dice.random() * 1.5)
            FAULTS[turn % len(FAULTS)](mill, dice)
    finally:
        miller.stopping.set()
        miller.join()
    mill.processes["router"].until("Press Ctrl-C", DEADLINE)
    with mill.client() as client:
        tasks = Tasks(client, "com.mill.tasks")
        for number, task in miller.acknowledged.items():
            handle = tasks.sync.handle(task)
            try:
                assert handle.result(timeout=DEADLINE) == number
            except TaskFailed:
                assert handle.info().crashes == 3
            except CallTimeout:
                pytest.fail(
                    f"It never ends: {handle.info()}; {client.call('com.mill.tasks.workers')}"
                )
    mill.close()

    rows = mill.server.execute(
        "select request_key, attempt, finished from task", schema=mill.schema
    )
    attempts = {key: attempt for key, attempt, _ in rows}
    # Not one twice; the last may have been stored, and its acknowledgement lost.
    assert len(rows) == len(attempts)
    assert len(rows) - len(miller.acknowledged) in (0, 1), miller.errors
    assert not [key for key, _, finished in rows if finished is None]
    lines = [line.split() for line in mill.noted.read_text().splitlines()]
    started = Counter(int(line[1]) for line in lines if line[0] == "starts")
    ended = Counter(int(line[1]) for line in lines if line[0] == "ends")
    assert all(ended[number] for number in miller.acknowledged)
    assert mill.surprises == []
    # Twice only where an attempt was under way at a kill, or its outcome on the way at a cut.
    assert sum(count > 1 for count in started.values()) < len(rows) / 4, miller.errors
