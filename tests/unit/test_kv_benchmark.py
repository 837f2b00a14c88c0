"""What the benchmark of key/value stores counts and writes down."""

import asyncio
from typing import Any

import pytest

from tests.benchmarks.kv import _tables, _watch_tables
from tests.benchmarks.kv_work import KEYS, VALUE, User, Watching, per_second


def test_operations_are_counted_with_so_many_in_flight() -> None:
    open_now, most = 0, 0
    asked: set[str] = set()

    async def work(key: str) -> None:
        nonlocal open_now, most
        asked.add(key)
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0)
        open_now -= 1

    rate = asyncio.run(per_second(work, 4, 0.05))
    assert rate > 0
    assert (most, open_now) == (4, 0)
    assert asked <= set(KEYS)


def test_a_user_reads_and_sets_keys_and_a_watcher_sees_what_has_changed_since_it_began() -> None:
    async def main() -> None:
        stored: dict[str, Any] = {}
        watching = Watching()

        async def get(key: str) -> Any:
            await asyncio.sleep(0)
            return stored[key]

        async def put(key: str, value: Any) -> None:
            await asyncio.sleep(0)
            stored[key] = value
            if key.startswith("watched."):
                watching.seen(value)

        user = User(get, put)
        assert await user.gets(4, 0.02) > 0
        assert await user.sets(4, 0.02) > 0
        assert set(stored) == set(KEYS)
        await user.jobs["mark"]()
        await watching.jobs["began"]()
        for _ in range(2):  # what was seen before does not count again
            await user.jobs["time"](20, 2000.0)
            p50, p99 = await watching.jobs["delays"](20)
            assert 0 <= p50 <= p99

    asyncio.run(main())


def test_a_wrong_value_is_not_counted() -> None:
    async def get(_key: str) -> Any:
        return VALUE | {"count": 0}

    async def put(_key: str, _value: Any) -> None:
        pass

    with pytest.raises(ValueError, match="another value"):
        asyncio.run(User(get, put).gets(1, 0.01))


RATES = {
    ("ours", "gets", 16): [300.0],
    ("redis", "gets", 16): [200.0],
    ("ours", "sets", 16): [80.0],
    ("durable", "sets", 16): [40.0],
    ("redis", "sets", 16): [100.0],
}


def test_a_table_for_each_peer_that_is_there() -> None:
    (table,) = _tables(RATES, ["nats-server is not installed, so it is left out."])
    assert "Redis" in table.title
    assert table.note.endswith("nats-server is not installed, so it is left out.")
    assert [(row.label, row.ratio(False)) for row in table.rows] == [
        ("get, 16 in flight", 1.5),
        ("set, 16 in flight", 0.8),
        ("set, 16 in flight, durable", 0.4),
    ]


def test_a_table_of_ours_where_no_peer_is() -> None:
    (table,) = _tables({key: found for key, found in RATES.items() if key[0] != "redis"})
    assert [(row.label, row.ours, row.ratio(False)) for row in table.rows] == [
        ("get, 16 in flight", [300.0], None),
        ("set, 16 in flight", [80.0], None),
        ("set, 16 in flight, durable", [40.0], None),
    ]


def test_of_what_watchers_see_less_is_better() -> None:
    samples = {"ours": [[0.5, 2.0]], "durable": [[1.0, 4.0]], "nats": [[0.25, 4.0]]}
    (table,) = _watch_tables(samples)
    assert "NATS" in table.title
    assert [(row.label, row.ratio(table.smaller_is_better)) for row in table.rows] == [
        ("p50", 0.5),
        ("p99", 2.0),
        ("p50, durable", 0.25),
        ("p99, durable", 1.0),
    ]
    del samples["nats"]
    (alone,) = _watch_tables(samples)
    assert [row.ratio(True) for row in alone.rows] == [None] * 4
