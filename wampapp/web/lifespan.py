"""The lifespan of an ASGI app: startup before its first request, shutdown after the last."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from wampapp.errors import HookFailed

logger = logging.getLogger("wampapp.web")


class Lifespan:
    """Runs the lifespan of one ASGI app ("Lifespan Protocol" of the ASGI specification).

    Args:
        app: the app.
        where: where it is mounted, for messages.

    Attributes:
        state: what the app keeps for its requests.
    """

    def __init__(self, app: Any, where: str) -> None:
        self._app = app
        self._where = where
        self._incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self.state: dict[str, Any] = {}

    async def start(self) -> None:
        """Start the app. One that knows of no lifespan raises, or returns, and is left alone.

        Raises:
            HookFailed: its startup failed.
        """
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        self._task = asyncio.create_task(self._app(scope, self._incoming.get, self._answers.put))
        answer = await self._ask("lifespan.startup")
        if answer is not None and answer["type"] == "lifespan.startup.failed":
            raise HookFailed(
                f"The app that is mounted at {self._where} could not start: "
                f"{answer.get('message') or 'it does not say why'}."
            )

    async def stop(self) -> None:
        """Shut the app down."""
        if self._task is None or self._task.done():
            return
        answer = await self._ask("lifespan.shutdown")
        if answer is not None and answer["type"] == "lifespan.shutdown.failed":
            logger.error(
                "The app that is mounted at %s could not shut down: %s",
                self._where,
                answer.get("message"),
            )
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _ask(self, event: str) -> dict[str, Any] | None:
        """Send an event, and return the answer; None where the app has ended instead."""
        task = self._task
        assert task is not None  # noqa: S101 - both callers have one
        await self._incoming.put({"type": event})
        answer = asyncio.ensure_future(self._answers.get())
        await asyncio.wait([answer, task], return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        answer.cancel()
        error = None if task.cancelled() else task.exception()
        if error is not None:
            logger.debug("The app at %s takes no lifespan: %r", self._where, error)
        return None
