"""What the benchmark of task queues adds up and writes down."""

import asyncio
from typing import Any

import pytest

from tests.benchmarks.task_work import BlockingProducer, Producer, Runs
from tests.benchmarks.tasks import Queue, Round, TaskTable


def nowhere(stack: Any) -> Any:
    raise NotImplementedError


def table() -> TaskTable:
    rounds = {
        "ours": [
            Round({1: 1000.0, 32: 8000.0}, done, [1.0, 3.0], [4.0, rescue])
            for done, rescue in ((9000.0, 5.0), (12000.0, 7.0), (30000.0, 6.0))
        ],
        "theirs": [Round({1: 2000.0, 32: 2000.0}, 1500.0, [20.25, 90.0])],
    }
    queues = [Queue("ours", nowhere), Queue("theirs", nowhere, "is lost")]
    return TaskTable("Task queue", "How it was.", queues, rounds)


def test_the_table_has_medians_ratios_and_what_becomes_of_a_killed_worker_s_task() -> None:
    head, rule, ours, theirs = table().markdown().splitlines()
    assert head.startswith("| | enqueued/s, 1 in flight | enqueued/s, 32 in flight | done/s |")
    assert head.count("|") == rule.count("|") == ours.count("|")
    assert ours == (
        "| ours | 1,000 (1.0) | 8,000 (1.0) | 12,000 (1.0) | 1.0 | 3.0 "
        "| runs again after 4 ms (at most 7) |"
    )
    assert theirs == "| theirs | 2,000 (0.5) | 2,000 (4.0) | 1,500 (8.0) | 20.2 | 90.0 | is lost |"


def test_the_table_is_a_text_and_json_too() -> None:
    found = table()
    title, note, _, head, ours, theirs = found.text().splitlines()
    assert (title, note) == ("Task queue", "How it was.")
    assert head.index("done/s") + len("done/s") == ours.index("12,000 (1.0)") + len("12,000 (1.0)")
    assert theirs.endswith("is lost")
    rows = found.json()["rows"]
    assert [len(row["rounds"]) for row in rows] == [3, 1]
    assert rows[1]["rounds"][0]["done"] == 1500.0


@pytest.mark.parametrize("blocking", [False, True])
def test_a_producer_counts_what_it_enqueues_and_a_worker_what_it_runs(blocking: bool) -> None:
    async def measure() -> None:
        runs = Runs()

        async def noop() -> None:
            runs.noop()
            await asyncio.sleep(0.001)

        async def timed(sent: float) -> None:
            runs.timed(sent)

        async def results() -> int:
            return count

        count = 0
        producer: Producer = (
            BlockingProducer(runs.noop, runs.timed, lambda: count)
            if blocking
            else Producer(noop, timed, results)
        )
        rate, count = await producer.jobs["enqueue"](4, 0.05)
        assert rate > 0
        first = await runs.jobs["ran"](count)
        assert first < await producer.jobs["settled"]()
        await producer.jobs["time"](3)
        p50, p99 = await runs.jobs["waits"](3)
        assert 0 <= p50 <= p99

    asyncio.run(measure())
