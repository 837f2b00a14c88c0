"""What an app serves over HTTP, as records: mounted web apps, routes and folders."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wampapp.errors import DeclarationError
from wampapp.registry.records import name_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.registry.records import Mount, Route, Static

#: The folder of this package.
_PACKAGE: Final = Path(__file__).resolve().parents[1]
#: A variable of a rule: ``<id>``, ``<int:id>``, ``<path:rest>``.
_VARIABLE: Final = re.compile(r"<(?:([^:<>]+):)?[^<>]+>")


#: Where the router's port, or that of the pages, has files of ours.
OWN: Final = "/_wampapp"
#: The folder with the templates, next to the files that declare views.
TEMPLATES: Final = "templates"


class WebRecords:
    """The records of what an app serves over HTTP, in the order of their declaration.

    Args:
        check_open: raises :class:`AppStarted` if the app runs already; it gets the record's name.

    Attributes:
        mounts: the web apps of other frameworks.
        routes: the views.
        statics: the folders with files.
    """

    def __init__(self, check_open: Callable[[str], None]) -> None:
        self._check_open = check_open
        self.mounts: list[Mount] = []
        self.routes: list[Route] = []
        self.statics: list[Static] = []

    def __bool__(self) -> bool:
        return bool(self.mounts or self.routes or self.statics)

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths below which something may be found."""
        return ("/",) if self.routes else tuple(self._fixed)

    @property
    def views(self) -> list[Route]:
        """The app's own views, without those that components of ours bring."""
        return [
            route
            for route in self.routes
            if route.source is None or not Path(route.source.file).is_relative_to(_PACKAGE)
        ]

    @property
    def roots(self) -> list[Path]:
        """The folders of the files that declare views."""
        files = [route.source.file for route in self.views if route.source is not None]
        return [*dict.fromkeys(Path(file).parent for file in files)]

    @property
    def root(self) -> Path:
        """The app's folder: that of the first view's file."""
        return next(iter(self.roots), Path.cwd())

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders with templates and static files."""
        return (
            *(str(root / TEMPLATES) for root in self.roots),
            *(static.folder for static in self.statics),
        )

    @property
    def _fixed(self) -> list[str]:
        return [*(mount.path for mount in self.mounts), *(static.path for static in self.statics)]

    def add_mount(self, mount: Mount) -> None:
        """Add a web app.

        Raises:
            DeclarationError: another one is mounted there, or it would hide a route.
            AppStarted: the app runs already.
        """
        self._check_open(mount.path)
        self._check_free(mount.path)
        for route in self.routes:
            _check_apart(route, mount)
        self.mounts.append(mount)

    def add_static(self, static: Static) -> None:
        """Add a folder.

        Raises:
            DeclarationError: something is at its path already, or its name is taken.
            AppStarted: the app runs already.
        """
        self._check_open(static.path)
        self._check_free(static.path)
        self._check_endpoint(static.endpoint, None)
        self.statics.append(static)

    def add_route(self, route: Route) -> None:
        """Add a view.

        Raises:
            DeclarationError: another view has the same rule and method, or its name.
            AppStarted: the app runs already.
        """
        self._check_open(route.rule)
        for mount in self.mounts:
            _check_apart(route, mount)
        self._check_endpoint(route.endpoint, route)
        shape = _shape(route.rule)
        for other in self.routes:
            shared = sorted(route.methods & other.methods)
            if shared and _shape(other.rule) == shape:
                raise DeclarationError(
                    f"{shared[0]} {route.rule} is routed already, to {name_of(other.view)} "
                    f"({other.source}); give one of the two another rule or other methods."
                )
        self.routes.append(route)

    def _check_free(self, path: str) -> None:
        if path in self._fixed:
            raise DeclarationError(
                f"Something is mounted at {path} already; mount one of the two elsewhere."
            )

    def _check_endpoint(self, endpoint: str, route: Route | None) -> None:
        """Check that ``url_for`` can tell what is meant by a name."""
        taken: list[Route | Static] = [r for r in self.routes if r.endpoint == endpoint]
        if route is not None:  # one view may have several rules
            taken = [r for r in self.routes if r.endpoint == endpoint and r.view != route.view]
        taken += [static for static in self.statics if static.endpoint == endpoint]
        if taken:
            raise DeclarationError(
                f"Another view, or a static folder, has the name {endpoint!r} already, by which "
                "url_for() finds it; give one of the two another, with endpoint='another_name'."
            )


def _shape(rule: str) -> str:
    """Return a rule without the names of its variables."""
    return _VARIABLE.sub(lambda found: f"<{(found[1] or 'string').partition('(')[0]}>", rule)


def _check_apart(route: Route, mount: Mount) -> None:
    """Check that a route is not below a mount, where no request would reach it."""
    fixed = route.rule.partition("<")[0]
    if mount.path != "/" and (fixed == mount.path or fixed.startswith(f"{mount.path}/")):
        raise DeclarationError(
            f"The route {route.rule} is below {mount.path}, where another web app is mounted, so "
            "it would never be reached; give it another rule, or mount the app elsewhere."
        )
