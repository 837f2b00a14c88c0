"""Whether an app is well: its health checks, run again and again."""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import TYPE_CHECKING, Any, Final

from wampapp.dispatch.hooks import brief
from wampapp.protocol.features import HEALTH
from wampapp.registry.records import Registration

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from wampapp.registry.records import HealthCheck

logger = logging.getLogger("wampapp")

#: The seconds between two runs of the checks, and those that a check may take.
INTERVAL: Final = 5.0
PATIENCE: Final = 5.0


class Health:
    """Runs the health checks of an app, and remembers how they came out.

    Args:
        checks: the checks.
        run: runs a function of the app's, whatever its kind.
        name: the app's name, for those who ask; None for none.

    Attributes:
        failed: the names of the checks that failed the last time.
        is_ready: whether the app has joined, and its hooks have run.
    """

    def __init__(
        self,
        checks: Sequence[HealthCheck],
        run: Callable[..., Awaitable[Any]],
        name: str | None,
    ) -> None:
        self._checks = checks
        self._run = run
        self._name = name
        self._reasons: dict[str, str] = {}
        self._task: asyncio.Task[None] | None = None
        #: The checks that have begun and not ended. One that hangs in a thread cannot be ended, and
        #: must not take one thread after the other.
        self._running: dict[str, asyncio.Task[str]] = {}
        self.is_ready = False

    @property
    def failed(self) -> list[str]:
        """The names of the checks that failed the last time they ran."""
        return [check.name for check in self._checks if check.name in self._reasons]

    def record(self) -> Registration | None:
        """Return the declaration of the procedure that says how the checks came out.

        None if there are no checks. It does not say why one failed: the log does.
        """
        if not self._checks:
            return None

        async def health() -> dict[str, Any]:
            """Run the health checks, and return how they came out."""
            await self.look()
            return {
                "service": self._name,
                "checks": [
                    {"name": check.name, "ok": check.name not in self._reasons}
                    for check in self._checks
                ],
            }

        uri = f"{HEALTH}{secrets.token_hex(8)}"
        return Registration(uri, health, needed=False, concurrency=1)

    async def start(self) -> None:
        """Run the checks, and go on to run them again and again."""
        if self._checks and self._task is None:
            await self.look()
            self._task = asyncio.create_task(self._look_again())

    async def stop(self) -> None:
        """Run them no longer."""
        self.is_ready = False
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        running = list(self._running.values())
        for one in running:
            one.cancel()
        if running:
            await asyncio.wait(running, timeout=1.0)

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            await self.look()

    async def look(self) -> None:
        """Run all checks, beside each other."""
        await asyncio.gather(*map(self._check, self._checks))

    async def _reason(self, check: HealthCheck) -> str:
        """Run a check; return why it failed, or an empty text."""
        try:
            await self._run(check.function)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it is a check's way to say no
            return brief(error)
        return ""

    async def _check(self, check: HealthCheck) -> None:
        running = self._running.get(check.name)
        if running is None:
            running = self._running[check.name] = asyncio.create_task(self._reason(check))
            running.add_done_callback(lambda _: self._running.pop(check.name))
        await asyncio.wait([running], timeout=PATIENCE)
        if running.cancelled():
            return  # the app stops
        reason = running.result() if running.done() else f"it takes longer than {PATIENCE:g} s"
        before = self._reasons.get(check.name)
        if not reason:
            self._reasons.pop(check.name, None)
            if before is not None:
                logger.info("The health check %s is well again", check.name)
            return
        self._reasons[check.name] = reason
        if reason != before:
            logger.warning("The health check %s failed: %s", check.name, reason)
