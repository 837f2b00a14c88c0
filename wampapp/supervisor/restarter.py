"""``--workers``: several processes; one that ends is replaced."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import random
from typing import TYPE_CHECKING, Final

from wampapp.errors import EXIT_REFUSED, EXIT_UNREACHABLE
from wampapp.runner import banner
from wampapp.supervisor.ended import ServiceEnded
from wampapp.supervisor.parent import Parent

if TYPE_CHECKING:
    from wampapp.supervisor.child import Child

logger = logging.getLogger("wampapp")

#: Seconds before a worker that has ended is replaced: at first, and at most. After one that lasted
#: so many seconds, the delay starts over.
_FIRST_DELAY: Final = 0.2
_MAX_DELAY: Final = 10.0
_LASTING: Final = 5.0

#: Exit codes that another start would not change.
_FINAL: Final = (EXIT_UNREACHABLE, EXIT_REFUSED)

_random: Final = random.Random()  # noqa: S311 - spreads load, guards nothing


class Restarter(Parent):
    """Keeps the number of workers: one that ends, by whatever exit code, is replaced."""

    async def _work(self, children: list[Child]) -> None:
        """Have the workers serve, and replace one that ends.

        Raises:
            ServiceEnded: one has ended, and another would not do better.
        """
        up = await self._join_all(children)
        self._up_text = banner.up_text(up.info, workers=len(children))
        self._show_start(up, len(children))
        tasks = [asyncio.create_task(self._keep(child)) for child in children]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    async def _keep(self, child: Child) -> None:
        loop = asyncio.get_running_loop()
        delay = _FIRST_DELAY
        while True:
            began = loop.time()
            end = await child.wait()
            if end.exit_code in _FINAL:
                raise end
            if loop.time() - began > _LASTING:
                delay = _FIRST_DELAY
            number = child.worker.number
            logger.error("Worker %d %s; another takes its place in %.1f s", number, end.how, delay)
            self._notifier.status(f"Worker {number} {end.how}; another takes its place.")
            if end.text:
                banner.echo(end.text)
            await asyncio.sleep(delay * _random.uniform(0.75, 1.0))
            delay = min(delay * 2, _MAX_DELAY)
            child = self._start(dataclasses.replace(child.worker, again=True))
            with contextlib.suppress(ServiceEnded):  # which the next turn logs
                await self._join(child)
                logger.info("Worker %d is up again", number)
                self._notifier.status(self._up_text)
