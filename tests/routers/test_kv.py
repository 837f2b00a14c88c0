"""The key/value store between real sessions: who sees what, and what goes with whom."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.company import DEADLINE, BaseCompany, cut
from tests.support.process import EmbeddedRouter
from tests.support.running import running
from wampapp import App, NoSuchProcedure, connect
from wampapp.components import KV
from wampapp.components.kv import Change, Conflict, LockLost
from wampapp.crossbar import Crossbar
from wampapp.loop.runtime import get_runtime


class Company(BaseCompany):
    """Who has a store: an owner, and others that use it. Each has its session."""

    def owner(self) -> ExitStack:
        """Start the owner, and return what ends it."""
        app = App(prefix=self.prefix, name="owner")
        app.include(KV(app, store=self.file))
        return self.running(app)

    def user(self, name: str = "user") -> KV:
        app = App(prefix=self.prefix, name=name)
        kv = KV(app)
        self.running(app)
        return kv

    def follow(self, kv: KV, prefix: str = "") -> None:
        """Say what is told of changes, until one of the key ``end``."""

        def work() -> None:
            for change in kv.sync.watch(prefix):
                self.said.put(change)
                if change.key == f"{prefix}end":
                    return

        self.beside(work)


@pytest.fixture
def company(
    router: EmbeddedRouter | Crossbar, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Company]:
    with Company(router.rs_url, tmp_path, request) as company:
        yield company


def test_everybody_sees_what_was_set(company: Company) -> None:
    company.owner()
    kv, script = company.user(), KV(company.client(), f"{company.prefix}.kv")
    revision = kv.sync.set("a", {"b": b"\0\xff"})
    assert script.sync.get("a") == {"b": b"\0\xff"}
    assert script.sync.entry("a").revision == revision  # type: ignore[union-attr]
    with pytest.raises(Conflict) as caught:
        script.sync.set("a", 1, expect=revision + 1)
    assert caught.value.current.revision == revision
    assert script.sync.incr("n", 2) == 2
    assert [entry.key for entry in kv.sync.scan()] == ["a", "n"]
    assert script.sync.delete("a") is True
    assert kv.sync.get("a", default="-") == "-"
    with script.sync.lock("x", timeout=5) as lock:
        assert lock.revision > revision
    large = "x" * 1_000_000
    for number in range(3):
        kv.sync.set(f"large{number}", large)
    assert [entry.value == large for entry in script.sync.scan("large")] == [True] * 3


def test_nobody_serves_it(company: Company) -> None:
    with pytest.raises(NoSuchProcedure, match=r"Nobody serves \S+\.kv; call app\.include"):
        company.user().sync.get("a")
    with pytest.raises(NoSuchProcedure, match="Nobody serves com.company"):
        KV(company.client(), company.prefix).sync.set("a", 1)


def test_a_watcher_misses_nothing(company: Company) -> None:
    owner = company.owner()
    writer, watcher = company.user("writer"), company.user("watcher")
    company.follow(watcher, "k.")
    writer.sync.set("k.0", 0)
    assert company.heard().value == 0
    cut(watcher.host)
    writer.sync.set("k.1", 1)
    writer.sync.delete("k.0")
    seen = [company.heard(), company.heard()]
    assert [(one.kind, one.key) for one in seen] == [("set", "k.1"), ("deleted", "k.0")]
    # The owner is away for a while, and comes back in another process, with the same file.
    owner.close()
    company.owner()
    writer.sync.set("k.2", 2)
    assert company.heard().value == 2
    writer.sync.set("k.end", 3)
    assert company.heard().key == "k.end"
    assert company.said.empty()


def test_presence(company: Company) -> None:
    company.owner()
    ann, bob = company.user("ann"), company.user("bob")
    revision = ann.sync.set("online.ann", "here", session=True)
    assert bob.sync.entry("online.ann").revision == revision  # type: ignore[union-attr]
    company.follow(bob, "online.")
    assert company.heard().revision == revision
    # A page that does not know us: the call is the hold.
    with connect(company.url, timeout=DEADLINE) as page:
        stream = page.stream(f"{company.prefix}.kv.hold", "online.page", 1, holder="p1")
        next(stream)
        assert company.heard().key == "online.page"
    change = company.heard()
    assert (change.kind, change.key) == ("deleted", "online.page")
    # A session that is lost takes its key with it, and the next one brings it back.
    cut(ann.host)
    ann.sync.set("online.end", 1)
    kinds = []
    while (change := company.heard()).key != "online.end":
        kinds.append(change.kind)
    changes = bob.sync.watch("online.ann")
    while next(changes).kind != "set":
        pass
    assert kinds in ([], ["deleted"], ["deleted", "set"])


def test_locks_go_with_their_session(company: Company) -> None:
    company.owner()
    first, second = company.user("first"), company.user("second")
    held = threading.Event()

    async def job() -> None:
        try:
            async with first.lock("oven"):
                held.set()
                await asyncio.Event().wait()
        except LockLost as error:
            company.said.put(str(error))

    company.beside(lambda: get_runtime().call(job()))
    assert held.wait(DEADLINE)
    cut(first.host)
    with second.sync.lock("oven", timeout=DEADLINE):
        pass
    assert "The lock 'oven' was lost" in company.heard()


def test_what_is_held_outlives_the_owner(company: Company) -> None:
    owner = company.owner()
    ann, bob = company.user("ann"), company.user("bob")
    presence = ann.sync.set("online.ann", 1, session=True)
    with bob.sync.lock("oven") as lock:
        owner.close()
        company.owner()
        entries = {entry.key: entry.revision for entry in ann.sync.scan()}
        assert entries == {"online.ann": presence, "lock.oven": lock.revision}
        # Both calls are made again, and the same keys are theirs.
        client = company.client()
        while client.call(f"{company.prefix}.kv.stats")["held"] < 2:
            pass
        lock.check()
    assert ann.sync.get("lock.oven") is None
    assert bob.sync.entry("online.ann").revision == presence  # type: ignore[union-attr]


def test_handlers_hear_of_changes_while_they_were_away(company: Company) -> None:
    company.owner()
    app = App(prefix=company.prefix, name="listener")
    kv = KV(app)

    @kv.on_change("user.<who>.state")
    async def changed(state: str | None, who: str) -> None:
        company.said.put((who, state))

    with running(app, company.url):
        writer = company.user("writer")
        # What was set before the handler began to watch is not told.
        while company.said.empty():
            writer.sync.set("user.ann.state", "here")
            gone_by = kv.sync.get("user.ann.state")
            assert gone_by == "here"
        cut(kv.host)
        writer.sync.set("user.bob.state", "here")
        writer.sync.delete("user.bob.state")
        heard = company.heard()
        while heard[0] == "ann":
            heard = company.heard()
        assert heard[0] == "bob"
        while heard != ("bob", None):
            heard = company.heard()


def test_changes_are_typed(company: Company) -> None:
    company.owner()
    kv = company.user()
    kv.sync.set("a", [1, 2])
    change: Change[Any] = next(kv.sync.watch(type=tuple[int, int]))
    assert change.value == (1, 2)
