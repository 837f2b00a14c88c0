"""The hooks of an app, and its lifespan."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from wampapp.dispatch.functions import not_cancelled
from wampapp.errors import HookFailed, StoreError
from wampapp.registry.autobahn_classes import as_wamp_error
from wampapp.registry.records import name_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from wampapp.dispatch.dispatcher import Dispatcher
    from wampapp.registry.records import Hook
    from wampapp.registry.registry import Registry


class Hooks:
    """Runs an app's hooks and its lifespan. Its methods run on the loop's thread.

    Args:
        registry: what declares the hooks.
        dispatcher: what runs a function whatever its kind, and logs what one raises.
        lifespan: makes a context manager that is open while the app runs; None for none.
    """

    def __init__(
        self,
        registry: Registry,
        dispatcher: Dispatcher,
        lifespan: Callable[[], AbstractAsyncContextManager[Any]] | None,
    ) -> None:
        self._registry = registry
        self._dispatcher = dispatcher
        self._lifespan = lifespan
        self._stack = AsyncExitStack()
        self._started = False

    @property
    def has_lifespan(self) -> bool:
        """Whether the app has a lifespan."""
        return self._lifespan is not None

    async def run_startup(self) -> None:
        """Enter the lifespan and run the startup hooks.

        Raises:
            HookFailed: one of them raised.
            StoreError: the store of a component cannot be opened.
        """
        self._started = True
        if self._lifespan is not None:
            try:
                await not_cancelled(self._stack.enter_async_context(self._lifespan()))
            except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it raises ends the run
                self._dispatcher.failures.log("The lifespan failed", error)
                raise HookFailed(f"The app's lifespan failed: {brief(error)}.") from None
        for hook in self._registry.hooks("startup"):
            await self._run(hook)

    async def run_join(self) -> None:
        """Run the join hooks.

        Raises:
            HookFailed: one of them raised.
        """
        for hook in self._registry.hooks("join"):
            await self._run(hook)

    async def run_leave(self) -> None:
        """Run the leave hooks; what they raise is logged."""
        for hook in self._registry.hooks("leave"):
            await self._run_and_log(hook)

    async def run_stopping(self) -> None:
        """Run the stopping hooks; what they raise is logged."""
        if self._started:
            for hook in self._registry.hooks("stopping"):
                await self._run_and_log(hook)

    async def run_shutdown(self) -> None:
        """Run the shutdown hooks in reverse order, once: a second time does nothing."""
        if self._started:
            self._started = False
            for hook in reversed(self._registry.hooks("shutdown")):
                await self._run_and_log(hook)

    async def end_lifespan(self) -> None:
        """Leave the lifespan; what it raises is logged."""
        try:
            await not_cancelled(self._stack.aclose())
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the end goes on
            self._dispatcher.failures.log("The lifespan failed at its end", error)

    async def _run(self, hook: Hook) -> None:
        try:
            await self._dispatcher.functions.run(hook.function)
        except StoreError:
            raise  # its sentence says it all
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it raises ends the run
            name = name_of(hook.function)
            self._dispatcher.failures.log(f"The {hook.kind} hook {name} failed", error)
            raise HookFailed(
                f"The {hook.kind} hook {name} ({hook.source}) failed: {brief(error)}."
            ) from None

    async def _run_and_log(self, hook: Hook) -> None:
        try:
            await self._dispatcher.functions.run(hook.function)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the end goes on
            name = name_of(hook.function)
            self._dispatcher.failures.log(f"The {hook.kind} hook {name} failed", error)


def brief(error: BaseException) -> str:
    """Return an exception's class and text, to end a sentence with."""
    text = str(as_wamp_error(error) or error).strip().rstrip(".")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
