"""Makes ``import twisted.internet.reactor`` give ours, while a program's modules are imported."""

from __future__ import annotations

import contextlib
import sys
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import UsageError
from wampapp.loop.runtime import get_runtime

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME: Final = "twisted.internet.reactor"


class _ReactorFinder:
    """Finds the module that is a reactor: the first one who imports it installs it."""

    def __init__(self) -> None:
        self.reactor: Any = None

    def find_spec(self, name: str, _path: Any = None, _target: Any = None) -> ModuleSpec | None:
        if name != _NAME:
            return None
        get_runtime()  # which puts it there
        self.reactor = sys.modules[_NAME]
        self.reactor.run = _refuse
        return ModuleSpec(name, _ReactorLoader())  # type: ignore[arg-type]


class _ReactorLoader:
    def create_module(self, _spec: ModuleSpec) -> Any:
        return sys.modules[_NAME]

    def exec_module(self, _module: Any) -> None:
        """Do nothing: it is there already."""


def _refuse(*_args: Any, **_options: Any) -> None:
    raise UsageError(
        "Twisted's reactor is run while the module is imported, and wampapp is to run it; put the "
        "call under: if __name__ == '__main__'."
    )


@contextlib.contextmanager
def reactor_is_ours() -> Iterator[None]:
    """While it is open, who imports Twisted's reactor gets the one on the process's loop.

    A module that imports it at its top would otherwise install another one, on which no app can
    run. Nothing is done for a module that does not. It cannot be run meanwhile.
    """
    finder: Any = _ReactorFinder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        if finder.reactor is not None:
            del finder.reactor.run
