"""``wampapp publish``: one event, or many."""

from __future__ import annotations

import functools
import itertools
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import click

from wampapp.cli.options import was_typed
from wampapp.cli.output import counted, quiet_log, say
from wampapp.cli.verbs.arguments import PAYLOAD_HELP, ArgumentsCommand, parse_payload
from wampapp.cli.verbs.connector import connector_options
from wampapp.cli.verbs.event_file import EventFile, Payload
from wampapp.cli.verbs.options import rate_option, repeat_option
from wampapp.cli.verbs.progress import Progress
from wampapp.errors import PayloadNotEncodable, PayloadTooLarge, UsageError
from wampapp.protocol import uris

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable, Iterable

    from wampapp.cli.verbs.connector import Connector
    from wampapp.client.connect import ConnectedClient
    from wampapp.session.connection import Connection

#: The most events that are not acknowledged yet.
_MAX_IN_FLIGHT: Final = 256


def make_publish(options: Callable[[Callable[..., Any]], Callable[..., Any]]) -> click.Command:
    """Make the command ``publish``.

    Args:
        options: adds the options that name the router; the command gets them as ``connector``.
    """

    @click.command("publish", cls=ArgumentsCommand, epilog=PAYLOAD_HELP)
    @click.argument("uri")
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    @click.option(
        "--from-file",
        metavar="FILE",
        help="Publish each line of FILE, as JSON; - is standard input.",
    )
    @repeat_option
    @rate_option
    @click.option("--retain", is_flag=True, help="Keep it at the router for late subscribers.")
    @options
    def publish(
        uri: str,
        arguments: tuple[str, ...],
        from_file: str | None,
        repeat: int | None,
        rate: float | None,
        retain: bool,
        connector: Connector,
    ) -> None:
        """Publish an event to the topic URI.

        The command waits until the router has taken it. A line of a file is an array of arguments,
        an object of keyword arguments, another value for one argument, or
        {"args": [...], "kwargs": {...}}.
        """
        if from_file is not None and (arguments or was_typed("repeat")):
            if was_typed("from_file"):
                raise click.UsageError(
                    "--from-file has the events; leave ARGUMENTS and --repeat out."
                )
            from_file = None
        args, kwargs = parse_payload(arguments)
        uri = uris.resolve(uri, connector.prefix, "topic")
        publisher = _Publisher(connector, uri, rate, retain=retain)
        if from_file is not None:
            with EventFile(from_file) as file:
                size = file.size
                fraction = None if size is None else lambda: file.read / size
                publisher.publish(file.batches(), fraction, progress=not file.is_terminal)
        elif repeat is not None or rate is not None:
            event = Payload(args, kwargs)
            numbers = itertools.count() if repeat is None else range(repeat)
            fraction = None if repeat is None else lambda: publisher.published / repeat
            publisher.publish([(event for _ in numbers)], fraction)
        else:
            with connector.connect() as client, quiet_log():
                client.topic(uri, retain=retain).publish(*args, **kwargs)

    return publish


class _Publisher:
    """Publishes many events, each of them acknowledged.

    Attributes:
        published: how many the router has acknowledged.
    """

    def __init__(self, connector: Connector, uri: str, rate: float | None, *, retain: bool) -> None:
        from wampapp.cli.verbs.pipeline import Pipeline

        self.published = 0
        self._connector = connector
        self._uri = uri
        self._options: dict[str, Any] = {"acknowledge": True}
        if retain:
            self._options["retain"] = True
        self._pipeline = Pipeline(
            self._ask, self._settled, most=_MAX_IN_FLIGHT, rate=rate, timeout=connector.timeout
        )

    def publish(
        self,
        batches: Iterable[Iterable[Payload]],
        fraction: Callable[[], float] | None,
        *,
        progress: bool = True,
    ) -> None:
        """Publish all events, and say how many they were.

        Args:
            batches: the events; while the next batch is waited for, nothing is sent.
            fraction: see :class:`Progress`.
            progress: whether the progress may be shown.
        """
        from wampapp.observe import logs

        logs.configure()  # publishing goes on when the router comes back, and the log says so
        with self._connector.connect() as client:
            began = perf_counter()
            try:
                with Progress(lambda: self.published, "events", fraction, shown=progress):
                    self._publish(client, batches)
            finally:
                seconds = perf_counter() - began
                many = counted(self.published, "event")
                rate = f"{self.published / seconds:,.0f}/s"
                say(f"Published {many} in {seconds:.2f} s ({rate}).")

    def _publish(self, client: ConnectedClient, batches: Iterable[Iterable[Payload]]) -> None:
        try:
            for batch in batches:
                client.on_loop(functools.partial(self._pipeline.feed, items=batch))
        except UsageError:
            # A line is not valid; the events before it are.
            client.on_loop(self._drain)
            raise
        client.on_loop(self._drain)

    async def _drain(self, _: Connection) -> None:
        await self._pipeline.drain()

    def _ask(self, peer: Connection, event: Payload) -> Future[Any]:
        try:
            return peer.publish(self._uri, event.args, event.kwargs, options=self._options)
        except (PayloadNotEncodable, PayloadTooLarge) as error:
            if not event.place:
                raise
            raise UsageError(f"{event.place}: {error.message}") from None

    def _settled(self, error: BaseException | None, _seconds: float) -> None:
        if error is not None:
            raise error
        self.published += 1


publish = make_publish(connector_options)
