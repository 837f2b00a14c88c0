"""What an app knows of somebody who joins: the authenticator of a realm is asked. Sans-I/O."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from wampapp.config.access import Principal, RealmConfig
from wampapp.errors import UsageError
from wampapp.protocol.hashes import ScramKeys, TicketHash, WampcraKey
from wampapp.router.access.inquirer import NO_ANSWER

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.router.access.identity import Hello
    from wampapp.router.access.inquirer import Inquirer

logger = logging.getLogger("wampapp.router")

_MAX_KEPT: Final = 1000
_PARSERS: Final[dict[str, Callable[[str], Any]]] = {
    "ticket": TicketHash.parse,
    "wampcra": WampcraKey.parse,
    "scram": ScramKeys.parse,
}


class Lookup:
    """Finds principals that the configuration does not have.

    Args:
        config: the realm's configuration; it has an authenticator.
        now: returns the time in seconds.
    """

    def __init__(self, config: RealmConfig, now: Callable[[], float]) -> None:
        self._config = config
        self._now = now
        self._kept: dict[str, tuple[float, Principal | None]] = {}

    def find(self, inquirer: Inquirer | None, hello: Hello, known: Callable[[Hello], None]) -> None:
        """Find somebody.

        Args:
            inquirer: asks in the realm; None while nobody is there, who could answer.
            hello: who joins.
            known: called with that, and with whom the authenticator has found.
        """
        kept = self._kept.get(hello.authid)
        if kept is not None and kept[0] > self._now():
            known(replace(hello, found=kept[1]))
            return
        if inquirer is None or self._config.authenticator is None:
            known(replace(hello, is_answered=False))
            return

        def answered(result: Any) -> None:
            if result is NO_ANSWER:
                known(replace(hello, is_answered=False))
                return
            principal = self._principal(hello.authid, result)
            if self._config.ask_cache:
                if len(self._kept) >= _MAX_KEPT:
                    self._kept.clear()
                self._kept[hello.authid] = self._now() + self._config.ask_cache, principal
            known(replace(hello, found=principal))

        methods = [method for method in hello.methods if isinstance(method, str)]
        args = [self._config.name, hello.authid, {"authmethods": methods}]
        inquirer.ask(self._config.authenticator, args, self._config.ask_timeout, answered)

    def _principal(self, authid: str, result: Any) -> Principal | None:
        """Return what an authenticator's result stands for: what a file would have of somebody."""
        if result is None:
            return None
        try:
            return self._read(authid, result)
        except UsageError as error:
            logger.warning("%s returned what is of no use: %s", self._config.authenticator, error)
            return None

    def _read(self, authid: str, result: Any) -> Principal:
        if not isinstance(result, dict):
            raise UsageError(f"it is of type {type(result).__name__}; return a dictionary or None.")
        kept: dict[str, Any] = {}
        for name, value in result.items():
            if name in _PARSERS:
                kept[name] = _PARSERS[name](value) if isinstance(value, str) else None
                if kept[name] is None:
                    raise UsageError(
                        f"its {name} is not a hash, as 'wampapp router hash' makes it."
                    )
            elif name not in ("role", "cryptosign", "tls"):
                raise UsageError(f"it cannot have {name!r}.")
        role = result.get("role")
        if not isinstance(role, str):
            raise UsageError("it has no role.")
        self._config.check_role(role, f"the principal {authid!r} has")
        for name in ("cryptosign", "tls"):
            kept[name] = result.get(name, ())
        return Principal(authid, role, **kept)
