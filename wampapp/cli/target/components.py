"""A TARGET that names a component: it is served by an app of its own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeGuard

from wampapp.app import App
from wampapp.errors import UsageError

if TYPE_CHECKING:
    import os
    from types import ModuleType

    from wampapp.components.component import Component


def is_component_class(value: object) -> TypeGuard[type[Component]]:
    """Return whether a value is a class of components. What none imports is not imported here."""
    known = sys.modules.get("wampapp.components.component")
    if known is None or not isinstance(value, type):
        return False
    return issubclass(value, known.Component) and hasattr(value, "NAME")


def own_components(module: ModuleType) -> dict[str, type[Component]]:
    """Return the components that a module, or a package with its modules, defines, by name."""
    return {
        name: value
        for name, value in vars(module).items()
        if is_component_class(value)
        and f"{value.__module__}.".startswith(f"{module.__name__}.")
        and not name.startswith("_")
    }


def needs_prefix(target: str, kind: type[Component]) -> UsageError:
    """Return the error for a component that is run without a prefix."""
    return UsageError(
        f"{target} is a component, and needs a prefix; give --prefix com.example.{kind.NAME}, or "
        f"name it after an app that uses it: wampapp run app.py {target}."
    )


def app_of(
    target: str,
    kind: type[Component],
    prefix: str | None,
    store: str | os.PathLike[str] | None = None,
    user: App | None = None,
) -> App:
    """Return an app that serves a component.

    Args:
        target: how the command line names it, for messages.
        kind: the component.
        prefix: what its procedures are below; None for what ``user`` says.
        store: where its data is kept; None for what ``user`` says, or the environment.
        user: an app that runs beside it; None if there is none.

    Raises:
        UsageError: nothing says what the prefix is, the app serves the component already, or the
            prefix is not valid.
    """
    used: Any = None if user is None else user.extensions.get(kind.NAME)
    if prefix is None and user is not None:
        base = user.prefix
        default = f"{base}.{kind.NAME}" if base else kind.NAME
        prefix = default if used is None else used.prefix
    if prefix is None:
        raise needs_prefix(target, kind)
    app = App(prefix=prefix, name=prefix)
    declared = used.declared_store if used is not None and used.prefix == prefix else None
    component = kind(app, prefix, store=declared)
    if store is not None:
        component.keep_in(store)
    app.include(component)
    if user is not None:
        served = {record.uri for record in user.registry.registrations}
        if any(record.uri in served for record in app.registry.registrations):
            raise UsageError(
                f"{user.name} serves {prefix} already, since it includes the component; leave "
                f"{target} out of the command, or app.include() out of the app."
            )
    return app
