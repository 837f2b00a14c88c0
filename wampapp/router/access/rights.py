"""What a role may do: its permissions, made ready to be looked up. Sans-I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wampapp.config.access import ACTIONS, TRUSTED, Permission
from wampapp.protocol import uris
from wampapp.router.access.coverage import covers, meets, rank
from wampapp.router.index import EXACT, PREFIX, UriIndex

if TYPE_CHECKING:
    from collections.abc import Collection

#: What a URI gets that no permission matches.
NOTHING: Final = Permission("", match=PREFIX)
#: What is kept of the decisions: the last so many, of URIs up to so many characters.
_MAX_DECISIONS: Final = 4096
_MAX_KEPT_URI: Final = 256
_RESERVED: Final = (PREFIX, uris.RESERVED)


class Decisions(dict[str, Permission]):
    """The permission that decides over a URI, looked up once.

    Args:
        permissions: those of the role.
    """

    def __init__(self, permissions: Collection[Permission]) -> None:
        super().__init__()
        self._own: UriIndex[Permission] = UriIndex()
        self._reserved: UriIndex[Permission] = UriIndex()
        for permission in permissions:
            index = self._reserved if permission.uri.startswith(uris.RESERVED) else self._own
            index.add(permission.match or EXACT, permission.uri, permission)

    def __missing__(self, uri: str) -> Permission:
        index = self._reserved if uri.startswith(uris.RESERVED) else self._own
        permission = index.best(uri) or NOTHING
        if len(uri) <= _MAX_KEPT_URI:
            if len(self) >= _MAX_DECISIONS:
                self.clear()
            self[uri] = permission
        return permission


class Rights:
    """What the sessions of a role may do.

    Args:
        name: the role's name.
        permissions: its permissions.
        authorizer: the procedure that decides over what no permission matches; None to refuse it.
        session_timeout: the seconds after which its sessions end; None for never.

    Attributes:
        name: the role's name.
        authorizer: as above.
        session_timeout: as above.
        decisions: the permission that decides over a URI, by the URI.
    """

    def __init__(
        self,
        name: str,
        permissions: Collection[Permission],
        authorizer: str | None = None,
        session_timeout: float | None = None,
    ) -> None:
        self.name = name
        self.session_timeout = session_timeout
        self.authorizer = authorizer
        self.decisions = Decisions(permissions)
        self._own = [p for p in permissions if not p.uri.startswith(uris.RESERVED)]
        self._reserved = [p for p in permissions if p.uri.startswith(uris.RESERVED)]

    def allow(self, action: str, match: str, pattern: str) -> bool:
        """Return whether a pattern is allowed: each of its URIs must be.

        Args:
            action: ``register`` or ``subscribe``.
            match: ``exact``, ``prefix`` or ``wildcard``.
            pattern: the URI or pattern.
        """
        if match == EXACT:
            return action in self.decisions[pattern].allow
        wanted = match, pattern
        if pattern.startswith(uris.RESERVED):
            return _all_allow(self._reserved, action, wanted)
        if not _all_allow(self._own, action, wanted):
            return False
        # What would hear everything would hear of the sessions too.
        return (
            action != "subscribe"
            or not meets(wanted, _RESERVED)
            or _all_allow(self._reserved, action, _RESERVED)
        )

    def leave_open(self, match: str, pattern: str) -> bool:
        """Return whether no permission says anything of a pattern, and the authorizer is asked.

        Args:
            match: ``exact``, ``prefix`` or ``wildcard``.
            pattern: the URI or pattern.
        """
        if self.authorizer is None or pattern.startswith(uris.RESERVED):
            return False
        wanted = match, pattern
        return not any(meets((p.match or EXACT, p.uri), wanted) for p in self._own)


def _all_allow(permissions: list[Permission], action: str, wanted: tuple[str, str]) -> bool:
    """Return whether all that decides over a pattern's URIs allows an action.

    A pattern that only several permissions together cover is refused.
    """
    patterns = {(p.match or EXACT, p.uri): action in p.allow for p in permissions}
    covering = [rank(pattern) for pattern in patterns if covers(pattern, wanted)]
    if not covering:
        return False
    best = min(covering)
    return all(
        allowed
        for pattern, allowed in patterns.items()
        if rank(pattern) <= best and meets(pattern, wanted)
    )


def trusted_rights() -> Rights:
    """Return the rights of an app that runs in the router's own process: all of them."""
    everything = ("", uris.RESERVED)
    return Rights(TRUSTED, [Permission(uri, match=PREFIX, allow=ACTIONS) for uri in everything])


#: Those of a session that has not joined, or whose realm has no roles.
NO_RIGHTS: Final = Rights("", ())
