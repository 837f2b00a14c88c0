"""The stack: components that an app includes, or that run as services of their own.

::

    from wampapp.components import Tasks

    tasks = Tasks(app)
    app.include(tasks)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wampapp.components.component import Component
    from wampapp.components.kv import KV
    from wampapp.components.search import Search
    from wampapp.components.settings import Live, Settings
    from wampapp.components.tasks import Tasks
    from wampapp.components.telemetry import Telemetry

__all__ = ["KV", "Component", "Live", "Search", "Settings", "Tasks", "Telemetry"]

_HOMES = {
    "Component": "component",
    "KV": "kv",
    "Live": "settings",
    "Search": "search",
    "Settings": "settings",
    "Tasks": "tasks",
    "Telemetry": "telemetry",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'wampapp.components' has no attribute {name!r}")
    return getattr(import_module(f"wampapp.components.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
