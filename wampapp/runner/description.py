"""The procedure by which a running app tells what it offers: to the console, and to commands."""

from __future__ import annotations

import functools
import secrets
import threading
from typing import TYPE_CHECKING, Any

from wampapp.config.url import parse_url
from wampapp.protocol.features import DESCRIBE
from wampapp.registry.records import Registration
from wampapp.server.address import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.runner.reach import Reach


def description_record(describe: Callable[[], dict[str, Any]]) -> Registration:
    """Return the declaration of the procedure.

    Args:
        describe: returns the AsyncAPI document; it is called once, when somebody asks.
    """
    remembered = functools.cache(describe)
    one_at_a_time = threading.Lock()

    def description() -> dict[str, Any]:
        """Return what this app offers, as an AsyncAPI document."""
        with one_at_a_time:  # else each of those who ask together would have it made
            return remembered()

    return Registration(f"{DESCRIBE}{secrets.token_hex(8)}", description, needed=False)


def is_told(wanted: bool | None, found: Reach) -> bool:
    """Return whether an app tells what it offers.

    Args:
        wanted: whether its author says so; None for nobody but those on this machine.
        found: the way to the router.
    """
    if wanted is not None:
        return wanted
    if found.server is not None:
        return found.server.is_local
    if found.url is None:
        return False  # in a test
    url = parse_url(found.url)
    return url.scheme == "unix" or is_loopback(url.host)
