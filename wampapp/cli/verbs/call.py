"""``wampapp call``: once, as a stream, or many times as a measurement."""

from __future__ import annotations

import contextlib
import itertools
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import click

from wampapp.cli.options import was_typed
from wampapp.cli.output import json_line, quiet_log
from wampapp.cli.verbs.arguments import PAYLOAD_HELP, ArgumentsCommand, parse_payload
from wampapp.cli.verbs.connector import connector_options
from wampapp.cli.verbs.options import rate_option, repeat_option
from wampapp.cli.verbs.progress import Progress
from wampapp.errors import EXIT_ERROR_ANSWER, ConnectionLost, NoSuchProcedure, WampappError
from wampapp.protocol import uris
from wampapp.registry.results import CallResult

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable, Iterator

    from wampapp.cli.verbs.connector import Connector
    from wampapp.cli.verbs.summary import Summary
    from wampapp.client.connect import ConnectedClient
    from wampapp.session.connection import Connection

#: The most calls in flight with ``--rate``, unless ``--concurrency`` says otherwise.
_MAX_IN_FLIGHT: Final = 1000


class _CallsFailed(click.ClickException):
    exit_code = EXIT_ERROR_ANSWER


def make_call(options: Callable[[Callable[..., Any]], Callable[..., Any]]) -> click.Command:
    """Make the command ``call``.

    Args:
        options: adds the options that name the router; the command gets them as ``connector``.
    """

    @click.command("call", cls=ArgumentsCommand, epilog=PAYLOAD_HELP)
    @click.argument("uri")
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    @click.option("--stream", is_flag=True, help="Print each progressive result as it comes.")
    @click.option(
        "--count",
        type=click.IntRange(min=1),
        metavar="N",
        help="End the --stream after N results.",
    )
    @repeat_option
    @rate_option
    @click.option(
        "--concurrency",
        type=click.IntRange(min=1),
        metavar="N",
        help="Calls in flight. Default: 1; 1000 with --rate.",
    )
    @click.option("--json", "as_json", is_flag=True, help="The summary as a JSON object.")
    @options
    def call(
        uri: str,
        arguments: tuple[str, ...],
        stream: bool,
        count: int | None,
        repeat: int | None,
        rate: float | None,
        concurrency: int | None,
        as_json: bool,
        connector: Connector,
    ) -> None:
        """Call the procedure URI and print its result as JSON.

        With --repeat or --rate, print how many calls failed and how long they took instead.
        """
        many = repeat is not None or rate is not None
        if stream and many:
            if was_typed("stream") and (was_typed("repeat") or was_typed("rate")):
                raise click.UsageError("--stream is one call; leave --repeat and --rate out.")
            stream = was_typed("stream")
        if was_typed("count") and not stream:
            raise click.UsageError("--count ends a --stream; for N calls write --repeat N.")
        if was_typed("concurrency") and not many:
            raise click.UsageError("--concurrency is for many calls; add --repeat N or --rate R.")
        args, kwargs = parse_payload(arguments)
        uri = uris.resolve(uri, connector.prefix, "procedure")
        if stream:
            _stream(connector, uri, args, kwargs, count)
        elif many:
            most = concurrency or (1 if rate is None else _MAX_IN_FLIGHT)
            _measure(connector, uri, args, kwargs, (repeat, rate, most), as_json=as_json)
        else:
            with connector.connect() as client, quiet_log(), _nearest_named(client, uri):
                result = client.call(uri, *args, **kwargs)
            click.echo(json_line(_jsonable(result)))

    return call


@contextlib.contextmanager
def _nearest_named(client: ConnectedClient, uri: str) -> Iterator[None]:
    """Have the error for a procedure that does not exist name the nearest ones that do."""
    try:
        yield
    except NoSuchProcedure as error:
        from wampapp.session.hints import with_nearest

        missing = error
        raise client.on_loop(lambda peer: with_nearest(peer.call, uri, missing)) from None


def _jsonable(result: Any) -> Any:
    if isinstance(result, CallResult):
        return {"args": result.args, "kwargs": result.kwargs}
    return result


def _stream(
    connector: Connector, uri: str, args: list[Any], kwargs: dict[str, Any], count: int | None
) -> None:
    with (
        connector.connect() as client,
        quiet_log(),
        _nearest_named(client, uri),
        contextlib.ExitStack() as stack,
    ):
        results = client.stream(uri, *args, **kwargs)
        # However this ends, the call is cancelled before the session is left.
        stack.callback(results.close)  # type: ignore[attr-defined]
        for number, result in enumerate(results, 1):
            click.echo(json_line(_jsonable(result)))
            if number == count:
                break


def _measure(
    connector: Connector,
    uri: str,
    args: list[Any],
    kwargs: dict[str, Any],
    how: tuple[int | None, float | None, int],
    *,
    as_json: bool,
) -> None:
    from wampapp.cli.verbs.pipeline import Pipeline
    from wampapp.cli.verbs.summary import Summary

    repeat, rate, most = how
    summary = Summary()

    def ask(peer: Connection, _: int) -> Future[Any]:
        if not peer.is_joined:
            # A call would wait for the session, and that would be measured.
            raise ConnectionLost(
                "The connection to the router broke; the other calls were not sent."
            )
        return peer.call(uri, args, kwargs)

    pipeline = Pipeline(ask, summary.add, most=most, rate=rate, timeout=connector.timeout)
    calls = itertools.count() if repeat is None else range(repeat)
    fraction = None if repeat is None else lambda: pipeline.done / repeat
    seconds = 0.0
    ended: BaseException | None = None

    async def run(peer: Connection) -> None:
        nonlocal seconds
        began = perf_counter()
        try:
            await pipeline.feed(peer, calls)
            await pipeline.drain()
        finally:
            seconds = perf_counter() - began

    with connector.connect() as client, quiet_log():
        try:
            with Progress(lambda: pipeline.done, "calls", fraction):
                client.on_loop(run)
        except (WampappError, KeyboardInterrupt) as error:
            ended = error
    if summary.calls:
        _show(summary, seconds, as_json=as_json)
    if ended is not None:
        raise ended
    if summary.failed:
        raise _CallsFailed(f"{summary.failed:,} of {summary.calls:,} calls failed.")


def _show(summary: Summary, seconds: float, *, as_json: bool) -> None:
    if as_json:
        click.echo(json_line(summary.as_json(seconds)))
    else:
        click.echo("\n".join(summary.lines(seconds)))


call = make_call(connector_options)
