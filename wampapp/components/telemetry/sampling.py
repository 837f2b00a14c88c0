"""What a process measures of itself: its handlers, its loop, its threads, its router."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol
from weakref import WeakKeyDictionary

from wampapp.components.telemetry.records import BACKLOG, Definition, Sample
from wampapp.dispatch.metering import BUCKETS, HandlerNumbers, Meter
from wampapp.errors import StorageFailed
from wampapp.server.stats import Stats

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wampapp.components.measured import Measured
    from wampapp.components.telemetry.instruments import Labels, Metric
    from wampapp.components.telemetry.log_handler import LogHandler
    from wampapp.runner.service import Service
    from wampapp.server.door import Server

logger = logging.getLogger("wampapp.telemetry")

#: How often components measure themselves, in seconds; to count their data may take a while.
_MEASURING: Final = 10.0
#: How often the loop is asked for a sign of life, in seconds.
_BEAT: Final = 0.1
#: For how long it is remembered at least by how much the loop was late, in seconds.
_REMEMBERED: Final = 5.0

_HANDLERS: Final = (
    Definition(
        "wampapp_call_seconds",
        "histogram",
        "Seconds that calls took",
        ["procedure"],
        list(BUCKETS),
    ),
    Definition("wampapp_call_errors", "counter", "Calls that failed", ["procedure"]),
    Definition(
        "wampapp_event_seconds",
        "histogram",
        "Seconds that events took",
        ["topic"],
        list(BUCKETS),
    ),
    Definition("wampapp_event_errors", "counter", "Events whose handler failed", ["topic"]),
)
_OWN: Final = {
    "wampapp_rejoins": ("counter", "Sessions that came back"),
    "wampapp_log_dropped": ("counter", "Log records that there was no room for"),
    "wampapp_calls_running": ("gauge", "Calls and events whose handlers run or wait"),
    "wampapp_events_waiting": ("gauge", "Events that wait for their handlers"),
    "wampapp_threads": ("gauge", "Worker threads"),
    "wampapp_threads_working": ("gauge", "Worker threads at work, and jobs in line for them"),
    "wampapp_loop_lag_seconds": (
        "gauge",
        "The most that the loop was late in the last 5 to 10 seconds",
    ),
    "wampapp_memory_bytes": ("gauge", "Resident memory of the process"),
}
#: The numbers of a router that go up and down; its others only grow.
_ROUTER_GAUGES: Final = frozenset({"sessions", "realms", "unread"})
_ROUTER_HELP: Final = {
    "sessions": "Sessions that are joined",
    "realms": "Realms that have sessions",
    "unread": "Bytes that wait for peers that do not read",
    "joins": "Sessions that joined",
    "refusals": "Connections and sessions that were refused",
    "calls": "Calls that came",
    "errors": "Errors that callers were answered with",
    "events": "Events that were published",
    "received": "Bytes that came",
    "sent": "Bytes that were sent",
    "dropped": "Peers that were cut off because they did not read",
}

#: Which sampler tells of each router: apps that share one must not each do so.
_tellers: WeakKeyDictionary[Server, Sampler] = WeakKeyDictionary()

#: What is summed up: a metric's name and the values of its labels.
Key = tuple[str, "Labels"]


class Part(Protocol):
    """What measures itself: a component."""

    async def measure(self) -> list[Measured]:
        """Return numbers about its data."""


class LoopLag:
    """Measures by how much the loop is late.

    What is told is the most of the last seconds, so that whoever looks now and then sees it too.
    """

    def __init__(self) -> None:
        self._worst = self._before = 0.0
        self._loop = asyncio.get_running_loop()
        self._turns_at = self._loop.time() + _REMEMBERED
        self._beat = self._loop.call_later(_BEAT, self._late, self._loop.time() + _BEAT)

    def _late(self, due: float) -> None:
        now = self._loop.time()
        if now >= self._turns_at:
            self._before, self._worst = self._worst, 0.0
            self._turns_at = now + _REMEMBERED
        self._worst = max(self._worst, now - due)
        self._beat = self._loop.call_later(_BEAT, self._late, now + _BEAT)

    def worst(self) -> float:
        """Return the most that it was late in the last 5 to 10 seconds, in seconds."""
        return max(self._before, self._worst, self._loop.time() - self._beat.when())

    def stop(self) -> None:
        """Measure no longer."""
        self._beat.cancel()


class Sampler:
    """Collects the numbers of a process.

    Args:
        service: what runs the app.
        meter: counts the runs of its handlers.
        metrics: the user's own.
        parts: what measures itself: components.
        handler: counts the log records.
        prefix: what the procedures of telemetry are below.

    Attributes:
        rejoins: how often its session has come back.
    """

    def __init__(
        self,
        service: Service,
        meter: Meter,
        metrics: Iterable[Metric],
        parts: Sequence[Part],
        handler: LogHandler,
        prefix: str,
    ) -> None:
        self._service = service
        self._meter = meter
        self._metrics = metrics
        self._parts = parts
        self._lag = LoopLag()
        self._handler = handler
        self._measured: list[Measured] = []
        self._measures_at = 0.0
        #: What counts, and what describes an app, is not what is counted.
        self._own = f"{prefix}.", "wampapp."
        self.rejoins = 0

    def stop(self) -> None:
        """Measure no longer."""
        self._lag.stop()
        server = self._service.server
        if server is not None and _tellers.get(server) is self:
            del _tellers[server]

    def definitions(self) -> dict[str, Definition]:
        """Return what is collected, by name."""
        found = {one.name: one for one in _HANDLERS}
        for name, (kind, about) in _OWN.items():
            found[name] = Definition(name, kind, about)  # type: ignore[arg-type]
        found["wampapp_log_records"] = Definition(
            "wampapp_log_records", "counter", "Log records that were written", ["level"]
        )
        if self._service.server is not None:
            for name, about in _ROUTER_HELP.items():
                kind = "gauge" if name in _ROUTER_GAUGES else "counter"
                full = f"wampapp_router_{name}"
                found[full] = Definition(full, kind, about)  # type: ignore[arg-type]
            about = "Bytes that wait for one of the sessions that leave the most unread"
            found[BACKLOG] = Definition(BACKLOG, "gauge", about, ["session", "app"])
        for metric in self._metrics:
            buckets = list(getattr(metric, "buckets", ()))
            found[metric.name] = Definition(
                metric.name, metric.kind, metric.about, list(metric.labels), buckets
            )
        for one in self._measured:
            full = f"wampapp_{one.name}"
            found[full] = Definition(full, "gauge", one.about, list(one.labels))
        return found

    def totals(self) -> dict[Key, float | list[float]]:
        """Return what all counters and histograms have come to."""
        found: dict[Key, float | list[float]] = {}
        for numbers in self._handlers():
            kind = "event" if numbers.is_event else "call"
            found[f"wampapp_{kind}_seconds", (numbers.uri,)] = [*numbers.buckets, numbers.seconds]
            found[f"wampapp_{kind}_errors", (numbers.uri,)] = numbers.errors
        for level, count in list(self._handler.by_level.items()):
            found["wampapp_log_records", (level,)] = count
        found["wampapp_rejoins", ()] = self.rejoins
        found["wampapp_log_dropped", ()] = self._handler.dropped
        for name, value in self._router().items():
            if name not in _ROUTER_GAUGES:
                found[f"wampapp_router_{name}", ()] = value
        for metric in self._metrics:
            if metric.kind != "gauge":
                for labels, total in metric.values():
                    found[metric.name, labels] = total
        return found

    def gauges(self) -> list[Sample]:
        """Return what all gauges are."""
        service = self._service
        session = None if service.connection is None else service.connection.session
        own = {
            "wampapp_calls_running": sum(one.running for one in self._handlers()),
            "wampapp_events_waiting": 0 if session is None else session.waiting_events,
            "wampapp_threads": service.workers.size,
            "wampapp_threads_working": service.workers.working,
            "wampapp_loop_lag_seconds": self._lag.worst(),
            "wampapp_memory_bytes": resident_bytes(),
        }
        found = [Sample(name, [], float(value)) for name, value in own.items()]
        numbers = self._router()
        found += [
            Sample(f"wampapp_router_{name}", [], float(value))
            for name, value in numbers.items()
            if name in _ROUTER_GAUGES
        ]
        if numbers and service.server is not None and numbers["unread"]:
            for number, app, unread in Stats.backlogs(service.server):
                found.append(Sample(BACKLOG, [str(number), app], float(unread)))
        for metric in self._metrics:
            if metric.kind == "gauge":
                for labels, total in metric.values():
                    found.append(Sample(metric.name, list(labels), total))
        return found + [
            Sample(f"wampapp_{one.name}", list(one.labels.values()), float(one.value))
            for one in self._measured
        ]

    async def measure(self) -> None:
        """Have components measure themselves, if that was some time ago; gauges tell of it."""
        now = asyncio.get_running_loop().time()
        if now < self._measures_at:
            return
        self._measures_at = now + _MEASURING
        found: list[Measured] = []
        for part in self._parts:
            try:
                found += await part.measure()
            except StorageFailed as error:
                logger.debug("%r cannot be measured: %s", part, error.message)
        self._measured = found

    def _handlers(self) -> list[HandlerNumbers]:
        """Return the numbers of handlers, without those that do the counting."""
        handlers = self._meter.handlers.values()
        return [one for one in handlers if not one.uri.startswith(self._own)]

    def _router(self) -> dict[str, int]:
        server = self._service.server
        if server is None or _tellers.setdefault(server, self) is not self:
            return {}
        return dataclasses.asdict(Stats.of(server))


def resident_bytes() -> int:
    """Return how much memory the process has; 0 where that is not known."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(ImportError):  # where there are no such files: macOS
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return 0
