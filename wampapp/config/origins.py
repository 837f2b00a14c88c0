"""Web origins: where the page comes from that opens a WebSocket (RFC 6454)."""

from __future__ import annotations

import re
from typing import Final

from wampapp.errors import UsageError

#: Lets every page in.
ANY: Final = "*"
#: The origin of a page that has none of its own: a file, or a sandboxed frame of any website.
OPAQUE: Final = "null"

_ORIGIN: Final = re.compile(r"([a-z][a-z0-9+.-]*)://(\[[0-9a-f:.]+\]|[a-z0-9._~-]+)(:[0-9]+)?")
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}


def normalize(origin: str) -> str:
    """Return an origin as browsers write it: in lower case, without a slash or a default port.

    Some browsers write ``file://`` for a page that was opened from disk, others ``null``.
    """
    origin = origin.strip().lower().removesuffix("/")
    if origin.startswith("file:"):
        return OPAQUE
    found = _ORIGIN.fullmatch(origin)
    if found is None:
        return origin
    scheme, host, port = found.groups()
    return f"{scheme}://{host}{'' if port == _DEFAULT_PORTS.get(scheme) else port or ''}"


def check_origin(origin: object) -> str:
    """Check an origin that is to be let in.

    Args:
        origin: scheme, host and, where it is not the scheme's own, port; ``*`` or ``null``.

    Returns:
        The origin as browsers write it.

    Raises:
        UsageError: no web page has such an origin.
    """
    text = normalize(origin) if isinstance(origin, str) else ""
    if text in (ANY, OPAQUE) or _ORIGIN.fullmatch(text):
        return text
    if text and _ORIGIN.fullmatch(f"https://{text}"):
        raise UsageError(f"The web origin {origin!r} has no scheme; write https://{text}.")
    raise UsageError(
        f"The web origin {origin!r} is not one that a browser sends; write its scheme, host and "
        "port, as in https://shop.example or http://localhost:3000, * for every web page, or null "
        "for pages without an origin, such as files."
    )
