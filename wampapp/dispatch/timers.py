"""The timers of an app: functions that run again and again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from wampapp.registry.records import name_of

if TYPE_CHECKING:
    from wampapp.dispatch.dispatcher import Dispatcher
    from wampapp.registry.records import Timer
    from wampapp.registry.registry import Registry


class Timers:
    """Runs an app's timers. Its methods run on the loop's thread.

    Args:
        registry: what declares them.
        dispatcher: what runs a function whatever its kind, and logs what one raises.
    """

    def __init__(self, registry: Registry, dispatcher: Dispatcher) -> None:
        self._registry = registry
        self._dispatcher = dispatcher
        self._tasks: dict[asyncio.Task[None], Timer] = {}
        self._running: set[Timer] = set()
        self._stopping = False

    def start(self) -> None:
        """Start every timer; each waits its seconds before its first run."""
        for timer in self._registry.timers:
            self._tasks[asyncio.create_task(self._repeat(timer))] = timer

    async def _repeat(self, timer: Timer) -> None:
        while not self._stopping:
            await asyncio.sleep(timer.seconds)
            self._running.add(timer)
            try:
                await self._dispatcher.functions.run(timer.function)
            except asyncio.CancelledError as error:
                if not self._stopping:
                    name = name_of(timer.function)
                    what = f"The timer {name} was cancelled, and does not run again"
                    self._dispatcher.failures.log(what, error)
                raise
            except (Exception, SystemExit) as error:  # noqa: BLE001 - it runs again all the same
                name = name_of(timer.function)
                self._dispatcher.failures.log(f"The timer {name} failed", error)
            finally:
                self._running.discard(timer)

    async def stop(self, grace: float) -> None:
        """Stop the timers; what runs just now may finish.

        Args:
            grace: the seconds that it gets.
        """
        tasks, self._tasks = self._tasks, {}
        self._stopping = True
        for task, timer in tasks.items():
            if timer not in self._running:
                task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=grace)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
