"""WAMP services as easily as Flask made HTTP.

::

    from wampapp import App

    app = App(prefix="com.example")

    @app.register                       # com.example.add
    def add(a: int, b: int) -> int:
        return a + b

    app.run()

Importing this module starts nothing and installs no reactor. What it exports is imported on first
use, so that a command's ``--help`` or a test plugin costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from wampapp._version import __version__

if TYPE_CHECKING:
    from wampapp.app import App
    from wampapp.client.active import (
        ActiveRegistration,
        ActiveSubscription,
        BlockingRegistration,
        BlockingSubscription,
    )
    from wampapp.client.blocking import Client, PeerClient
    from wampapp.client.connect import ConnectedClient, connect
    from wampapp.config.records import Tls
    from wampapp.errors import (
        AppStarted,
        BrokenTarget,
        CallTimeout,
        Canceled,
        Conflict,
        ConnectionLost,
        DeclarationError,
        DuplicateUri,
        HandlerFailed,
        HookFailed,
        InvalidArgument,
        InvalidHandler,
        InvalidResult,
        InvalidUri,
        InvalidUrl,
        NoSuchProcedure,
        NotAuthorized,
        NotJoined,
        Overloaded,
        PayloadNotEncodable,
        PayloadTooLarge,
        PortInUse,
        ProcedureExists,
        ProtocolViolation,
        RouterRefused,
        RouterUnreachable,
        SessionError,
        StorageFailed,
        StoreError,
        TargetError,
        TlsFailed,
        UsageError,
        WampappError,
        WampError,
        WrongThread,
    )
    from wampapp.protocol.credentials import (
        Anonymous,
        ClientCertificate,
        Cryptosign,
        Scram,
        Ticket,
        Wampcra,
    )
    from wampapp.registry.blueprint import Blueprint
    from wampapp.registry.context import Call, Event, Invocation
    from wampapp.registry.page_request import PageRequest
    from wampapp.registry.results import CallResult

__all__ = [
    "ActiveRegistration",
    "ActiveSubscription",
    "Anonymous",
    "App",
    "AppStarted",
    "BlockingRegistration",
    "BlockingSubscription",
    "Blueprint",
    "BrokenTarget",
    "Call",
    "CallResult",
    "CallTimeout",
    "Canceled",
    "Client",
    "ClientCertificate",
    "Conflict",
    "ConnectedClient",
    "ConnectionLost",
    "Cryptosign",
    "DeclarationError",
    "DuplicateUri",
    "Event",
    "HandlerFailed",
    "HookFailed",
    "InvalidArgument",
    "InvalidHandler",
    "InvalidResult",
    "InvalidUri",
    "InvalidUrl",
    "Invocation",
    "NoSuchProcedure",
    "NotAuthorized",
    "NotJoined",
    "Overloaded",
    "PageRequest",
    "PayloadNotEncodable",
    "PayloadTooLarge",
    "PeerClient",
    "PortInUse",
    "ProcedureExists",
    "ProtocolViolation",
    "RouterRefused",
    "RouterUnreachable",
    "Scram",
    "SessionError",
    "StorageFailed",
    "StoreError",
    "TargetError",
    "Ticket",
    "Tls",
    "TlsFailed",
    "UsageError",
    "WampError",
    "WampappError",
    "Wampcra",
    "WrongThread",
    "__version__",
    "connect",
]

#: The module that each export comes from; the errors come from ``errors``.
_HOMES = {
    "App": "app",
    "Anonymous": "protocol.credentials",
    "ClientCertificate": "protocol.credentials",
    "Cryptosign": "protocol.credentials",
    "Scram": "protocol.credentials",
    "Ticket": "protocol.credentials",
    "Wampcra": "protocol.credentials",
    "Blueprint": "registry.blueprint",
    "ActiveRegistration": "client.active",
    "ActiveSubscription": "client.active",
    "BlockingRegistration": "client.active",
    "BlockingSubscription": "client.active",
    "Client": "client.blocking",
    "PeerClient": "client.blocking",
    "ConnectedClient": "client.connect",
    "connect": "client.connect",
    "Tls": "config.records",
    "Call": "registry.context",
    "Event": "registry.context",
    "Invocation": "registry.context",
    "PageRequest": "registry.page_request",
    "CallResult": "registry.results",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'wampapp' has no attribute {name!r}")
    try:
        found = getattr(import_module(f"wampapp.{_HOMES.get(name, 'errors')}"), name)
    except (ImportError, AttributeError) as error:
        from wampapp.observe.hidden import explain

        explained = explain(error)
        if explained is None:
            raise
        raise explained from None
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
