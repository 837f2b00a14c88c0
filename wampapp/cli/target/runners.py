"""Keeps Autobahn's own runners from running while a program's module is imported."""

from __future__ import annotations

import contextlib
import functools
import sys
from importlib.machinery import ModuleSpec, PathFinder
from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

#: Where each of the runners lives: a class with a method, or a function.
_RUNNERS: Final = {
    "autobahn.twisted.wamp": "ApplicationRunner",
    "autobahn.asyncio.wamp": "ApplicationRunner",
    "autobahn.twisted.component": None,
    "autobahn.asyncio.component": None,
}
#: Whether a module is being imported.
_importing = False


@contextlib.contextmanager
def runners_refuse() -> Iterator[None]:
    """While it is open, a module that calls ``ApplicationRunner(…).run(…)`` or ``run([…])`` fails.

    It would otherwise run, in its own way, within the import.
    """
    global _importing  # noqa: PLW0603 - a module's import is global, and so is this
    finder: Any = _RunnerFinder()
    for name in _RUNNERS:
        if name in sys.modules:
            _guard(sys.modules[name])
    sys.meta_path.insert(0, finder)
    _importing = True
    try:
        yield
    finally:
        _importing = False
        sys.meta_path.remove(finder)


class _RunnerFinder:
    """Finds the modules of the runners where they are, and has them guarded."""

    def find_spec(self, name: str, path: Any = None, _target: Any = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path) if name in _RUNNERS else None
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_guard(module: ModuleType) -> None:
                execute(module)
                _guard(module)

            spec.loader.exec_module = execute_and_guard  # type: ignore[method-assign]
        return spec


def _guard(module: ModuleType) -> None:
    name = _RUNNERS[module.__name__]
    holder: Any = module if name is None else getattr(module, name)
    what = "run()" if name is None else f"{name}.run()"
    if not hasattr(holder.run, "__wrapped__"):
        holder.run = _guarded(holder.run, what)


def _guarded(run: Callable[..., Any], what: str) -> Callable[..., Any]:
    @functools.wraps(run)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if _importing and kwargs.get("start_reactor", kwargs.get("start_loop", True)):
            raise UsageError(
                f"Autobahn's {what} is called while the module is imported, and wampapp is to run "
                "it; put the call under: if __name__ == '__main__'."
            )
        return run(*args, **kwargs)

    return guarded
