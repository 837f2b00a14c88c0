"""``--workers``: several processes, of which one that crashes is replaced."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import random
from typing import TYPE_CHECKING, Final

from wampapp.runner import banner
from wampapp.supervisor.channel import ServiceEnded
from wampapp.supervisor.parent import Parent, how

if TYPE_CHECKING:
    from wampapp.supervisor.process import Child

logger = logging.getLogger("wampapp")

#: Seconds before a crashed worker is replaced: at first, and at most; a worker that has lasted
#: starts over.
_FIRST_DELAY: Final = 0.2
_LONGEST_DELAY: Final = 10.0
_LASTED: Final = 5.0

#: Exit codes that another start would not change: router unreachable, refused.
_VERDICTS: Final = (3, 4)

_random: Final = random.Random()  # noqa: S311 - spreads load, guards nothing


class Keeper(Parent):
    """Keeps the workers of one run."""

    async def _work(self, children: list[Child]) -> None:
        """Let the workers serve, and replace one that crashes.

        Raises:
            ServiceEnded: one has ended so that another would not do better.
        """
        up = await self._join_all(children)
        self._tell_start(up, len(children))
        keepers = [asyncio.create_task(self._keep_one(child)) for child in children]
        try:
            await asyncio.gather(*keepers)
        finally:
            for keeper in keepers:
                keeper.cancel()

    async def _keep_one(self, child: Child) -> None:
        loop = asyncio.get_running_loop()
        delay = _FIRST_DELAY
        while True:
            began = loop.time()
            end = await child.ended()
            if end.exit_code in _VERDICTS:
                raise end
            if loop.time() - began > _LASTED:
                delay = _FIRST_DELAY
            number = child.worker.number
            logger.error("Worker %d %s; another takes its place in %.1f s", number, how(end), delay)
            if end.text:
                banner.say(end.text)
            await asyncio.sleep(delay * _random.uniform(0.75, 1.0))
            delay = min(delay * 2, _LONGEST_DELAY)
            child = self._start(dataclasses.replace(child.worker, again=True))
            with contextlib.suppress(ServiceEnded):  # which the next turn tells
                await self._join(child)
                logger.info("Worker %d is up again", number)
