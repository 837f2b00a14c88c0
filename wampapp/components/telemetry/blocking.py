"""The blocking verbs of telemetry: ``telemetry.sync``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar, Unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from wampapp.client.blocking import Client
    from wampapp.components.telemetry.records import LogOptions, LogRecord, Stats

T = TypeVar("T")


class _Verbs(Protocol):
    """The verbs that are awaited: :class:`~wampapp.components.telemetry.Telemetry`."""

    @property
    def client_here(self) -> Client:
        """The blocking client."""

    async def logs(self, text: str = "", **options: Unpack[LogOptions]) -> list[LogRecord]:
        """Return log records."""

    async def stats(self, seconds: float = 60.0) -> Stats:
        """Return what all services did lately."""

    async def flush(self) -> None:
        """Send what this service has logged and counted."""


class BlockingTelemetry:
    """The blocking verbs of telemetry: ``telemetry.sync``.

    Each takes, returns and raises what the verb of its name of
    :class:`~wampapp.components.telemetry.Telemetry` does, and :class:`~wampapp.WrongThread` on the
    event loop's thread.

    Args:
        telemetry: the telemetry.
    """

    def __init__(self, telemetry: _Verbs) -> None:
        self._telemetry = telemetry

    def _wait(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return self._telemetry.client_here.on_loop(lambda _: work())

    def logs(self, text: str = "", **options: Unpack[LogOptions]) -> list[LogRecord]:
        """Return log records, the oldest first."""
        return self._wait(lambda: self._telemetry.logs(text, **options))

    def stats(self, seconds: float = 60.0) -> Stats:
        """Return what all services did lately."""
        return self._wait(lambda: self._telemetry.stats(seconds))

    def flush(self) -> None:
        """Send now what this service has logged and counted."""
        self._wait(self._telemetry.flush)
