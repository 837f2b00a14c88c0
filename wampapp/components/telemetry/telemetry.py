"""Logs and numbers of all joined services, and what a service has to do with them."""

from __future__ import annotations

import importlib.util
import logging
import os
import platform
import secrets
import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Unpack

import msgspec

from wampapp.components.component import Component
from wampapp.components.telemetry import tables
from wampapp.components.telemetry.blocking import BlockingTelemetry
from wampapp.components.telemetry.collector import Collector
from wampapp.components.telemetry.instruments import (
    MAX_METRICS,
    SECONDS,
    Counter,
    Gauge,
    Histogram,
    Metric,
)
from wampapp.components.telemetry.log_handler import LogHandler
from wampapp.components.telemetry.procedures import offer_procedures
from wampapp.components.telemetry.records import About, LogOptions, LogRecord, Stats
from wampapp.components.telemetry.sampling import Sampler
from wampapp.components.telemetry.sender import Sender
from wampapp.dispatch.metering import Meter
from wampapp.errors import DeclarationError, UsageError
from wampapp.observe.tracing import current_trace_id
from wampapp.protocol.payload import to_plain
from wampapp.registry.options import unknown_option
from wampapp.registry.records import Hook

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from typing import TypeVar

    from wampapp.client.blocking import Client
    from wampapp.components.component import Host

    M = TypeVar("M", bound=Metric)

#: How long log records are kept, in seconds, and how many bytes they may take.
MAX_AGE: Final = 7 * 86_400.0
MAX_BYTES: Final = 512 * 1024 * 1024


class Telemetry(Component):
    """Logs and numbers of all joined services, in one place.

    ::

        telemetry = Telemetry(app)      # this service sends its own
        app.include(telemetry)          # and collects everybody's

        orders = telemetry.counter("orders", "Orders placed", "country")
        orders.inc(country="de")

    What a service logs by the standard library is sent as it is, and still written where it was.
    Its calls, events, threads and memory are measured without a line of code. Nothing waits for
    that: where nobody collects, records are kept up to a bound, and then the oldest are dropped
    and counted.

    Args:
        app: as in :class:`~wampapp.components.component.Component`.
        prefix: as there; by default the app's prefix and ``telemetry``.
        store: the file that logs and numbers are kept in, where they are collected; by default
            ``instance/telemetry.sqlite``.
        redact: names of ``extra=`` whose values are not told, besides those that sound like a
            secret, such as ``password``.
        max_age: the seconds that log records are kept; seven days by default.
        max_bytes: the bytes that the file may have; then the oldest records go.
        metrics: the path of the page for Prometheus, where logs and numbers are collected; None
            for none. It needs ``wampapp[metrics]``.
        metrics_token: the bearer token that asking for that page takes; without one, only this
            machine may ask.
    """

    NAME = "telemetry"
    SCHEMA = tables.SCHEMA
    FILE_ONLY = True
    COMMANDS: ClassVar[str | None] = None
    CONSOLE: ClassVar[Path | None] = Path(__file__).parent / "console"

    def __init__(
        self,
        app: Host | Client | None = None,
        prefix: str | None = None,
        *,
        store: str | os.PathLike[str] | None = None,
        redact: Collection[str] = (),
        max_age: float = MAX_AGE,
        max_bytes: int = MAX_BYTES,
        metrics: str | None = "/metrics",
        metrics_token: str | None = None,
    ) -> None:
        self._redact = tuple(redact)
        self._max_age, self._max_bytes = max_age, max_bytes
        self._metrics: dict[str, Metric] = {}
        self._collector: Collector | None = None
        self._handler: LogHandler | None = None
        self._sampler: Sampler | None = None
        self._sender: Sender | None = None
        self._meter = Meter()
        self._joins = 0
        super().__init__(app, prefix, store=store)
        offer_procedures(self, lambda: self.collector, lambda: self.store, self._hurry)
        self.metrics_path = metrics
        self.metrics_token = metrics_token or os.environ.get("WAMPAPP_METRICS_TOKEN") or None
        if metrics is not None and _can_show():
            from wampapp.components.telemetry.metrics_page import add_page

            add_page(self, metrics)

    @property
    def collector(self) -> Collector:
        """What collects, in the process that serves it."""
        if self._collector is None:
            raise UsageError(f"{self!r} is not served by this process.")
        return self._collector

    def summary(self) -> str:
        """Return what it does in this process, for the banner."""
        found = super().summary()
        if not self.is_served or self.metrics_path is None:
            return found
        if _can_show():
            return f"{found}; {self.metrics_path} for Prometheus"
        return f"{found}; {self.metrics_path} needs pip install 'wampapp[metrics]'"

    @cached_property
    def sync(self) -> BlockingTelemetry:
        """The blocking verbs, for plain functions, other threads and scripts."""
        return BlockingTelemetry(self)

    def tester(self, client: object) -> BlockingTelemetry:
        """Return the blocking verbs, as ``client.telemetry`` of a test."""
        del client
        return self.sync

    # Counting.

    def counter(self, name: str, about: str = "", *labels: str) -> Counter:
        """Return a counter: what happens, and is never undone.

        Args:
            name: its name, such as ``orders``.
            about: one sentence about it.
            labels: the names of its labels, each of which has few values.

        Raises:
            DeclarationError: a name is not valid, or is taken.
        """
        return self._add(Counter(name.removesuffix("_total"), about, labels))

    def gauge(
        self,
        name: str,
        about: str = "",
        *labels: str,
        function: Callable[[], float] | None = None,
    ) -> Gauge:
        """Return a gauge: a number that goes up and down.

        Args:
            name: its name, such as ``queue``.
            about: one sentence about it.
            labels: the names of its labels, each of which has few values.
            function: returns the number when it is asked for, on the loop's thread; it never
                blocks.

        Raises:
            DeclarationError: a name is not valid, or is taken.
        """
        return self._add(Gauge(name, about, labels, function))

    def histogram(
        self, name: str, about: str = "", *labels: str, buckets: Sequence[float] = SECONDS
    ) -> Histogram:
        """Return a histogram: how often something took, or was, as much as each of some bounds.

        Args:
            name: its name, such as ``render_seconds``.
            about: one sentence about it.
            labels: the names of its labels, each of which has few values.
            buckets: the bounds, rising; by default from 1 ms to 10 s.

        Raises:
            DeclarationError: a name is not valid, or is taken.
        """
        return self._add(Histogram(name, about, labels, buckets))

    def _add(self, metric: M) -> M:
        if metric.name in self._metrics:
            raise DeclarationError(f"There is a metric {metric.name} already.")
        if len(self._metrics) >= MAX_METRICS:
            raise DeclarationError(f"There are {MAX_METRICS} metrics already.")
        self._metrics[metric.name] = metric
        return metric

    # Asking.

    async def logs(self, text: str = "", **options: Unpack[LogOptions]) -> list[LogRecord]:
        """Return log records, the oldest first.

        Args:
            text: words that the messages have; those in quotes, next to each other.
            options: see :class:`LogOptions`.

        Raises:
            NoSuchProcedure: nobody collects.
            InvalidArgument: there is no such level.
        """
        unknown = unknown_option(options, LogOptions.__annotations__)
        if unknown is not None:
            raise TypeError(unknown)
        found = await self.call("logs", text, **to_plain(dict(options)))
        return msgspec.convert(found, list[LogRecord])

    async def stats(self, seconds: float = 60.0) -> Stats:
        """Return what all services did lately.

        Args:
            seconds: how long "lately" is, from 2 to 300.

        Raises:
            NoSuchProcedure: nobody collects.
        """
        return msgspec.convert(await self.call("stats", seconds), Stats)

    async def flush(self) -> None:
        """Send now what this service has logged and counted; it is there when this returns.

        Raises:
            NoSuchProcedure: nobody collects.
            UsageError: the app does not run.
        """
        if self._sender is None:
            raise UsageError(f"{self.host!r} does not run, so it has nothing to send.")
        await self._sender.flush()

    # Sending.

    def attached(self) -> None:
        """Have the app's logs and numbers sent."""
        registry = self.host.registry
        registry.add_hook(Hook("startup", self._begin_to_note))
        registry.add_hook(Hook("join", self._joined))
        registry.add_hook(Hook("stopping", self._stop_sending))
        registry.add_hook(Hook("shutdown", self._stop_noting))

    def _begin_to_note(self) -> None:
        self._handler = LogHandler(current_trace_id, self._redact)
        logging.getLogger().addHandler(self._handler)
        self._meter = Meter()
        self.service.dispatcher.measure_with(self._meter)
        self._joins = 0

    async def _joined(self) -> None:
        self._joins += 1
        if self._sender is not None or self._handler is None:
            if self._sampler is not None:
                self._sampler.rejoins += 1
            return
        host = self.host
        self._sampler = Sampler(
            self.service,
            self._meter,
            self._metrics.values(),
            [part for part in host.extensions.values() if isinstance(part, Component)],
            self._handler,
            self.prefix or self.NAME,
        )
        about = About(
            instance=secrets.token_hex(8),
            service=host.name,
            worker=host.worker.number,
            host=platform.node(),
            pid=os.getpid(),
            started=time.time(),
        )
        self._sender = Sender(
            about,
            self._handler,
            self._sampler,
            self.procedure_of_mine("attach"),
            self.procedure_of_mine("report"),
            self.nobody_serves,
        )
        self._sender.start()

    async def _stop_sending(self) -> None:
        if self._sender is not None:
            await self._sender.stop()
            self._sender = None
        if self._sampler is not None:
            self._sampler.stop()
            self._sampler = None

    def _stop_noting(self) -> None:
        if self._handler is not None:
            logging.getLogger().removeHandler(self._handler)
            self._handler.close()
            self._handler = None

    async def _hurry(self) -> None:
        if self._sender is not None:
            await self._sender.hurry()

    # Collecting.

    async def open(self) -> None:
        """Begin to collect."""
        self._collector = Collector(
            self.store, self.clock, max_age=self._max_age, max_bytes=self._max_bytes
        )
        await self._collector.start()

    async def stop_serving(self) -> None:
        """End the calls that services hold."""
        if self._collector is not None:  # it could not be opened
            self._collector.stop()

    async def close(self) -> None:
        """Write what the numbers are at the end."""
        collector, self._collector = self._collector, None
        if collector is not None:
            collector.stop()
            await collector.close()


def _can_show() -> bool:
    """Return whether what the page for Prometheus needs is installed."""
    needed = ("prometheus_client", "uvicorn", "werkzeug", "jinja2", "itsdangerous")
    return all(importlib.util.find_spec(package) is not None for package in needed)
