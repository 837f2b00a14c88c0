"""Where a component's transport leads: to the router that its URL names, or to none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from autobahn.rawsocket.util import parse_url as parse_rs_url
from autobahn.websocket.util import parse_url as parse_ws_url

from wampapp.config.url import authority
from wampapp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What a component joins that names no router: the one that we start, or that holds our port.
_DEFAULT_URLS: Final = ("ws://127.0.0.1:8080/ws", "ws://localhost:8080/ws")
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


def url_of(transports: Sequence[Any]) -> str | None:
    """Return the URL of the first of a component's transports; None for the default one.

    Args:
        transports: what the component made of its argument ``transports``.

    Raises:
        UsageError: there is none, or it needs what ours does not have.
    """
    if not transports:
        raise UsageError(
            "The component has no transport; write Component(transports='ws://host:port/ws'), or "
            "leave transports out to join the router that wampapp starts."
        )
    transport = transports[0]
    endpoint = transport.endpoint
    elsewhere = transport.proxy or transport.headers or not isinstance(endpoint, dict)
    if elsewhere or not isinstance(endpoint.get("tls", False), bool):
        raise UsageError(
            "The component's transport has an endpoint, a proxy or headers of its own, which are "
            "not used here; name the router by its URL, and whom TLS trusts by --ca or "
            "tls=Tls(…)."
        )
    if endpoint.get("type") == "unix" and "path" in endpoint:
        return f"unix://{endpoint['path']}"
    if not ("host" in endpoint and "port" in endpoint):  # Autobahn checks those of WebSocket only
        raise UsageError(
            "The endpoint of the component's transport names neither a host and a port nor a "
            "path; name the router by its URL."
        )
    if transport.url is not None:
        _check_same(transport.url, endpoint)
    if transport.type == "rawsocket":
        secure = endpoint.get("tls") or (transport.url or "").startswith(("rss:", "wss:"))
        return f"{'rss' if secure else 'rs'}://{authority(endpoint['host'], endpoint['port'])}"
    return None if transport.url in _DEFAULT_URLS else str(transport.url)


def _check_same(url: str, endpoint: dict[str, Any]) -> None:
    """Check that a URL and an endpoint are of the same place."""
    parse = parse_rs_url if url.startswith("rs") else parse_ws_url
    try:
        secure, host, port, *_ = parse(url)
    except Exception as error:  # noqa: BLE001 - it is checked by Autobahn only without an endpoint
        text = str(error).rstrip(".")
        raise UsageError(f"The component's URL {url!r} is not valid: {text}.") from None
    there = endpoint["host"], endpoint["port"], endpoint.get("tls", secure)
    if there == (host, port, secure):
        return
    if there[1:] != (port, secure) or not {host, there[0]} <= set(_LOOPBACK):
        place = authority(str(there[0]), there[1]) + (" with TLS" if there[2] else "")
        raise UsageError(
            f"The component's transport has the URL {url} and the endpoint {place}, which is "
            "another place, and endpoints are not used here; leave the endpoint out, and name the "
            "router by its URL."
        )
