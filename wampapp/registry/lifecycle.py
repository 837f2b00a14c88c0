"""The decorators of what runs by itself: hooks, timers and health checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from wampapp.config.records import check_seconds
from wampapp.errors import UsageError
from wampapp.registry.checks import check_called
from wampapp.registry.naming import source_of
from wampapp.registry.records import HealthCheck, Hook, Timer

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.registry.records import HookKind
    from wampapp.registry.registry import Registry

F = TypeVar("F", bound="Callable[..., Any]")


class Lifecycle:
    """Collects hooks, timers and health checks; a :class:`Blueprint` is one.

    Attributes:
        registry: the records of what was declared.
    """

    registry: Registry

    @overload
    def on_startup(self, function: F, /) -> F: ...
    @overload
    def on_startup(self, /) -> Callable[[F], F]: ...
    def on_startup(self, function: Any = None, /) -> Any:
        """Run a function once, before the app joins; a decorator, with or without ``()``.

        A hook takes no arguments; a plain function runs in a worker thread. If it raises, the run
        ends with its traceback and exit code 1.

        Raises:
            InvalidHandler: it needs arguments, or is a generator, whose body would not run.
            AppStarted: the app runs already.
        """
        return self._add_hook("startup", function)

    @overload
    def on_join(self, function: F, /) -> F: ...
    @overload
    def on_join(self, /) -> Callable[[F], F]: ...
    def on_join(self, function: Any = None, /) -> Any:
        """Run a function after each join, when everything is registered; a decorator.

        If it raises, the run ends with its traceback and exit code 1.
        """
        return self._add_hook("join", function)

    @overload
    def on_leave(self, function: F, /) -> F: ...
    @overload
    def on_leave(self, /) -> Callable[[F], F]: ...
    def on_leave(self, function: Any = None, /) -> Any:
        """Run a function after each session; a decorator. What it raises is logged."""
        return self._add_hook("leave", function)

    @overload
    def on_shutdown(self, function: F, /) -> F: ...
    @overload
    def on_shutdown(self, /) -> Callable[[F], F]: ...
    def on_shutdown(self, function: Any = None, /) -> Any:
        """Run a function once, at the end, whatever happened; a decorator.

        They run in reverse order, when no handler runs any more, and before GOODBYE where there is
        a session: so they may still publish. What one raises is logged.
        """
        return self._add_hook("shutdown", function)

    def _add_hook(self, kind: HookKind, function: Any) -> Any:
        if function is None:
            return lambda function: self._add_hook(kind, function)
        check_called(function, f"app.on_{kind}", f"A {kind} hook")
        self.registry.add_hook(Hook(kind, function, source_of(function)))
        return function

    def health(self, name: str) -> Callable[[F], F]:
        """Find out by a function whether something that the app needs is well; a decorator.

        ::

            @app.health("database")
            async def database() -> None:
                await pool.execute("select 1")

        It takes no arguments, and raises where something is wrong; a plain function runs in a
        worker thread. It runs every few seconds while the app runs. ``/healthz`` at the router's
        port and ``wampapp health`` say how it came out, and the log says why.

        Args:
            name: what it looks at, such as ``database``.

        Raises:
            UsageError: the name is not one.
            InvalidHandler: the function needs arguments, or is a generator.
            DeclarationError: there is one of that name.
            AppStarted: the app runs already.
        """
        if not isinstance(name, str) or not name or not name.isprintable():
            raise UsageError("health takes the name of a check; write @app.health('database').")

        def decorate(function: F) -> F:
            check_called(function, f"app.health({name!r})", "A health check")
            self.registry.add_health_check(HealthCheck(name, function, source_of(function)))
            return function

        return decorate

    def every(self, seconds: float, *, every_worker: bool = False) -> Callable[[F], F]:
        """Run a function again and again while the app runs; a decorator.

        It never overlaps itself: the wait starts when a run has ended. What it raises is logged.

        Args:
            seconds: how long to wait before each run.
            every_worker: whether it runs in every worker of ``wampapp run --workers``, or in one.

        Raises:
            UsageError: ``seconds`` is not a number above 0.
            InvalidHandler: the function needs arguments, or is a generator.
            AppStarted: the app runs already.
        """
        if callable(seconds):
            raise UsageError("every takes the seconds between two runs; write @app.every(60).")
        if check_seconds(seconds, "every") == 0:
            raise UsageError("every is 0; give a number of seconds above 0.")

        def decorate(function: F) -> F:
            check_called(function, f"app.every({seconds!r})", "A timer")
            timer = Timer(float(seconds), function, source_of(function), every_worker)
            self.registry.add_hook(timer)
            return function

        return decorate
