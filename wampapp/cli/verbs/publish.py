"""``wampapp publish``: one event, or many."""

from __future__ import annotations

import functools
import itertools
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import click

from wampapp.cli.options import insisted
from wampapp.cli.terminal import counted, say
from wampapp.cli.verbs.arguments import PAYLOAD_HELP, ArgumentsCommand, payload
from wampapp.cli.verbs.call import rate_option, repeat_option
from wampapp.cli.verbs.lines import Event, Lines
from wampapp.cli.verbs.progress import Progress
from wampapp.cli.verbs.where import Where, untold
from wampapp.errors import PayloadNotEncodable, PayloadTooLarge, UsageError
from wampapp.protocol import uris

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable, Iterable

    from wampapp.client.connect import ConnectedClient
    from wampapp.session.connection import Connection

#: So many events have yet to be acknowledged at the most.
_IN_FLIGHT: Final = 256


def make_publish(where: Callable[[Callable[..., Any]], Callable[..., Any]]) -> click.Command:
    """Make the command ``publish``.

    Args:
        where: the options that say where it goes; they are passed on as ``where``.
    """

    @click.command("publish", cls=ArgumentsCommand, epilog=PAYLOAD_HELP)
    @click.argument("uri")
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    @click.option(
        "--from-file",
        metavar="FILE",
        help="Publish each line, which is JSON; - is standard input.",
    )
    @repeat_option
    @rate_option
    @click.option("--retain", is_flag=True, help="Let the router keep it for late subscribers.")
    @where
    def publish(
        uri: str,
        arguments: tuple[str, ...],
        from_file: str | None,
        repeat: int | None,
        rate: float | None,
        retain: bool,
        where: Where,
    ) -> None:
        """Publish an event to the topic URI. Wait until the router has taken it.

        A line of a file is an array of arguments, an object of keyword arguments, another value
        for one argument, or {"args": [...], "kwargs": {...}}.
        """
        if from_file is not None and (arguments or insisted("repeat")):
            if insisted("from_file"):
                raise click.UsageError(
                    "--from-file has the events; leave ARGUMENTS and --repeat out."
                )
            from_file = None
        args, kwargs = payload(arguments)
        uri = uris.resolve(uri, where.prefix, "topic")
        many = _Many(where, uri, rate, retain=retain)
        if from_file is not None:
            with Lines(from_file) as lines:
                size = lines.size
                fraction = None if size is None else lambda: lines.read / size
                many.publish(lines.batches(), fraction, shown=not lines.is_terminal)
        elif repeat is not None or rate is not None:
            event = Event(args, kwargs)
            numbers = itertools.count() if repeat is None else range(repeat)
            fraction = None if repeat is None else lambda: many.taken / repeat
            many.publish([(event for _ in numbers)], fraction)
        else:
            with where.connect() as client, untold():
                client.topic(uri, retain=retain).publish(*args, **kwargs)

    return publish


class _Many:
    """Publishes many events; each is acknowledged.

    Attributes:
        taken: how many the router has taken.
    """

    def __init__(self, where: Where, uri: str, rate: float | None, *, retain: bool) -> None:
        from wampapp.cli.verbs.flow import Flow

        self.taken = 0
        self._where = where
        self._uri = uri
        self._options: dict[str, Any] = {"acknowledge": True}
        if retain:
            self._options["retain"] = True
        self._flow = Flow(
            self._ask, self._settled, most=_IN_FLIGHT, rate=rate, timeout=where.timeout
        )

    def publish(
        self,
        batches: Iterable[Iterable[Event]],
        fraction: Callable[[], float] | None,
        *,
        shown: bool = True,
    ) -> None:
        """Publish all events, and say how many were.

        Args:
            batches: the events; while a batch is waited for, nothing else is.
            fraction: see :class:`Progress`.
            shown: likewise.
        """
        from wampapp.observe import logs

        logs.configure()  # it goes on when the router comes back
        with self._where.connect() as client:
            began = perf_counter()
            try:
                with Progress(lambda: self.taken, "events", fraction, shown=shown):
                    self._publish(client, batches)
            finally:
                seconds = perf_counter() - began
                many = counted(self.taken, "event")
                rate = f"{self.taken / seconds:,.0f}/s"
                say(f"Published {many} in {seconds:.2f} s ({rate}).")

    def _publish(self, client: ConnectedClient, batches: Iterable[Iterable[Event]]) -> None:
        try:
            for batch in batches:
                client.on_loop(functools.partial(self._flow.feed, items=batch))
        except UsageError:
            # A line is not what it should be; those before it are.
            client.on_loop(self._drain)
            raise
        client.on_loop(self._drain)

    async def _drain(self, _: Connection) -> None:
        await self._flow.drain()

    def _ask(self, peer: Connection, event: Event) -> Future[Any]:
        try:
            return peer.publish(self._uri, event.args, event.kwargs, options=self._options)
        except (PayloadNotEncodable, PayloadTooLarge) as error:
            if not event.place:
                raise
            raise UsageError(f"{event.place}: {error.message}") from None

    def _settled(self, error: BaseException | None, _seconds: float) -> None:
        if error is not None:
            raise error
        self.taken += 1
