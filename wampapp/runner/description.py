"""The procedure by which a running app tells what it offers: to the console, and to commands."""

from __future__ import annotations

import functools
import secrets
import threading
from typing import TYPE_CHECKING, Any

from wampapp.config.url import parse_urls
from wampapp.protocol.features import DESCRIBE
from wampapp.registry.records import Registration

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.registry.endpoint import Endpoint
    from wampapp.registry.records import Subscription
    from wampapp.runner.reach import Reach


def description_record(
    describe: Callable[[], dict[str, Any]],
    announced: Callable[[], list[tuple[Registration | Subscription, Endpoint]]],
) -> Registration:
    """Return the declaration of the procedure.

    What the app hides is named by the numbers of its registrations and subscriptions: whoever may
    ask the router knows then what to leave out, and to others they say nothing.

    Args:
        describe: returns the AsyncAPI document; it is called once, when somebody asks.
        announced: returns what is registered and subscribed at the moment.
    """
    remembered = functools.cache(describe)
    one_at_a_time = threading.Lock()

    def description() -> dict[str, Any]:
        """Return what this app offers, as an AsyncAPI document."""
        with one_at_a_time:  # else each of those who ask together would have it made
            document = remembered()
        hidden: dict[str, list[int]] = {"procedures": [], "topics": []}
        for record, endpoint in announced():
            if record.about.hidden:
                kind = "procedures" if isinstance(record, Registration) else "topics"
                hidden[kind].append(endpoint.id)
        return {**document, "x-wamp": {"hidden": hidden}}

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
    return all(url.is_local for url in parse_urls(found.url))
