"""``wampapp call``, ``publish`` and ``subscribe``: WAMP from the shell."""

from __future__ import annotations

import functools
import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from wampapp import uri as uris
from wampapp.cli.options import (
    ArgumentsCommand,
    Command,
    Router,
    connect_timeout_option,
    json_line,
    payload,
    router_options,
    timeout_option,
)
from wampapp.config import DEFAULT_URL
from wampapp.errors import WampappError
from wampapp.results import CallResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.client import ConnectedClient

_words = click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
_PAYLOAD_HELP = (
    "Each ARGUMENT is JSON where it parses and a string otherwise; key=value is a keyword "
    "argument. A string that looks like JSON or has a '=' goes in double quotes: '\"a=b\"'."
)


@dataclass(frozen=True)
class Where:
    """Where a command's verb goes.

    Attributes:
        connect: opens a client.
        prefix: what relative URIs are relative to.
    """

    connect: Callable[[], ConnectedClient]
    prefix: str | None = None


def _where(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that joins; it gets them as ``where``."""

    @functools.wraps(command)
    def wrapped(
        *args: Any, router: Router, timeout: float, connect_timeout: float, **others: Any
    ) -> Any:
        def connected() -> ConnectedClient:
            from wampapp.client import connect

            return connect(
                router.url,
                router.realm,
                auth=router.auth,
                tls=router.tls,
                timeout=timeout or None,
                connect_timeout=connect_timeout,
            )

        return command(*args, where=Where(connected), **others)

    options = (router_options(DEFAULT_URL), timeout_option, connect_timeout_option)
    result: Any = wrapped
    for option in reversed(options):
        result = option(result)
    return result  # type: ignore[no-any-return]


def verbs(
    where: Callable[[Callable[..., Any]], Callable[..., Any]],
) -> tuple[click.Command, click.Command, click.Command]:
    """Make the commands ``call``, ``publish`` and ``subscribe``.

    Args:
        where: the options that say where they go; they are passed on as ``where``.
    """

    @click.command("call", cls=ArgumentsCommand, epilog=_PAYLOAD_HELP)
    @click.argument("uri")
    @_words
    @where
    def call(uri: str, arguments: tuple[str, ...], where: Where) -> None:
        """Call the procedure URI and print its result as JSON."""
        args, kwargs = payload(arguments)
        uri = uris.resolve(uri, where.prefix, "procedure")
        with where.connect() as client:
            result = client.call(uri, *args, **kwargs)
        if isinstance(result, CallResult):
            result = {"args": result.args, "kwargs": result.kwargs}
        click.echo(json_line(result))

    @click.command("publish", cls=ArgumentsCommand, epilog=_PAYLOAD_HELP)
    @click.argument("uri")
    @_words
    @where
    def publish(uri: str, arguments: tuple[str, ...], where: Where) -> None:
        """Publish an event to the topic URI, and wait until the router has taken it."""
        args, kwargs = payload(arguments)
        uri = uris.resolve(uri, where.prefix, "topic")
        with where.connect() as client:
            client.publish(uri, *args, **kwargs)

    @click.command("subscribe", cls=Command)
    @click.argument("uri")
    @where
    def subscribe(uri: str, where: Where) -> None:
        """Print each event of the topic URI as it comes, until Ctrl-C.

        An event is one line: its arguments as JSON, keyword arguments as key=value. When the
        router goes and comes back, the subscription does too.
        """
        _print_events(uri, where)

    return call, publish, subscribe


call, publish, subscribe = verbs(_where)


def _print_events(uri: str, where: Where) -> None:
    # Events come in on a worker thread; this thread prints them, so that Ctrl-C and a closed
    # pipe end the command in the ordinary way.
    from wampapp import logs

    news: queue.SimpleQueue[str | WampappError] = queue.SimpleQueue()

    def on_event(*args: Any, **kwargs: Any) -> None:
        words = [json_line(value) for value in args]
        words += [f"{name}={json_line(value)}" for name, value in kwargs.items()]
        news.put(" ".join(words))

    uri = uris.resolve(uri, where.prefix, "topic")
    logs.configure()
    with where.connect() as client:
        client.subscribe(uri, on_event)
        click.echo(f"Subscribed to {uri}; Ctrl-C stops.", err=True)

        def watch() -> None:
            try:
                client.wait()
            except WampappError as error:
                news.put(error)

        threading.Thread(target=watch, daemon=True).start()
        try:
            while not isinstance(item := news.get(), WampappError):
                click.echo(item)
        except KeyboardInterrupt:
            return
        raise item
