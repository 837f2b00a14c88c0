"""The parent: what it does whatever its service processes are for."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import signal
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from wampapp.config.records import Config
from wampapp.loop.runtime import current_runtime
from wampapp.registry.registry import Registry
from wampapp.runner import banner
from wampapp.runner import foreground as runner
from wampapp.runner.service import Service
from wampapp.supervisor.process import Child

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.registry.records import Worker
    from wampapp.server.door import Address
    from wampapp.supervisor.channel import Order, ServiceEnded, Up

logger = logging.getLogger("wampapp")


class Parent(ABC):
    """Keeps the service processes of one run.

    Args:
        order: makes the order for a worker.
        options: as in :func:`run`.
        as_json: whether the log is JSON.
    """

    def __init__(
        self,
        order: Callable[[Worker], Order],
        options: dict[str, Any],
        *,
        as_json: bool,
    ) -> None:
        self._order = order
        self._options = options
        self._as_json = as_json
        self._children: set[Child] = set()
        self._router: Service | None = None

    async def run(self, first: list[Child]) -> None:
        """Run until a signal, or until it makes no sense to go on."""
        for child in first:
            self._take(child)
        with runner.stop_signals(self._kill) as stopped:
            work = asyncio.create_task(self._work(first))
            try:
                await asyncio.wait([work, stopped], return_when=asyncio.FIRST_COMPLETED)
                if stopped.done():
                    # Who stops the whole group of processes may have ended the others already.
                    banner.tell_stop(as_json=self._as_json)
                else:
                    await work
            finally:
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
                await asyncio.gather(*(child.stop() for child in self._children))
                if self._router is not None:
                    await self._router.stop()

    @abstractmethod
    async def _work(self, children: list[Child]) -> None:
        """Let the processes join, and keep them as they should be."""

    def _kill(self) -> None:
        for child in list(self._children):
            child.kill()

    def _start(self, worker: Worker, spare: Child | None = None) -> Child:
        """Start a process, or let a spare one begin."""
        child = self._spare(worker) if spare is None or spare.over.done() else spare
        child.order(self._order(worker))
        return child

    def _spare(self, worker: Worker) -> Child:
        child = Child(worker)
        self._take(child)
        return child

    def _take(self, child: Child) -> None:
        child.follow()
        self._children.add(child)
        child.over.add_done_callback(lambda _: self._children.discard(child))

    # Joining.

    async def _join(self, child: Child) -> Up:
        """Let a process join when it is ready to.

        Raises:
            ServiceEnded: it has ended instead.
        """
        loaded = await child.loaded()
        child.join(await self._find_router() if loaded.needs_router else None)
        return await child.up()

    async def _join_all(self, children: list[Child]) -> Up:
        """Let the first process join, then the others: what ails all of them is told once."""
        up = await self._join(children[0])
        await asyncio.gather(*map(self._join, children[1:]))
        return up

    async def _find_router(self) -> str:
        """Return the URL of the router in the box, which listens from now on.

        Raises:
            UsageError: it cannot.
        """
        if self._router is None:
            names = ("host", "port", "allow_origins", "handshake_timeout")
            config = runner.settle(Config(), **{name: self._options[name] for name in names})
            # A service that offers nothing: it knows how to find a router, or to be one.
            self._router = Service(Registry(), config, current_runtime(), logger, threads=1)
        await self._router.find_router()  # again, if the last time was cut short
        address = self._router.address
        return _reachable(address) if address is not None else str(self._router.url)

    def _tell_start(self, up: Up, count: int, *more: tuple[str, str]) -> None:
        """Say what runs.

        Args:
            up: what the first process says of it.
            count: how many processes there are.
            more: further lines, each with its label.
        """
        about = up.overview
        if self._router is not None:
            address = self._router.address
            if address is None:
                about = dataclasses.replace(about, note=banner.JOINED_ANOTHER)
            else:
                urls = banner.urls_of(address)
                about = dataclasses.replace(about, routers=urls, host=address.host)
        extra = []
        if count > 1:
            extra.append(("workers", f"{count}; events and timers are for worker 1"))
            extra += [("", f"{uri} is single: worker 1 alone registers it") for uri in up.alone]
        banner.tell_start(about, as_json=self._as_json, extra=[*extra, *more])


def how(end: ServiceEnded) -> str:
    """Say how a process has ended."""
    if end.exit_code >= 0:
        return f"ended with exit code {end.exit_code}"
    try:
        return f"was ended by {signal.Signals(-end.exit_code).name}"
    except ValueError:
        return f"was ended by signal {-end.exit_code}"


def _reachable(address: Address) -> str:
    """Return the URL under which this machine reaches a router in the box."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - they are replaced
    return dataclasses.replace(
        address, host=everywhere.get(address.host, address.host)
    ).rawsocket_url
