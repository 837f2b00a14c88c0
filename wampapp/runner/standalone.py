"""A router without an app: in the foreground, or beside a program of its own."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from typing import TYPE_CHECKING

from wampapp.config.records import Config
from wampapp.loop.runtime import Runtime, background_runtime, get_runtime
from wampapp.runner import banner
from wampapp.runner.foreground import configure_logs
from wampapp.runner.garbage import startup_spared
from wampapp.runner.reach import make_server, reloading
from wampapp.runner.signals import reload_signal, stop_signals, stop_with_stdin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wampapp.runner.notify import Notifier
    from wampapp.server.address import Address
    from wampapp.server.door import Server

logger = logging.getLogger("wampapp")
router_logger = logging.getLogger("wampapp.router")


def run_router(
    config: Config,
    notifier: Notifier,
    *,
    stats: float | None = None,
    log_level: str | None = None,
    log_format: str | None = None,
    exit_with_stdin: bool = False,
) -> None:
    """Run a router in the calling thread until a signal stops it.

    Args:
        config: where it listens, which origins it lets in, and how long joining may take.
        notifier: tells the process manager.
        stats: after how many seconds each it logs its numbers; None for never.
        log_level: as in :func:`wampapp.runner.foreground.run`.
        log_format: as in :func:`wampapp.runner.foreground.run`.
        exit_with_stdin: as in :func:`wampapp.runner.foreground.run`.

    Raises:
        UsageError: it cannot listen there.
    """
    as_json = configure_logs(log_level, log_format)
    runtime = get_runtime()
    runtime.run(
        _serve(runtime, config, notifier, stats, as_json=as_json, exit_with_stdin=exit_with_stdin)
    )


async def _serve(
    runtime: Runtime,
    config: Config,
    notifier: Notifier,
    stats: float | None,
    *,
    as_json: bool,
    exit_with_stdin: bool,
) -> None:
    server = make_server(config, runtime)
    reload = reloading(config, lambda: server, notifier)
    with notifier.running(), stop_signals() as stopped, reload_signal(reload):
        if exit_with_stdin:
            stop_with_stdin(stopped)
        address = server.listen(config.host, config.port)
        showing = None if stats is None else asyncio.create_task(_show_stats(server, stats))
        try:
            if as_json:
                logger.info("The router is up", extra={"router": address.rawsocket_url})
            else:
                banner.echo(banner.router_banner(server, address))
            notifier.ready("The router is up.")
            with startup_spared():
                await stopped
        finally:
            notifier.stopping()
            if showing is not None:
                showing.cancel()
            await server.close()


async def _show_stats(server: Server, seconds: float) -> None:
    """Log a line of numbers every so many seconds."""
    from wampapp.server.stats import Stats

    now = asyncio.get_running_loop().time
    before, began = Stats.of(server), now()
    while True:
        await asyncio.sleep(seconds)
        stats, ended = Stats.of(server), now()
        line = stats.since(before, ended - began)
        router_logger.info("%s", line, extra={"stats": dataclasses.asdict(stats)})
        before, began = stats, ended


@contextlib.contextmanager
def routing(config: Config | None = None) -> Iterator[Address]:
    """Run a router in a background thread while a block is open.

    Args:
        config: where it listens; by default on a free port of the loopback interface.

    Yields:
        The address that it listens on.
    """
    config = config or Config(port=0)
    runtime = background_runtime(asyncio.SelectorEventLoop())

    async def listen() -> tuple[Server, Address]:
        server = make_server(config, runtime)
        return server, server.listen(config.host, config.port)

    server, address = runtime.call(listen())
    try:
        yield address
    finally:
        runtime.call(server.close())
        runtime.stop_background()
        runtime.loop.close()
