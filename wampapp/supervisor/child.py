"""A worker process, as its parent sees it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from multiprocessing import Pipe
from multiprocessing.reduction import send_handle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wampapp.loop.threads import ThreadPool
from wampapp.supervisor.ended import ServiceEnded
from wampapp.supervisor.pipe import VARIABLE, Failed, Left, Loaded, Take, Up

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.registry.records import Worker
    from wampapp.supervisor.pipe import Join, Start

logger = logging.getLogger("wampapp")


class Child:
    """A worker process. It begins to import what every app needs, and waits for :meth:`start`.

    Args:
        worker: which it is.

    Attributes:
        worker: which it is.
        ended: done when the process is gone. Wait for it, but do not await it: giving up would
            cancel the future.
    """

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self._pipe, theirs = Pipe()
        # A terminal's Ctrl-C reaches the child as well, which cannot ignore it yet.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the very command that runs here
                [sys.executable, *sys.orig_argv[1:]],
                env={**os.environ, VARIABLE: str(theirs.fileno())},
                pass_fds=[theirs.fileno()],
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            theirs.close()
        self._failure = Failed("", fixable=True)
        self._sending = threading.Lock()
        self._senders = ThreadPool(1, "wampapp-handover")
        #: Whether it was told to end.
        self.is_ending = False

    def follow(self) -> None:
        """Receive its messages, on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._loaded: asyncio.Future[Loaded] = self._loop.create_future()
        self._up: asyncio.Future[Up] = self._loop.create_future()
        self._left: asyncio.Future[None] = self._loop.create_future()
        self.ended: asyncio.Future[ServiceEnded] = self._loop.create_future()
        self._loop.add_reader(self._pipe.fileno(), self._read)
        # uvloop has made it non-blocking, and a long message comes in pieces.
        os.set_blocking(self._pipe.fileno(), True)

        def wait() -> None:
            code = self._process.wait()
            self._loop.call_soon_threadsafe(self._on_end, code)

        threading.Thread(target=wait, daemon=True).start()

    def _read(self) -> bool:
        """Receive a message; return whether there may be more."""
        try:
            message = self._pipe.recv()
        except (EOFError, OSError):
            self._loop.remove_reader(self._pipe.fileno())
            return False
        if isinstance(message, Loaded):
            self._loaded.set_result(message)
        elif isinstance(message, Up):
            self._up.set_result(message)
        elif isinstance(message, Left):
            self._left.set_result(None)
        else:
            self._failure = message
        return True

    def _on_end(self, code: int) -> None:
        # The pipe's own end says nothing: a program that the service started may hold it open.
        while self._pipe.poll() and self._read():
            pass
        self._loop.remove_reader(self._pipe.fileno())
        self._pipe.close()
        self._senders.close()
        end = ServiceEnded(code, self._failure.text, fixable=self._failure.fixable)
        self.ended.set_result(end)
        for future in (self._loaded, self._up):
            if not future.done():
                future.set_exception(end)
                future.exception()  # nobody may be waiting

    async def loaded(self) -> Loaded:
        """Wait until it has imported the app.

        Raises:
            ServiceEnded: it has ended.
        """
        return await asyncio.shield(self._loaded)

    async def up(self) -> Up:
        """Wait until it has joined.

        Raises:
            ServiceEnded: it has ended.
        """
        return await asyncio.shield(self._up)

    async def left(self) -> None:
        """Wait until its service has left the realm, or the process has ended."""
        either: list[asyncio.Future[Any]] = [self._left, self.ended]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)

    async def wait(self) -> ServiceEnded:
        """Wait until it has ended, and return how."""
        return await asyncio.shield(self.ended)

    def start(self, message: Start) -> None:
        """Have it import the app."""
        self._send(message)

    def join(self, message: Join) -> None:
        """Have it join."""
        self._send(message)

    @property
    def is_up(self) -> bool:
        """Whether it has joined, and has not begun to end."""
        return self._up.done() and not (self._left.done() or self.ended.done() or self.is_ending)

    def take(self, descriptor: int, family: int, data: bytes, taken: Callable[[], None]) -> None:
        """Give it a connection to its web apps.

        Args:
            descriptor: the connection's file descriptor.
            family: its address family.
            data: what was read from it.
            taken: called on the loop when the descriptor may be closed here.
        """

        def send() -> None:
            with contextlib.suppress(OSError), self._sending:
                self._pipe.send(Take(family, data))
                send_handle(self._pipe, descriptor, self._process.pid)
            self._loop.call_soon_threadsafe(taken)

        # In a thread: a process that is stopped in a debugger does not empty its pipe.
        self._senders.submit(send)

    def _send(self, message: Start | Join) -> None:
        with contextlib.suppress(OSError), self._sending:
            self._pipe.send(message)  # if it has ended, that shows by its exit code

    def holds(self, path: Path) -> bool:
        """Return whether it has a file open; always False except on Linux."""
        try:
            descriptors = list(Path(f"/proc/{self._process.pid}/fd").iterdir())
        except OSError:
            return False
        for descriptor in descriptors:
            with contextlib.suppress(OSError):  # closed meanwhile
                if descriptor.readlink() == path:
                    return True
        return False

    def kill(self) -> None:
        """End it at once."""
        if self._process.poll() is None:
            self._process.kill()

    def end(self) -> None:
        """End it at once, and wait until it is gone."""
        self.kill()
        self._process.wait()

    async def stop(self, patience: float | None = None) -> None:
        """Ask it to end, and wait until it has.

        Args:
            patience: the seconds after which it is killed; None for never.
        """
        self.is_ending = True
        if self._process.poll() is None:
            self._process.terminate()
        done, _ = await asyncio.wait([self.ended], timeout=patience)
        if not done:
            logger.warning("The service has not stopped within %g s; it was killed.", patience)
            self.kill()
            await asyncio.wait([self.ended])
