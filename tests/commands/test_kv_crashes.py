"""However often the owner of the store is killed: one order of all operations, and nothing is lost.

`WAMPAPP_CRASH_ROUNDS=50` has it killed more often.
"""

import os
import random
import signal
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.linearizable import UNKNOWN, Operation, is_linearizable, register
from tests.support.ports import free_port
from tests.support.process import ROOT, Wampapp, environment
from wampapp import ConnectedClient, NoSuchProcedure, WampappError, connect
from wampapp.components import KV
from wampapp.components.kv import BlockingKV, Conflict

pytestmark = [pytest.mark.processes, pytest.mark.slow]

OWNER = ROOT / "tests" / "programs" / "kv" / "owner.py"
DEADLINE = 60.0
CLIENTS = 8
ROUNDS = int(os.environ.get("WAMPAPP_CRASH_ROUNDS", "12"))
SEED = os.environ.get("WAMPAPP_CRASH_SEED", "1")


class Mill:
    """A router, and the owner of a store, each in a process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._router: Wampapp | None = None
        self._owner: Wampapp | None = None
        self._clients: list[ConnectedClient] = []

    def begin(self) -> None:
        self._router = self._start("router", "--port", str(self.port))
        self._router.until("Press Ctrl-C", DEADLINE)
        self.start_owner()

    def _start(self, *words: str | Path) -> Wampapp:
        return Wampapp(*words, cwd=self.folder, env=environment())

    def start_owner(self) -> None:
        self._owner = self._start("run", OWNER, "--url", f"rs://127.0.0.1:{self.port}")
        self._owner.until("Press Ctrl-C", DEADLINE)

    def kill_owner(self) -> None:
        owner, self._owner = self._owner, None
        if owner is not None:
            os.kill(owner.pid, signal.SIGKILL)
            owner.wait()

    def store(self) -> BlockingKV:
        client = connect(f"rs://127.0.0.1:{self.port}", timeout=DEADLINE)
        self._clients.append(client)
        return KV(client, "com.mill.kv").sync

    def rows(self, sql: str) -> list[Any]:
        connection = sqlite3.connect(self.folder / "instance" / "kv.sqlite")
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self.kill_owner()
        router, self._router = self._router, None
        if router is not None:
            os.kill(router.pid, signal.SIGKILL)
            router.wait()


@pytest.fixture
def mill(tmp_path: Path) -> Iterator[Mill]:
    mill = Mill(tmp_path)
    try:
        mill.begin()
        yield mill
    finally:
        mill.close()


class Miller(threading.Thread):
    """Does one thing after the other with a few keys, and keeps account of it."""

    def __init__(self, kv: BlockingKV, number: int, keys: Callable[[], list[str]]) -> None:
        super().__init__()
        self._kv = kv
        self._number = number
        self._keys = keys
        self._dice = random.Random(f"{SEED}.{number}")
        self.stopping = threading.Event()
        self.history: dict[str, list[Operation]] = defaultdict(list)
        self.acknowledged: dict[str, int] = {}

    def run(self) -> None:
        count = 0
        known: dict[str, int] = {}
        while not self.stopping.is_set():
            count += 1
            key = self._dice.choice(self._keys())
            value = f"{self._number}.{count}"
            name, given, work = self._draw(key, value, known)
            start = time.monotonic()
            answer: Any = UNKNOWN
            try:
                answer = work()
            except Conflict:
                answer = None
            except NoSuchProcedure:  # it was not done
                self.stopping.wait(0.01)
                continue
            except WampappError:
                pass
            if answer is not UNKNOWN or name != "entry":
                operation = Operation(name, given, answer, start, time.monotonic())
                self.history[key].append(operation)
            if answer is UNKNOWN:
                continue
            if name == "entry" and answer is not None:
                known[key] = answer[1]
            if name in ("set", "cas") and answer is not None:
                known[key] = self.acknowledged[key] = answer

    def _draw(
        self, key: str, value: str, known: dict[str, int]
    ) -> tuple[str, Any, Callable[[], Any]]:
        kv = self._kv
        if key.startswith("n"):
            return "incr", 1, lambda: kv.incr(key)
        name = self._dice.choice(["entry", "entry", "set", "cas", "delete"])
        if name == "entry":
            return name, None, lambda: pair(kv, key)
        if name == "set":
            return name, value, lambda: kv.set(key, value)
        if name == "delete":
            return name, None, lambda: kv.delete(key)
        expected = known.get(key, 0)
        return "cas", (value, expected), lambda: kv.set(key, value, expect=expected)


def pair(kv: BlockingKV, key: str) -> tuple[Any, int] | None:
    entry = kv.entry(key)
    return None if entry is None else (entry.value, entry.revision)


class Watcher(threading.Thread):
    """Follows all changes, until one of the key ``end``."""

    def __init__(self, kv: BlockingKV) -> None:
        super().__init__()
        self._kv = kv
        self.revisions: list[int] = []
        self.kinds: set[str] = set()
        self.state: dict[str, tuple[Any, int]] = {}

    def run(self) -> None:
        for change in self._kv.watch():
            self.revisions.append(change.revision)
            self.kinds.add(change.kind)
            if change.kind == "set":
                self.state[change.key] = change.value, change.revision
            else:
                self.state.pop(change.key, None)
            if change.key == "end":
                return


def test_one_order_and_nothing_is_lost(mill: Mill) -> None:
    dice = random.Random(SEED)
    turn = [0]

    def keys() -> list[str]:
        # New ones in each round, as each kill leaves operations of which nothing is known.
        return [f"{kind}{turn[0]}.{number}" for kind in "kkn" for number in range(2)]

    watchers = [Watcher(mill.store()) for _ in range(2)]
    millers = [Miller(mill.store(), number, keys) for number in range(CLIENTS)]
    reader = mill.store()
    for thread in (*watchers, *millers):
        thread.start()
    last: dict[str, list[Operation]] = defaultdict(list)
    try:
        for _ in range(ROUNDS):
            mill_time = 0.05 + dice.random() * 0.4
            threading.Event().wait(mill_time)  # at a random instant
            mill.kill_owner()
            mill.start_owner()
            for key in keys():
                start = time.monotonic()
                found = pair(reader, key)
                last[key].append(Operation("entry", None, found, start, time.monotonic()))
            turn[0] += 1
    finally:
        for miller in millers:
            miller.stopping.set()
        for miller in millers:
            miller.join()
        reader.set("end", 1)
        for watcher in watchers:
            watcher.join()

    histories: dict[str, list[Operation]] = defaultdict(list)
    for part in (last, *(miller.history for miller in millers)):
        for key, operations in part.items():
            histories[key] += operations
    for key, history in histories.items():
        assert is_linearizable(history, register, None), (key, history)
    answered = sum(one.answer is not UNKNOWN for history in histories.values() for one in history)
    assert answered > ROUNDS * CLIENTS  # they were at work

    # Watchers have what there is, in its order, and no revision twice.
    entries = {entry.key: (entry.value, entry.revision) for entry in reader.scan()}
    for watcher in watchers:
        assert watcher.state == entries
        assert watcher.revisions == sorted(set(watcher.revisions))
        assert "reset" not in watcher.kinds
    acknowledged = [miller.acknowledged for miller in millers]
    assert max(max(one.values(), default=0) for one in acknowledged) < entries["end"][1]

    mill.close()
    assert mill.rows("pragma integrity_check") == [("ok",)]
