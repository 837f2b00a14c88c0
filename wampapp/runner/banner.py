"""What is said of a service or a router when it is up, and when it stops."""

from __future__ import annotations

import contextlib
import inspect
import logging
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from wampapp._version import __version__
from wampapp.registry.annotations import contexts_in, signature_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wampapp.app import App
    from wampapp.registry.records import Registration, Subscription
    from wampapp.runner.service import Service
    from wampapp.server.door import Address

logger = logging.getLogger("wampapp")

JOINED_ANOTHER: Final = "it was running already; joined it"

_COLUMN: Final = 72
#: The modules in front of a name in an annotation.
_MODULES: Final = re.compile(r"\b(?:[^\W\d]\w*\.)+(?=[^\W\d])")


@dataclass(frozen=True, slots=True)
class Overview:
    """What is told of a service that is up.

    Attributes:
        name: the app's name.
        realm: the realm.
        routers: the router's URLs, one for each transport.
        note: what is said of the first; may be empty.
        host: the address that a router in the box listens on; None without one.
        procedures: each URI, its signature, and its docstring's first line.
        topics: likewise.
    """

    name: str
    realm: str
    routers: tuple[str, ...]
    note: str
    host: str | None
    procedures: tuple[tuple[str, str, str], ...]
    topics: tuple[tuple[str, str, str], ...]


def overview(app: App, service: Service) -> Overview:
    """Return what is told of a service that is up."""
    address = service.address
    joined_another = address is None and service.config.url is None
    return Overview(
        app.name,
        service.config.realm,
        (service.url or "",) if address is None else urls_of(address),
        JOINED_ANOTHER if joined_another else "",
        None if address is None else address.host,
        tuple(
            (r.uri, signature_text(r, r.endpoint, returns=True), _first_line(r.endpoint))
            for r in app.registry.registrations
        ),
        tuple(
            (s.uri, signature_text(s, s.handler, returns=False), _first_line(s.handler))
            for s in app.registry.subscriptions
        ),
    )


def urls_of(address: Address) -> tuple[str, str]:
    """Return the URLs of a router in the box."""
    return address.websocket_url, address.rawsocket_url


def tell_start(about: Overview, *, as_json: bool, extra: Sequence[tuple[str, str]] = ()) -> None:
    """Say that a service is up, on the terminal or in the log.

    Args:
        about: what is told.
        as_json: whether the log is JSON.
        extra: further lines of the terminal's, each with its label.
    """
    if as_json:
        fields = {
            "router": about.routers[-1],
            "realm": about.realm,
            "procedures": [uri for uri, *_ in about.procedures],
            "topics": [uri for uri, *_ in about.topics],
        }
        logger.info("%s is up", about.name, extra=fields)
    else:
        say(_banner(about, extra))


def tell_stop(*, as_json: bool) -> None:
    """Say that a service stops."""
    text = "Stopping: running handlers may finish; Ctrl-C again exits now."
    if as_json:
        logger.info(text)
    else:
        say(f"\n{text}")


def _banner(about: Overview, extra: Sequence[tuple[str, str]]) -> str:
    lines = [f"wampapp {__version__}  {about.name}", ""]
    rows = [("router" if n == 0 else "", url) for n, url in enumerate(about.routers)]
    if about.note:
        rows[0] = (rows[0][0], f"{rows[0][1]}  ({about.note})")
    rows += [("realm", about.realm), *extra]
    for title, records in (("procedures", about.procedures), ("topics", about.topics)):
        width = min(
            _COLUMN, max((len(uri + arguments) for uri, arguments, _ in records), default=0)
        )
        for number, (uri, arguments, brief) in enumerate(records):
            rows.append((title if number == 0 else "", f"{uri + arguments:<{width}}  {brief}"))
    lines += [f"  {label:<10}  {text}".rstrip() for label, text in rows]
    if about.host is not None:
        lines += _exposure(about.host)
    return "\n".join([*lines, "", "Press Ctrl-C to stop.", ""])


class _Short:
    """An annotation as people write it: without the modules of its names."""

    def __init__(self, annotation: Any) -> None:
        self._text = _MODULES.sub("", inspect.formatannotation(annotation))

    def __repr__(self) -> str:
        return self._text


def signature_text(
    record: Registration | Subscription, handler: Callable[..., Any], *, returns: bool
) -> str:
    """Return what callers may send: the parameters that the handler is not given by us.

    Args:
        record: the declaration.
        handler: its function.
        returns: whether the result's annotation is part of it.
    """
    signature = signature_of(handler)
    captured = record.pattern.captured if record.pattern else ()
    empty = inspect.Signature.empty
    parameters = [
        p.replace(annotation=p.annotation if p.annotation is empty else _Short(p.annotation))
        for p in signature.parameters.values()
        if p.name not in captured and not contexts_in(p.annotation)
    ]
    result = signature.return_annotation if returns else empty
    return str(
        signature.replace(
            parameters=parameters, return_annotation=result if result is empty else _Short(result)
        )
    )


def _first_line(function: object) -> str:
    """Return the first line of a docstring, empty if there is none."""
    return (getattr(function, "__doc__", None) or "").strip().partition("\n")[0]


def _exposure(host: str) -> list[str]:
    from wampapp.server.door import is_loopback

    if is_loopback(host):
        return []
    return [
        "",
        f"  Warning: the router listens on {host}, beyond this machine. Whoever reaches the",
        "  port can call, publish and register without a password and unencrypted.",
    ]


def say(text: str) -> None:
    """Write to standard error, where people read."""
    # A terminal that is gone must not keep the service from running, or from stopping.
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def router_banner(address: Address) -> str:
    """Return what a router without an app prints."""
    lines = [f"wampapp {__version__}  router", ""]
    lines += [f"  WebSocket   {address.websocket_url}", f"  RawSocket   {address.rawsocket_url}"]
    lines += [*_exposure(address.host), "", "Press Ctrl-C to stop.", ""]
    return "\n".join(lines)
