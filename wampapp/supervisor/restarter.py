"""``--workers``: several processes; one that ends is replaced, and all of them on SIGHUP."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import random
from typing import TYPE_CHECKING, Any, Final

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
#: The seconds that a worker gets to end before it is killed: more than handlers get.
_PATIENCE: Final = 30.0

#: Exit codes that another start would not change.
_FINAL: Final = (EXIT_UNREACHABLE, EXIT_REFUSED)

_random: Final = random.Random()  # noqa: S311 - spreads load, guards nothing


class Restarter(Parent):
    """Keeps the number of workers: one that ends, by whatever exit code, is replaced.

    On SIGHUP, each is replaced by one that has imported the app anew, one after the other; so that
    what all of them serve is served all the time.
    """

    def __init__(self, *others: Any, **named: Any) -> None:
        super().__init__(*others, **named)
        self._serving: dict[int, Child] = {}
        #: What takes the place of a worker that is about to end, by its number.
        self._next: dict[int, Child] = {}
        self._renewing: asyncio.Task[None] | None = None

    async def _work(self, children: list[Child]) -> None:
        """Have the workers serve, and replace one that ends.

        Raises:
            ServiceEnded: one has ended, and another would not do better.
        """
        up = await self._join_all(children)
        self._up_text = banner.up_text(up.info, workers=len(children))
        self._show_start(up, len(children))
        self._serving = {child.worker.number: child for child in children}
        tasks = [asyncio.create_task(self._keep(child)) for child in children]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            if self._renewing is not None:
                self._renewing.cancel()

    def _renew(self) -> None:
        """Replace all workers, one after the other, unless that is under way."""
        if self._serving and (self._renewing is None or self._renewing.done()):
            self._renewing = asyncio.create_task(self._renew_all())

    async def _renew_all(self) -> None:
        self._notifier.reloading()
        for number in sorted(self._serving):
            old = self._serving[number]
            new = self._start(dataclasses.replace(old.worker, again=True))
            try:
                # Until then the old one serves: an error in the import interrupts nothing.
                await new.loaded()
            except ServiceEnded as end:
                if end.text:
                    banner.echo(end.text)
                logger.error("The workers are not renewed: the first new one %s", end.how)  # noqa: TRY400
                self._notifier.reloaded("The workers could not be renewed; the old ones go on.")
                return
            self._next[number] = new
            await self._serving[number].stop(_PATIENCE)
            with contextlib.suppress(ServiceEnded):  # it is replaced as any other
                await new.up()
        logger.info("All workers are renewed")
        self._notifier.reloaded(self._up_text)

    async def _keep(self, child: Child) -> None:
        loop = asyncio.get_running_loop()
        delay = _FIRST_DELAY
        while True:
            began = loop.time()
            number = child.worker.number
            end = await child.wait()
            if number not in self._next:
                if end.exit_code in _FINAL:
                    raise end
                if loop.time() - began > _LASTING:
                    delay = _FIRST_DELAY
                how = f"{end.how}; another takes its place"
                logger.error("Worker %d %s in %.1f s", number, how, delay)
                self._notifier.status(f"Worker {number} {how}.")
                if end.text:
                    banner.echo(end.text)
                await asyncio.sleep(delay * _random.uniform(0.75, 1.0))
                delay = min(delay * 2, _MAX_DELAY)
            # There may be one by now, if it has died while all are renewed.
            renewed = self._next.pop(number, None)
            child = renewed or self._start(dataclasses.replace(child.worker, again=True))
            self._serving[number] = child
            with contextlib.suppress(ServiceEnded):  # which the next turn logs
                await self._join(child)
                if renewed is None:
                    logger.info("Worker %d is up again", number)
                    self._notifier.status(self._up_text)
