"""How the commands of a task queue reach it."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any, Final

import click

from wampapp.cli.options import json_option
from wampapp.cli.verbs.connector import client_options
from wampapp.errors import NoSuchProcedure, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wampapp.cli.verbs.connector import Connector
    from wampapp.client.connect import ConnectedClient

#: What every task queue has below its prefix.
_PROCEDURES: Final = ("enqueue", "follow", "queues", "watch")


class QueueClient:
    """Calls the procedures of a queue.

    Args:
        client: the client.
        prefix: what they are below.
    """

    def __init__(self, client: ConnectedClient, prefix: str) -> None:
        self._client = client
        self.prefix = prefix

    def call(self, procedure: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call a procedure; named arguments that are None are left out.

        Raises:
            NoSuchProcedure: nobody serves the queue.
            WampError: it answered with an error.
        """
        given = {name: value for name, value in kwargs.items() if value is not None}
        try:
            return self._client.call(f"{self.prefix}.{procedure}", *args, **given)
        except NoSuchProcedure:
            raise NoSuchProcedure(f"Nobody serves a task queue below {self.prefix}.") from None

    def stream(self, name: str, *args: Any) -> Iterator[Any]:
        """Call a procedure, and iterate over what it gives."""
        return self._client.stream(f"{self.prefix}.{name}", *args)


def queue_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command of a queue; it gets a function that opens it as ``open_queue``."""

    @functools.wraps(command)
    def wrapped(*args: Any, connector: Connector, prefix: str | None, **others: Any) -> Any:
        @contextlib.contextmanager
        def open_queue() -> Iterator[QueueClient]:
            with connector.connect() as client:
                yield QueueClient(client, prefix or _only_queue(client))

        return command(*args, open_queue=open_queue, **others)

    option = click.option(
        "--prefix",
        metavar="URI",
        help="The queue's prefix, such as com.example.tasks. Default: the only one of the realm.",
    )
    return json_option(option(client_options(wrapped)))


def _only_queue(client: ConnectedClient) -> str:
    """Return the prefix of the only queue that is served in the realm.

    Raises:
        UsageError: there is none, or more than one.
    """
    uris: set[str] = set()
    for number in client.call("wamp.registration.list")["exact"]:
        with contextlib.suppress(Exception):  # it has gone meanwhile
            uris.add(client.call("wamp.registration.get", number)["uri"])
    found = sorted(
        prefix
        for uri in uris
        if uri.endswith(".enqueue")
        and all(
            f"{(prefix := uri.removesuffix('.enqueue'))}.{name}" in uris for name in _PROCEDURES
        )
    )
    if not found:
        raise UsageError(
            "Nobody serves a task queue in this realm; start the service that includes one, or "
            "name another realm with --realm."
        )
    if len(found) > 1:
        raise UsageError(
            f"There are {len(found)} task queues in this realm; choose one with --prefix: "
            f"{', '.join(found)}."
        )
    return found[0]
