"""The one place that turns what a handler raised into a WAMP error, and logs it."""

from __future__ import annotations

import secrets
import traceback
from typing import TYPE_CHECKING

from wampapp.errors import HandlerFailed, InvalidArgument, WampError
from wampapp.protocol import uris
from wampapp.protocol.payload import sendable
from wampapp.registry.autobahn_classes import as_wamp_error

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

    from wampapp.registry.endpoint import Endpoint


class Failures:
    """Turns exceptions into what callers get, and logs those that are defects of the app.

    Args:
        logger: where a traceback goes.
        debug: whether a caller gets the exception's type, message and traceback.

    Attributes:
        on_failure: called with each exception that was logged, its traceback without our frames,
            and with the error id that a caller got; the id is empty where there is no caller.
    """

    def __init__(self, logger: logging.Logger, *, debug: bool = False) -> None:
        self._logger = logger
        self._debug = debug
        self.on_failure: Callable[[BaseException, str], None] | None = None

    def error_for(self, endpoint: Endpoint, error: BaseException) -> WampError:
        """Turn what a procedure raised into what its caller gets.

        An exception that is neither a :class:`WampError`, nor Autobahn's ``ApplicationError``, nor
        defined or marked (``@wamp.error``) as one is logged with its traceback under an error id;
        the caller gets the id and, unless ``debug`` is on, nothing internal.

        Args:
            endpoint: the procedure.
            error: what it raised, or what kept the call away from it.

        Returns:
            An error with a valid URI; the same object where it was one already.
        """
        if isinstance(error, WampError):
            return self._with_valid_uri(endpoint, error)
        defined = endpoint.uri_for(error)
        if (theirs := as_wamp_error(error, defined)) is not None:
            return self._with_valid_uri(endpoint, theirs)
        if defined is not None:
            public = {n: v for n, v in vars(error).items() if not n.startswith("_")}
            return self._with_valid_uri(endpoint, WampError(defined, *error.args, **public))
        return self.failed(endpoint, error)

    def failed(self, endpoint: Endpoint, error: BaseException) -> HandlerFailed:
        """Log an exception, and return what a caller may know of it.

        Args:
            endpoint: the procedure.
            error: what it raised, or what kept its answer from being sent; of any class.

        Returns:
            An error that can always be sent.
        """
        error_id = secrets.token_hex(4)
        own = without_our_frames(error)
        self._log(f"{endpoint.uri} failed (error id {error_id})", own, error_id)
        if self._debug:
            return HandlerFailed(
                sendable(f"{type(error).__name__}: {_text(error)}"),
                error_id=error_id,
                traceback=sendable("".join(traceback.format_exception(own))),
            )
        return HandlerFailed(
            f"The procedure failed; the service's log says why, under the error id {error_id}.",
            error_id=error_id,
        )

    def _with_valid_uri(self, endpoint: Endpoint, error: WampError) -> WampError:
        if uris.is_valid(error.uri):
            return error
        error_id = secrets.token_hex(4)
        self._report(error, error_id)
        self._logger.error(
            "%s raised an error with the invalid URI %r (error id %s)",
            endpoint.uri,
            error.uri,
            error_id,
        )
        text = error.message or "The procedure raised an error whose URI is not valid."
        return HandlerFailed(text, error_id=error_id)

    def log_event(self, endpoint: Endpoint, error: BaseException) -> None:
        """Log what the handler of an event raised.

        Args:
            endpoint: the handler.
            error: what it raised, or what kept the event away from it.
        """
        if isinstance(error, InvalidArgument) and error.__traceback__ is None:
            # The event never reached the handler, so a traceback would show only our code.
            self._logger.error("%s: an event does not fit: %s", endpoint.uri, error.message)
            self._report(error, "")
            return
        self.log(f"{endpoint.uri} failed on an event", error)

    def log(self, what: str, error: BaseException) -> None:
        """Log an exception that no caller gets, with its traceback.

        Args:
            what: what failed, as the line says it.
            error: the exception.
        """
        self._log(what, without_our_frames(error), "")

    def _log(self, what: str, own: BaseException, error_id: str) -> None:
        self._report(own, error_id)
        self._logger.error("%s", what, exc_info=(type(own), own, own.__traceback__))

    def _report(self, error: BaseException, error_id: str) -> None:
        if self.on_failure is not None:
            self.on_failure(error, error_id)


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as raised:  # noqa: BLE001 - it is the app's own code
        return f"it has no text, for its own code raised {type(raised).__name__}"


def without_our_frames(error: BaseException) -> BaseException:
    """Cut the frames of this package off the top of a traceback: it starts in user code."""
    here = __name__.partition(".")[0]
    tb = error.__traceback__
    while tb is not None and tb.tb_next is not None:
        module = tb.tb_frame.f_globals.get("__name__", "")
        if module.partition(".")[0] != here:
            break
        tb = tb.tb_next
    return error.with_traceback(tb)
