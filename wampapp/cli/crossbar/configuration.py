"""The configuration of a Crossbar.io node for some apps: commented, valid and safe."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wampapp.app import App

#: The largest message, in bytes: RawSocket's limit.
_MAX_MESSAGE: Final = 2**24
_SERIALIZERS: Final = ["msgpack", "cbor", "json"]
_VERBS: Final = ("call", "register", "publish", "subscribe")


@dataclass
class Offer:
    """What apps offer, as far as roles are made of it.

    Attributes:
        prefixes: what the URIs of each app begin with.
        procedures: what they register: how it is matched, and the URI.
        topics: what they subscribe to.
        published: what they say that they publish.
        others: the URIs that are below none of the prefixes.
    """

    prefixes: list[str] = field(default_factory=list)
    procedures: list[tuple[str, str]] = field(default_factory=list)
    topics: list[tuple[str, str]] = field(default_factory=list)
    published: list[tuple[str, str]] = field(default_factory=list)

    def add(self, app: App) -> None:
        """Add what an app offers."""
        if app.prefix and f"{app.prefix}." not in self.prefixes:
            self.prefixes.append(f"{app.prefix}.")
        registry = app.registry
        self.procedures += [_key(one) for one in registry.registrations if not one.about.hidden]
        self.topics += [_key(one) for one in registry.subscriptions]
        self.published += [_key(one) for one in registry.publications]

    def is_below(self, uri: str) -> bool:
        """Return whether a URI is below one of the prefixes."""
        return any(uri.startswith(prefix) for prefix in self.prefixes)


def _key(record: Any) -> tuple[str, str]:
    pattern = record.pattern
    return ("exact", record.uri) if pattern is None else (pattern.match, pattern.uri)


@dataclass(frozen=True)
class Node:
    """What a node is to be like.

    Attributes:
        realm: the realm.
        interface: the address that it listens on.
        port: its port.
        name: begins the names of the variables that hold secrets.
        tls_cert: the file of its certificate; None for without TLS.
        tls_key: the file of its private key.
        origins: the origins of web pages that may open a WebSocket.
        public_keys: the public keys of services, as hexadecimal digits.
    """

    realm: str
    interface: str
    port: int
    name: str
    tls_cert: str | None = None
    tls_key: str | None = None
    origins: Sequence[str] = ()
    public_keys: Sequence[str] = ()

    def variable(self, what: str) -> str:
        """Return the name of the variable that holds a secret."""
        plain = re.sub(r"[^A-Z0-9]+", "_", self.name.upper()).strip("_") or "APP"
        return f"{plain}_{what}"


def configuration(node: Node, offer: Offer) -> str:
    """Return the text of ``config.yaml``.

    Args:
        node: what it is to be like.
        offer: what the apps offer that join it.
    """
    parts = [
        "# Check it with 'wampapp crossbar check', and start it with 'wampapp crossbar start'.",
        "version: 2",
        "controller:",
        "  options:",
        "    # A node whose router has ended is of no use: it ends too, and is started again.",
        "    shutdown: [shutdown_on_worker_exit]",
        "# Services are not guests of the node: a guest that crashes is never started again, and",
        "# the node ends its router before them. A process manager runs them.",
        "workers:",
        "- type: router",
        "  realms:",
        f"  - name: {_json(node.realm)}",
        "    # There is no role for anonymous sessions: whoever joins has proved who it is.",
        "    roles:",
        *_roles(offer),
        "  transports:",
        *_transport(node),
    ]
    return "\n".join(parts) + "\n"


def _roles(offer: Offer) -> list[str]:
    everything = dict.fromkeys(_VERBS, True)
    meta = {"call": True, "subscribe": True}
    own = [("prefix", prefix) for prefix in offer.prefixes]
    lines = ["    # Services: all that is below the prefixes of the apps, and nothing else."]
    lines += ["    - name: service", "      permissions:"]
    for match, uri in own:
        lines += _permission(uri, match, everything)
    for match, uri in _others(offer, offer.procedures):
        lines += _permission(uri, match, {"call": True, "register": True})
    for match, uri in _others(offer, [*offer.topics, *offer.published]):
        if not uri.startswith("wamp."):
            lines += _permission(uri, match, {"publish": True, "subscribe": True})
    lines += ["      # By which an app speaks of itself: what it offers, and whether it is well."]
    lines += _permission("wampapp.", "prefix", {"call": True, "register": True})
    lines += ["      # Who is there, and what is registered."]
    lines += _permission("wamp.", "prefix", meta)
    lines += ["    # Clients: they call what is registered, and hear what is published."]
    lines += ["    - name: client", "      permissions:"]
    called = sorted(set(offer.procedures))
    for match, uri in called:
        lines += _permission(uri, match, {"call": True})
    for match, uri in sorted(set(offer.published)):
        lines += _permission(uri, match, {"subscribe": True})
    if not called and not offer.published:
        lines += _permission("com.example.nothing", "exact", {})
    return lines


def _others(offer: Offer, keys: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted({(match, uri) for match, uri in keys if not offer.is_below(uri)})


def _permission(uri: str, match: str, allowed: dict[str, bool]) -> list[str]:
    allow = {verb: allowed.get(verb, False) for verb in _VERBS}
    return [
        f"      - uri: {_json(uri)}",
        f"        match: {match}",
        f"        allow: {_json(allow)}",
        # Whoever calls or publishes is named to those who ask for it.
        f"        disclose: {_json({'caller': True, 'publisher': True})}",
        "        cache: true",
    ]


def _transport(node: Node) -> list[str]:
    lines = [
        "  - type: universal",
        "    endpoint:",
        "      type: tcp",
        f"      interface: {_json(node.interface)}",
        f"      port: {node.port}",
        "      backlog: 1024",
    ]
    if node.tls_cert is not None:
        lines += [
            "      tls:",
            f"        certificate: {_json(node.tls_cert)}",
            f"        key: {_json(node.tls_key)}",
        ]
    auth = _auth(node)
    lines += [
        "    # Services join here.",
        "    rawsocket:",
        f"      serializers: {_json(_SERIALIZERS)}",
        "      options:",
        f"        max_message_size: {_MAX_MESSAGE}",
        *(f"      {line}" for line in auth),
        "    # Web pages and other clients join at /ws.",
        "    websocket:",
        "      ws:",
        "        type: websocket",
        f"        serializers: {_json(_SERIALIZERS)}",
        "        options:",
        f"          max_frame_size: {_MAX_MESSAGE}",
        f"          max_message_size: {_MAX_MESSAGE}",
        "          open_handshake_timeout: 10000",
        "          # A peer that is gone is noticed within 25 s.",
        "          auto_ping_interval: 15000",
        "          auto_ping_timeout: 10000",
        "          auto_ping_size: 12",
        "          # Only pages from here; a page may be opened by anybody, anywhere.",
        f"          allowed_origins: {_json(list(node.origins))}",
        "          allow_null_origin: false",
        "          enable_webstatus: false",
        "          show_server_version: false",
        *(f"        {line}" for line in auth),
        "    web:",
        "      paths:",
        "        /:",
        "          type: json",
        "          value: {}",
        "        # For what watches it.",
        "        healthz:",
        "          type: json",
        "          value: {ok: true}",
    ]
    return lines


def _auth(node: Node) -> list[str]:
    service = node.variable("SERVICE_SECRET")
    client = node.variable("CLIENT_TICKET")
    lines = [
        "auth:",
        "  # Secrets are variables of the environment. 'wampapp crossbar check' and 'start' see to",
        "  # it that they are set: Crossbar.io itself would only warn.",
        "  wampcra:",
        "    type: static",
        "    users:",
        "      service:",
        f"        secret: ${{{service}}}",
        "        role: service",
        "  ticket:",
        "    type: static",
        "    principals:",
        "      client:",
        f"        ticket: ${{{client}}}",
        "        role: client",
    ]
    if node.public_keys:
        lines += [
            "  cryptosign:",
            "    type: static",
            "    principals:",
            "      service:",
            f"        realm: {_json(node.realm)}",
            "        role: service",
            f"        authorized_keys: {_json(list(node.public_keys))}",
        ]
    return lines


def _json(value: Any) -> str:
    """Return a value as JSON, which is YAML too."""
    return json.dumps(value)
