"""Where a PostgreSQL database is, said without its password."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from wampapp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

#: What holds unless the URL says otherwise. A server that has vanished is noticed after 20 seconds:
#: while nothing is asked, by keepalives; otherwise since what was sent is not acknowledged.
_DEFAULTS: Final[dict[str, Any]] = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 20_000,
}
#: Settings that are secrets.
_SECRETS: Final = ("password", "sslpassword")
#: What the server says stands after this; what comes before it is about the connection.
_SERVER: Final = re.compile(r"(?:FATAL|PANIC|ERROR):\s+")
_HINT: Final = "a '@', ':' or '/' in the user or the password is written as %40, %3A or %2F"


@dataclass(frozen=True, slots=True)
class Place:
    """A database.

    Attributes:
        where: where it is, for messages; without a password.
        settings: how libpq reaches it.
        secrets: what never stands in a message.
    """

    where: str
    settings: dict[str, Any]
    secrets: tuple[str, ...]

    @classmethod
    def of(cls, url: str) -> Place:
        """Return the database of a URL.

        Args:
            url: ``postgresql://user:password@host:port/database``.

        Raises:
            UsageError: it is not valid.
        """
        try:
            known = conninfo_to_dict(url)
        except psycopg.Error:  # its text may quote what was taken for a host, which may be secret
            raise UsageError(f"The store's URL is not valid; {_HINT}.") from None
        host = str(known.get("host") or known.get("hostaddr") or "")
        port = str(known.get("port") or "")
        database = str(known.get("dbname") or "")
        # Where a password holds a character that ends it, its rest is taken for these.
        if "@" in host + database or not re.fullmatch(r"[\d,]*", port):
            raise UsageError(f"The store's URL is not valid; {_HINT}.")
        port = port if port.strip(",") else ""
        settings = _DEFAULTS | known
        if "," in host:  # of several, the one that can be written to
            settings.setdefault("target_session_attrs", "read-write")
        user = f"{known['user']}@" if known.get("user") else ""
        if host.startswith(("/", "@")):  # the folder of a local socket
            where = f"postgresql://{user}/{database}?host={host}" + (
                f"&port={port}" if port else ""
            )
        else:
            host = f"[{host}]" if ":" in host and "," not in host else host
            where = f"postgresql://{user}{host}{f':{port}' if port else ''}/{database}"
        secrets = [str(known[name]) for name in _SECRETS if known.get(name)]
        secrets += [text for text in (os.environ.get("PGPASSWORD"),) if text]
        return cls(where, settings, tuple(secrets))

    def reason(self, error: BaseException) -> str:
        """Return what an error says, as one line to end a sentence with, without a secret.

        Args:
            error: what psycopg raised.
        """
        lines = _lines(str(error).splitlines()) or [type(error).__name__]
        # Of several addresses that were tried, the last; then only what is not known already.
        text = next((line for line in reversed(lines) if _SERVER.search(line)), lines[0])
        text = _SERVER.split(text)[-1] if _SERVER.search(text) else text.rpartition(" failed: ")[2]
        for secret in self.secrets:
            text = text.replace(secret, "…")
        return text.rstrip(".")


def _lines(lines: Iterable[str]) -> list[str]:
    return [line.strip() for line in lines if line.strip()]
