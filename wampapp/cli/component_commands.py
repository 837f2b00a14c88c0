"""The commands of components that other distributions bring."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from wampapp.cli.output import printable
from wampapp.errors import UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    import click


def component_names() -> list[str]:
    """Return the names of components that are not ours."""
    return sorted(_found())


def short_help(name: str) -> str:
    """Return what the list of commands says of a component, which is not imported for that.

    Args:
        name: the component's name.

    Returns:
        The summary of the distribution that brings it; empty if it has none.
    """
    distribution = _found()[name].dist
    if distribution is None or "Summary" not in distribution.metadata:
        return ""
    return printable(distribution.metadata["Summary"])


def _found() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points

    found = entry_points(group="wampapp.components")
    return {entry.name: entry for entry in found if not entry.value.startswith("wampapp.")}


def component_command(name: str) -> click.Command | None:
    """Return the command of a component; None if there is no such component, or it has none.

    Args:
        name: the component's name, which is the command's.

    Raises:
        UsageError: the component is broken.
    """
    import click

    entry = _found().get(name)
    if entry is None:
        return None
    try:
        place = getattr(entry.load(), "COMMANDS", None)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        found = getattr(import_module(module), attribute)
    except Exception as error:  # noqa: BLE001 - it is another distribution's code
        raise UsageError(
            f"The component {name!r} ({entry.value}) has no commands that can be loaded: {error}."
        ) from None
    if not isinstance(found, click.Command):
        raise UsageError(f"The commands of the component {name!r} ({place}) are not Click's.")
    return found
