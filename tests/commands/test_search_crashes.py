"""However often the owner of an index is killed while documents are put: what was acknowledged is
found, the index is whole, and a rebuild finds the same.

`WAMPAPP_CRASH_ROUNDS=50` has it killed more often.
"""

import os
import random
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
from wampapp.components import Search
from wampapp.components.search import BlockingIndex

pytestmark = [pytest.mark.processes, pytest.mark.slow]

OWNER = ROOT / "tests" / "programs" / "search" / "owner.py"
DEADLINE = 60.0
ROUNDS = int(os.environ.get("WAMPAPP_CRASH_ROUNDS", "6"))
SEED = os.environ.get("WAMPAPP_CRASH_SEED", "1")
WORDS = [f"{first}{second}" for first in ("wheat", "rye", "oats") for second in "abcdefghij"]
#: How many documents one round puts at most, and in how many calls.
GRAINS, CALLS = 20_000, 100


class Mill:
    """A router, and the owner of indexes, each in a process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._router = self._start("router", "--port", str(self.port))
        self._owner: Wampapp | None = None

    def _start(self, *words: str | Path) -> Wampapp:
        return Wampapp(*words, cwd=self.folder, env=environment())

    def start_owner(self) -> None:
        self._router.until("Press Ctrl-C", DEADLINE)
        self._owner = self._start("run", OWNER, "--url", f"rs://127.0.0.1:{self.port}")
        self._owner.until("Press Ctrl-C", DEADLINE)

    def kill_owner(self) -> None:
        owner, self._owner = self._owner, None
        if owner is not None:
            os.kill(owner.pid, signal.SIGKILL)
            owner.wait()

    def check_file(self) -> None:
        """Ask SQLite itself whether the file and the index in it are whole."""
        connection = sqlite3.connect(self.folder / "instance" / "search.sqlite")
        try:
            assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
            for (name,) in connection.execute(
                "select name from sqlite_schema where sql like '%using fts5%'"
                " and name like 'search_fts_%'"
            ).fetchall():
                connection.execute(
                    f"insert into {name}({name}, rank) values ('integrity-check', 1)"
                )
        finally:
            connection.close()

    def close(self) -> None:
        self.kill_owner()
        os.kill(self._router.pid, signal.SIGKILL)
        self._router.wait()


@pytest.fixture
def mill(tmp_path: Path) -> Iterator[Mill]:
    mill = Mill(tmp_path)
    try:
        mill.start_owner()
        yield mill
    finally:
        mill.close()


def grain(number: int, chance: random.Random) -> dict[str, Any]:
    return {"id": number, "words": " ".join(chance.choices(WORDS, k=20)), "mill": number % 7}


def answers(index: BlockingIndex[Any]) -> list[Any]:
    """What an index finds: the documents, their scores, the facets."""
    found = []
    for query in ("", *WORDS[:6], "wheata ryeb", '"oatsa oatsb"', "wheat", "-ryec", "whaeta oatsj"):
        for sort in (None, "id") if not query else (None,):
            del sort
            one = index(query, facets=["mill"], limit=1000)
            hits = sorted((hit.id, round(hit.score, 6)) for hit in one.hits)
            found.append((one.total, one.facets, hits if one.total <= 1000 else len(hits)))
    return found


def test_nothing_that_was_acknowledged_is_lost(mill: Mill) -> None:
    chance = random.Random(SEED)
    acknowledged: dict[int, dict[str, Any]] = {}
    number = 0
    for _ in range(ROUNDS):
        begun = threading.Event()
        patience = chance.randrange(1, 30)

        def put(begun: threading.Event = begun, patience: int = patience) -> None:
            nonlocal number
            with connect(f"rs://127.0.0.1:{mill.port}", timeout=DEADLINE) as client:
                index = Search(client, "com.mill.search").sync["grains"]
                try:
                    for call in range(CALLS):
                        some = [grain(number + n, chance) for n in range(GRAINS // CALLS)]
                        number += len(some) // 2  # half of them are put again
                        index.put_many(some)
                        acknowledged.update((one["id"], one) for one in some)
                        if call == patience:
                            begun.set()
                except WampappError:
                    pass  # the owner was killed
                finally:
                    begun.set()

        putting = threading.Thread(target=put)
        putting.start()
        assert begun.wait(DEADLINE)
        mill.kill_owner()
        putting.join(DEADLINE)
        assert not putting.is_alive()
        mill.check_file()
        mill.start_owner()
        with connect(f"rs://127.0.0.1:{mill.port}", timeout=DEADLINE) as client:
            index = Search(client, "com.mill.search").sync["grains"]
            index.check()
            assert index("").total >= len(acknowledged)
            for one in chance.sample(sorted(acknowledged), 50):
                document = acknowledged[one]
                found = index(f'"{document["words"]}"')
                assert one in [hit.id for hit in found.hits]
    with connect(f"rs://127.0.0.1:{mill.port}", timeout=DEADLINE) as client:
        index = Search(client, "com.mill.search").sync["grains"]
        before = answers(index)
        assert index.rebuild() == index("").total
        assert answers(index) == before
        index.check()
    mill.kill_owner()
    mill.check_file()
