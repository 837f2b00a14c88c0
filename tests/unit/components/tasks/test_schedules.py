"""What is enqueued at certain times: each time once, whatever the clock and the process do."""

import asyncio
import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from wampapp import App, DeclarationError, UsageError
from wampapp.components.store import make_store
from wampapp.components.store.store import Store
from wampapp.components.tasks import Tasks, tables
from wampapp.components.tasks.planning import Planner
from wampapp.components.tasks.records import Definition, ScheduleInfo
from wampapp.components.tasks.schedule import MAX_MISSED, Schedule
from wampapp.components.tasks.timekeeping import Timekeeper

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3600.0
DAY = 24 * HOUR
#: Midnight in Berlin, at the beginning of a year.
NEW_YEAR = datetime(2026, 1, 1, tzinfo=BERLIN).timestamp()


def times(schedule: Schedule, start: float, count: int) -> list[float]:
    found = []
    for _ in range(count):
        start = schedule.after(start)
        found.append(start)
    return found


@pytest.mark.parametrize("hour", [1, 2, 3])
def test_a_daily_time_comes_once_a_day(hour: int) -> None:
    found = times(Schedule(f"30 {hour} * * *", "Europe/Berlin"), NEW_YEAR, 365)
    days = [datetime.fromtimestamp(one, BERLIN).date() for one in found]
    assert len(set(days)) == 365
    assert days == sorted(days)
    # The hour from two to three is left out in spring.
    odd = [t for one in found if (t := datetime.fromtimestamp(one, BERLIN)).hour != hour]
    assert len(odd) == (1 if hour == 2 else 0)


def test_quarters_of_an_hour_are_a_quarter_apart() -> None:
    found = times(Schedule("*/15 * * * *", "Europe/Berlin"), NEW_YEAR, 365 * 96)
    assert {b - a for a, b in itertools.pairwise(found)} == {900.0}


def test_an_interval_is_counted_from_the_epoch() -> None:
    assert times(Schedule("90"), 100.0, 3) == [180.0, 270.0, 360.0]
    assert str(Schedule("90")) == "every 0:01:30"


def test_missed_times() -> None:
    schedule = Schedule("0 * * * *")
    first = schedule.after(NEW_YEAR)
    now = first + 3 * HOUR + 60
    missed = [first + n * HOUR for n in range(4)]
    assert schedule.due(first, now, catch_up=True) == (missed, first + 4 * HOUR)
    assert schedule.due(first, now, catch_up=False) == (missed[-1:], first + 4 * HOUR)
    assert schedule.due(first, first - 1, catch_up=True) == ([], first)
    much, following = Schedule("1").due(NEW_YEAR, NEW_YEAR + DAY, catch_up=True)
    assert len(much) == MAX_MISSED
    assert following == NEW_YEAR + DAY + 1


@pytest.mark.parametrize(
    ("spec", "zone", "sentence"),
    [
        ("61 * * * *", "UTC", r"'61 . . . .' is not a cron expression"),
        ("often", "UTC", "write it as 'minute hour day month weekday'"),
        ("0 0 30 2 *", "UTC", "is not a cron expression"),
        ("0 * * * *", "Mars/Olympus", "There is no time zone 'Mars/Olympus'"),
        ("0 * * * *", "../../etc/passwd", "There is no time zone"),
        ("0.5", "UTC", r"every\(0.5\) is not between a second and a year"),
        ("nan", "UTC", "is not between"),
    ],
)
def test_what_is_no_schedule(spec: str, zone: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        Schedule(spec, zone)


def test_declaring() -> None:
    tasks = Tasks(App(prefix="com.shop"))
    with pytest.raises(DeclarationError, match="'needy' cannot be scheduled, since it needs arg"):

        @tasks.every(60)
        def needy(what: str) -> None: ...

    with pytest.raises(UsageError, match="every_worker is for timers"):
        tasks.every(60, every_worker=True)

    @tasks.every("0 3 * * *")
    def nightly() -> None: ...

    with pytest.raises(DeclarationError, match="'nightly' has a schedule already"):
        tasks.every(60)(nightly)


def test_a_schedule_in_an_app() -> None:
    app = App(prefix="com.shop")
    tasks = Tasks(app)
    app.include(tasks)
    ran = []

    @tasks.every(600)
    async def report() -> None:
        ran.append(1)

    with app.test_client() as client:
        client.clock.advance(3600)
        assert len(client.tasks.enqueued) == 6
        client.tasks.run_all()
        assert len(ran) == 6
        (row,) = client.call("com.shop.tasks.schedules")
        assert (row["name"], row["spec"]) == ("report", "600")


class Clock:
    """A clock that is set by hand, and what goes by it."""

    def __init__(self, store: Store) -> None:
        self.time = NEW_YEAR
        self.store = store

    async def keeper(self) -> Timekeeper:
        """As after a restart: nothing is known but what is in the store."""
        planner = Planner(lambda: self.time)
        planner.define(Definition(name="report"))
        keeper = Timekeeper(self.store, planner, lambda: self.time)
        await keeper.start()
        return keeper

    async def enqueued(self) -> list[str]:
        found = await self.store.read(lambda read: tables.several(read, limit=1000))
        return sorted(str(task.key) for task in found)


def run(tmp_path: Path, test: Callable[[Clock], object]) -> None:
    async def main() -> None:
        store = make_store(str(tmp_path / "tasks.sqlite"), tables.SCHEMA)
        await store.open()
        try:
            await test(Clock(store))  # type: ignore[misc]
        finally:
            await store.close()

    asyncio.run(main())


@pytest.mark.parametrize("catch_up", [False, True])
def test_restarts_enqueue_each_time_once(tmp_path: Path, catch_up: bool) -> None:
    async def test(clock: Clock) -> None:
        keeper = await clock.keeper()
        info = ScheduleInfo(name="report", spec="*/10 * * * *", catch_up=catch_up)
        await keeper.define("shop", [Definition(name="report")], [info])
        expected = []
        for restart in range(20):
            clock.time += 60 * (7 * restart % 45)
            keeper = await clock.keeper()
            if restart % 2:
                await keeper.define("shop", [Definition(name="report")], [info])
            before = await clock.enqueued()
            await keeper.look()
            await keeper.look()
            expected.append(len(await clock.enqueued()) - len(before))
        found = [float(key.split()[-1]) for key in await clock.enqueued()]
        assert len(set(found)) == len(found)
        assert all(one % 600 == 0 for one in found)
        if catch_up:
            assert sorted(found) == [
                NEW_YEAR + 600 * n for n in range(1, int((clock.time - NEW_YEAR) // 600) + 1)
            ]
        else:
            assert max(expected) == 1

    run(tmp_path, test)


def test_a_clock_that_is_set_back(tmp_path: Path) -> None:
    async def test(clock: Clock) -> None:
        keeper = await clock.keeper()
        info = ScheduleInfo(name="report", spec="0 * * * *")
        await keeper.define("shop", [], [info])
        clock.time += HOUR + 1
        await keeper.look()
        clock.time -= 3 * HOUR
        await keeper.look()
        clock.time += 3 * HOUR
        await keeper.look()
        assert len(await clock.enqueued()) == 1
        clock.time += HOUR
        await keeper.look()
        assert len(await clock.enqueued()) == 2

    run(tmp_path, test)


def test_a_schedule_that_is_changed_or_gone(tmp_path: Path) -> None:
    async def test(clock: Clock) -> None:
        keeper = await clock.keeper()
        await keeper.define("shop", [], [ScheduleInfo(name="report", spec="0 * * * *")])
        await keeper.define("shop", [], [ScheduleInfo(name="report", spec="30 * * * *")])
        assert [one.next for one in keeper.schedules()] == [NEW_YEAR + HOUR / 2]
        await keeper.define("other", [], [])
        assert len(keeper.schedules()) == 1
        await keeper.define("shop", [], [])
        assert not keeper.schedules()

    run(tmp_path, test)


def test_utc_is_the_default() -> None:
    noon = Schedule("0 12 * * *").after(NEW_YEAR)
    assert datetime.fromtimestamp(noon, UTC).hour == 12
