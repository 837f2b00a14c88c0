"""The hooks and timers of an app."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from wampapp.dispatch.dispatcher import without_our_frames
from wampapp.errors import HookFailed
from wampapp.registry.records import name_of

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from wampapp.dispatch.dispatcher import Dispatcher
    from wampapp.registry.records import Hook, Timer
    from wampapp.registry.registry import Registry


class Life:
    """Runs an app's hooks, timers and lifespan. Its methods run on the loop's thread.

    Args:
        registry: what declares them.
        dispatcher: what runs a function whatever its kind.
        logger: where the traceback of one that raises goes.
        lifespan: makes a context manager that is open while the app runs; None for none.
    """

    def __init__(
        self,
        registry: Registry,
        dispatcher: Dispatcher,
        logger: logging.Logger,
        lifespan: Callable[[], AbstractAsyncContextManager[Any]] | None,
    ) -> None:
        self._registry = registry
        self._dispatcher = dispatcher
        self._logger = logger
        self._lifespan = lifespan
        self._stack = AsyncExitStack()
        self._timers: dict[asyncio.Task[None], Timer] = {}
        self._running: set[Timer] = set()
        self._started = False
        self._stopping = False

    async def start_up(self) -> None:
        """Enter the lifespan and run the startup hooks.

        Raises:
            HookFailed: one of them raised.
        """
        self._started = True
        if self._lifespan is not None:
            try:
                await self._stack.enter_async_context(self._lifespan())
            except Exception as error:  # noqa: BLE001 - whatever it raises ends the run
                self._log("The lifespan failed", error)
                raise HookFailed(f"The app's lifespan failed: {_brief(error)}.") from None
        for hook in self._registry.hooks("startup"):
            await self._run_or_end(hook)

    async def joined(self) -> None:
        """Run the join hooks.

        Raises:
            HookFailed: one of them raised.
        """
        for hook in self._registry.hooks("join"):
            await self._run_or_end(hook)

    async def left(self) -> None:
        """Run the leave hooks; what they raise is logged."""
        for hook in self._registry.hooks("leave"):
            await self._run_or_log(hook)

    async def shut_down(self) -> None:
        """Run the shutdown hooks in reverse order; at most once."""
        if self._started:
            self._started = False
            for hook in reversed(self._registry.hooks("shutdown")):
                await self._run_or_log(hook)

    async def end(self) -> None:
        """Leave the lifespan; what it raises is logged."""
        try:
            await self._stack.aclose()
        except Exception as error:  # noqa: BLE001 - the end goes on
            self._log("The lifespan failed at its end", error)

    async def _run_or_end(self, hook: Hook) -> None:
        try:
            await self._dispatcher.run_anywhere(hook.function)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it raises ends the run
            name = name_of(hook.function)
            self._log(f"The {hook.kind} hook {name} failed", error)
            raise HookFailed(
                f"The {hook.kind} hook {name} ({hook.source}) failed: {_brief(error)}."
            ) from None

    async def _run_or_log(self, hook: Hook) -> None:
        try:
            await self._dispatcher.run_anywhere(hook.function)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the end goes on
            self._log(f"The {hook.kind} hook {name_of(hook.function)} failed", error)

    # Timers.

    def start_timers(self) -> None:
        """Let the timers run."""
        for timer in self._registry.timers:
            self._timers[asyncio.create_task(self._turn(timer))] = timer

    async def _turn(self, timer: Timer) -> None:
        while not self._stopping:
            await asyncio.sleep(timer.seconds)
            self._running.add(timer)
            try:
                await self._dispatcher.run_anywhere(timer.function)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - the next turn comes
                self._log(f"The timer {name_of(timer.function)} failed", error)
            finally:
                self._running.discard(timer)

    async def stop_timers(self, grace: float) -> None:
        """Stop the timers; one that runs just now may finish.

        Args:
            grace: the seconds that running ones get.
        """
        tasks, self._timers = self._timers, {}
        self._stopping = True
        for task, timer in tasks.items():
            if timer not in self._running:
                task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=grace)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _log(self, what: str, error: BaseException) -> None:
        own = without_our_frames(error)
        self._dispatcher.noticed(own)
        self._logger.error("%s", what, exc_info=(type(own), own, own.__traceback__))


def _brief(error: BaseException) -> str:
    text = str(error).strip().rstrip(".")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
