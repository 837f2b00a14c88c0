"""Tells systemd, or what starts services as it does, how the service is."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableMapping

logger = logging.getLogger("wampapp")

#: Seconds, by default, that a message may wait.
_PATIENCE: Final = 1.0
#: A timer takes no more.
_MAX_WATCHDOG: Final = 1e9


class Notifier:
    """Sends a process manager messages: datagrams of the protocol of ``sd_notify``.

    An error in sending is logged at DEBUG, once, and never raised.

    Args:
        path: the manager's Unix socket; an abstract one begins with ``@``. None sends nothing.
        watchdog: seconds without a sign of life after which the manager ends the process; None if
            it waits for none.
        patience: seconds that a message may wait for a manager which does not take it.

    Attributes:
        pause: the seconds between two signs of life; None for none.
        on_ready: called when everything has joined for the first time; None for nothing.
    """

    def __init__(
        self,
        path: str | None = None,
        watchdog: float | None = None,
        *,
        patience: float = _PATIENCE,
    ) -> None:
        self._path = path
        self._patience = patience
        self.pause = None if watchdog is None else watchdog / 2
        self._socket: socket.socket | None = None
        self._has_failed = False
        self._is_ready = False
        self.on_ready: Callable[[], None] | None = None

    @classmethod
    def from_environment(cls, environ: MutableMapping[str, str] = os.environ) -> Notifier:
        """Make that of this process, and take its variables away: they are not for its children.

        Args:
            environ: the variables: ``NOTIFY_SOCKET``, ``WATCHDOG_USEC`` and ``WATCHDOG_PID``.
        """
        path = environ.pop("NOTIFY_SOCKET", None)
        microseconds = environ.pop("WATCHDOG_USEC", "")
        process = environ.pop("WATCHDOG_PID", None)
        is_ours = process is None or process == str(os.getpid())
        is_number = microseconds.isascii() and microseconds.isdigit()
        watchdog = float(microseconds) / 1e6 if is_ours and is_number else 0.0
        return cls(path or None, min(watchdog, _MAX_WATCHDOG) or None)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """While it is open, messages are sent, and signs of life as long as the loop turns."""
        if self._path is None:
            yield
            return
        loop = asyncio.get_running_loop()
        beat: asyncio.TimerHandle | None = None

        def live() -> None:
            nonlocal beat
            self._send("WATCHDOG=1")
            beat = loop.call_later(self.pause or 0.0, live)

        try:
            # Opened once: a service that has run out of file descriptors lives all the same.
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.settimeout(self._patience)
        except (OSError, AttributeError) as error:
            self._fail(error)
        if self.pause is not None:
            live()
        try:
            yield
        finally:
            if beat is not None:
                beat.cancel()
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    def ready(self, status: str) -> None:
        """Say that everything has joined, and the startup hooks have run.

        Args:
            status: a sentence about it.
        """
        self._is_ready = True
        self._send("READY=1", _status(status))
        on_ready, self.on_ready = self.on_ready, None
        if on_ready is not None:
            on_ready()

    def status(self, status: str) -> None:
        """Say how it is, in a sentence."""
        self._send(_status(status))

    def reloading(self) -> None:
        """Say that a reload begins; before :meth:`ready`, nothing."""
        if self._is_ready:
            self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def reloaded(self, status: str | None = None) -> None:
        """Say that a reload is over, whether it did anything or not.

        Args:
            status: a sentence about how it is now; None if that has not changed.
        """
        if self._is_ready:
            self._send("READY=1", *([] if status is None else [_status(status)]))

    def stopping(self) -> None:
        """Say that it begins to stop."""
        self._is_ready = False
        self._send("STOPPING=1", _status("Stopping: running handlers may finish."))

    def _send(self, *lines: str) -> None:
        if self._socket is None or self._path is None:
            return
        path = f"\0{self._path[1:]}" if self._path.startswith("@") else self._path
        try:
            self._socket.sendto("\n".join(lines).encode(), path)
        except (OSError, ValueError) as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        if not self._has_failed:
            self._has_failed = True
            logger.debug("The process manager at %s cannot be told anything: %s", self._path, error)


def _status(sentence: str) -> str:
    return f"STATUS={' '.join(sentence.split())}"
