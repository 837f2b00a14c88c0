"""What a service or a router prints, or logs, when it is up and when it stops."""

from __future__ import annotations

import contextlib
import inspect
import logging
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from wampapp._version import __version__
from wampapp.describe.console_files import CONSOLE
from wampapp.registry.endpoint import endpoint_for
from wampapp.registry.records import name_of
from wampapp.registry.shapes import short, with_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wampapp.registry.records import Registration, Subscription, Timer
    from wampapp.registry.web_records import WebRecords
    from wampapp.runner.servable import Servable
    from wampapp.runner.service import Service
    from wampapp.server.address import Address
    from wampapp.server.door import Server

logger = logging.getLogger("wampapp")

#: Said of a router that holds the port of the embedded one.
JOINED_ANOTHER: Final = "it was running already; joined it"

#: The most procedures that a banner lists, and topics, and timers.
_MAX_LISTED: Final = 40
#: The widest that signatures make their column.
_MAX_COLUMN: Final = 72


@dataclass(frozen=True, slots=True)
class Listing:
    """What a banner shows of the procedures, the topics or the timers of a service.

    Attributes:
        names: all of them: their URIs, or the names of their functions.
        rows: the first of them, each with its signature, and its docstring's first line.
    """

    names: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceInfo:
    """What a banner shows of a service that is up.

    Attributes:
        name: the app's name.
        realm: the realm.
        routers: the router's URLs, one for each transport.
        note: a remark about the first; may be empty.
        host: the address that the embedded router listens on; None without one.
        is_guarded: whether that router lets in only those who may join.
        procedures: its procedures.
        topics: its topics.
        timers: its timers.
        pages: the paths of its web pages, each with what is there.
        pages_url: where they are; None if they are not served.
        console_url: where the console is; None if there is none.
        components: the prefixes of its components, each with what it does here.
    """

    name: str
    realm: str
    routers: tuple[str, ...]
    note: str
    host: str | None
    procedures: Listing = Listing()
    topics: Listing = Listing()
    timers: Listing = Listing()
    is_guarded: bool = False
    pages: tuple[tuple[str, str], ...] = ()
    pages_url: str | None = None
    console_url: str | None = None
    components: tuple[tuple[str, str], ...] = ()

    @property
    def listings(self) -> tuple[Listing, ...]:
        """All that it offers."""
        return self.procedures, self.topics, self.timers


def service_info(app: Servable, service: Service) -> ServiceInfo:
    """Return what a banner shows of a service that is up."""
    address, server, registry = service.address, service.server, service.registry
    components = _components(app)
    # What a component offers is a line of its own.
    below = tuple(f"{one.prefix}." for one in components)
    registrations = [r for r in registry.registrations if not r.uri.startswith(below)]
    return ServiceInfo(
        app.name,
        service.config.realm,
        (service.url or "",) if address is None else urls_of(address),
        JOINED_ANOTHER if service.joined_another else "",
        None if address is None else address.host,
        Listing(
            tuple(r.uri for r in registrations),
            tuple(
                (r.uri + signature_text(r, returns=True), _first_line(r.endpoint))
                for r in registrations[:_MAX_LISTED]
            ),
        ),
        Listing(
            tuple(s.uri for s in registry.subscriptions),
            tuple(
                (s.uri + signature_text(s, returns=False), _first_line(s.handler))
                for s in registry.subscriptions[:_MAX_LISTED]
            ),
        ),
        Listing(
            tuple(name_of(t.function) for t in registry.timers),
            tuple(
                (f"{name_of(t.function)} {interval_text(t)}", _first_line(t.function))
                for t in registry.timers[:_MAX_LISTED]
            ),
        ),
        is_guarded=server is not None and server.router.is_guarded,
        pages=_pages(registry.web),
        pages_url=service.pages_url,
        console_url=console_url(server, address),
        components=tuple((str(one.prefix), one.summary()) for one in components),
    )


def single_of(app: Servable, service: Service) -> tuple[str, ...]:
    """Return what only the first of several processes registers; a component by its prefix."""
    uris = [r.uri for r in service.registry.registrations if r.invoke == "single"]
    found: dict[str, None] = {}
    for uri in uris:
        prefixes = (str(one.prefix) for one in _components(app))
        found[next((prefix for prefix in prefixes if uri.startswith(f"{prefix}.")), uri)] = None
    return tuple(found)


def _components(app: Servable) -> list[Any]:
    extensions = getattr(app, "extensions", {}).values()
    return [one for one in extensions if hasattr(one, "summary")]


def console_url(server: Server | None, address: Address | None) -> str | None:
    """Return where the console of a router in this process is; None if it has none."""
    if server is None or address is None or server.own_file is None or not server.is_local:
        return None
    return f"{address.page_url.rstrip('/')}{CONSOLE}"


def _pages(web: WebRecords) -> tuple[tuple[str, str], ...]:
    """Return the paths of web pages, each with what is there."""
    count = len(web.views)
    views = [("/", "1 view" if count == 1 else f"{count} views")] if count else []
    return (
        *views,
        *((static.path, "files") for static in web.statics),
        *((mount.path, _web_app(mount.app)) for mount in web.mounts),
    )


def _web_app(app: object) -> str:
    """Return what a web app is called: its name where it is named, else its class."""
    if isinstance(app, str):
        return app
    return name_of(app) if inspect.isroutine(app) else type(app).__name__


def interval_text(timer: Timer) -> str:
    """Return how often a timer runs."""
    return f"every {timer.seconds:g} s"


def urls_of(address: Address) -> tuple[str, str]:
    """Return the URLs of an embedded router: WebSocket, RawSocket."""
    return address.websocket_url, address.rawsocket_url


def show_start(
    info: ServiceInfo,
    *others: ServiceInfo,
    as_json: bool,
    extra: Sequence[tuple[str, str]] = (),
) -> None:
    """Show that a service is up, on the terminal or in the log.

    Args:
        info: what is shown.
        others: what is shown of the services that run with it, at the same router.
        as_json: whether the log is JSON; then it is one line of it for each service.
        extra: more lines for the terminal, each with its label.
    """
    if not as_json:
        echo(_banner([info, *others], extra))
        return
    for one in (info, *others):
        fields = {
            "router": info.routers[-1],
            "realm": one.realm,
            "procedures": list(one.procedures.names),
            "topics": list(one.topics.names),
            "timers": list(one.timers.names),
            **({"components": dict(one.components)} if one.components else {}),
            **({"pages": one.pages_url} if one.pages and one.pages_url else {}),
        }
        logger.info("%s is up", one.name, extra=fields)


def up_text(*infos: ServiceInfo, workers: int = 1) -> str:
    """Return a sentence that says what is up.

    Args:
        infos: the services.
        workers: how many processes each has.
    """
    names = " and ".join(info.name for info in infos)
    verb = "is" if len(infos) == 1 else "are"
    where = f" in {workers} processes" if workers > 1 else ""
    return f"{names} {verb} up{where}."


def show_stop(*, as_json: bool) -> None:
    """Show that a service stops, on the terminal or in the log."""
    text = "Stopping: running handlers may finish; Ctrl-C again exits now."
    if as_json:
        logger.info(text)
    else:
        echo(f"\n{text}")


def _banner(infos: Sequence[ServiceInfo], extra: Sequence[tuple[str, str]]) -> str:
    first = infos[0]
    rows = [("router" if n == 0 else "", url) for n, url in enumerate(first.routers)]
    if first.note:
        rows[0] = (rows[0][0], f"{rows[0][1]}  ({first.note})")
    realms = {info.realm for info in infos}
    if len(realms) == 1:
        rows.append(("realm", first.realm))
    rows += extra
    for info in infos:
        if info.pages and info.pages_url is not None:
            what = ", ".join(f"{path} ({what})" for path, what in info.pages)
            rows.append(("pages", f"{info.pages_url}  {what}"))
    if first.console_url is not None:
        rows.append(("console", first.console_url))
    for info in infos:
        if len(infos) > 1:
            rows += [("", ""), ("app", info.name)]
        if len(realms) > 1:
            rows.append(("realm", info.realm))
        rows += _offered(info)
    names = ", ".join(info.name for info in infos)
    lines = [f"wampapp {__version__}  {names}", ""]
    lines += [f"  {label:<10}  {text}".rstrip() for label, text in rows]
    if first.host is not None:
        is_secure = first.routers[0].startswith("wss:")
        lines += _exposure(first.host, is_guarded=first.is_guarded, is_secure=is_secure)
    return "\n".join([*lines, "", "Press Ctrl-C to stop.", ""])


def _offered(info: ServiceInfo) -> list[tuple[str, str]]:
    """Return the rows of what a service offers."""
    rows = []
    for title, listing in (
        ("procedures", info.procedures),
        ("topics", info.topics),
        ("timers", info.timers),
    ):
        width = min(_MAX_COLUMN, max((len(text) for text, _ in listing.rows), default=0))
        for number, (text, brief) in enumerate(listing.rows):
            rows.append((title if number == 0 else "", f"{text:<{width}}  {brief}"))
        more = len(listing.names) - len(listing.rows)
        if more:
            rows.append(("", f"and {more:,} more, which the command 'uris' lists"))
    width = max((len(prefix) for prefix, _ in info.components), default=0)
    for number, (prefix, text) in enumerate(info.components):
        rows.append(("components" if number == 0 else "", f"{prefix:<{width}}  {text}".rstrip()))
    return rows


class _Annotation:
    """An annotation that shows as a text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def signature_text(record: Registration | Subscription, *, returns: bool) -> str:
    """Return what callers may send: the handler's parameters without those that we fill in.

    With the keys of parameters that are sent as dictionaries.

    Args:
        record: the declaration.
        returns: whether to show the annotation of the result.
    """
    binding = endpoint_for(record).binding
    signature = binding.signature
    captured = record.pattern.captured if record.pattern else ()
    empty = inspect.Signature.empty
    parameters = [
        p.replace(
            annotation=p.annotation
            if p.annotation is empty
            else _Annotation(with_keys(p.annotation))
        )
        for p in signature.parameters.values()
        if p.name not in captured and p.name != binding.context
    ]
    result = signature.return_annotation if returns else empty
    return str(
        signature.replace(
            parameters=parameters,
            return_annotation=result if result is empty else _Annotation(short(result)),
        )
    )


def _first_line(function: object) -> str:
    """Return the first line of a docstring, empty if there is none."""
    return (getattr(function, "__doc__", None) or "").strip().partition("\n")[0]


def _exposure(host: str, *, is_guarded: bool, is_secure: bool) -> list[str]:
    from wampapp.config.url import is_loopback

    if is_loopback(host) or (is_guarded and is_secure):
        return []
    if is_guarded:
        return [
            "",
            f"  Warning: the router listens on {host}, beyond this machine. What is sent there",
            "  is not encrypted, and neither are tickets.",
        ]
    how = "without a password" if is_secure else "without a password and unencrypted"
    return [
        "",
        f"  Warning: the router listens on {host}, beyond this machine. Anybody who reaches",
        f"  the port can call, publish and register, {how}.",
    ]


def echo(text: str) -> None:
    """Write a text for people: to standard error."""
    # A terminal that is gone must not keep the service from running, or from stopping.
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def router_banner(server: Server, address: Address) -> str:
    """Return what a router without an app prints.

    Args:
        server: the router's server.
        address: where it listens.
    """
    lines = [f"wampapp {__version__}  router", ""]
    lines += [f"  WebSocket   {address.websocket_url}", f"  RawSocket   {address.rawsocket_url}"]
    if (console := console_url(server, address)) is not None:
        lines.append(f"  console     {console}")
    is_guarded = server.router.is_guarded
    lines += _exposure(address.host, is_guarded=is_guarded, is_secure=address.secure)
    lines += ["", "Press Ctrl-C to stop.", ""]
    return "\n".join(lines)
