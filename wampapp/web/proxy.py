"""What a proxy in front of the pages says of its visitors: the ``X-Forwarded-…`` headers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]

_NAMES: Final = {
    b"x-forwarded-for": "for",
    b"x-forwarded-proto": "proto",
    b"x-forwarded-host": "host",
    b"x-forwarded-prefix": "prefix",
}
_SCHEMES: Final = {"http": "ws", "https": "wss"}


def behind_proxy(app: Any) -> Any:
    """Return an ASGI app that sees its requests as the proxy in front of it has got them.

    Of several values, the last one is the proxy's own; the others are the visitor's to invent.

    Args:
        app: the ASGI app.
    """

    async def seen(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        await app(_as_the_proxy_saw(scope), receive, send)

    return seen


def _as_the_proxy_saw(scope: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, str] = {}
    for name, value in scope["headers"]:
        if name in _NAMES:
            last = value.decode("latin-1").rpartition(",")[2].strip()
            if last:
                said[_NAMES[name]] = last
    changed = dict(scope)
    if "for" in said:
        changed["client"] = (said["for"].strip("[]"), 0)
    scheme = said.get("proto", "").lower()
    if scheme in _SCHEMES:
        is_websocket = scope["type"] == "websocket"
        changed["scheme"] = _SCHEMES[scheme] if is_websocket else scheme
    if "host" in said:
        headers = [(n, v) for n, v in scope["headers"] if n != b"host"]
        changed["headers"] = [(b"host", said["host"].encode("latin-1")), *headers]
    prefix = said.get("prefix", "").rstrip("/")
    if prefix.startswith("/") and not prefix.startswith("//"):
        changed["root_path"] = prefix
        changed["path"] = prefix + scope["path"]
    return changed
