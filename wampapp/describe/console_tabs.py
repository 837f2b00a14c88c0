"""The tabs that components of the stack, and of others, add to the console."""

from __future__ import annotations

import functools
import logging
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger("wampapp")

#: Where distributions name their components.
GROUP: Final = "wampapp.components"


@functools.cache
def tab_folders() -> Mapping[str, Path]:
    """Return the folder of each component's tab, by the component's name.

    Only what is installed here has a tab: what a peer says of itself is never run as code.
    """
    found = {}
    for entry in entry_points(group=GROUP):
        try:
            folder = getattr(entry.load(), "CONSOLE", None)
        except Exception:
            logger.exception("The component %s (%s) cannot be loaded.", entry.name, entry.value)
            continue
        if folder is not None and entry.name.isidentifier():
            found[entry.name] = Path(folder)
    return MappingProxyType(found)


def tab_file(name: str) -> Path | None:
    """Return a file of a tab: ``tab-tasks.js`` is ``tab.js`` of the component ``tasks``.

    A tab of several modules has more of them: ``tab-tasks-list.js`` is ``list.js`` beside it.

    Args:
        name: the file's name, as it stands in a URL.
    """
    head, _, kind = name.partition(".")
    if not head.startswith("tab-") or kind not in ("js", "css"):
        return None
    component, _, module = head.removeprefix("tab-").partition("-")
    folder = tab_folders().get(component)
    return None if folder is None else folder / f"{module or 'tab'}.{kind}"
