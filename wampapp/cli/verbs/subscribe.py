"""``wampapp subscribe``: events, as they come."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any

import click

from wampapp.cli.options import Command, json_line, json_option, match_option
from wampapp.cli.terminal import printable, say, styled
from wampapp.errors import WampappError
from wampapp.protocol import uris
from wampapp.registry.context import Event  # noqa: TC001 - the handler's annotation is read at run time

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.cli.verbs.where import Where
    from wampapp.protocol.patterns import Match
    from wampapp.registry.options import SubscribeOptions


def make_subscribe(where: Callable[[Callable[..., Any]], Callable[..., Any]]) -> click.Command:
    """Make the command ``subscribe``.

    Args:
        where: the options that say where it goes; they are passed on as ``where``.
    """

    @click.command("subscribe", cls=Command)
    @click.argument("uri")
    @match_option
    @click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after N events.")
    @click.option("--get-retained", is_flag=True, help="Begin with the event that the router kept.")
    @json_option
    @where
    def subscribe(
        uri: str,
        match: Match | None,
        count: int | None,
        get_retained: bool,
        as_json: bool,
        where: Where,
    ) -> None:
        """Print each event of the topic URI as it comes, until Ctrl-C.

        An event is one line: its arguments as JSON, keyword arguments as key=value; of several
        topics, the topic first. When the router goes and comes back, the subscription does too.
        """
        if match in (None, "exact"):
            uri = uris.resolve(uri, where.prefix, "topic")
        elif where.prefix is not None and uri.startswith("."):
            uri = f"{where.prefix}{uri}"
        options: SubscribeOptions = {"get_retained": get_retained, "run": "loop"}
        if match is not None:
            options["match"] = match
        several = match in ("prefix", "wildcard") or "<" in uri
        show = _object if as_json else _line_with_topic if several else _line
        _print_events(where, uri, options, show, count)

    return subscribe


def _print_events(
    where: Where,
    uri: str,
    options: SubscribeOptions,
    show: Callable[[Event, tuple[Any, ...], dict[str, Any]], str],
    count: int | None,
) -> None:
    # Events come in on the loop's thread; this thread prints them, so that Ctrl-C and a closed
    # pipe end the command in the ordinary way.
    from wampapp.observe import logs

    news: queue.SimpleQueue[str | WampappError] = queue.SimpleQueue()

    def on_event(event: Event, /, *args: Any, **kwargs: Any) -> None:
        news.put(show(event, args, kwargs))

    logs.configure()
    with where.connect() as client:
        # Relative to no prefix, a pattern would lose the dot that its first component ends with.
        wildcard = options.get("match") == "wildcard" and uri.startswith(".")
        client.subscribe(f".{uri}" if wildcard else uri, on_event, **options)

        def watch() -> None:
            try:
                client.wait()
            except WampappError as error:
                news.put(error)

        threading.Thread(target=watch, daemon=True).start()
        left = count
        try:
            say(f"Subscribed to {printable(uri)}; Ctrl-C stops.")
            while left is None or left > 0:
                item = news.get()
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
