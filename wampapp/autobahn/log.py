"""What a session of Autobahn's logs, in the log of the process."""

from __future__ import annotations

import logging
import sys
from typing import Any, Final

_TRACE: Final = 5
#: txaio's names of levels.
_LEVELS: Final = {
    "none": logging.CRITICAL + 1,
    "critical": logging.CRITICAL,
    "error": logging.ERROR,
    "warn": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
    "trace": _TRACE,
}


class SessionLog:
    """What ``self.log`` is in a session: Autobahn's methods on a logger of the standard library.

    All that a logger has besides is there, too, and positional arguments are put in as it does.

    Args:
        logger: the logger.
    """

    def __init__(self, logger: logging.Logger | logging.LoggerAdapter[Any]) -> None:
        self._logger = logger

    def __getattr__(self, name: str) -> Any:
        """Return what only the logger has."""
        return getattr(self._logger, name)

    def _log(
        self,
        level: int,
        format: object,  # noqa: A002
        args: tuple[object, ...],
        kwargs: dict[str, Any],
        error: BaseException | None = None,
    ) -> None:
        if not self._logger.isEnabledFor(level):
            return
        if error is None:
            error = getattr(kwargs.get("log_failure"), "value", kwargs.get("exc_info"))
        self._logger.log(level, "%s", _formatted(format, args, kwargs), exc_info=error)

    def critical(self, format: object = None, *args: object, **kwargs: Any) -> None:  # noqa: A002
        """Log at the level critical."""
        self._log(logging.CRITICAL, format, args, kwargs)

    def error(self, format: object = None, *args: object, **kwargs: Any) -> None:  # noqa: A002
        """Log at the level error."""
        self._log(logging.ERROR, format, args, kwargs)

    def warn(self, format: object = None, *args: object, **kwargs: Any) -> None:  # noqa: A002
        """Log at the level warning."""
        self._log(logging.WARNING, format, args, kwargs)

    def info(self, format: object = None, *args: object, **kwargs: Any) -> None:  # noqa: A002
        """Log at the level info."""
        self._log(logging.INFO, format, args, kwargs)

    def debug(self, format: object = None, *args: object, **kwargs: Any) -> None:  # noqa: A002
        """Log at the level debug."""
        self._log(logging.DEBUG, format, args, kwargs)

    def trace(self, format: object = None, *args: object, **kwargs: Any) -> None:  # noqa: A002
        """Log below the level debug."""
        self._log(_TRACE, format, args, kwargs)

    def emit(self, level: str, format: object = None, *args: object, **kwargs: Any) -> None:  # noqa: A002
        """Log at a level that is given by its name."""
        if level != "none":
            self._log(_LEVELS[level], format, args, kwargs)

    def failure(self, format: object = None, failure: Any = None, **kwargs: Any) -> None:  # noqa: A002
        """Log an error with its traceback: Twisted's failure, or the exception being handled."""
        error = sys.exc_info()[1] if failure is None else getattr(failure, "value", failure)
        if failure is not None:
            kwargs["log_failure"] = failure
        self._log(logging.ERROR, format, (), kwargs, error)

    def set_log_level(self, level: str, keep: bool = True) -> None:  # noqa: ARG002
        """Log what is at a level, given by its name, or above it."""
        self._logger.setLevel(_LEVELS[level])


def log_of(session: Any, name: str) -> Any:
    """Return what a session logs to: its class's or its own logger, if it brings one.

    Args:
        session: one of Autobahn's, which has made a logger of txaio's for itself.
        name: what it is called in the log.
    """
    own = session.log
    for found in (own, getattr(type(session), "log", None)):
        if isinstance(found, logging.Logger | logging.LoggerAdapter):
            # Autobahn logs to it as well, in a way of its own.
            return SessionLog(found)
    if type(own).__module__.startswith("txaio."):
        return SessionLog(logging.getLogger(name))
    return own


def _formatted(format: object, args: tuple[object, ...], kwargs: dict[str, Any]) -> str:  # noqa: A002
    """Return a line of the log; what does not fit must not end what logs it."""
    text = "" if format is None else str(format)
    try:
        return text % args if args else text.format(**kwargs)
    except Exception:  # noqa: BLE001
        rest = (*args, kwargs) if kwargs else args
        return " ".join([text, *map(repr, rest)])
