"""What is done in the tables of the queue, on each database that may keep them."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec
import pytest

from tests.support.stores import Place
from wampapp.components.store import Store, Transaction
from wampapp.components.tasks import tables
from wampapp.components.tasks.records import (
    Definition,
    Outcome,
    ScheduleInfo,
    State,
    TaskInfo,
    Verdict,
)
from wampapp.components.tasks.tables import Change, New
from wampapp.errors import StorageFailed

T = TypeVar("T")
NOW = 1000.0
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Tables:
    """The tables in an open store, for plain tests: each call is a transaction."""

    def __init__(self, store: Store, run: Callable[..., Any]) -> None:
        self._store = store
        self._run = run

    def do(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        async def ask() -> T:
            return await self._store.do(lambda do: function(do, *args, **kwargs))

        found: T = self._run(ask())
        return found

    def read(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        found: T = self._run(self._store.read(lambda read: function(read, *args, **kwargs)))
        return found

    def add(self, new: New, **more: Any) -> int:
        number, is_new = self.do(tables.insert, new, **more)
        assert is_new
        return number

    def info(self, number: int) -> TaskInfo:
        found = self.read(tables.one, number)
        assert found is not None
        return found

    def states(self, *numbers: int) -> list[State]:
        return [self.info(number).state for number in numbers]

    def claim(self, limit: int = 100, *, worker: str = "w", queue: str = "q") -> list[int]:
        """Claim tasks, and return their numbers."""
        claimed = self.do(tables.claim, queue, ["add", "mail"], worker, limit, NOW)
        return [one.id for one in claimed]

    def settle(
        self,
        number: int,
        verdict: Verdict,
        *,
        attempt: int = 1,
        result: Any = None,
        error: str = "",
        delay: float = 0.0,
    ) -> list[Change]:
        whole = tables.encode(result) if verdict == "done" else b""
        outcome = Outcome(number, attempt, verdict, whole, error, delay)
        return self.do(tables.settle, [outcome], NOW + 1)


@pytest.fixture
def queue(any_place: Place) -> Iterator[Tables]:
    with asyncio.Runner() as runner:
        store = any_place.make(tables.SCHEMA)
        runner.run(store.open())
        try:
            yield Tables(store, runner.run)
        finally:
            runner.run(store.close())


def new(
    name: str = "add",
    *args: Any,
    state: State = "ready",
    priority: int = 0,
    due: float = NOW,
    queue: str = "q",
    key: str | None = None,
    unique: str | None = None,
    is_last: bool = True,
    remaining: int | None = None,
) -> New:
    payload = tables.payload_of(args, {"size": 1})
    return New(
        name, queue, state, priority, due, payload, NOW, key, unique, is_last, remaining
    )  # fmt: skip


# What is enqueued.


def test_a_task_is_kept_as_it_was_enqueued(queue: Tables) -> None:
    number = queue.add(new("add", 1, b"\0\xff", "ü", priority=-3, due=NOW + 0.25, key="k"))
    assert queue.info(number) == TaskInfo(
        id=number,
        name="add",
        queue="q",
        state="ready",
        priority=-3,
        created=NOW,
        due=NOW + 0.25,
        key="k",
        args=[1, b"\0\xff", "ü"],
        kwargs={"size": 1},
    )
    assert queue.read(tables.one, number + 1) is None


def test_a_key_is_enqueued_once_whatever_becomes_of_it(queue: Tables) -> None:
    number = queue.add(new(key="k"))
    assert queue.do(tables.insert, new("mail", key="k")) == (number, False)
    queue.claim()
    queue.settle(number, "done")
    assert queue.do(tables.insert, new(key="k")) == (number, False)
    assert queue.add(new(key="l")) != number
    assert queue.add(new()) != queue.add(new())


def test_a_unique_task_is_enqueued_once_while_it_is_not_final(queue: Tables) -> None:
    number = queue.add(new(unique="u"))
    assert queue.do(tables.insert, new(unique="u")) == (number, False)
    queue.add(new("mail", unique="u"))  # of another name
    queue.claim()
    assert queue.do(tables.insert, new(unique="u", key="k")) == (number, False)
    queue.settle(number, "dead")
    second = queue.add(new(unique="u"))
    assert second != number
    # So the first one cannot be tried again now.
    assert queue.do(tables.retry, number, NOW) == ("dead", "u")
    assert queue.states(number, second) == ["dead", "ready"]


def test_a_key_and_a_unique_text_of_different_tasks_give_the_one_of_the_key(
    queue: Tables,
) -> None:
    by_key = queue.add(new(key="k"))
    queue.add(new(unique="u"))
    assert queue.do(tables.insert, new(key="k", unique="u")) == (by_key, False)


def test_tasks_of_one_transaction_know_each_other(queue: Tables) -> None:
    def work(do: Transaction) -> list[tuple[int, bool]]:
        return [tables.insert(do, new(key=key)) for key in ("a", "b", "a")]

    first, second, third = queue.do(work)
    assert first[1] and second[1] and third == (first[0], False)


# What workers are given.


def test_tasks_are_given_by_priority_and_then_by_number(queue: Tables) -> None:
    numbers = [queue.add(new(priority=priority)) for priority in (0, 5, 0, 9, 5)]
    expected = [numbers[place] for place in (3, 1, 4, 0, 2)]
    assert [*queue.claim(2), *queue.claim(1), *queue.claim()] == expected
    assert queue.claim() == []


def test_a_worker_is_given_what_it_takes_and_no_more(queue: Tables) -> None:
    queue.add(new(queue="other"))
    queue.add(new("unknown"))
    queue.add(new(state="waiting"))
    queue.add(new(state="scheduled"))
    number = queue.add(new())
    assert queue.claim(0) == []
    assert queue.claim() == [number]


def test_what_a_worker_is_given_is_all_that_it_needs(queue: Tables) -> None:
    row = new("mail", "x", priority=2, key="k", is_last=False)
    number = queue.add(row._replace(trace=TRACE))
    (one,) = queue.do(tables.claim, "q", ["mail"], "host:1/a", 5, NOW)
    payload = tables.payload_of(("x",), {"size": 1})
    assert one == (number, 1, "mail", payload, 0, "k", TRACE, 2, 0)
    assert isinstance(one.payload, bytes)
    info = queue.info(number)
    assert (info.state, info.attempt, info.worker, info.started) == ("running", 1, "host:1/a", NOW)
    assert info.trace == TRACE[3:35]
    assert queue.read(tables.running) == [(number, 1, "host:1/a", False, "q")]


def test_claimed_tasks_are_given_to_other_workers(queue: Tables) -> None:
    numbers = [queue.add(new()) for _ in range(3)]

    def work(do: Transaction) -> None:
        tables.claim(do, "q", ["add"], "w", 3, NOW)
        tables.reassign(do, [("v", numbers[0]), ("u", numbers[2])])
        tables.reassign(do, [])

    queue.do(work)
    assert [queue.info(number).worker for number in numbers] == ["v", "w", "u"]


# What becomes of attempts.


def test_results_that_nothing_follows_are_kept_together(queue: Tables) -> None:
    numbers = [queue.add(new()) for _ in range(3)]
    queue.claim()
    results = [tables.encode(number) for number in numbers]
    outcomes = [Outcome(n, 1, "done", result) for n, result in zip(numbers, results, strict=True)]
    outcomes[2].attempt = 2  # of no attempt that there was
    queue.do(tables.finish, outcomes, NOW + 1)
    assert queue.states(*numbers) == ["done", "done", "running"]
    assert queue.read(tables.result, numbers[1]) == ("done", "add", results[1], None)
    assert queue.info(numbers[0]).finished == NOW + 1
    assert queue.info(numbers[0]).worker is None
    queue.do(tables.finish, [], NOW)


def test_a_result_is_kept_and_takes_the_error_of_an_earlier_attempt_away(queue: Tables) -> None:
    number = queue.add(new())
    queue.claim()
    assert queue.settle(number, "failed", error="E: no", delay=5) == [Change(number, "scheduled")]
    info = queue.info(number)
    assert (info.state, info.due, info.failures, info.error, info.worker) == (
        "scheduled",
        NOW + 6,
        1,
        "E: no",
        None,
    )
    assert queue.do(tables.promote, NOW + 6)[0] == [Change(number, "ready")]
    assert queue.claim() == [number]
    assert queue.settle(number, "done", attempt=2, result=[1]) == [Change(number, "done")]
    assert queue.read(tables.result, number) == ("done", "add", tables.encode([1]), None)
    assert queue.read(tables.result, number + 1) is None


def test_a_task_that_is_given_back_has_not_failed(queue: Tables) -> None:
    number = queue.add(new())
    queue.claim()
    assert queue.settle(number, "released") == [Change(number, "ready")]
    info = queue.info(number)
    assert (info.failures, info.crashes, info.worker, info.attempt) == (0, 0, None, 1)


@pytest.mark.parametrize(("verdict", "failures"), [("dead", 1), ("cancelled", 0)])
def test_an_attempt_may_be_the_last(queue: Tables, verdict: Verdict, failures: int) -> None:
    number = queue.add(new())
    queue.claim()
    error = "E: no" if verdict == "dead" else ""
    assert queue.settle(number, verdict, error=error) == [Change(number, verdict)]
    info = queue.info(number)
    assert (info.state, info.failures, info.error) == (verdict, failures, error or None)
    assert (info.finished, info.worker) == (NOW + 1, None)


@pytest.mark.parametrize("verdict", ["done", "failed", "dead", "cancelled", "released"])
def test_an_outcome_of_an_attempt_that_counts_no_more_changes_nothing(
    queue: Tables, verdict: Verdict
) -> None:
    number = queue.add(new())
    assert queue.settle(number, verdict) == []  # it has not started
    queue.claim()
    before = queue.info(number)
    assert queue.settle(number, verdict, attempt=2) == []
    assert queue.info(number) == before
    queue.settle(number, "done")
    assert queue.settle(number, verdict) == []
    assert queue.states(number) == ["done"]


def test_many_outcomes_are_taken_at_once(queue: Tables) -> None:
    numbers = [queue.add(new()) for _ in range(4)]
    queue.claim()
    verdicts: tuple[Verdict, ...] = ("done", "dead", "released", "failed")
    outcomes = [
        Outcome(number, 1, verdict, tables.encode(None))
        for number, verdict in zip(numbers, verdicts, strict=True)
    ]
    assert queue.do(tables.settle, outcomes, NOW) == [
        Change(numbers[0], "done"),
        Change(numbers[1], "dead"),
        Change(numbers[2], "ready"),
        Change(numbers[3], "scheduled"),
    ]


def test_a_text_of_a_user_s_with_odd_characters_is_no_trouble(queue: Tables) -> None:
    number = queue.add(new(key="it's % ? \\ \0", unique="\0"))
    assert queue.do(tables.insert, new(key="it's % ? \\ \0")) == (number, False)
    queue.claim()
    assert queue.settle(number, "dead", error="E: \0 %s ? 'x'") == [Change(number, "dead")]
    error = queue.info(number).error
    assert error is not None and error.replace("␀", "\0") == "E: \0 %s ? 'x'"


# Chains and groups.


def chain(queue: Tables, *steps: New | tuple[New, Sequence[New]]) -> list[int]:
    """Enqueue a chain; return the numbers of its steps."""
    plan = [step if not isinstance(step, New) else (step, ()) for step in steps]
    last, is_new = queue.do(tables.insert_plan, plan)
    assert is_new
    numbers = [last]
    while (after := queue.info(numbers[0]).after) is not None:
        numbers.insert(0, after)
    return numbers


def members(queue: Tables, group: int) -> list[int]:
    found = queue.read(
        lambda read: read.execute("select id from task where parent = ? order by place", (group,))
    )
    return [number for (number,) in found]


def test_a_step_of_a_chain_gets_the_result_of_the_one_before(queue: Tables) -> None:
    first, second, third = chain(
        queue,
        new("add", 1, is_last=False),
        new("mail", "x", state="waiting", is_last=False),
        new("add", state="waiting", due=NOW + 30),
    )
    assert queue.claim() == [first]
    changes = queue.settle(first, "done", result={"a": [1]})
    assert changes == [Change(first, "done"), Change(second, "ready")]
    assert queue.info(second).args == [{"a": [1]}, "x"]
    assert queue.info(second).kwargs == {"size": 1}
    assert queue.states(third) == ["waiting"]
    assert queue.claim() == [second]
    # A delay counts from the end of the step before.
    assert queue.settle(second, "done", result=2)[1:] == [Change(third, "scheduled")]
    assert (queue.info(third).args, queue.info(third).due) == ([2], NOW + 31)


def test_a_chain_with_a_key_is_enqueued_once(queue: Tables) -> None:
    plan = [(new(is_last=False), ()), (new("mail", state="waiting", key="k"), ())]
    number, is_new = queue.do(tables.insert_plan, plan)
    assert is_new
    assert queue.do(tables.insert_plan, plan) == (number, False)
    assert len(queue.read(tables.several)) == 2


@pytest.mark.parametrize("verdict", ["dead", "cancelled"])
def test_what_waits_for_a_step_that_is_given_up_is_given_up(
    queue: Tables, verdict: Verdict
) -> None:
    first, second, third = chain(
        queue,
        new(is_last=False),
        new(state="waiting", is_last=False),
        new(state="waiting"),
    )
    queue.claim()
    assert set(queue.settle(first, verdict)) == {
        Change(number, verdict) for number in (first, second, third)
    }
    assert queue.info(third).error == f"Task {second}, before it, is {verdict}."
    assert queue.info(third).finished == NOW + 1


def group(count: int, **more: Any) -> tuple[New, list[New]]:
    state: State = more.pop("state", "ready")
    parts = [new("add", place, state=state, is_last=False) for place in range(count)]
    return new("", state="waiting", remaining=count, **more), parts


def test_a_group_has_the_results_of_its_tasks_in_their_order(queue: Tables) -> None:
    whole, after = chain(queue, group(3, is_last=False), new("mail", state="waiting"))
    parts = members(queue, whole)
    assert queue.claim() == parts
    assert [change.id for change in queue.settle(parts[2], "done", result="c")] == [parts[2]]
    queue.settle(parts[0], "done", result="a")
    assert queue.states(whole, after) == ["waiting", "waiting"]
    assert queue.settle(parts[1], "done", result="b") == [
        Change(parts[1], "done"),
        Change(whole, "done"),
        Change(after, "ready"),
    ]
    found = queue.read(tables.result, whole)
    assert found is not None and tables.decode(found[2]) == ["a", "b", "c"]
    assert queue.info(after).args == [["a", "b", "c"]]


def test_each_task_of_a_group_gets_the_result_before_it(queue: Tables) -> None:
    first, whole = chain(queue, new("mail", is_last=False), group(2, state="waiting"))
    parts = members(queue, whole)
    queue.claim()
    assert queue.settle(first, "done", result="x") == [
        Change(first, "done"),
        Change(parts[0], "ready"),
        Change(parts[1], "ready"),
    ]
    assert [queue.info(part).args for part in parts] == [["x", 0], ["x", 1]]


def test_a_group_is_given_up_with_one_of_its_tasks(queue: Tables) -> None:
    whole, after = chain(queue, group(3, is_last=False), new("mail", state="waiting"))
    running, failing, waiting = members(queue, whole)
    assert queue.claim(2) == [running, failing]
    assert set(queue.settle(failing, "dead")) == {
        Change(failing, "dead"),
        Change(whole, "dead"),
        Change(after, "dead"),
        Change(waiting, "cancelled"),
    }
    assert queue.info(waiting).error == f"Its group, task {whole}, is dead."
    assert queue.states(running) == ["running"]
    assert queue.settle(running, "done") == [Change(running, "done")]
    assert queue.states(whole) == ["dead"]


# Workers that die.


def test_the_third_worker_that_dies_with_a_task_makes_it_dead(queue: Tables) -> None:
    number, after = chain(queue, new(is_last=False), new("mail", state="waiting"))
    for crashes in (1, 2):
        assert queue.claim() == [number]
        assert queue.do(tables.crash, "w", NOW) == [Change(number, "ready")]
        info = queue.info(number)
        assert (info.crashes, info.worker, info.error) == (crashes, None, "Its worker died.")
    assert queue.claim() == [number]
    changes = queue.do(tables.crash, "w", NOW + 2)
    assert changes == [Change(number, "dead"), Change(after, "dead")]
    info = queue.info(number)
    assert (info.crashes, info.finished) == (3, NOW + 2)
    assert info.error == "3 workers died while they ran it."


def test_only_what_the_dead_worker_ran_is_taken_back(queue: Tables) -> None:
    one, two, three = (queue.add(new()) for _ in range(3))
    queue.claim(1, worker="a")
    queue.claim(1, worker="b")
    assert queue.do(tables.crash, "a", NOW) == [Change(one, "ready")]
    assert queue.states(one, two, three) == ["ready", "running", "ready"]
    assert queue.do(tables.crash, "nobody", NOW) == []


# Orders.


@pytest.mark.parametrize("state", ["waiting", "scheduled", "ready"])
def test_what_has_not_started_is_cancelled(queue: Tables, state: State) -> None:
    number = queue.add(new(state=state))
    assert queue.do(tables.cancel, number, NOW) == (state, [Change(number, "cancelled")])
    assert queue.do(tables.cancel, number, NOW) == ("cancelled", [])
    assert queue.info(number).finished == NOW


def test_what_runs_is_for_its_worker_to_cancel(queue: Tables) -> None:
    number = queue.add(new())
    queue.claim()
    assert queue.do(tables.cancel, number, NOW) == ("running", [])
    assert queue.states(number) == ["running"]
    assert queue.do(tables.cancel, number + 1, NOW) == (None, [])


def test_a_dead_task_is_tried_again_with_all_its_retries(queue: Tables) -> None:
    number = queue.add(new(unique="u"))
    assert queue.do(tables.retry, number, NOW) == ("ready", None)
    assert queue.do(tables.retry, number + 1, NOW) == (None, None)
    queue.claim()
    queue.settle(number, "dead", error="E: no")
    assert queue.do(tables.retry, number, NOW + 9) == ("dead", None)
    info = queue.info(number)
    assert (info.state, info.due, info.finished, info.failures, info.error) == (
        "ready",
        NOW + 9,
        None,
        0,
        None,
    )
    assert queue.claim() == [number]
    assert queue.info(number).attempt == 2


# Time.


def test_what_is_due_is_made_ready(queue: Tables) -> None:
    assert queue.do(tables.promote, NOW) == ([], None)
    early, late = (queue.add(new(state="scheduled", due=NOW + after)) for after in (1, 2))
    assert queue.do(tables.promote, NOW) == ([], NOW + 1)
    assert queue.do(tables.promote, NOW + 1) == ([Change(early, "ready")], NOW + 2)
    assert queue.states(early, late) == ["ready", "scheduled"]


def test_how_far_a_task_is_is_kept_for_its_attempt(queue: Tables) -> None:
    number = queue.add(new())
    queue.claim()
    queue.do(tables.report, [(number, 1, 0.5, "half"), (number, 2, 0.9, "of another attempt")])
    info = queue.info(number)
    assert (info.progress, info.note) == (0.5, "half")
    queue.settle(number, "released")
    queue.claim()
    info = queue.info(number)
    assert (info.progress, info.note) == (None, None)
    queue.do(tables.report, [])


def test_old_final_tasks_are_removed_a_few_at_a_time(queue: Tables) -> None:
    numbers = [queue.add(new()) for _ in range(6)]
    queue.claim(5)
    for number, verdict in zip(
        numbers, ("done", "done", "done", "dead", "cancelled"), strict=False
    ):
        queue.settle(number, verdict)  # type: ignore[arg-type]
    end = NOW + 1
    assert queue.do(tables.prune, end, end, 10) == 0  # of that very instant
    assert queue.do(tables.prune, end + 1, end, 2) == 2
    assert queue.do(tables.prune, end + 1, end, 2) == 1
    assert queue.do(tables.prune, end + 1, end + 1, 2) == 2
    assert [info.id for info in queue.read(tables.several)] == [numbers[5]]


# Definitions, schedules and queues.


def test_definitions_are_kept_and_the_last_of_a_name_counts(queue: Tables) -> None:
    one = Definition(name="add", rate=(3, 1.5), description={"a": ["ü"]})
    queue.do(tables.define, [one, Definition(name="mail")], NOW)
    queue.do(tables.define, [Definition(name="mail", queue="post", priority=3)], NOW)
    found = queue.read(tables.definitions)
    kept = {d.name: d for d in (msgspec.msgpack.decode(r, type=Definition) for r in found)}
    assert kept == {"add": one, "mail": Definition(name="mail", queue="post", priority=3)}


def every(name: str, spec: str = "60", following: float = NOW, **more: Any) -> ScheduleInfo:
    return ScheduleInfo(name=name, spec=spec, next=following, **more)


def test_a_schedule_that_has_not_changed_goes_on_where_it_was(queue: Tables) -> None:
    queue.do(tables.schedule, "app", [every("a"), every("b", timezone="Europe/Berlin")])
    queue.do(
        tables.schedule,
        "app",
        [every("a", following=NOW + 7, catch_up=True), every("b", following=NOW + 7)],
    )
    assert sorted(queue.read(tables.schedules)) == [
        ("a", "app", "60", "UTC", True, NOW),
        ("b", "app", "60", "UTC", False, NOW + 7),
    ]


def test_an_app_s_schedules_that_it_has_no_more_are_removed(queue: Tables) -> None:
    queue.do(tables.schedule, "one", [every("a"), every("b")])
    queue.do(tables.schedule, "two", [every("c")])
    queue.do(tables.schedule, "one", [every("b")])
    assert sorted(row[0] for row in queue.read(tables.schedules)) == ["b", "c"]
    queue.do(tables.schedule, "one", [])
    assert sorted(row[0] for row in queue.read(tables.schedules)) == ["c"]


def test_each_time_of_a_schedule_is_fired_once(queue: Tables) -> None:
    queue.do(tables.schedule, "app", [every("add")])
    due = [new(key="every add 1"), new(key="every add 2")]
    numbers = queue.do(tables.fire, "add", NOW + 60, due)
    assert len(numbers) == 2
    assert queue.do(tables.fire, "add", NOW + 120, [due[1], new(key="every add 3")]) != numbers
    assert len(queue.read(tables.several)) == 3
    assert queue.read(tables.schedules)[0][5] == NOW + 120


def test_a_firing_that_cannot_be_stored_leaves_the_schedule_as_it_was(queue: Tables) -> None:
    queue.do(tables.schedule, "app", [every("add")])
    broken = new()._replace(payload=None)  # type: ignore[arg-type]
    with pytest.raises(Exception) as failed:
        queue.do(tables.fire, "add", NOW + 60, [new(), broken])
    assert isinstance(failed.value, StorageFailed) or "NOT NULL" in str(failed.value)
    assert queue.read(tables.several) == []
    assert queue.read(tables.schedules)[0][5] == NOW


def test_a_queue_is_paused_and_goes_on(queue: Tables) -> None:
    assert queue.read(tables.paused) == set()
    queue.do(tables.pause, "q", True)
    queue.do(tables.pause, "q", True)
    queue.do(tables.pause, "r", True)
    queue.do(tables.pause, "r", False)
    assert queue.read(tables.paused) == {"q"}


# Questions.


def test_tasks_are_listed_the_newest_first_as_far_as_is_asked(queue: Tables) -> None:
    numbers = [
        queue.add(new(name, queue=where))
        for name, where in (("add", "q"), ("mail", "q"), ("add", "r"), ("add", "q"))
    ]

    def listed(**which: Any) -> list[int]:
        return [info.id for info in queue.read(tables.several, **which)]

    assert listed() == numbers[::-1]
    assert listed(limit=2) == numbers[:1:-1]
    assert listed(before=numbers[2]) == [numbers[1], numbers[0]]
    assert listed(queue="r") == [numbers[2]]
    assert listed(name="add", queue="q", state="ready") == [numbers[3], numbers[0]]
    assert listed(state="done") == []


def test_tasks_are_counted_by_queue_and_state(queue: Tables) -> None:
    for _ in range(3):
        queue.add(new())
    queue.add(new(queue="r", state="waiting"))
    number = queue.claim(1)[0]
    queue.settle(number, "done")
    queue.claim(1)
    expected = {("q", "done"): 1, ("q", "running"): 1, ("q", "ready"): 1, ("r", "waiting"): 1}
    assert queue.read(tables.counts) == expected
    assert queue.read(tables.live) == {"q": 2, "r": 1}


@pytest.mark.parametrize(("where", "left"), [("q", ["r"]), (None, [])])
def test_the_tasks_of_a_state_are_removed(
    queue: Tables, where: str | None, left: list[str]
) -> None:
    for name in ("q", "q", "r"):
        queue.add(new(queue=name))
    running = queue.claim(1)
    assert queue.do(tables.purge, "ready", where) == 2 - len(left)
    remaining = [info for info in queue.read(tables.several) if info.id not in running]
    assert [info.queue for info in remaining] == left
    assert queue.states(*running) == ["running"]
