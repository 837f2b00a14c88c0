"""A key that this process holds: it goes with its session, and comes back with the next."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from typing import TYPE_CHECKING, Any, Final, Protocol

from wampapp.components.kv.records import GRACE
from wampapp.components.patience import Pause, is_away
from wampapp.errors import Conflict, ConnectionLost, NotJoined, WampappError, WampError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

logger = logging.getLogger("wampapp.kv")

#: Seconds within which a hold that was interrupted must be claimed again; the owner waits longer.
_PATIENCE: Final = GRACE / 2


class Streaming(Protocol):
    """The procedure ``hold``."""

    def stream(self, /, *args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
        """Call it, and iterate over what it gives."""


class Deletes(Protocol):
    """The procedure ``delete``."""

    def __call__(self, key: str, /, *, expect: int) -> Awaitable[Any]:
        """Remove a key."""


class Holding:
    """A key that is held by an open call. When the link breaks, it is held anew.

    One that was set on a condition (``expect``, ``wait``) is not set a second time: it is claimed
    again while the owner still keeps it, or lost.

    Args:
        hold: the procedure ``hold``.
        delete: the procedure ``delete``.
        key: the key.
        value: its value.
        options: further arguments of ``hold``.

    Attributes:
        key: the same.
        revision: the revision at which the key was set; 0 as long as it is not held.
        is_lost: whether somebody else has set or removed it.
        on_lost: called when it is lost.
    """

    def __init__(
        self, hold: Streaming, delete: Deletes, key: str, value: Any, **options: Any
    ) -> None:
        self.key = key
        self.revision = 0
        self.is_lost = False
        self.on_lost: Callable[[], object] | None = None
        self._hold = hold
        self._delete = delete
        self._value = value
        self._options = options
        self._waits = bool(options.get("wait"))
        self._is_conditional = self._waits or options.get("expect") is not None
        self._holder = secrets.token_hex(12)
        self._task: asyncio.Task[None] | None = None
        self._begun: asyncio.Future[int] | None = None

    async def begin(self) -> int:
        """Hold the key, and return its revision.

        Raises:
            Conflict: the key is not at the revision that is expected.
            WampError: the owner refuses.
            ConnectionLost: the link broke before the answer came.
            NotJoined: there is no session, and none came back in time.
        """
        self._begun = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._keep(self._begun))
        try:
            return await self._begun
        except BaseException:
            self._task.cancel()
            raise

    async def end(self) -> None:
        """Give the key up; it is removed when this returns, if it still is ours."""
        task, self._task = self._task, None
        if task is None:
            return
        self.on_lost = None
        try:
            if self.revision and not self.is_lost:
                with contextlib.suppress(Conflict):
                    await self._delete(self.key, expect=self.revision)
        except (WampappError, OSError) as error:
            logger.debug("%r could not be removed: %s", self.key, error)  # it goes with the call
        finally:
            task.cancel()
            await asyncio.wait([task])

    def give_up(self) -> None:
        """Hold it no longer; the owner notices that the call has ended."""
        self.on_lost = None
        if self._task is not None:
            self._task.cancel()

    async def _keep(self, begun: asyncio.Future[int]) -> None:
        pause = Pause()
        interrupted: float | None = None
        while True:
            again = bool(self.revision) and self._is_conditional
            calls = self._hold.stream(
                self.key, self._value, holder=self._holder, again=again, **self._options
            )
            try:
                async for told in calls:
                    interrupted = None
                    pause.reset()
                    self.revision = told["revision"]
                    if not begun.done():
                        begun.set_result(self.revision)
                if begun.done():
                    return self._lose()
            except (WampError, ConnectionLost, NotJoined) as error:
                if not begun.done() and not (self._waits and isinstance(error, ConnectionLost)):
                    begun.set_exception(error)
                    return None
                if not is_away(error):
                    if not isinstance(error, Conflict):
                        logger.warning("%r is not held any longer: %s", self.key, error)
                    return self._lose()
            finally:
                await calls.aclose()
            now = asyncio.get_running_loop().time()
            interrupted = interrupted or now
            if begun.done() and self._is_conditional and now - interrupted > _PATIENCE:
                return self._lose()
            await pause.wait()

    def _lose(self) -> None:
        self.is_lost = True
        if self.on_lost is not None:
            self.on_lost()
