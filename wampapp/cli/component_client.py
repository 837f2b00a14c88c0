"""How the commands of a component reach the process that serves it."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

import click

from wampapp.cli.options import json_option
from wampapp.cli.verbs.connector import client_options
from wampapp.errors import NoSuchProcedure, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from contextlib import AbstractContextManager

    from wampapp.cli.verbs.connector import Connector
    from wampapp.client.connect import ConnectedClient

    #: What a command gets as its first argument: a function that opens a client.
    Open = Callable[[], AbstractContextManager["ComponentClient"]]


class ComponentClient:
    """Calls the procedures of a component.

    Args:
        client: the client.
        prefix: what they are below.
        what: what the component is, such as ``a task queue``, for messages.

    Attributes:
        client: the same.
        prefix: the same.
    """

    def __init__(self, client: ConnectedClient, prefix: str, what: str) -> None:
        self.client = client
        self.prefix = prefix
        self._what = what

    def call(self, procedure: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call a procedure; named arguments that are None are left out.

        Raises:
            NoSuchProcedure: nobody serves the component.
            WampError: it answered with an error.
        """
        given = {name: value for name, value in kwargs.items() if value is not None}
        try:
            return self.client.call(f"{self.prefix}.{procedure}", *args, **given)
        except NoSuchProcedure:
            raise NoSuchProcedure(f"Nobody serves {self._what} below {self.prefix}.") from None

    def stream(self, name: str, *args: Any) -> Iterator[Any]:
        """Call a procedure, and iterate over what it gives."""
        return self.client.stream(f"{self.prefix}.{name}", *args)


def component_options(
    name: str, noun: str, procedures: Collection[str]
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that gives a command the options of a component.

    The command gets a function that opens a :class:`ComponentClient` as its first argument, and
    ``as_json``.

    Args:
        name: the component's name in URIs.
        noun: what it is, such as ``task queue``, for messages.
        procedures: what every component of this kind has below its prefix, by which it is found.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def wrapped(*args: Any, connector: Connector, prefix: str | None, **others: Any) -> Any:
            @contextlib.contextmanager
            def opened() -> Iterator[ComponentClient]:
                with connector.connect() as client:
                    found = prefix or _only_prefix(client, noun, procedures)
                    yield ComponentClient(client, found, f"a {noun}")

            return command(opened, *args, **others)

        option = click.option(
            "--prefix",
            metavar="PREFIX",
            help=f"The prefix, such as com.example.{name}. Default: the only {noun} of the realm.",
        )
        return json_option(option(client_options(wrapped)))

    return decorate


def _only_prefix(client: ConnectedClient, noun: str, procedures: Collection[str]) -> str:
    """Return the prefix of the only component of a kind that is served in the realm.

    Raises:
        UsageError: there is none, or more than one.
    """
    uris: set[str] = set()
    for number in client.call("wamp.registration.list")["exact"]:
        with contextlib.suppress(Exception):  # it has gone meanwhile
            uris.add(client.call("wamp.registration.get", number)["uri"])
    first, *_ = procedures
    found = sorted(
        prefix
        for uri in uris
        if uri.endswith(f".{first}")
        and all(f"{(prefix := uri.removesuffix(f'.{first}'))}.{one}" in uris for one in procedures)
    )
    if not found:
        raise UsageError(
            f"Nobody serves a {noun} in this realm; start the service that includes one, or name "
            "another realm with --realm."
        )
    if len(found) > 1:
        raise UsageError(
            f"There are {len(found)} {noun}s in this realm; choose one with --prefix: "
            f"{', '.join(found)}."
        )
    return found[0]
