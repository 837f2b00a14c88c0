"""The owner of the queue: it keeps the tasks, and gives them to workers.

A worker's open call is its lease: the router ends that call when the worker's process or link is
gone, and the worker's tasks are ready again at once.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

import msgspec

from wampapp.components.tasks import tables
from wampapp.components.tasks.claiming import Claim, claim_for
from wampapp.components.tasks.links import Link, Rates
from wampapp.components.tasks.news import News
from wampapp.components.tasks.planning import Planner
from wampapp.components.tasks.questions import Questions, no_such_task
from wampapp.components.tasks.records import (
    FINAL,
    LEASE,
    MAX_CRASHES,
    MAX_LENGTH,
    Assignment,
    Definition,
    Outcome,
    ScheduleInfo,
    State,
    Step,
)
from wampapp.components.tasks.running import Running, has_ended
from wampapp.components.tasks.timekeeping import Timekeeper
from wampapp.errors import InvalidArgument, Overloaded, StorageFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence

    from wampapp.components.store import Store
    from wampapp.components.tasks.tables import Change

logger = logging.getLogger("wampapp.tasks")

#: Seconds until what could not be stored is tried again.
_AGAIN: Final = 1.0
#: Seconds that a queue with tasks may be without a worker before it is said.
_LONELY: Final = 60.0


class Owner:
    """Keeps the tasks, and gives them to workers. It runs on the loop's thread.

    Args:
        store: where they are kept, open.
        now: returns the time.
        publish: publishes how far a task is: its number, fraction and note.
        is_joined: returns whether the owner has a session.

    Attributes:
        questions: what is asked of the queue.
        paused: the queues whose tasks are kept from starting.
    """

    def __init__(
        self,
        store: Store,
        now: Callable[[], float],
        publish: Callable[[int, float, str], None],
        is_joined: Callable[[], bool],
    ) -> None:
        self._store = store
        self._now = now
        self._publish = publish
        self._is_joined = is_joined
        self._loop = asyncio.get_running_loop()
        self._news = News()
        self._planner = Planner(now)
        self._time = Timekeeper(store, self._planner, now)
        self.questions = Questions(store, self._news, self)
        self.paused: set[str] = set()
        self._links: dict[str, Link] = {}
        #: What each worker runs, by the number of the task. It outlives the worker's call, for the
        #: worker may come back.
        self._running: dict[int, Running] = {}
        #: When the tasks of a worker that is away are ready again, by the loop's clock.
        self._leases: dict[str, float] = {}
        #: About how many tasks of each queue are not final.
        self._lengths: dict[str, int] = {}
        self._rates = Rates(self._loop)
        self._lonely: dict[str, float] = {}
        self._wake = asyncio.Event()
        self._look = asyncio.Event()
        self._stopped = False
        self._tasks: set[asyncio.Task[Any]] = set()

    # Beginning and end.

    async def start(self) -> None:
        """Read what was left, and begin to give out tasks."""
        for record in await self._store.read(tables.definitions):
            self._define(msgspec.msgpack.decode(record, type=Definition))
        self.paused = await self._store.read(tables.paused)
        self._lengths = await self._store.read(tables.live, is_long=True)
        await self._time.start()
        for row in await self._store.read(tables.running):
            self._running[row[0]] = Running(*row[1:])
            self._leases[self._running[row[0]].worker] = self._loop.time() + LEASE
        for worker in [*self._leases]:
            if has_ended(worker):
                await self._crashed(worker)
        self._start(self._give_out())
        self._start(self._keep_time())

    def stop(self) -> None:
        """End the calls that wait; no task is given out any longer."""
        self._stopped = True
        for link in self._links.values():
            link.end()
        self._news.end()
        self._wake.set()
        self._look.set()

    async def close(self) -> None:
        """Wait until everything is stored that was begun."""
        self.stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def left(self) -> None:
        """Keep the tasks of all workers for a while: it is the owner that has lost its session."""
        links, self._links = self._links, {}
        for worker, link in links.items():
            link.end()
            self._lease(worker)

    def _start(self, body: Coroutine[Any, Any, Any]) -> None:
        task = self._loop.create_task(body)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            logger.error("The task queue failed", exc_info=error)

    # What is enqueued.

    async def define(
        self, app: str, definitions: list[Definition], schedules: list[ScheduleInfo]
    ) -> None:
        """Take note of the tasks and schedules of an app."""
        await self._time.define(app, definitions, schedules)
        for definition in definitions:
            self._define(definition)
        self._look.set()

    def _define(self, definition: Definition) -> None:
        self._planner.define(definition)
        self._rates.set(definition.name, definition.rate)

    async def enqueue(self, steps: Sequence[Step]) -> int:
        """Enqueue a chain of steps.

        Returns:
            The number of the last.

        Raises:
            InvalidArgument: a task is not known, or its arguments do not fit.
            Overloaded: a queue is full.
            PayloadTooLarge: the arguments are too large.
        """
        plan = self._planner.plan(steps)
        for new, members in plan:
            await self._check_room(new.queue, len(members) or 1)
        if len(plan) == 1 and not plan[0][1]:
            new = plan[0][0]
            number, is_new = await self._store.do(lambda do: tables.insert(do, new))
        else:
            number, is_new = await self._store.do(lambda do: tables.insert_plan(do, plan))
        if is_new:
            for new, members in plan:
                for one in (new, *members):
                    self._lengths[one.queue] = self._lengths.get(one.queue, 0) + 1
                    if one.state == "scheduled" and self._time.expects(one.due):
                        self._look.set()
            self._news.tell(number)
            self._wake.set()
        return number

    async def _check_room(self, queue: str, count: int) -> None:
        if self._lengths.get(queue, 0) + count > MAX_LENGTH:
            self._lengths = await self._store.read(tables.live, is_long=True)
            if self._lengths.get(queue, 0) + count > MAX_LENGTH:
                raise Overloaded(
                    f"The queue {queue!r} holds {MAX_LENGTH:,} tasks; try again later."
                )

    # Workers.

    async def work(
        self,
        worker: str,
        slots: int,
        queues: list[str],
        names: list[str],
        running: list[tuple[int, int]],
    ) -> AsyncIterator[dict[str, Any]]:
        """Give a worker tasks for as long as it holds the call.

        Args:
            worker: the worker's name: ``host:pid/random``.
            slots: how many tasks it runs at the same time.
            queues: the queues that it takes tasks from, the preferred first; empty for all.
            names: the tasks that it has.
            running: the number and attempt of each task that it still runs, from before.
        """
        link = Link(worker, slots, queues, names)
        earlier = self._links.get(worker)
        self._links[worker] = link
        if earlier is not None:
            earlier.end()
        self._news.look()
        lost = self._adopt(link, running)
        try:
            if lost:
                yield {"lost": lost}
            self._wake.set()
            while (message := await link.next()) is not None:
                yield message
        finally:
            self._gone(link)

    def _adopt(self, link: Link, running: Sequence[tuple[int, int]]) -> list[int]:
        """Take note of what a worker that comes back still runs.

        Returns:
            The tasks that are not its own any more.
        """
        self._leases.pop(link.worker, None)
        claimed = dict(running)
        lost = set(claimed)
        unseen = []
        for number, known in self._running.items():
            if known.worker != link.worker:
                continue
            if claimed.get(number) == known.attempt:
                link.tasks.add(number)
                lost.discard(number)
            else:  # it was given while the link broke
                unseen.append(Outcome(number, known.attempt, "released"))
        if unseen:
            self._start(self._give_back(unseen))
        return sorted(lost)

    async def _give_back(self, unseen: Sequence[Outcome]) -> None:
        """Make tasks ready again that no worker has seen."""
        while True:
            try:
                await self._settle(unseen)
            except StorageFailed:
                if self._stopped:
                    return  # they are looked after at the next start
                await asyncio.sleep(_AGAIN)
            else:
                return

    def _gone(self, link: Link) -> None:
        """Take the tasks of a worker back whose call has ended."""
        if self._links.get(link.worker) is not link:
            return  # it has come back already, or the owner was away
        del self._links[link.worker]
        self._news.look()
        if self._stopped or not self._is_joined():
            self._lease(link.worker)  # it is the owner that goes; the worker comes back
        elif link.tasks:
            self._start(self._crashed(link.worker))

    def _lease(self, worker: str) -> None:
        self._leases[worker] = self._loop.time() + LEASE
        self._look.set()

    async def _crashed(self, worker: str) -> None:
        """Make the tasks of a worker that has died ready again."""
        self._leases.pop(worker, None)
        now = self._now()
        while True:
            try:
                changes = await self._store.do(lambda do: tables.crash(do, worker, now))
                break
            except StorageFailed:
                if self._stopped:
                    return  # they are looked after at the next start
                await asyncio.sleep(_AGAIN)
        for number in [n for n, known in self._running.items() if known.worker == worker]:
            self._forget(number)
        if changes:
            count = len(changes)
            what = "the task that it ran is" if count == 1 else f"the {count} tasks that it ran are"
            logger.warning("Worker %s is gone; %s taken back.", worker, what)
        for change in changes:
            if change.state == "dead":
                logger.error(
                    "Task %d is dead: %d workers died while they ran it.", change.id, MAX_CRASHES
                )
        self._took(changes)

    def _forget(self, number: int) -> None:
        """Take note that no worker runs a task any longer."""
        known = self._running.pop(number, None)
        link = None if known is None else self._links.get(known.worker)
        if link is not None:
            link.tasks.discard(number)

    async def done(self, worker: str, outcomes: list[Outcome], busy: int) -> None:
        """Take what became of tasks.

        Args:
            worker: the worker.
            outcomes: what became of which attempts.
            busy: how many places are taken by functions that go on all the same.
        """
        simple, others = [], []
        for one in outcomes:
            known = self._running.get(one.id)
            if known is None or known.attempt != one.attempt:
                logger.warning(
                    "An outcome of task %d is ignored: attempt %d, by %s, does not count any more.",
                    one.id,
                    one.attempt,
                    worker,
                )
            elif one.verdict == "done" and known.is_last:
                simple.append(one)
            else:
                others.append(one)
        await self._settle(others, simple)
        if (link := self._links.get(worker)) is not None:
            link.busy = busy
        self._wake.set()

    async def _settle(self, outcomes: Sequence[Outcome], simple: Sequence[Outcome] = ()) -> None:
        """Store outcomes, and what follows from them.

        Args:
            outcomes: the outcomes.
            simple: those of tasks that are done, and that nothing follows.
        """
        if not outcomes and not simple:
            return
        now = self._now()

        def work(do: Any) -> list[Change]:
            if simple:
                tables.finish(do, simple, now)
            return tables.settle(do, outcomes, now) if outcomes else []

        changes = await self._store.do(work)
        for one in (*simple, *outcomes):
            known = self._running.get(one.id)
            if known is not None and known.attempt == one.attempt:
                self._forget(one.id)
                if one.verdict in FINAL:
                    self._lengths[known.queue] = self._lengths.get(known.queue, 1) - 1
        for one in simple:
            self._news.tell(one.id)
        self._took(changes)

    def _took(self, changes: Sequence[Change]) -> None:
        """Do what follows from changes that were stored."""
        for change in changes:
            self._news.tell(change.id)
            if change.state == "scheduled":
                self._look.set()
        if changes:
            self._wake.set()

    async def report(self, worker: str, reports: list[tuple[int, int, float, str]]) -> None:
        """Keep how far running tasks are, and tell it.

        Args:
            worker: the worker.
            reports: number, attempt, fraction and note of each.
        """
        mine = [
            one
            for one in reports
            if (known := self._running.get(one[0])) is not None
            and (known.attempt, known.worker) == (one[1], worker)
        ]
        if mine:
            await self._store.do(lambda do: tables.report(do, mine), durable=False)
        for number, _, fraction, note in mine:
            self._news.tell(number)
            self._publish(number, fraction, note)

    # Giving out.

    async def _give_out(self) -> None:
        """Give tasks to workers whenever there are both."""
        while not self._stopped:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._give_out_once()
            except StorageFailed:
                await asyncio.sleep(_AGAIN)
                self._wake.set()

    async def _give_out_once(self) -> None:
        wanted = self._wanted()
        if not wanted:
            return
        now = self._now()

        def work(do: Any) -> list[tuple[Link, str, tables.Claimed]]:
            return [one for places, claims in wanted for one in claim_for(do, places, claims, now)]

        # Not durable: after a power failure, a task may be ready again that was started.
        self._give(await self._store.do(work, durable=False))

    def _wanted(self) -> list[tuple[dict[Link, int], list[Claim]]]:
        """Return what workers can take, and what they may be given."""
        # Workers that take the same are given tasks together, so that each gets its share.
        alike: dict[tuple[tuple[str, ...], tuple[str, ...]], dict[Link, int]] = {}
        for link in [] if self._stopped else self._links.values():
            if link.free > 0:
                alike.setdefault((link.queues, link.names), {})[link] = link.free
        return [(places, self._claims(*what)) for what, places in alike.items()]

    def _give(self, claimed: Sequence[tuple[Link, str, tables.Claimed]]) -> None:
        """Give tasks to the workers for which they were claimed."""
        given: dict[Link, list[Assignment]] = {}
        for link, queue, task in claimed:
            self._running[task.id] = Running(task.attempt, link.worker, bool(task.is_last), queue)
            self._rates.take(task.name)
            self._news.tell(task.id)
            given.setdefault(link, []).append(Assignment(*task[:7]))
        for link, assignments in given.items():
            if self._links.get(link.worker) is link:
                link.give(assignments)
            else:  # it went meanwhile, and has not seen them
                unseen = [Outcome(one.id, one.attempt, "released") for one in assignments]
                self._start(self._give_back(unseen))
        if (later := self._rates.wait()) is not None:
            self._loop.call_later(later, self._wake.set)

    def _claims(self, queues: Sequence[str], names: Sequence[str]) -> list[Claim]:
        """Return what workers may be given: queue, names, and how many at most."""
        limited = [name for name in names if self._rates.is_limited(name)]
        free = [name for name in names if not self._rates.is_limited(name)]
        claims: list[Claim] = []
        for queue in queues or self.queues:
            if queue in self.paused:
                continue
            if free:
                claims.append(Claim(queue, free))
            claims += [
                Claim(queue, [name], most) for name in limited if (most := self._rates.left(name))
            ]
        return claims

    @property
    def queues(self) -> list[str]:
        """Every queue that is known, for workers that take from all."""
        return sorted({*self._planner.queues, *self._lengths})

    def workers_of(self, queue: str) -> int:
        """Return how many workers take tasks from a queue."""
        return sum(not link.queues or queue in link.queues for link in self._links.values())

    def workers(self) -> list[dict[str, Any]]:
        """Return the workers that are there."""
        return [
            {
                "worker": link.worker,
                "queues": [*link.queues],
                "slots": link.slots,
                "running": len(link.tasks),
            }
            for link in self._links.values()
        ]

    def schedules(self) -> list[ScheduleInfo]:
        """Return the schedules."""
        return self._time.schedules()

    # Time.

    async def _keep_time(self) -> None:
        while not self._stopped:
            self._look.clear()
            try:
                for worker, end in [*self._leases.items()]:
                    if end <= self._loop.time():
                        logger.warning("Worker %s has not come back.", worker)
                        await self._crashed(worker)
                self._took(await self._time.look())
            except StorageFailed:
                await asyncio.sleep(_AGAIN)
                continue
            self._tell_lonely()
            leases = [end - self._loop.time() for end in self._leases.values()]
            try:
                async with asyncio.timeout(max(0.0, min([self._time.wait(), *leases]))):
                    await self._look.wait()
            except TimeoutError:
                pass

    def _tell_lonely(self) -> None:
        """Say once of each queue with tasks that nobody has worked on it for a while."""
        now = self._loop.time()
        for queue, length in self._lengths.items():
            if length <= 0 or queue in self.paused or self.workers_of(queue):
                self._lonely.pop(queue, None)
            elif self._lonely.setdefault(queue, now) + _LONELY <= now:
                self._lonely[queue] = float("inf")
                logger.warning(
                    "Nobody works on the queue %r, in which tasks wait; start a worker with "
                    "'wampapp worker TARGET --queues %s'.",
                    queue,
                    queue,
                )

    # Orders.

    async def cancel(self, number: int) -> bool:
        """Cancel a task; returns whether it was not final.

        Raises:
            InvalidArgument: there is no such task.
        """
        now = self._now()
        state, changes = await self._store.do(lambda do: tables.cancel(do, number, now))
        if state is None:
            raise no_such_task(number)
        self._took(changes)
        known = self._running.get(number)
        if state != "running" or known is None:
            return state not in FINAL
        link = self._links.get(known.worker)
        if link is not None:
            link.cancel([number])
        else:  # its worker is away, and cannot say what becomes of it
            await self._settle([Outcome(number, known.attempt, "cancelled")])
        return True

    async def retry(self, number: int) -> bool:
        """Have a dead or cancelled task tried again; returns whether it was one.

        Raises:
            InvalidArgument: there is no such task, or another one has its unique text.
        """
        now = self._now()
        state, unique = await self._store.do(lambda do: tables.retry(do, number, now))
        if state is None:
            raise no_such_task(number)
        if unique is not None:
            raise InvalidArgument(
                f"another task with the unique text {unique!r} is not final", parameter="id"
            )
        if state not in ("dead", "cancelled"):
            return False
        self._took([tables.Change(number, "ready")])
        return True

    async def pause(self, queue: str, is_paused: bool) -> None:
        """Keep the tasks of a queue from starting, or allow it again."""
        await self._store.do(lambda do: tables.pause(do, queue, is_paused))
        (self.paused.add if is_paused else self.paused.discard)(queue)
        self._news.look()
        self._wake.set()

    async def purge(self, state: State, queue: str | None) -> int:
        """Remove the tasks of a state; returns how many.

        Raises:
            InvalidArgument: it is that of tasks that run.
        """
        if state == "running":
            raise InvalidArgument(
                "tasks that run cannot be removed; cancel them", parameter="state"
            )
        removed = await self._store.do(lambda do: tables.purge(do, state, queue))
        self._lengths = await self._store.read(tables.live, is_long=True)
        return removed
