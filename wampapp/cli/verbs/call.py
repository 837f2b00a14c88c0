"""``wampapp call``: once, as a stream, or so often that it is a measurement."""

from __future__ import annotations

import contextlib
import itertools
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import click

from wampapp.cli.options import Finite, insisted, json_line
from wampapp.cli.verbs.arguments import PAYLOAD_HELP, ArgumentsCommand, payload
from wampapp.cli.verbs.progress import Progress
from wampapp.cli.verbs.where import Where, untold
from wampapp.errors import EXIT_ERROR_ANSWER, ConnectionLost, WampappError
from wampapp.protocol import uris
from wampapp.registry.results import CallResult

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable

    from wampapp.cli.verbs.summary import Tally
    from wampapp.session.connection import Connection

#: The most calls in flight at a rate, where nothing else is said.
_AT_A_RATE: Final = 1000

repeat_option = click.option(
    "--repeat", type=click.IntRange(min=1), metavar="N", help="Do it N times."
)

rate_option = click.option(
    "--rate",
    type=Finite(min=0, min_open=True),
    metavar="R",
    help="R times a second; without --repeat until Ctrl-C.",
)


class _CallsFailed(click.ClickException):
    exit_code = EXIT_ERROR_ANSWER


def make_call(where: Callable[[Callable[..., Any]], Callable[..., Any]]) -> click.Command:
    """Make the command ``call``.

    Args:
        where: the options that say where it goes; they are passed on as ``where``.
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
    @where
    def call(
        uri: str,
        arguments: tuple[str, ...],
        stream: bool,
        count: int | None,
        repeat: int | None,
        rate: float | None,
        concurrency: int | None,
        as_json: bool,
        where: Where,
    ) -> None:
        """Call the procedure URI and print its result as JSON.

        With --repeat or --rate print how many calls failed and how long they took instead.
        """
        many = repeat is not None or rate is not None
        if stream and many:
            if insisted("stream") and (insisted("repeat") or insisted("rate")):
                raise click.UsageError("--stream is one call; leave --repeat and --rate out.")
            stream = insisted("stream")
        if insisted("count") and not stream:
            raise click.UsageError("--count ends a --stream; for N calls write --repeat N.")
        if insisted("concurrency") and not many:
            raise click.UsageError("--concurrency is for many calls; add --repeat N or --rate R.")
        args, kwargs = payload(arguments)
        uri = uris.resolve(uri, where.prefix, "procedure")
        if stream:
            _stream(where, uri, args, kwargs, count)
        elif many:
            most = concurrency or (1 if rate is None else _AT_A_RATE)
            _measure(where, uri, args, kwargs, (repeat, rate, most), as_json=as_json)
        else:
            with where.connect() as client, untold():
                result = client.call(uri, *args, **kwargs)
            click.echo(json_line(_shown(result)))

    return call


def _shown(result: Any) -> Any:
    if isinstance(result, CallResult):
        return {"args": result.args, "kwargs": result.kwargs}
    return result


def _stream(
    where: Where, uri: str, args: list[Any], kwargs: dict[str, Any], count: int | None
) -> None:
    with where.connect() as client, untold(), contextlib.ExitStack() as stack:
        results = client.stream(uri, *args, **kwargs)
        # However this ends, the call is cancelled before the session.
        stack.callback(results.close)  # type: ignore[attr-defined]
        for number, result in enumerate(results, 1):
            click.echo(json_line(_shown(result)))
            if number == count:
                break


def _measure(
    where: Where,
    uri: str,
    args: list[Any],
    kwargs: dict[str, Any],
    how: tuple[int | None, float | None, int],
    *,
    as_json: bool,
) -> None:
    from wampapp.cli.verbs.flow import Flow
    from wampapp.cli.verbs.summary import Tally

    repeat, rate, most = how
    tally = Tally()

    def ask(peer: Connection, _: int) -> Future[Any]:
        if not peer.is_joined:
            # A call would wait for the session, and that is not what is measured.
            raise ConnectionLost("The connection to the router broke; what follows was not sent.")
        return peer.call(uri, args, kwargs)

    flow = Flow(ask, tally.add, most=most, rate=rate, timeout=where.timeout)
    calls = itertools.count() if repeat is None else range(repeat)
    fraction = None if repeat is None else lambda: flow.done / repeat
    seconds = 0.0
    ended: BaseException | None = None

    async def run(peer: Connection) -> None:
        nonlocal seconds
        began = perf_counter()
        try:
            await flow.feed(peer, calls)
            await flow.drain()
        finally:
            seconds = perf_counter() - began

    with where.connect() as client, untold():
        try:
            with Progress(lambda: flow.done, "calls", fraction):
                client.on_loop(run)
        except (WampappError, KeyboardInterrupt) as error:
            ended = error
    if tally.calls:
        _show(tally, seconds, as_json=as_json)
    if ended is not None:
        raise ended
    if tally.failed:
        raise _CallsFailed(f"{tally.failed:,} of {tally.calls:,} calls failed.")


def _show(tally: Tally, seconds: float, *, as_json: bool) -> None:
    if as_json:
        click.echo(json_line(tally.summary(seconds)))
    else:
        click.echo("\n".join(tally.lines(seconds)))
