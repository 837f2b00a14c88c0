"""Every exception that wampapp raises, and the WAMP error URIs.

The tree::

    WampappError
    ├── UsageError                the caller's own mistake; nothing was sent
    │   ├── DeclarationError      a registration or subscription that cannot be
    │   │   ├── InvalidUri
    │   │   ├── DuplicateUri
    │   │   ├── InvalidHandler
    │   │   └── AppStarted
    │   ├── InvalidUrl
    │   ├── TargetError           ``wampapp run TARGET`` does not name an app
    │   │   └── BrokenTarget      its code is not valid Python
    │   ├── PortInUse
    │   ├── StoreError            another process has a component's store, or it is newer
    │   └── WrongThread
    ├── HookFailed                a startup or join hook raised
    ├── InvalidResult             a result does not fit what its caller asked for
    ├── SessionError              between this process and the router
    │   ├── RouterUnreachable
    │   ├── RouterRefused
    │   ├── TlsFailed
    │   ├── NotJoined
    │   └── ConnectionLost
    └── WampError                 an error that travels: a URI, args and kwargs
        ├── InvalidArgument       wamp.error.invalid_argument
        ├── NoSuchProcedure       wamp.error.no_such_procedure
        ├── ProcedureExists       wamp.error.procedure_already_exists
        ├── NotAuthorized         wamp.error.not_authorized
        ├── Canceled              wamp.error.canceled
        ├── CallTimeout           wamp.error.timeout
        ├── Overloaded            wampapp.error.overloaded
        ├── PayloadNotEncodable   wampapp.error.payload_not_encodable
        ├── PayloadTooLarge       wamp.error.payload_size_exceeded
        ├── ProtocolViolation     wamp.error.protocol_violation
        ├── StorageFailed         wampapp.error.storage
        ├── Conflict              wampapp.error.conflict
        └── HandlerFailed         wamp.error.runtime_error

An error owns its exit code on the command line (:attr:`WampappError.exit_code`).

The file is long because it is one table, of classes, codes and URIs.
"""

from __future__ import annotations

from typing import Any, ClassVar

__all__ = [
    "AppStarted",
    "BrokenTarget",
    "CallTimeout",
    "Canceled",
    "Conflict",
    "ConnectionLost",
    "DeclarationError",
    "DuplicateUri",
    "HandlerFailed",
    "HookFailed",
    "InvalidArgument",
    "InvalidHandler",
    "InvalidResult",
    "InvalidUri",
    "InvalidUrl",
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
    "SessionError",
    "StorageFailed",
    "StoreError",
    "TargetError",
    "TlsFailed",
    "UsageError",
    "WampError",
    "WampappError",
    "WrongThread",
]

# Exit codes of the command line; the reference documents them.
EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_UNREACHABLE = 3
EXIT_REFUSED = 4
EXIT_ERROR_ANSWER = 5
EXIT_INTERRUPTED = 130

# WAMP error URIs, as in "Predefined URIs" of the specification.
INVALID_URI = "wamp.error.invalid_uri"
NO_SUCH_PROCEDURE = "wamp.error.no_such_procedure"
PROCEDURE_ALREADY_EXISTS = "wamp.error.procedure_already_exists"
NO_SUCH_REGISTRATION = "wamp.error.no_such_registration"
NO_SUCH_SUBSCRIPTION = "wamp.error.no_such_subscription"
NO_SUCH_SESSION = "wamp.error.no_such_session"
NO_SUCH_REALM = "wamp.error.no_such_realm"
FEATURE_NOT_SUPPORTED = "wamp.error.feature_not_supported"
NO_AVAILABLE_CALLEE = "wamp.error.no_available_callee"
UNAVAILABLE = "wamp.error.unavailable"
NO_SUCH_ROLE = "wamp.error.no_such_role"
INVALID_ARGUMENT = "wamp.error.invalid_argument"
NOT_AUTHORIZED = "wamp.error.not_authorized"
AUTHENTICATION_FAILED = "wamp.error.authentication_failed"
CANCELED = "wamp.error.canceled"
TIMEOUT = "wamp.error.timeout"
PROTOCOL_VIOLATION = "wamp.error.protocol_violation"
PAYLOAD_SIZE_EXCEEDED = "wamp.error.payload_size_exceeded"
RUNTIME_ERROR = "wamp.error.runtime_error"
# Close reasons, carried by GOODBYE.
CLOSE_NORMAL = "wamp.close.normal"
CLOSE_REALM = "wamp.close.close_realm"
GOODBYE_AND_OUT = "wamp.close.goodbye_and_out"
SYSTEM_SHUTDOWN = "wamp.close.system_shutdown"
# Ours: the specification has no URI for them.
OVERLOADED = "wampapp.error.overloaded"
LIMIT_EXCEEDED = "wampapp.error.limit_exceeded"
PAYLOAD_NOT_ENCODABLE = "wampapp.error.payload_not_encodable"
STORAGE = "wampapp.error.storage"
CONFLICT = "wampapp.error.conflict"


class WampappError(Exception):
    """The root of every exception that wampapp raises on purpose."""

    #: The exit code of a command that ends with this error.
    exit_code: ClassVar[int] = EXIT_FAILED


class UsageError(WampappError):
    """The caller's own mistake, found before anything was sent."""

    exit_code = EXIT_USAGE


class DeclarationError(UsageError):
    """A registration or a subscription that cannot be made."""


class InvalidUri(DeclarationError, ValueError):
    """A URI that the WAMP specification ("URIs") does not allow."""


class DuplicateUri(DeclarationError, ValueError):
    """A procedure that the app already registers, or a handler subscribed twice to one topic."""


class InvalidHandler(DeclarationError, TypeError):
    """Something that cannot be called, or whose signature cannot be served."""


class AppStarted(DeclarationError, RuntimeError):
    """The app runs already, so its registry is closed."""


class InvalidUrl(UsageError, ValueError):
    """A router URL with a scheme or a form that is not known."""


class TargetError(UsageError):
    """``wampapp run TARGET`` does not name an app."""


class BrokenTarget(TargetError):
    """The code that ``wampapp run TARGET`` names is not valid Python."""


class PortInUse(UsageError):
    """The embedded router's port is taken by something that is not a WAMP router."""


class StoreError(UsageError):
    """A component's store that cannot be opened: another process has it, or it is newer."""


class WrongThread(UsageError, RuntimeError):
    """A blocking verb was called on the loop's own thread, where it could never return."""


class HookFailed(WampappError):
    """A startup or join hook raised; the log has its traceback. The run ends."""


class InvalidResult(WampappError):
    """A procedure's result does not fit the ``returns`` of the caller's handle."""

    exit_code = EXIT_ERROR_ANSWER


class SessionError(WampappError):
    """Something went wrong between this process and the router."""


class RouterUnreachable(SessionError):
    """No router answered at the URL, or not within the handshake timeout."""

    exit_code = EXIT_UNREACHABLE


class RouterRefused(SessionError):
    """The router answered and refused: the session (ABORT), or what the app declares (ERROR).

    Attributes:
        reason: the WAMP error URI that the router gave.
    """

    exit_code = EXIT_REFUSED

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (*self.args, self.reason)


class TlsFailed(SessionError):
    """The router's certificate is not trusted, or the two sides do not agree on TLS."""

    exit_code = EXIT_REFUSED


class NotJoined(SessionError):
    """There is no session to send on: the app or client has not joined, or has left."""

    exit_code = EXIT_UNREACHABLE


class ConnectionLost(SessionError):
    """The link broke while an answer was awaited; the request may have been carried out."""

    exit_code = EXIT_UNREACHABLE


def _shown(value: object) -> str:
    """Return an argument's ``repr``, whatever its class makes of being asked for it."""
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001 - it is the app's own code
        return f"<{type(value).__name__}, whose repr() raised {type(error).__name__}>"


class WampError(WampappError):
    """An error that travels between peers: an error URI, arguments and keyword arguments.

    A handler raises it, the caller receives it. ``uri`` is positional only, so that the
    keyword arguments may carry any name.

    Attributes:
        uri: the error's URI.
        args: the positional arguments, a tuple.
        kwargs: the keyword arguments, a dictionary.
    """

    exit_code = EXIT_ERROR_ANSWER

    def __init__(self, uri: str, /, *args: Any, **kwargs: Any) -> None:
        if not isinstance(uri, str):
            raise TypeError(
                f"{type(self).__name__} takes an error URI first, such as 'com.example.sold_out', "
                f"not {_shown(uri)}."
            )
        super().__init__(*args)
        self.uri = uri
        self.kwargs = kwargs

    def __str__(self) -> str:
        message = self.message
        return f"{self.uri}: {message}" if message else self.uri

    def __repr__(self) -> str:
        parts = [repr(self.uri), *map(_shown, self.args)]
        parts += [f"{name}={_shown(value)}" for name, value in self.kwargs.items()]
        return f"{type(self).__name__}({', '.join(parts)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return error_from_wire, (self.uri, list(self.args), self.kwargs)

    @property
    def message(self) -> str:
        """The arguments as one line for people; empty where there are none."""
        return ", ".join(part if isinstance(part, str) else _shown(part) for part in self.args)

    @property
    def sentence(self) -> str:
        """The error as the command line shows it: URI, arguments and keyword arguments."""
        named = ", ".join(f"{name}={_shown(value)}" for name, value in self.kwargs.items())
        return f"{self}{f' ({named})' if named else ''}"


class _PredefinedError(WampError):
    """A :class:`WampError` whose class stands for its URI."""

    URI: ClassVar[str]

    def __init__(self, /, *args: Any, **kwargs: Any) -> None:
        super().__init__(self.URI, *args, **kwargs)


class InvalidArgument(_PredefinedError):
    """The procedure exists, but not with these arguments."""

    URI = INVALID_ARGUMENT

    @property
    def sentence(self) -> str:
        """The error as the command line shows it; its details repeat its message."""
        return str(self)


class NoSuchProcedure(_PredefinedError):
    """Nobody has registered the procedure."""

    URI = NO_SUCH_PROCEDURE


class ProcedureExists(_PredefinedError):
    """Another session has registered the procedure."""

    URI = PROCEDURE_ALREADY_EXISTS


class NotAuthorized(_PredefinedError):
    """The session is not allowed to do that."""

    URI = NOT_AUTHORIZED


class Canceled(_PredefinedError):
    """The call was cancelled, or its callee's session ended before it answered."""

    URI = CANCELED


class CallTimeout(_PredefinedError):
    """No answer came within the call's timeout."""

    URI = TIMEOUT


class Overloaded(_PredefinedError):
    """The procedure has too many calls waiting; try again later."""

    URI = OVERLOADED


class PayloadNotEncodable(_PredefinedError):
    """A value is of a type that cannot be sent."""

    URI = PAYLOAD_NOT_ENCODABLE


class PayloadTooLarge(_PredefinedError):
    """A message is larger than the peer accepts."""

    URI = PAYLOAD_SIZE_EXCEEDED


class ProtocolViolation(_PredefinedError):
    """The peer sent something that the WAMP specification does not allow."""

    URI = PROTOCOL_VIOLATION


class StorageFailed(_PredefinedError):
    """A component could not store something, as on a full disk; nothing was changed."""

    URI = STORAGE


class Conflict(_PredefinedError):
    """A component has something newer than what a change was made for; nothing was changed.

    Attributes:
        current: what it has; None if it has nothing.
    """

    URI = CONFLICT

    def __init__(self, /, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.current: Any = kwargs.get("current")

    @property
    def sentence(self) -> str:
        """The error as the command line shows it; its details repeat its message."""
        return str(self)


class HandlerFailed(_PredefinedError):
    """The procedure's handler raised an exception that is not a :class:`WampError`."""

    URI = RUNTIME_ERROR


_BY_URI: dict[str, type[_PredefinedError]] = {
    cls.URI: cls for cls in _PredefinedError.__subclasses__()
}


def error_from_wire(uri: str, args: list[Any], kwargs: dict[str, Any]) -> WampError:
    """Make the exception for an error URI.

    Args:
        uri: the error's URI.
        args: its positional arguments.
        kwargs: its keyword arguments; any names.

    Returns:
        An instance of the class that stands for ``uri``, else a plain :class:`WampError`.
    """
    cls = _BY_URI.get(uri)
    return WampError(uri, *args, **kwargs) if cls is None else cls(*args, **kwargs)
