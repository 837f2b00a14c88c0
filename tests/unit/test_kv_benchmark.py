"""What the benchmark of key/value stores counts and writes down."""

import asyncio

from tests.benchmarks.kv import _tables
from tests.benchmarks.kv_work import KEYS, delays, per_second


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


def test_delays_are_those_of_each_change() -> None:
    async def main() -> list[float]:
        seen: asyncio.Queue[int] = asyncio.Queue()

        async def change(number: int) -> None:
            seen.put_nowait(0)  # what is seen of something else
            seen.put_nowait(number)

        return await delays(change, seen, 20)

    p50, p99 = asyncio.run(main())
    assert 0 < p50 <= p99


def test_a_table_for_each_peer_that_is_there() -> None:
    samples = {
        ("ours", "gets", 16): [300.0],
        ("redis", "gets", 16): [200.0],
        ("ours", "sets", 16): [80.0],
        ("durable", "sets", 16): [40.0],
        ("redis", "sets", 16): [100.0],
    }
    (table,) = _tables(samples)
    assert "Redis" in table.title
    assert [(row.label, row.ratio(False)) for row in table.rows] == [
        ("get, 16 in flight", 1.5),
        ("set, 16 in flight", 0.8),
        ("set, 16 in flight, durable", 0.4),
    ]
