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
from wampapp.client import Client, ConnectedClient, connect
from wampapp.dispatch import CallResult
from wampapp.errors import (
    AppStarted,
    CallTimeout,
    Canceled,
    ConnectionLost,
    DeclarationError,
    DuplicateUri,
    HandlerFailed,
    InvalidArgument,
    InvalidHandler,
    InvalidUri,
    InvalidUrl,
    NoSuchProcedure,
    NotAuthorized,
    NotJoined,
    PayloadNotEncodable,
    PayloadTooLarge,
    PortInUse,
    ProcedureExists,
    ProtocolViolation,
    RouterRefused,
    RouterUnreachable,
    SessionError,
    TargetError,
    UsageError,
    WampappError,
    WampError,
    WrongThread,
)

__all__ = [
    "App",
    "AppStarted",
    "CallResult",
    "CallTimeout",
    "Canceled",
    "Client",
    "ConnectedClient",
    "ConnectionLost",
    "DeclarationError",
    "DuplicateUri",
    "HandlerFailed",
    "InvalidArgument",
    "InvalidHandler",
    "InvalidUri",
    "InvalidUrl",
    "NoSuchProcedure",
    "NotAuthorized",
    "NotJoined",
    "PayloadNotEncodable",
    "PayloadTooLarge",
    "PortInUse",
    "ProcedureExists",
    "ProtocolViolation",
    "RouterRefused",
    "RouterUnreachable",
    "SessionError",
    "TargetError",
    "UsageError",
    "WampError",
    "WampappError",
    "WrongThread",
    "__version__",
    "connect",
]
