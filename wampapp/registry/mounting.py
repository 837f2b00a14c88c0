"""The declaration of web apps that are served beside WAMP."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wampapp.errors import DeclarationError
from wampapp.registry.extras import check_extra
from wampapp.registry.records import Mount, Static
from wampapp.registry.routing import check_path

if TYPE_CHECKING:
    from _typeshed import StrPath

    from wampapp.registry.registry import Registry


class Mounting:
    """Collects what is mounted; an ``App`` is one.

    Attributes:
        registry: what the app offers.
    """

    registry: Registry

    def mount(self, path: str, app: Any) -> None:
        """Serve a web app of any framework's at the router's port, below a path.

        Flask, FastAPI, Starlette, Django: any ASGI or WSGI app. ASGI apps run on the app's event
        loop, WSGI apps in its worker threads. It needs the extra ``wampapp[web]``.

        Args:
            path: where it is, such as ``"/admin"``, or ``"/"`` for all that is not mounted
                elsewhere.
            app: the web app, or where it is found: ``"module:attribute"``.

        Raises:
            DeclarationError: the path is not one, is the router's own, or is taken; or the app
                is neither callable nor named.
            AppStarted: the app runs already.
        """
        _check_prefix(path, "mount")
        if not callable(app) and not (isinstance(app, str) and _is_name(app)):
            raise DeclarationError(
                f"What is mounted at {path} is {app!r}; give an ASGI or WSGI app, or where it is "
                "found: 'module:attribute'."
            )
        self.registry.web.add_mount(Mount(path, app))

    def static(self, path: str, folder: StrPath, *, endpoint: str = "static") -> None:
        """Serve the files of a folder at the router's port, below a path.

        Browsers ask again whether a file has changed; under the URL that ``url_for`` makes,
        which changes with the file, they keep it. Next to ``app.js``, an ``app.js.gz`` or
        ``app.js.br`` is sent to those who take it. This needs the extra ``wampapp[web]``.

        Args:
            path: where it is, such as ``"/static"``.
            folder: the folder. A relative one is next to the file of the call; that of a
                package's data is ``"package:folder"``.
            endpoint: its name, for ``url_for("static", filename="app.js")``.

        Raises:
            DeclarationError: the path is not one or is taken, or there is no such folder.
            UsageError: werkzeug is not installed.
            AppStarted: the app runs already.
        """
        check_extra("app.static", "werkzeug")
        _check_prefix(path, "static folder")
        found = _folder(folder, Path(sys._getframe(1).f_code.co_filename).parent)
        self.registry.web.add_static(Static(path, found, endpoint))


def _check_prefix(path: str, what: str) -> None:
    check_path(path, what)
    if path != "/" and (path.endswith("/") or "//" in path or "<" in path):
        raise DeclarationError(
            f"The path {path!r} of a {what} ends with '/', or has an empty part or a variable; "
            "write it like '/admin', and '/' for everything."
        )


def _is_name(app: str) -> bool:
    place, colon, attribute = app.partition(":")
    parts = [*place.split("."), *attribute.split(".")]
    return bool(colon) and all(part.isidentifier() for part in parts)


def _folder(folder: StrPath, base: Path) -> str:
    """Return the folder with the files, absolute.

    Args:
        folder: as it was written.
        base: what a relative one is relative to.

    Raises:
        DeclarationError: it is not there.
    """
    text = os.fspath(folder)
    package, colon, rest = str(text).partition(":")
    if colon and all(part.isidentifier() for part in package.split(".")):
        try:
            spec = find_spec(package)
        except ModuleNotFoundError:
            spec = None
        places = [] if spec is None else list(spec.submodule_search_locations or ())
        if not places:
            raise DeclarationError(f"The static folder is in {package!r}, which is not a package.")
        base, text = Path(places[0]), rest
    found = (base / str(text)).absolute()
    if not found.is_dir():
        raise DeclarationError(f"There is no folder {str(found)!r}, whose files are to be served.")
    return str(found)
