"""WAMP services as easily as Flask made HTTP.

::

    from wampapp import App

    app = App(prefix="com.example")

    @app.register                       # com.example.add
    def add(a: int, b: int) -> int:
        return a + b

    app.run()

Importing this module starts nothing and installs no reactor.
"""

from wampapp._version import __version__
from wampapp.app import App
from wampapp.auth import Anonymous, Cryptosign, Scram, Ticket, Wampcra
from wampapp.blueprint import Blueprint
from wampapp.client import Client, ConnectedClient, connect
from wampapp.config import Tls
from wampapp.context import Call, Event, Invocation
from wampapp.errors import (
    AppStarted,
    CallTimeout,
    Canceled,
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
    TargetError,
    TlsFailed,
    UsageError,
    WampappError,
    WampError,
    WrongThread,
)
from wampapp.results import CallResult

__all__ = [
    "Anonymous",
    "App",
    "AppStarted",
    "Blueprint",
    "Call",
    "CallResult",
    "CallTimeout",
    "Canceled",
    "Client",
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
    "PayloadNotEncodable",
    "PayloadTooLarge",
    "PortInUse",
    "ProcedureExists",
    "ProtocolViolation",
    "RouterRefused",
    "RouterUnreachable",
    "Scram",
    "SessionError",
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
