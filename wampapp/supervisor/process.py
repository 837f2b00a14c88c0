"""A service process, as its parent sees it."""

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
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wampapp.supervisor.channel import VARIABLE, Failed, Join, Left, Loaded, ServiceEnded, Up

if TYPE_CHECKING:
    from wampapp.registry.records import Worker
    from wampapp.supervisor.channel import Order

logger = logging.getLogger("wampapp")


class Child:
    """A service process. It imports what every app needs, and waits for its order.

    Args:
        worker: which it is.

    Attributes:
        worker: which it is.
        over: done when the process is gone. To be waited for, not awaited: who gives up awaiting a
            future cancels it.
    """

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self._channel, theirs = Pipe()
        # A terminal's Ctrl-C reaches the child as well, which is not ready to pass it over yet.
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
        self._last = Failed("", fixable=True)

    def follow(self) -> None:
        """Listen to it, on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._loaded: asyncio.Future[Loaded] = self._loop.create_future()
        self._up: asyncio.Future[Up] = self._loop.create_future()
        self._left: asyncio.Future[None] = self._loop.create_future()
        self.over: asyncio.Future[ServiceEnded] = self._loop.create_future()
        self._loop.add_reader(self._channel.fileno(), self._read)
        # uvloop has made it non-blocking, and a long message comes in pieces.
        os.set_blocking(self._channel.fileno(), True)

        def wait() -> None:
            code = self._process.wait()
            self._loop.call_soon_threadsafe(self._over, code)

        threading.Thread(target=wait, daemon=True).start()

    def _read(self) -> bool:
        """Take a message; tell whether there may be more."""
        try:
            message = self._channel.recv()
        except (EOFError, OSError):
            self._loop.remove_reader(self._channel.fileno())
            return False
        if isinstance(message, Loaded):
            self._loaded.set_result(message)
        elif isinstance(message, Up):
            self._up.set_result(message)
        elif isinstance(message, Left):
            self._left.set_result(None)
        else:
            self._last = message
        return True

    def _over(self, code: int) -> None:
        # Not at the end of the pipe: a program that the service started may hold that open.
        while self._channel.poll() and self._read():
            pass
        self._loop.remove_reader(self._channel.fileno())
        self._channel.close()
        end = ServiceEnded(code, self._last.text, fixable=self._last.fixable)
        self.over.set_result(end)
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
        """Wait until its service has stopped, or it has ended."""
        either: list[asyncio.Future[Any]] = [self._left, self.over]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)

    async def ended(self) -> ServiceEnded:
        """Wait until it has ended."""
        return await asyncio.shield(self.over)

    def order(self, order: Order) -> None:
        """Let it import the app."""
        self._send(order)

    def join(self, url: str | None) -> None:
        """Let it join; at the parent's router if it needs one."""
        self._send(Join(url))

    def _send(self, message: Order | Join) -> None:
        with contextlib.suppress(OSError):  # it has ended, which is heard of in another way
            self._channel.send(message)

    def holds(self, path: Path) -> bool:
        """Tell whether it has a file open, where the system tells that (Linux)."""
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
        if self._process.poll() is None:
            self._process.terminate()
        done, _ = await asyncio.wait([self.over], timeout=patience)
        if not done:
            logger.warning("The service has not stopped within %g s; it was killed.", patience)
            self.kill()
            await asyncio.wait([self.over])
