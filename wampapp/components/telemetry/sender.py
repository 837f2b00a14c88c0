"""Sends what a process logs and counts, and never keeps anything waiting for that."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any, Protocol

from wampapp.components.patience import Pause, is_away
from wampapp.components.telemetry.records import (
    MAX_ELEMENTS,
    MAX_SAMPLES,
    NOT_ATTACHED,
    Line,
    Report,
    Sample,
)
from wampapp.errors import ConnectionLost, NoSuchProcedure, NotJoined, WampError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from wampapp.components.telemetry.log_handler import LogHandler
    from wampapp.components.telemetry.records import About
    from wampapp.components.telemetry.sampling import Key, Sampler

logger = logging.getLogger("wampapp.telemetry")

#: How often log records are sent, and how often numbers, in seconds.
LOG_INTERVAL = 0.2
NUMBERS_INTERVAL = 2.0
#: The seconds that :meth:`Sender.flush` waits for a collector.
_PATIENCE = 5.0
#: The seconds that what is left may take when the process ends.
_LAST = 1.0


class Streaming(Protocol):
    """A procedure whose results come one by one."""

    def stream(self, *args: Any) -> AsyncGenerator[Any, None]:
        """Call it."""


class Sender:
    """Reports to the collector for as long as there is one.

    A report is sent until it is acknowledged, and has a number by which the collector knows one
    that it has already. What counters have come to is told as what was added since the last
    acknowledged report, so that nothing is counted twice, and nothing lost but with the process.

    Args:
        about: the process.
        handler: has the log records.
        sampler: has the numbers.
        attach: the collector's procedure of that name.
        report: that one's, too.
        nobody: makes the error that nobody collects.
    """

    def __init__(
        self,
        about: About,
        handler: LogHandler,
        sampler: Sampler,
        attach: Streaming,
        report: Callable[..., Awaitable[Any]],
        nobody: Callable[[], NoSuchProcedure],
    ) -> None:
        self._about = about
        self._handler = handler
        self._sampler = sampler
        self._attach = attach
        self._call_report = report
        self._nobody = nobody
        self._number = 0
        self._dropped = 0
        #: A report that was not acknowledged, and what all is when it is.
        self._unsent: tuple[Report, dict[Key, float | list[float]]] | None = None
        self._told: dict[Key, float | list[float]] = {}
        self._defined: set[str] = set()
        self._sending = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._attached = asyncio.Event()

    def start(self) -> None:
        """Begin."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Send what is left, if that is quick, and end."""
        await self.hurry()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def hurry(self) -> None:
        """Send all that there is, if that is quick."""
        if self._attached.is_set():
            with contextlib.suppress(TimeoutError, WampError, ConnectionLost, NotJoined):
                async with asyncio.timeout(_LAST):
                    await self.flush()

    async def flush(self) -> None:
        """Send all that there is, the numbers too.

        Raises:
            NoSuchProcedure: nobody collects.
            WampError: it was refused.
        """
        pause = Pause()
        try:
            async with asyncio.timeout(_PATIENCE):
                while True:
                    await self._attached.wait()
                    try:
                        await self._send(with_numbers=True)
                        while self._handler.waiting:
                            await self._send(with_numbers=False)
                    except (WampError, ConnectionLost, NotJoined) as error:
                        if not _is_for_a_while(error):
                            raise
                    else:
                        return
                    await pause.wait()
        except TimeoutError:
            raise self._nobody() from None

    async def _run(self) -> None:
        pause = Pause()
        has_complained = False
        while True:
            told = self._attach.stream(self._about)
            try:
                async for _ in told:
                    pause.reset()
                    has_complained = False
                    self._attached.set()
                    self._defined.clear()  # it may be another collector
                    await self._while_attached(told)
            except (WampError, ConnectionLost, NotJoined) as error:
                if not _is_for_a_while(error):
                    logger.error("Logs and numbers cannot be sent: %s", error)  # noqa: TRY400
                    return
                if isinstance(error, NoSuchProcedure) and not has_complained:
                    has_complained = True
                    logger.info(
                        "%s Until then, logs and numbers wait here.", self._nobody().message
                    )
            finally:
                self._attached.clear()
                await told.aclose()
            await pause.wait()

    async def _while_attached(self, told: AsyncGenerator[Any, None]) -> None:
        """Report again and again, until the collector ends the call."""
        end = asyncio.ensure_future(anext(told, None))
        try:
            rounds = max(1, round(NUMBERS_INTERVAL / LOG_INTERVAL))
            number = 0
            while not end.done():
                with_numbers = number % rounds == 0
                if with_numbers or self._handler.waiting or self._unsent is not None:
                    await self._send(with_numbers=with_numbers)
                number += 1
                # A report that is full is followed by the next at once, one at a time.
                if not self._handler.is_full:
                    await asyncio.wait([end], timeout=LOG_INTERVAL)
            end.result()
        finally:
            end.cancel()
            await asyncio.wait([end])
            if not end.cancelled():
                end.exception()  # whatever it is, the call is made anew

    async def _send(self, *, with_numbers: bool) -> None:
        async with self._sending:
            if self._unsent is not None:
                await self._deliver(*self._unsent)
            if with_numbers:
                await self._sampler.measure()
            report, totals = self._make(with_numbers=with_numbers)
            self._unsent = report, totals
            await self._deliver(report, totals)

    async def _deliver(self, report: Report, totals: dict[Key, float | list[float]]) -> None:
        try:
            left_out = await self._call_report(report)
        except WampError as error:
            if not is_away(error) and error.uri != NOT_ATTACHED:
                # Sent again, it would be refused again.
                self._unsent = None
                logger.error("A report was refused, and is lost: %s", error)  # noqa: TRY400
                return
            raise
        for sentence in left_out:
            logger.warning("%s", sentence)
        self._unsent = None
        self._told.update(totals)
        self._defined.update(one.name for one in report.definitions)

    def _make(self, *, with_numbers: bool) -> tuple[Report, dict[Key, float | list[float]]]:
        self._number += 1
        lines = self._handler.take()
        dropped, self._dropped = self._handler.dropped - self._dropped, self._handler.dropped
        if dropped:
            text = f"{dropped} log records were dropped here: there was no room for more."
            lines.insert(0, Line(time.time(), logging.WARNING, "wampapp.telemetry", text))
        report = Report(self._about.instance, self._number, lines)
        if not with_numbers:
            return report, {}
        totals: dict[Key, float | list[float]] = {}
        elements = 0
        for key, value in self._sampler.totals().items():
            added = _difference(value, self._told.get(key))
            # What does not fit into this report goes into the next.
            if added is not None and elements < MAX_ELEMENTS:
                elements += len(added) if isinstance(added, list) else 1
                totals[key] = value
                report.added.append(Sample(key[0], list(key[1]), added))
        report.gauges = self._sampler.gauges()[:MAX_SAMPLES]
        report.definitions = [
            one for name, one in self._sampler.definitions().items() if name not in self._defined
        ]
        return report, totals


def _is_for_a_while(error: Exception) -> bool:
    if isinstance(error, NotJoined) or is_away(error):
        return True
    return isinstance(error, WampError) and error.uri == NOT_ATTACHED


def _difference(
    value: float | list[float], before: float | list[float] | None
) -> float | list[float] | None:
    """Return what was added to a total; None for nothing."""
    if isinstance(value, list):
        if before is None:
            return value if any(value) else None
        added = [a - b for a, b in zip(value, before, strict=True)]  # type: ignore[arg-type]
        return added if any(added) else None
    change = value - (0 if before is None else before)  # type: ignore[operator]
    return change or None
