"""Keys that are held: by a session, and by locks, in their order."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from wampapp import App, CallTimeout, UsageError
from wampapp.components import KV
from wampapp.components.kv import BlockingKV, Conflict, LockLost
from wampapp.testing import TestClient


class Shop:
    def __init__(self) -> None:
        self.app = App(prefix="com.shop")
        self.kv = kv = KV(self.app)
        self.app.include(kv)
        self.said: list[Any] = []
        self.gates: dict[str, asyncio.Event] = {}
        self.jobs: list[asyncio.Task[None]] = []

        @self.app.register
        async def begin(name: str, ttl: float | None = None, timeout: float | None = None) -> None:
            self.gates[name] = asyncio.Event()
            self.jobs.append(asyncio.create_task(self.job(name, ttl, timeout)))

        @self.app.register
        async def end(name: str) -> None:
            self.gates[name].set()

        @self.app.register
        async def lose_track(holders: dict[str, str]) -> None:
            kv.owner.holds.unclaimed |= holders
            kv.owner.holds.joined()

        @self.app.register
        async def give_up(number: int) -> None:
            self.jobs[number].cancel()

    async def job(self, name: str, ttl: float | None, timeout: float | None) -> None:
        try:
            async with self.kv.lock("oven", ttl=ttl, timeout=timeout) as lock:
                self.said.append((name, "has it", lock.revision))
                await self.gates[name].wait()
            self.said.append((name, "is done"))
        except (LockLost, CallTimeout) as error:
            self.said.append((name, str(error)))
        except asyncio.CancelledError:
            self.said.append((name, "cancelled"))
            raise


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def client(shop: Shop) -> Iterator[TestClient]:
    with shop.app.test_client() as client:
        yield client


@pytest.fixture
def kv(client: TestClient) -> BlockingKV:
    kv: BlockingKV = client.kv
    return kv


def settle(client: TestClient) -> None:
    for _ in range(3):
        client.clock.advance(0)


def test_those_who_wait_get_a_lock_in_their_order(shop: Shop, client: TestClient) -> None:
    for name in "abc":
        client.call("com.shop.begin", name)
        settle(client)
    assert shop.said == [("a", "has it", 1)]
    client.call("com.shop.end", "a")
    settle(client)
    assert shop.said[1:] == [("a", "is done"), ("b", "has it", 4)]
    client.call("com.shop.end", "c")
    client.call("com.shop.end", "b")
    settle(client)
    assert shop.said[3:] == [("b", "is done"), ("c", "has it", 7), ("c", "is done")]
    assert client.kv.get("lock.oven") is None


def test_who_gives_up_is_left_out(shop: Shop, client: TestClient) -> None:
    for name in "abc":
        client.call("com.shop.begin", name)
        settle(client)
    client.call("com.shop.give_up", 1)
    settle(client)
    client.call("com.shop.end", "a")
    settle(client)
    assert shop.said == [
        ("a", "has it", 1),
        ("b", "cancelled"),
        ("a", "is done"),
        ("c", "has it", 6),
    ]
    client.call("com.shop.give_up", 2)
    settle(client)
    assert shop.said[4:] == [("c", "cancelled")]
    assert client.kv.get("lock.oven") is None


def test_a_lock_is_not_free_in_time(shop: Shop, client: TestClient) -> None:
    client.call("com.shop.begin", "a")
    client.call("com.shop.begin", "b", timeout=5)
    settle(client)
    client.clock.advance(5)
    settle(client)
    assert shop.said[1:] == [("b", "wamp.error.timeout: The lock 'oven' was not free within 5 s.")]
    client.call("com.shop.end", "a")
    settle(client)
    client.call("com.shop.begin", "c")
    settle(client)
    assert shop.said[-1][:2] == ("c", "has it")
    client.call("com.shop.end", "c")
    settle(client)


def test_a_lock_whose_time_is_up_is_lost(shop: Shop, client: TestClient) -> None:
    client.call("com.shop.begin", "a", ttl=10)
    client.call("com.shop.begin", "b")
    settle(client)
    client.clock.advance(10)
    settle(client)
    lost = "The lock 'oven' was lost: its time was up, or its session has ended."
    assert sorted(shop.said[1:]) == [("a", lost), ("b", "has it", 4)]
    client.call("com.shop.end", "b")
    settle(client)


def test_a_lock_that_somebody_removes_is_lost(shop: Shop, client: TestClient) -> None:
    client.call("com.shop.begin", "a")
    settle(client)
    assert client.kv.delete("lock.oven") is True
    settle(client)
    assert "was lost" in shop.said[1][1]


def test_a_cancellation_by_others_stays_one(shop: Shop, client: TestClient) -> None:
    client.call("com.shop.begin", "a")
    settle(client)
    client.call("com.shop.give_up", 0)
    settle(client)
    assert shop.said[1:] == [("a", "cancelled")]


def test_locks_of_threads(kv: BlockingKV, client: TestClient) -> None:
    with kv.lock("oven", ttl=10) as lock:
        assert lock.revision == 1
        lock.check()
        with pytest.raises(Conflict):
            kv.create("lock.oven", "me")
    assert kv.get("lock.oven") is None
    with pytest.raises(LockLost, match="was lost"), kv.lock("oven", ttl=10) as lock:
        client.clock.advance(10)
        settle(client)
        assert lock.is_lost
    with pytest.raises(KeyError), kv.lock("oven", ttl=10):  # the body's error comes first
        client.clock.advance(10)
        raise KeyError


def test_keys_of_a_session(kv: BlockingKV, client: TestClient) -> None:
    first = kv.set("online.ann", {"since": 1}, session=True)
    assert kv.set("online.ann", {"since": 2}, session=True) > first
    settle(client)
    assert kv.get("online.ann") == {"since": 2}
    assert client.call("com.shop.kv.stats")["held"] == 1
    assert kv.create("leader", "me", session=True) > 0
    with pytest.raises(Conflict, match="'leader' is there already") as caught:
        kv.create("leader", "me", session=True)
    assert caught.value.current.value == "me"
    # Once it is set or removed otherwise, it is nobody's.
    kv.set("online.ann", "free")
    assert kv.delete("leader") is True
    settle(client)
    assert client.call("com.shop.kv.stats")["held"] == 0
    with pytest.raises(UsageError, match="cannot keep its time to live"):
        kv.set("a", 1, session=True, keep_ttl=True)


def test_a_call_that_ends_gives_its_key_up(kv: BlockingKV, client: TestClient) -> None:
    stream = client.stream("com.shop.kv.hold", "online.bob", True, holder="h", ttl=100)
    assert next(stream) == {"revision": 1}
    assert kv.get("online.bob") is True
    stream.close()
    settle(client)
    assert kv.get("online.bob") is None


def test_a_holder_may_be_back_before_it_is_known_to_have_gone(
    client: TestClient, kv: BlockingKV
) -> None:
    first = client.stream("com.shop.kv.hold", "a", 1, holder="h")
    next(first)
    second = client.stream("com.shop.kv.hold", "a", 1, holder="h")
    assert next(second) == {"revision": 1}
    first.close()
    settle(client)
    assert kv.get("a") == 1
    second.close()
    settle(client)
    assert kv.get("a") is None


def test_what_was_held_can_be_claimed_for_a_while(
    shop: Shop, client: TestClient, kv: BlockingKV
) -> None:
    """As when the owner was killed, and finds keys of which it knows nothing."""
    stream = client.stream("com.shop.kv.hold", "a", 1, holder="comes back")
    next(stream)
    kv.set("b", 1)
    client.call("com.shop.lose_track", {"a": "comes back", "b": "does not"})
    again = client.stream("com.shop.kv.hold", "a", 1, holder="comes back", again=True)
    assert next(again) == {"revision": 1}
    with pytest.raises(Conflict, match="not held any longer"):
        next(client.stream("com.shop.kv.hold", "c", 1, holder="x", again=True))
    client.clock.advance(10)
    settle(client)
    assert kv.get("a") == 1
    assert kv.get("b") == 1  # it was nobody's
    assert not shop.kv.owner.holds.unclaimed
