"""Locks that go with the session of their holder."""

from __future__ import annotations

import asyncio
import os
import platform
from typing import TYPE_CHECKING, Any, Self

from wampapp.errors import CallTimeout, WampappError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from wampapp.client.blocking import Client
    from wampapp.components.kv.holding import Holding


class LockLost(WampappError):
    """A lock was lost while its holder still ran: its time was up, or its session had ended."""


def holder_here() -> str:
    """Return what a lock says of its holder: the machine and the process."""
    return f"{platform.node()}:{os.getpid()}"


class _Lock:
    """What a lock is in both worlds.

    Args:
        make: makes the hold.
        name: the lock's name.
        timeout: the seconds that may be waited for it; None for no limit.
    """

    def __init__(self, make: Callable[[], Holding], name: str, timeout: float | None) -> None:
        self._make = make
        self._name = name
        self._timeout = timeout
        self._holding: Holding | None = None

    @property
    def revision(self) -> int:
        """The revision at which it was taken, which is larger each time: a fencing token."""
        return 0 if self._holding is None else self._holding.revision

    @property
    def is_lost(self) -> bool:
        """Whether it was lost."""
        return self._holding is not None and self._holding.is_lost

    def check(self) -> None:
        """Raise an error if it was lost.

        Raises:
            LockLost: it was.
        """
        if self.is_lost:
            raise LockLost(
                f"The lock {self._name!r} was lost: its time was up, or its session has ended."
            )

    async def _take(self) -> Holding:
        holding = self._make()
        try:
            async with asyncio.timeout(self._timeout):
                await holding.begin()
        except TimeoutError:
            raise CallTimeout(
                f"The lock {self._name!r} was not free within {self._timeout:g} s."
            ) from None
        return holding


class Lock(_Lock):
    """A lock, for ``async with``. What it is held for is cancelled if it is lost."""

    _task: asyncio.Task[Any] | None = None
    _cancelling = 0

    async def __aenter__(self) -> Self:
        self._holding = await self._take()
        task = self._task = asyncio.current_task()
        if task is not None:
            self._cancelling = task.cancelling()
            self._holding.on_lost = task.cancel
            if self.is_lost:  # at once, as with a very short time
                task.cancel()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        holding, task = self._holding, self._task
        lost = self.is_lost
        try:
            if holding is not None:
                await holding.end()
        except asyncio.CancelledError:
            if not lost:
                raise
        if not lost:
            return
        # As asyncio.timeout() does: our own cancellation becomes an error, others' stay.
        ours = task is not None and task.uncancel() <= self._cancelling
        if kind is None or (ours and issubclass(kind, asyncio.CancelledError)):
            self.check()


class BlockingLock(_Lock):
    """A lock, for ``with`` in plain functions. They look by :meth:`check` whether it is lost.

    Args:
        client: the blocking client.
        make: makes the hold.
        name: the lock's name.
        timeout: the seconds that may be waited for it; None for no limit.
    """

    def __init__(
        self, client: Client, make: Callable[[], Holding], name: str, timeout: float | None
    ) -> None:
        super().__init__(make, name, timeout)
        self._client = client

    def __enter__(self) -> Self:
        self._holding = self._client.on_loop(lambda _: self._take())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        holding = self._holding
        lost = self.is_lost
        if holding is not None:
            self._client.on_loop(lambda _: holding.end())
        if lost and kind is None:
            self.check()
