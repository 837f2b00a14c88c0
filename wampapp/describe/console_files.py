"""The files of the console, the page at ``/_wampapp/``: what a realm offers, and calls to try."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Final

from wampapp.describe.console_tabs import tab_file, tab_folders

#: Where they are served.
CONSOLE: Final = "/_wampapp/"
_PACKAGE: Final = Path(__file__).parents[1]
#: Where they are; the page speaks WAMP as other pages do, by ``wampapp.js``.
_FOLDERS: Final = (_PACKAGE / "describe" / "console", _PACKAGE / "web" / "browser")
_MAX_NAME: Final = 100
_KINDS: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
#: Where the page names its realm.
_REALM: Final = 'name="wampapp-realm" content="realm1"'


def console_file(path: str, realm: str) -> tuple[str, bytes] | None:
    """Return a file of the console.

    Args:
        path: the path of its URL.
        realm: the realm that the console joins.

    Returns:
        Its media type, and what is in it; None if there is no such file.
    """
    if not path.startswith(CONSOLE):
        return None
    name = path.removeprefix(CONSOLE) or "index.html"
    if name == "tabs.json":
        return "application/json", json.dumps([*tab_folders()]).encode()
    kind = _KINDS.get(Path(name).suffix)
    # Only what lies there itself: a name with a slash may lead elsewhere.
    if kind is None or "/" in name or "\\" in name or "\0" in name:
        return None
    for file in (*(folder / name for folder in _FOLDERS), tab_file(name)):
        # A name may be too long for a file.
        if file is not None and len(name) <= _MAX_NAME and file.is_file():
            body = file.read_bytes()
            if name == "index.html":
                named = f'name="wampapp-realm" content="{escape(realm)}"'
                body = body.replace(_REALM.encode(), named.encode())
            return kind, body
    return None
