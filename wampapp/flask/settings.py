"""The ``WAMP_*`` values of a Flask app's configuration."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from wampapp.config.records import DEFAULT_HOST, DEFAULT_PORT, Config, check_seconds
from wampapp.config.settle import settle, settle_credential, settle_tls
from wampapp.errors import UsageError
from wampapp.protocol import uris

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIMEOUT: Final = 10.0
_THREADS: Final = 40
#: The names that flask-wamp gives them.
_OLD_NAMES: Final = ("CROSSBAR_URL", "ROUTER_URL", "REALM")


@dataclass(frozen=True)
class Settings:
    """The ``WAMP_*`` values of a Flask app, checked.

    Attributes:
        config: which router, and who joins it.
        prefix: the prefix of relative URIs; None if there is none.
        timeout: seconds that a verb in a view may take.
        inline: whether web processes serve what is registered and subscribed.
        threads: the most worker threads for handlers.
    """

    config: Config
    prefix: str | None
    timeout: float
    inline: bool
    threads: int


def wamp_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a Flask app's configuration is for WAMP, to be compared.

    Args:
        values: ``app.config``.
    """
    return {
        name: value
        for name, value in values.items()
        if name.startswith("WAMP_") or name in _OLD_NAMES
    }


def settings_from(values: Mapping[str, Any]) -> Settings:
    """Read a Flask app's configuration.

    Where a value is missing, the ``WAMPAPP_*`` variable counts. flask-wamp's own names
    ``CROSSBAR_URL``, ``ROUTER_URL`` and ``REALM`` count where ``WAMP_URL`` and ``WAMP_REALM`` are
    missing.

    Args:
        values: ``app.config``.

    Raises:
        UsageError: a value is not valid; the message names it.
    """
    timeout = check_seconds(_value(values, "WAMP_TIMEOUT", _TIMEOUT), "WAMP_TIMEOUT")
    if timeout == 0:
        raise UsageError("WAMP_TIMEOUT is 0; give a number of seconds above 0.")
    prefix = _text(values, "WAMP_PREFIX")
    if prefix is not None:
        uris.check_declared(prefix, "prefix")
    threads = _value(values, "WAMP_THREADS", _THREADS)
    if type(threads) is not int or threads < 1:
        raise UsageError(f"WAMP_THREADS is {threads!r}; give a whole number, 1 or more.")
    return Settings(
        config=settle(
            Config(
                host=_text(values, "WAMP_HOST") or DEFAULT_HOST,
                port=_value(values, "WAMP_PORT", DEFAULT_PORT),
                debug=_switch(values, "WAMP_DEBUG"),
                allow_origins=_words(values, "WAMP_ALLOW_ORIGINS"),
                allow_anonymous=_switch(values, "WAMP_ALLOW_ANONYMOUS"),
            ),
            url=_text(values, "WAMP_URL", "CROSSBAR_URL", "ROUTER_URL"),
            realm=_text(values, "WAMP_REALM", "REALM"),
            auth=_value(values, "WAMP_AUTH", None)
            or settle_credential(
                method=_text(values, "WAMP_AUTHMETHOD"),
                authid=_text(values, "WAMP_AUTHID"),
                authrole=_text(values, "WAMP_AUTHROLE"),
                secret=_text(values, "WAMP_SECRET"),
                secret_file=_text(values, "WAMP_SECRET_FILE"),
                key_file=_text(values, "WAMP_KEY_FILE"),
            ),
            tls=_value(values, "WAMP_TLS", None)
            or settle_tls(
                ca=_text(values, "WAMP_CA"),
                certificate=_text(values, "WAMP_CERT"),
                key=_text(values, "WAMP_CERT_KEY"),
                insecure=_switch(values, "WAMP_INSECURE") if "WAMP_INSECURE" in values else None,
            ),
        ),
        prefix=prefix,
        timeout=timeout,
        inline=_switch(values, "WAMP_INLINE"),
        threads=threads,
    )


def _value(values: Mapping[str, Any], name: str, default: Any) -> Any:
    value = values.get(name)
    return default if value is None else value


def _text(values: Mapping[str, Any], *names: str) -> str | None:
    """Return the first of some values that is set, as text: Flask reads digits as a number."""
    for name in names:
        value = values.get(name)
        if value in (None, ""):
            continue
        # Flask reads 12e3 as a float, and what was written cannot be recovered from that.
        if isinstance(value, bool) or not isinstance(value, str | int | os.PathLike):
            raise UsageError(f"{name} is a {type(value).__name__}; give a string.")
        return os.fspath(value) if isinstance(value, os.PathLike) else str(value)
    return None


def _switch(values: Mapping[str, Any], name: str) -> bool:
    value = _value(values, name, False)
    if not isinstance(value, bool):
        raise UsageError(f"{name} is {value!r}; give true or false.")
    return value


def _words(values: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = _value(values, name, ())
    if isinstance(value, str):
        return tuple(value.split())
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise UsageError(f"{name} is {value!r}; give a list of strings.")
    return tuple(value)
