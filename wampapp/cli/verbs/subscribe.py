"""``wampapp subscribe``: events, as they come."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any

import click

from wampapp.cli.options import Command, json_option, match_option
from wampapp.cli.output import json_line, printable, say, styled
from wampapp.cli.verbs.connector import connector_options
from wampapp.errors import WampappError
from wampapp.protocol import uris
from wampapp.registry.context import Event  # noqa: TC001 - the handler's annotation is read at run time

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.cli.verbs.connector import Connector
    from wampapp.protocol.patterns import Match
    from wampapp.registry.options import SubscribeOptions


def make_subscribe(options: Callable[[Callable[..., Any]], Callable[..., Any]]) -> click.Command:
    """Make the command ``subscribe``.

    Args:
        options: adds the options that name the router; the command gets them as ``connector``.
    """

    @click.command("subscribe", cls=Command)
    @click.argument("uri")
    @match_option
    @click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after N events.")
    @click.option("--get-retained", is_flag=True, help="Begin with the event that the router kept.")
    @json_option
    @options
    def subscribe(
        uri: str,
        match: Match | None,
        count: int | None,
        get_retained: bool,
        as_json: bool,
        connector: Connector,
    ) -> None:
        """Print each event of the topic URI as it comes, until Ctrl-C.

        Each event is one line: its arguments as JSON, keyword arguments as key=value, and before
        them its topic if URI matches several. After a lost connection the subscription is renewed.
        """
        if match in (None, "exact"):
            uri = uris.resolve(uri, connector.prefix, "topic")
        elif connector.prefix is not None and uri.startswith("."):
            uri = f"{connector.prefix}{uri}"
        details: SubscribeOptions = {"get_retained": get_retained, "run": "loop"}
        if match is not None:
            details["match"] = match
        several = match in ("prefix", "wildcard") or "<" in uri
        show = _object if as_json else _line_with_topic if several else _line
        _print_events(connector, uri, details, show, count)

    return subscribe


def _print_events(
    connector: Connector,
    uri: str,
    options: SubscribeOptions,
    show: Callable[[Event, tuple[Any, ...], dict[str, Any]], str],
    count: int | None,
) -> None:
    # Events arrive on the loop's thread and are printed by this one, so that Ctrl-C and a closed
    # pipe end the command in the ordinary way.
    from wampapp.observe import logs

    arrived: queue.SimpleQueue[str | WampappError] = queue.SimpleQueue()

    def on_event(event: Event, /, *args: Any, **kwargs: Any) -> None:
        arrived.put(show(event, args, kwargs))

    logs.configure()
    with connector.connect() as client:
        client.subscribe(uri, on_event, **options)

        def watch() -> None:
            try:
                client.wait()
            except WampappError as error:
                arrived.put(error)

        threading.Thread(target=watch, daemon=True).start()
        left = count
        try:
            say(f"Subscribed to {printable(uri)}; Ctrl-C stops.")
            while left is None or left > 0:
                item = arrived.get()
                if isinstance(item, WampappError):
                    raise item
                click.echo(item)
                left = None if left is None else left - 1
        except KeyboardInterrupt:
            return


def _line(_event: Event, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    words = [json_line(value) for value in args]
    words += [f"{printable(name)}={json_line(value)}" for name, value in kwargs.items()]
    return " ".join(words)


def _line_with_topic(event: Event, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    return f"{styled(printable(event.topic), 'name')} {_line(event, args, kwargs)}".rstrip()


def _object(event: Event, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    return json_line(
        {
            "topic": event.topic,
            "args": args,
            "kwargs": kwargs,
            "publication": event.publication,
            "publisher": event.publisher,
            "retained": event.retained,
        }
    )


subscribe = make_subscribe(connector_options)
