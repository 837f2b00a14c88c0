"""The procedures of the collector, for peers in every language."""

from __future__ import annotations

from collections.abc import AsyncIterator  # noqa: TC003 - annotations are read at run time
from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta

from wampapp.components.store.backup import back_up_beside
from wampapp.components.telemetry.exposition import exposition
from wampapp.components.telemetry.records import (  # noqa: TC001 - annotations are read at run time
    About,
    LogRecord,
    Report,
    Stats,
)
from wampapp.errors import InvalidArgument, UsageError
from wampapp.observe.logs import LEVELS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wampapp.components.store import Store
    from wampapp.components.telemetry.collector import Collector
    from wampapp.registry.blueprint import Blueprint

#: How many log records one answer has at most.
MAX_LISTED: Final = 1000

_Text = Annotated[str, Meta(max_length=500)]
_Names = Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=50)]
_Count = Annotated[int, Meta(ge=1, le=MAX_LISTED)]
_Number = Annotated[int, Meta(ge=0)]
_Lately = Annotated[float, Meta(ge=2, le=300)]


class Procedures:
    """What peers may call. Each method is the procedure of its name, below the prefix.

    Args:
        collector: returns what collects; it is there once the app has started.
        store: returns where it is kept; so is that.
        hurry: has this process report at once, so that it is not behind those who ask it.
    """

    def __init__(
        self,
        collector: Callable[[], Collector],
        store: Callable[[], Store],
        hurry: Callable[[], Awaitable[None]],
    ) -> None:
        self._get_collector = collector
        self._get_store = store
        self._hurry = hurry

    @property
    def _collector(self) -> Collector:
        return self._get_collector()

    async def logs(
        self,
        text: _Text = "",
        *,
        services: _Names | None = None,
        level: _Text = "",
        since: float | None = None,
        until: float | None = None,
        trace: _Text = "",
        logger: _Text = "",
        after: _Number | None = None,
        before: _Number | None = None,
        limit: _Count = 100,
        wait: bool = False,
    ) -> list[LogRecord]:
        """Return log records, the oldest first.

        Args:
            text: words that the messages have; those in quotes, next to each other.
            services: the apps' names; all by default.
            level: the lowest level, such as ``warning``.
            since: the earliest time, in seconds since 1970.
            until: the latest time.
            trace: what the trace's id begins with.
            logger: the logger's name, or what it begins with before a dot.
            after: only those with a larger number, and of these the first.
            before: only those with a smaller number.
            limit: how many at most; without ``after``, the last ones.
            wait: whether to wait for some time until there are any after ``after``.

        Raises:
            InvalidArgument: there is no such level.
            StorageFailed: they cannot be read.
        """
        if level and level.lower() not in LEVELS:
            raise InvalidArgument(
                f"There is no log level {level!r}; choose debug, info, warning, error or critical."
            )
        if not wait:
            await self._hurry()
        return await self._collector.logs(
            text=text,
            services=services or (),
            level=LEVELS[level.lower()] if level else 0,
            since=since,
            until=until,
            trace=trace,
            loggers=logger,
            after=after,
            before=before,
            limit=limit,
            wait=wait,
        )

    async def stats(self, seconds: _Lately = 60.0) -> Stats:
        """Return what all services did lately: their handlers, and their processes.

        Args:
            seconds: how long "lately" is.
        """
        await self._hurry()
        return await self._collector.stats(seconds)

    async def points(
        self,
        metric: _Text,
        service: _Text,
        labels: _Names | None = None,
        *,
        step: int = 10,
        since: float = 0.0,
    ) -> list[tuple[int, float]]:
        """Return what a counter was over time, or how much a histogram had counted.

        Args:
            metric: its name, such as ``wampapp_call_seconds``.
            service: the app's name.
            labels: the values of its labels.
            step: 10 s for the last hour, 60 s for the last day, 3600 s for the last 30 days.
            since: the earliest time, in seconds since 1970.

        Returns:
            Times, and what it was then. Where nothing was added, there is no time.

        Raises:
            InvalidArgument: there is no such step.
        """
        return await self._collector.points(metric, service, labels or [], step, since)

    async def metrics(self, open_metrics: bool = False) -> str:
        """Return all numbers in the form that Prometheus reads.

        Args:
            open_metrics: whether in the form of OpenMetrics.

        Raises:
            InvalidArgument: prometheus-client is not installed where they are collected.
        """
        await self._hurry()
        try:
            return exposition(self._collector.totals, open_metrics=open_metrics)
        except UsageError as error:
            raise InvalidArgument(str(error)) from None

    async def backup(self, file: Annotated[str, Meta(min_length=1, max_length=500)]) -> None:
        """Write a copy of the data into a new file, where the store is kept.

        Args:
            file: its name, beside the store's own file.

        Raises:
            InvalidArgument: it is not a plain name, or there is such a file.
            StorageFailed: it could not be written.
        """
        await back_up_beside(self._get_store(), file)

    async def attach(self, about: About) -> AsyncIterator[int]:
        """Take the reports of a process, for as long as it holds the call."""
        held = self._collector.attach(about)
        try:
            async for one in held:
                yield one
        finally:
            await held.aclose()  # type: ignore[attr-defined]

    async def report(self, report: Report) -> list[str]:
        """Take a report of a process that is attached; return what was left out, and why."""
        return await self._collector.report(report)


_PUBLIC: Final = ("logs", "stats", "points", "metrics", "backup")
_INTERNAL: Final = ("attach", "report")


def offer_procedures(
    blueprint: Blueprint,
    collector: Callable[[], Collector],
    store: Callable[[], Store],
    hurry: Callable[[], Awaitable[None]],
) -> None:
    """Declare the procedures of the collector.

    Args:
        blueprint: where.
        collector: as in :class:`Procedures`.
        store: as there.
        hurry: as there.
    """
    procedures = Procedures(collector, store, hurry)
    for name in (*_PUBLIC, *_INTERNAL):
        hidden = name in _INTERNAL
        function = getattr(procedures, name)
        blueprint.add_registration(function, f".{name}", invoke="single", hidden=hidden)
