"""``wampapp call``, ``publish`` and ``subscribe``: WAMP from the shell."""

from __future__ import annotations

import queue
import threading
from typing import Any

import click

from wampapp import uri as uris
from wampapp.cli.options import ArgumentsCommand, json_line, payload, realm_option, url_option
from wampapp.client import ConnectedClient, connect
from wampapp.config import DEFAULT_URL
from wampapp.errors import ConnectionLost
from wampapp.results import CallResult

_url_option = url_option(DEFAULT_URL)
_timeout_option = click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for an answer; 0 waits for ever.",
)
_connect_timeout_option = click.option(
    "--connect-timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long connecting and joining may take.",
)
_words = click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
_PAYLOAD_HELP = (
    "Each ARGUMENT is JSON where it parses and a string otherwise; key=value is a keyword "
    "argument. A string that looks like JSON or has a '=' goes in double quotes: '\"a=b\"'."
)


def _connect(
    url: str | None, realm: str | None, timeout: float, connect_timeout: float
) -> ConnectedClient:
    return connect(url, realm, timeout=timeout or None, connect_timeout=connect_timeout)


@click.command(cls=ArgumentsCommand, epilog=_PAYLOAD_HELP)
@click.argument("uri")
@_words
@_url_option
@realm_option
@_timeout_option
@_connect_timeout_option
def call(
    uri: str,
    arguments: tuple[str, ...],
    url: str | None,
    realm: str | None,
    timeout: float,
    connect_timeout: float,
) -> None:
    """Call the procedure URI and print its result as JSON."""
    args, kwargs = payload(arguments)
    uris.check(uri)
    with _connect(url, realm, timeout, connect_timeout) as client:
        result = client.call(uri, *args, **kwargs)
    if isinstance(result, CallResult):
        result = {"args": result.args, "kwargs": result.kwargs}
    click.echo(json_line(result))


@click.command(cls=ArgumentsCommand, epilog=_PAYLOAD_HELP)
@click.argument("uri")
@_words
@_url_option
@realm_option
@_timeout_option
@_connect_timeout_option
def publish(
    uri: str,
    arguments: tuple[str, ...],
    url: str | None,
    realm: str | None,
    timeout: float,
    connect_timeout: float,
) -> None:
    """Publish an event to the topic URI, and wait until the router has taken it."""
    args, kwargs = payload(arguments)
    uris.check(uri)
    with _connect(url, realm, timeout, connect_timeout) as client:
        client.publish(uri, *args, **kwargs)


@click.command()
@click.argument("uri")
@_url_option
@realm_option
@_timeout_option
@_connect_timeout_option
def subscribe(
    uri: str, url: str | None, realm: str | None, timeout: float, connect_timeout: float
) -> None:
    """Print each event of the topic URI as it comes, until Ctrl-C.

    An event is one line: its arguments as JSON, keyword arguments as key=value.
    """
    # Events come in on a worker thread; this thread prints them, so that Ctrl-C and a closed
    # pipe end the command in the ordinary way.
    news: queue.SimpleQueue[str | ConnectionLost] = queue.SimpleQueue()

    def on_event(*args: Any, **kwargs: Any) -> None:
        words = [json_line(value) for value in args]
        words += [f"{name}={json_line(value)}" for name, value in kwargs.items()]
        news.put(" ".join(words))

    uris.check(uri)
    with _connect(url, realm, timeout, connect_timeout) as client:
        client.subscribe(uri, on_event)
        click.echo(f"Subscribed to {uri}; Ctrl-C stops.", err=True)

        def watch() -> None:
            try:
                client.wait()
            except ConnectionLost as error:
                news.put(error)

        threading.Thread(target=watch, daemon=True).start()
        try:
            while not isinstance(item := news.get(), ConnectionLost):
                click.echo(item)
        except KeyboardInterrupt:
            return
        raise item
