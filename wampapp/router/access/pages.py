"""Who a web page is: an app looks at the request that the page's WebSocket began with. Sans-I/O."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from wampapp.config.access import TRUSTED
from wampapp.errors import UsageError
from wampapp.router.access.identity import Page
from wampapp.router.access.inquirer import NO_ANSWER

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.router.access.inquirer import Inquirer

logger = logging.getLogger("wampapp.router")

_MAX_NAME: Final = 256


def ask_about_page(
    inquirer: Inquirer | None,
    procedure: str,
    request: dict[str, Any],
    seconds: float,
    found: Callable[[Page], None],
) -> None:
    """Ask an app who a web page is.

    Args:
        inquirer: asks in the realm; None while nobody is there, who could answer.
        procedure: what is called.
        request: what its WebSocket began with.
        seconds: how long the answer may take.
        found: called with the answer.
    """
    if inquirer is None:
        found(Page(is_known=False))
        return

    def answered(result: Any) -> None:
        try:
            found(Page(is_known=False) if result is NO_ANSWER else _read(result))
        except UsageError as error:
            logger.warning("%s returned what is of no use: %s", procedure, error)
            found(Page(is_known=False))

    inquirer.ask(procedure, [request], seconds, answered)


def _read(result: Any) -> Page:
    """Return what a result stands for: an authid, or a dictionary with it and the role."""
    if result is None:
        return Page()
    given = {"authid": result} if isinstance(result, str) else result
    if not isinstance(given, dict):
        kind = type(result).__name__
        raise UsageError(f"it is of type {kind}; return an authid, a dictionary or None.")
    if not {"authid"} <= given.keys() <= {"authid", "role"}:
        raise UsageError("it has other keys than 'authid' and 'role'.")
    for name, value in given.items():
        if not isinstance(value, str) or not 0 < len(value) <= _MAX_NAME or value == TRUSTED:
            raise UsageError(f"its {name} is not a name.")
    return Page(**given)
