"""What the owner does because of the time: what is due, what is scheduled, what is old."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

import msgspec

from wampapp.components.tasks import tables
from wampapp.components.tasks.records import KEEP_DEAD, KEEP_DONE, ScheduleInfo, Step
from wampapp.components.tasks.schedule import Schedule
from wampapp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wampapp.components.store import Store
    from wampapp.components.tasks.planning import Planner
    from wampapp.components.tasks.records import Definition
    from wampapp.components.tasks.tables import Change

logger = logging.getLogger("wampapp.tasks")

#: Seconds: the longest until the clock is looked at again, which may have been set meanwhile: while
#: something is due some time, and otherwise.
LOOK: Final = 30.0
_IDLE_LOOK: Final = 300.0
#: Seconds between two clean-ups, and how many tasks one transaction removes.
_PRUNE: Final = 600.0
_PRUNE_AT_ONCE: Final = 1000


class Timekeeper:
    """Enqueues what is scheduled, makes ready what is due, and removes what is old.

    Args:
        store: where the tasks are kept, open.
        planner: makes rows of what is enqueued.
        now: returns the time.
    """

    def __init__(self, store: Store, planner: Planner, now: Callable[[], float]) -> None:
        self._store = store
        self._planner = planner
        self._now = now
        self._loop = asyncio.get_running_loop()
        self._schedules: dict[str, tuple[Schedule, bool, float]] = {}
        self._next_due: float | None = None
        self._pruned = self._loop.time()

    async def start(self) -> None:
        """Read the schedules that were left."""
        self._keep(await self._store.read(tables.schedules))

    def _keep(self, rows: Sequence[tuple[str, str, str, str, bool, float]]) -> None:
        self._schedules.clear()
        for name, _, spec, zone, catch_up, following in rows:
            try:
                self._schedules[name] = Schedule(spec, zone), catch_up, following
            except UsageError as error:  # the zone may be unknown on this machine
                logger.warning("The schedule of %s is not kept: %s", name, error)

    async def define(
        self, app: str, definitions: Sequence[Definition], schedules: Sequence[ScheduleInfo]
    ) -> None:
        """Keep the tasks and schedules of an app."""
        now = self._now()
        wanted = [
            msgspec.structs.replace(one, next=Schedule(one.spec, one.timezone).after(now))
            for one in schedules
        ]

        def work(do: Any) -> list[tuple[str, str, str, str, bool, float]]:
            tables.define(do, definitions, now)
            tables.schedule(do, app, wanted)
            return tables.schedules(do)

        self._keep(await self._store.do(work))

    def expects(self, due: float) -> bool:
        """Take note of when a task is due; returns whether that is earlier than all others."""
        if self._next_due is not None and due >= self._next_due:
            return False
        self._next_due = due
        return True

    def wait(self) -> float:
        """Return the seconds until the next look at the clock."""
        now = self._now()
        times = [following for _, _, following in self._schedules.values()]
        if self._next_due is not None:
            times.append(self._next_due)
        longest = LOOK if times else _IDLE_LOOK
        return max(0.0, min([longest, *(time - now for time in times)]))

    async def look(self) -> list[Change]:
        """Do what is to be done now.

        Returns:
            The tasks that are ready now.
        """
        now = self._now()
        fired: list[Change] = []
        for name, (schedule, catch_up, following) in [*self._schedules.items()]:
            if following <= now:
                fired += await self._fire(name, schedule, catch_up, following, now)
        changes, self._next_due = await self._store.do(
            lambda do: tables.promote(do, now), durable=False
        )
        if self._loop.time() - self._pruned >= _PRUNE:
            self._pruned = self._loop.time()
            await self._prune(now)
        return fired + changes

    async def _fire(
        self, name: str, schedule: Schedule, catch_up: bool, first: float, now: float
    ) -> list[Change]:
        """Enqueue a task whose time has come. The time is its key, so that it is enqueued once."""
        times, following = schedule.due(first, now, catch_up=catch_up)
        known = name in self._planner.definitions
        news = [
            self._planner.new(Step(name=name, key=f"every {name} {due:.3f}", checked=True))
            for due in (times if known else ())
        ]
        numbers = await self._store.do(lambda do: tables.fire(do, name, following, news))
        if name in self._schedules and self._schedules[name][0] is schedule:
            self._schedules[name] = schedule, catch_up, following
        return [tables.Change(number, "ready") for number in numbers]

    async def _prune(self, now: float) -> None:
        removed = _PRUNE_AT_ONCE
        while removed >= _PRUNE_AT_ONCE:
            removed = await self._store.do(
                lambda do: tables.prune(do, now - KEEP_DONE, now - KEEP_DEAD, _PRUNE_AT_ONCE),
                durable=False,
            )

    def schedules(self) -> list[ScheduleInfo]:
        """Return the schedules."""
        return [
            ScheduleInfo(
                name=name,
                spec=schedule.spec,
                timezone=schedule.timezone,
                catch_up=catch_up,
                next=following,
            )
            for name, (schedule, catch_up, following) in sorted(self._schedules.items())
        ]
