"""What the apps of a realm offer, asked of them while they run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wampapp.describe.api import Api, Procedure, Topic
from wampapp.describe.merging import merge

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wampapp.config.records import Config


def describe_realm(config: Config, timeout: float | None) -> Api:
    """Return what the apps of a realm offer; of what none of them describes, only the URI.

    What they hide is left out.

    Args:
        config: the settled configuration, which names the router; else it is searched.
        timeout: the seconds that the answers may take; None for no limit.

    Raises:
        WampappError: see :func:`wampapp.cli.inspect.asking.ask`.
    """
    from wampapp.cli.inspect.asking import ask
    from wampapp.cli.output import say
    from wampapp.describe.live.asking import key_of
    from wampapp.loop.runtime import get_runtime

    found = get_runtime().call(ask(config, timeout))
    if found.hint:
        say(found.hint)
    rows = [
        row
        for row in found.rows
        if row["kind"] != "session" and key_of(row) not in found.told.hidden
    ]
    procedures = _bare(
        Procedure(
            uri=str(row["uri"]),
            match=row["match"],
            invoke=row["invoke"] or "single",
            is_described=False,
        )
        for row in rows
        if row["kind"] == "procedure"
    )
    topics = _bare(
        Topic(uri=str(row["uri"]), match=row["match"], is_described=False)
        for row in rows
        if row["kind"] == "topic" and row["subscribers"]
    )
    known = {one.on_wire for api in found.told.apis for one in api.procedures}
    heard = {one.on_wire for api in found.told.apis for one in api.topics if not one.is_published}
    return merge(
        found.told.apis,
        procedures=[one for one in procedures if (one.match, one.uri) not in known],
        topics=[one for one in topics if (one.match, one.uri) not in heard],
        router=found.url,
        realm=config.realm,
    )


def _bare(operations: Iterable[Any]) -> list[Any]:
    # The protocol's own are everywhere.
    return [one for one in operations if not one.uri.startswith("wamp.")]
