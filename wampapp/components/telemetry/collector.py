"""Collects what services report: the one process that keeps their logs and numbers."""

from __future__ import annotations

import asyncio
import logging
import math
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from wampapp.components.telemetry import tables
from wampapp.components.telemetry.records import NOT_ATTACHED, Definition, Stats
from wampapp.components.telemetry.totals import Live, Totals
from wampapp.errors import InvalidArgument, StorageFailed, WampError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from wampapp.components.store import Store, Transaction
    from wampapp.components.telemetry.records import About, LogRecord, Report
    from wampapp.components.telemetry.totals import Series, Value

logger = logging.getLogger("wampapp.telemetry")

#: The steps at which what series were is kept, and for how long; in seconds.
STEPS: Final = ((10, 3_600), (60, 86_400), (3_600, 30 * 86_400))
#: How many processes may report at the same time.
MAX_PROCESSES: Final = 5_000
#: How many seconds a process that is away is remembered, so that it is not counted twice.
_REMEMBERED: Final = 86_400.0
#: The seconds after which those who wait for news are answered without any.
_PATIENCE: Final = 25.0
_PRUNING: Final = 60.0


class Collector:
    """Takes reports, and answers what is asked about them.

    Args:
        store: where they are kept, open.
        clock: returns the time, in seconds since 1970.
        max_age: the seconds that log records are kept.
        max_bytes: the bytes that the store may take; then the oldest records go.
    """

    def __init__(
        self, store: Store, clock: Callable[[], float], *, max_age: float, max_bytes: int
    ) -> None:
        self._store = store
        self._clock = clock
        self._max_age = max_age
        self._max_bytes = max_bytes
        self.totals = Totals()
        self._locks: dict[str, asyncio.Lock] = {}
        self._by_instance: dict[str, Live] = {}
        self._holds = 0
        self._last = 0
        self._waiting: set[asyncio.Future[None]] = set()
        self._ended = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._taking: set[asyncio.Task[list[str]]] = set()
        #: For each step, the last time that points were taken, and what there was then.
        self._step_taken: dict[int, int] = {}
        self._pointed: dict[int, dict[Series, Value]] = {}

    async def start(self) -> None:
        """Begin with what was kept."""
        for text in await self._store.read(tables.load_definitions):
            self.totals.define([msgspec.json.decode(text, type=Definition)])  # each of its own name
        rows = await self._store.read(tables.load_series)
        self.totals.load(
            ((metric, service, labels), value) for _, metric, service, labels, value in rows
        )
        newest = await self._store.read(partial(tables.find_lines, limit=1))
        self._last = newest[-1].id if newest else 0
        self._tasks = [
            asyncio.create_task(self._again_and_again(STEPS[0][0], self._take_points)),
            asyncio.create_task(self._again_and_again(_PRUNING, self.prune)),
        ]

    def stop(self) -> None:
        """End the calls that are held, and what is done again and again."""
        self._ended.set()
        self._wake()
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """Write what the numbers are at the end."""
        await asyncio.gather(*self._tasks, *self._taking, return_exceptions=True)
        try:
            await self._take_points()
        except StorageFailed as error:
            logger.warning("The last numbers are not kept: %s", error.message)

    async def _again_and_again(self, seconds: float, do: Callable[[], Any]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await do()
            except StorageFailed as error:
                logger.warning("Logs and numbers could not be tidied up: %s", error.message)
            except Exception:
                logger.exception("Logs and numbers could not be tidied up")

    # What services do.

    async def attach(self, about: About) -> AsyncIterator[int]:
        """Take the reports of a process for as long as it holds the call.

        When its session ends, its gauges go in the same moment.
        """
        if len(self.totals.live) >= MAX_PROCESSES:
            raise InvalidArgument(f"{MAX_PROCESSES} processes send their logs here already.")
        self._holds += 1
        number, live = self._holds, Live(about)
        self.totals.live[number] = live
        self._by_instance[about.instance] = live
        try:
            yield number
            await self._ended.wait()
        finally:
            del self.totals.live[number]
            if self._by_instance.get(about.instance) is live:
                del self._by_instance[about.instance]

    async def report(self, report: Report) -> list[str]:
        """Take a report. One that comes again is acknowledged, and changes nothing.

        Returns:
            What was left out of it, and why: a sentence each.
        """
        live = self._by_instance.get(report.instance)
        if live is None:
            raise WampError(NOT_ATTACHED, "A process that reports holds the call 'attach'.")
        # Once it is stored, it must be counted here too, even if its sender goes meanwhile.
        taking = asyncio.create_task(self._take(report, live))
        self._taking.add(taking)
        taking.add_done_callback(self._taken)
        return await asyncio.shield(taking)

    def _taken(self, taking: asyncio.Task[list[str]]) -> None:
        self._taking.discard(taking)
        if not taking.cancelled():
            taking.exception()  # whoever has sent it was told, if it is still there

    async def _take(self, report: Report, live: Live) -> list[str]:
        about, now = live.about, self._clock()
        new, refused = self.totals.define(report.definitions)
        live.refused.update(refused)
        for definition in new:
            text = msgspec.json.encode(definition).decode()
            await self._store.do(
                partial(tables.save_definition, name=definition.name, definition=text),
                durable=False,
            )
        # Sums are made of those before, so reports of one service come one after the other.
        lock = self._locks.setdefault(about.service, asyncio.Lock())
        async with lock:
            sums = self.totals.sums(live, report.added)
            lines = [_clean(line, now) for line in report.lines]

            def work(transaction: Transaction) -> int | None:
                if not tables.note_report(transaction, report.instance, report.number, now):
                    return None
                tables.save_series(
                    transaction, ((*series, value) for series, value in sums.items())
                )
                return tables.add_lines(transaction, about, lines) if lines else 0

            last = await self._store.do(work, durable=False)
            if last is None:
                return [*refused.values()]
            self.totals.add(sums, now)
        if report.gauges is not None:
            self.totals.set_gauges(live, report.gauges)
        if last > self._last:
            self._last = last
            self._wake()
        return [*refused.values()]

    # What is asked.

    async def logs(self, *, wait: bool, after: int | None, **which: Any) -> list[LogRecord]:
        """Return log records, the oldest first; see :func:`tables.find_lines`.

        Args:
            wait: whether to wait until there are some after ``after``, for some time.
            after: the number of the last one that is known.
            which: what they are like.
        """
        deadline = asyncio.get_running_loop().time() + _PATIENCE
        while True:
            seen = self._last
            find = partial(tables.find_lines, after=after, **which)
            # What may have to look at all of them must not hold up everything else.
            found = await self._store.read(find, is_long=after is None or seen - after > 10_000)
            if found or not wait or after is None or self._ended.is_set():
                return found
            if not await self._news(seen, deadline):
                return []
            after = max(after, seen)

    async def _news(self, seen: int, deadline: float) -> bool:
        """Wait for records after one; return whether there are any before a time."""
        try:
            async with asyncio.timeout_at(deadline):
                while self._last <= seen and not self._ended.is_set():
                    waiting = asyncio.get_running_loop().create_future()
                    self._waiting.add(waiting)
                    try:
                        await waiting
                    finally:
                        self._waiting.discard(waiting)
        except TimeoutError:
            return False
        return not self._ended.is_set()

    def _wake(self) -> None:
        for waiting in list(self._waiting):
            if not waiting.done():
                waiting.set_result(None)

    async def stats(self, seconds: float) -> Stats:
        """Return what all services did lately."""
        handled = self.totals.handled(seconds, self._clock())
        records = await self._store.read(tables.count_lines)
        dropped = sum(
            value
            for (metric, _, _), value in self.totals.values.items()
            if metric == "wampapp_log_dropped" and not isinstance(value, list)
        )
        return Stats(
            seconds=seconds,
            handled=handled,
            instances=self.totals.instances(),
            backlogs=self.totals.backlogs(),
            records=records,
            dropped=int(dropped),
            bytes=await self._store.read(tables.used_bytes),
        )

    async def points(
        self, metric: str, service: str, labels: list[str], step: int, since: float
    ) -> list[tuple[int, float]]:
        """Return what a counter was, or how much a histogram had counted, at the times of a step.

        Raises:
            InvalidArgument: there is no such step.
        """
        if step not in dict(STEPS):
            steps = ", ".join(str(one) for one, _ in STEPS)
            raise InvalidArgument(f"Numbers are kept in steps of {steps} seconds, not {step}.")

        def read(transaction: Transaction) -> list[tuple[int, float]]:
            number = tables.series_number(transaction, metric, service, tuple(labels))
            if number is None:
                return []
            return tables.find_points(transaction, number, step, math.ceil(since))

        return await self._store.read(read)

    # Tidying up.

    async def _take_points(self) -> None:
        """Write what has changed since the last time, for each step that has begun."""
        now = int(self._clock())
        points: list[tuple[str, str, tuple[str, ...], int, int, float]] = []
        taken: dict[int, dict[Series, Value]] = {}
        for step, _ in STEPS:
            t = now - now % step
            if self._step_taken.get(step) == t:
                continue
            before, values = self._pointed.get(step, {}), dict(self.totals.values)
            taken[step] = values
            self._step_taken[step] = t
            points += [
                (*series, step, t, float(sum(value[:-1]) if isinstance(value, list) else value))
                for series, value in values.items()
                if before.get(series) is not value
            ]

        def work(transaction: Transaction) -> None:
            tables.add_points(transaction, points)
            tables.prune_points(transaction, STEPS, now)

        await self._store.do(work, durable=False)
        self._pointed.update(taken)

    async def prune(self) -> None:
        """Remove log records that are too old, or for which there is no room."""
        now = self._clock()

        def step(transaction: Transaction) -> int:
            pruned = tables.prune_lines(transaction, before=now - self._max_age)
            if not pruned and tables.used_bytes(transaction) > self._max_bytes:
                pruned = tables.prune_lines(transaction, before=None)
            return pruned

        # A step at a time, so that reports get their turn.
        while await self._store.do(step, durable=False):
            pass
        await self._store.do(
            partial(tables.prune_reporters, before=now - _REMEMBERED), durable=False
        )


def _clean(line: Any, now: float) -> Any:
    """Return a record whose time can be stored and sorted by."""
    if not math.isfinite(line.t):
        line.t = now
    return line
