"""The apps of ``wampapp run``: those that its targets name, and those of components."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wampapp.app import App
from wampapp.cli.options import was_typed
from wampapp.cli.target.components import app_of
from wampapp.cli.target.loading import find
from wampapp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


def load_one(target: str, *, prefix: str | None, store: str | None) -> App:
    """Return the app of a run's only target; for a process of its own.

    Args:
        target: as in ``wampapp run TARGET``.
        prefix: the prefix, if it is a component.
        store: where the component's data is kept; None for what the environment says.

    Raises:
        UsageError: it cannot be run.
        UserCodeFailed: the module's own code raised.
    """
    found = find(target)
    return found if isinstance(found, App) else app_of(target, found, prefix, store)


def load_all(
    targets: Sequence[str], *, prefix: str | None, store: str | None
) -> list[tuple[App, bool]]:
    """Return the app of each target, and whether it is that of a component.

    Args:
        targets: as in ``wampapp run TARGET...``.
        prefix: the prefix of the component; None for the default.
        store: where the component's data is kept; None for what the environment says.

    Raises:
        UsageError: they cannot be run, or not together.
        UserCodeFailed: a module's own code raised.
    """
    found = [(target, find(target)) for target in targets]
    components = [target for target, one in found if not isinstance(one, App)]
    _check_options(components)
    user = next((one for _, one in found if isinstance(one, App)), None)
    apps: list[tuple[App, bool]] = []
    named: dict[object, str] = {}
    for target, one in found:
        if one in named:
            raise UsageError(f"{named[one]} and {target} name the same; give it once.")
        named[one] = target
        if isinstance(one, App):
            apps.append((one, False))
        else:
            apps.append((app_of(target, one, prefix, store, user), True))
    return apps


def _check_options(components: Sequence[str]) -> None:
    """Check that an option of components has one to be about.

    Raises:
        UsageError: there is none, or there are several.
    """
    for option in ("prefix", "store"):
        if was_typed(option) and len(components) != 1:
            why = f"here are {', '.join(components)}" if components else "no TARGET is one"
            raise UsageError(
                f"--{option} is for one component, such as wampapp.components.tasks, and {why}."
            )
