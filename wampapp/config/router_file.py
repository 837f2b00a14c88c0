"""The file of a router, in TOML: its realms, who may join them, and who may do what there."""

from __future__ import annotations

import contextlib
import difflib
import os
import stat
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from wampapp.config.access import Permission, Principal, RealmConfig, Role, RouterConfig
from wampapp.config.listeners import Listener
from wampapp.config.toml_places import places
from wampapp.errors import UsageError
from wampapp.protocol.hashes import ScramKeys, TicketHash, WampcraKey
from wampapp.protocol.patterns import MATCHES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ROUTER: Final = ("realms", "open_realms", "listeners", "tls_client_ca")
_LISTENER: Final = ("port", "host", "unix", "mode", "tls_cert", "tls_key")
_ASKING: Final = ("authenticator", "identifier", "ask_timeout", "ask_cache")
_REALM: Final = ("anonymous", "roles", "principals", *_ASKING)
_ROLE: Final = ("permissions", "authorizer", "session_timeout")
_PERMISSION: Final = ("uri", "match", "allow", "disclose")
_PRINCIPAL: Final = ("role", "ticket", "wampcra", "scram", "cryptosign", "tls")
#: What reads a hash, and what makes one of a secret that comes from the environment.
_SECRETS: Final[dict[str, tuple[Any, Any]]] = {
    "ticket": (TicketHash.parse, TicketHash.of),
    "wampcra": (WampcraKey.parse, WampcraKey.plain),
    "scram": (ScramKeys.parse, ScramKeys.of),
}
_MAX_SIZE: Final = 16 * 2**20
_NAMES: Final = {str: "a string", bool: "true or false", list: "a list", dict: "a table"}


def read_router_file(
    path: str | os.PathLike[str], environ: Mapping[str, str] | None = None
) -> RouterConfig:
    """Read a router's file.

    Args:
        path: the file.
        environ: where secrets come from that the file only names; the process's own environment
            by default.

    Raises:
        UsageError: it cannot be read, holds a mistake, whose line and column are named, or holds
            hashes of secrets and can be read by others.
    """
    try:
        with Path(path).open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_MAX_SIZE)
    except OSError as error:
        raise UsageError(f"The router's file {path} cannot be read: {error.strerror}.") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"The router's file {path} is not UTF-8 text.") from None
    reader = _Reader(str(path), text, os.environ if environ is None else environ)
    config = reader.read()
    if reader.has_secrets and os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise UsageError(
            f"The router's file {path} holds hashes of secrets and can be read by others; run: "
            f"chmod 600 {path}"
        )
    return config


class _Reader:
    """Makes the records of one file.

    Args:
        name: the file's name, for sentences.
        text: what it holds.
        environ: where secrets come from.

    Attributes:
        has_secrets: whether the file holds hashes.
    """

    def __init__(self, name: str, text: str, environ: Mapping[str, str]) -> None:
        self._name = name
        self._text = text.replace("\r\n", "\n")
        self._environ = environ
        self.has_secrets = False
        self._client_ca: str | None = None

    def read(self) -> RouterConfig:
        """Read it all."""
        try:
            table = tomllib.loads(self._text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            text = str(error) or "It nests too deep"
            message, _, where = text.rstrip(")").partition(" (at ")
            raise UsageError(f"{self._name}{where and f', {where}'}: {message}.") from None
        self._check_keys(table, (), _ROUTER, "A router's file")
        self._client_ca = self._get(table, (), "tls_client_ca", str, None)
        realms = self._get(table, (), "realms", dict, {})
        found = [
            self._realm(self._is(realm, ("realms", name), dict), ("realms", name))
            for name, realm in realms.items()
        ]
        listeners = []
        for number, listener in enumerate(self._get(table, (), "listeners", list, [])):
            place = ("listeners", number)
            given = self._is(listener, place, dict)
            self._check_keys(given, place, _LISTENER, "A listener")
            with self._at(place):
                listeners.append(Listener(**given))
        return RouterConfig(
            found,
            self._get(table, (), "open_realms", bool, False),
            listeners,
            tls_client_ca=self._client_ca,
        )

    def _realm(self, table: dict[str, Any], path: tuple[str | int, ...]) -> RealmConfig:
        name = str(path[-1])
        self._check_keys(table, path, _REALM, "A realm")
        roles = [
            self._role(
                self._is(role, (*path, "roles", role_name), dict), (*path, "roles", role_name)
            )
            for role_name, role in self._get(table, path, "roles", dict, {}).items()
        ]
        with self._at(path):
            realm = RealmConfig(name, roles)
        principals = []
        for authid, principal in self._get(table, path, "principals", dict, {}).items():
            place = (*path, "principals", authid)
            principals.append(self._principal(self._is(principal, place, dict), place, realm))
        anonymous = self._get(table, path, "anonymous", str, None)
        with self._at((*path, "anonymous")):
            RealmConfig(name, roles, anonymous=anonymous)
        asking: dict[str, Any] = {}
        for key in _ASKING:
            if key in table:
                asking[key] = table[key]
                with self._at((*path, key)):
                    RealmConfig(name, **asking)
        with self._at((*path, "principals")):
            return RealmConfig(name, roles, principals, anonymous, **asking)

    def _role(self, table: dict[str, Any], path: tuple[str | int, ...]) -> Role:
        self._check_keys(table, path, _ROLE, "A role")
        listed = self._get(table, path, "permissions", list, [])
        permissions = []
        for number, permission in enumerate(listed):
            place = (*path, "permissions", number)
            permissions.append(self._permission(self._is(permission, place, dict), place))
        with self._at(path):
            Role(str(path[-1]), permissions)
        more: dict[str, Any] = {}
        for key in ("authorizer", "session_timeout"):
            if key in table:
                more[key] = table[key]
                with self._at((*path, key)):
                    Role(str(path[-1]), permissions, **more)
        return Role(str(path[-1]), permissions, **more)

    def _permission(self, table: dict[str, Any], path: tuple[str | int, ...]) -> Permission:
        self._check_keys(table, path, _PERMISSION, "A permission")
        if "uri" not in table:
            raise self._mistake(path, "The permission has no uri; give one.")
        # One by one, so that the place of the mistake is known.
        given: dict[str, Any] = {key: table[key] for key in ("uri", "match") if key in table}
        wrong = "uri" if given.get("match", "exact") in MATCHES else "match"
        with self._at((*path, wrong)):
            Permission(**given)
        for key in ("allow", "disclose"):
            if key in table:
                given[key] = table[key]
                with self._at((*path, key)):
                    Permission(**given)
        return Permission(**given)

    def _principal(
        self, table: dict[str, Any], path: tuple[str | int, ...], realm: RealmConfig
    ) -> Principal:
        authid = str(path[-1])
        self._check_keys(table, path, _PRINCIPAL, "A principal")
        role = self._get(table, path, "role", str, None)
        if role is None:
            raise self._mistake(path, f"The principal {authid!r} has no role; give one.")
        with self._at((*path, "role")):
            realm.check_role(role, f"The principal {authid!r} has")
        kept = {
            method: self._secret(table[method], (*path, method), authid)
            for method in _SECRETS
            if method in table
        }
        keys = self._get(table, path, "cryptosign", list, [])
        certificates = self._get(table, path, "tls", list, [])
        if not kept and not keys and not certificates:
            raise self._mistake(
                path,
                f"The principal {authid!r} has nothing to prove who it is; give one of "
                f"{', '.join(_PRINCIPAL[1:])}.",
            )
        with self._at((*path, "cryptosign")):
            Principal(authid, role, cryptosign=keys)
        with self._at((*path, "tls") if certificates else path):
            principal = Principal(authid, role, **kept, cryptosign=keys, tls=certificates)
            found = RealmConfig(realm.name, realm.roles, [principal])
            RouterConfig([found], tls_client_ca=self._client_ca)
            return principal

    def _secret(self, value: Any, path: tuple[str | int, ...], authid: str) -> Any:
        method = str(path[-1])
        parse, make = _SECRETS[method]
        if isinstance(value, dict):
            self._check_keys(value, path, ("env",), f"A {method}")
            variable = self._get(value, path, "env", str, "")
            secret = self._environ.get(variable)
            if not secret:
                raise self._mistake(
                    path, f"The {method} of {authid!r} is in the variable {variable!r}: set it."
                )
            with self._at(path):
                return make(secret)
        self.has_secrets = True
        kept = parse(value) if isinstance(value, str) else None
        if kept is None:
            # Not repeated: it may well be the secret.
            raise self._mistake(
                path,
                f"The {method} of {authid!r} is not a hash; make one with 'wampapp router hash "
                f'{method}\', or name a variable: {{ env = "…" }}.',
            )
        return kept

    # Where it stands, and what it is.

    def _check_keys(
        self,
        table: dict[str, Any],
        path: tuple[str | int, ...],
        known: tuple[str, ...],
        what: str,
    ) -> None:
        for key in table:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known)}."
                raise self._mistake((*path, key), f"{what} does not have {key!r}; {hint}")

    def _get(
        self, table: dict[str, Any], path: tuple[str | int, ...], key: str, kind: type, default: Any
    ) -> Any:
        return self._is(table[key], (*path, key), kind) if key in table else default

    def _is(self, value: Any, path: tuple[str | int, ...], kind: type) -> Any:
        if not isinstance(value, kind):
            raise self._mistake(path, f"{path[-1]!r} must be {_NAMES[kind]}.")
        return value

    @contextlib.contextmanager
    def _at(self, path: tuple[str | int, ...]) -> Iterator[None]:
        """Say where a record stands that is refused."""
        try:
            yield
        except UsageError as error:
            raise self._mistake(path, str(error)) from None

    def _mistake(self, path: tuple[str | int, ...], sentence: str) -> UsageError:
        found = places(self._text)
        while path not in found and path:
            path = path[:-1]
        line, column = found.get(path, (1, 1))
        return UsageError(f"{self._name}, line {line}, column {column}: {sentence}")
