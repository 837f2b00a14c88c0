"""The parent: keeps the service processes as they should be."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import random
import signal
from typing import TYPE_CHECKING, Any, Final

from wampapp import loop as loops
from wampapp import runner
from wampapp.config import Config
from wampapp.registry import Registry
from wampapp.service import Service
from wampapp.supervisor.channel import ServiceEnded
from wampapp.supervisor.process import Child

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wampapp.registry import Worker
    from wampapp.router.server import Address
    from wampapp.runner import Overview
    from wampapp.supervisor.channel import Order, Up
    from wampapp.supervisor.watching import Watcher

logger = logging.getLogger("wampapp")

#: Seconds before a crashed worker is replaced: at first, and at most; a worker that has lasted
#: starts over.
_FIRST_DELAY: Final = 0.2
_LONGEST_DELAY: Final = 10.0
_LASTED: Final = 5.0

#: Exit codes that another start would not change: router unreachable, refused.
_VERDICTS: Final = (3, 4)

#: While reloading, the seconds after which a process that has not ended is killed.
_RELOAD_PATIENCE: Final = 2.0

#: A save that comes within this span after a start counts as hasty, as if the service itself wrote
#: the file; from the third in a row on each start waits twice as long as the one before.
_HASTY: Final = 0.5
_HASTE_ALLOWED: Final = 3

#: How many files a message names.
_NAMED: Final = 3

_random: Final = random.Random()  # noqa: S311 - spreads load, guards nothing


class Parent:
    """Keeps the service processes of one run.

    Args:
        order: makes the order for a worker.
        options: as in :func:`run`.
        watcher: likewise.
        as_json: whether the log is JSON.
    """

    def __init__(
        self,
        order: Callable[[Worker], Order],
        options: dict[str, Any],
        watcher: Watcher | None,
        *,
        as_json: bool,
    ) -> None:
        self._order = order
        self._options = options
        self._watcher = watcher
        self._as_json = as_json
        self._children: set[Child] = set()
        self._router: Service | None = None
        self._told: Overview | None = None
        self._saved: dict[str, None] = {}
        self._has_saved = asyncio.Event()
        self._ending: list[asyncio.Task[None]] = []

    async def run(self, first: list[Child]) -> None:
        """Run until a signal, or until it makes no sense to go on."""
        for child in first:
            self._take(child)
        with runner.stop_signals(self._kill) as stopped:
            watcher = self._watcher
            work = asyncio.create_task(
                self._keep(first) if watcher is None else self._reload(watcher, first)
            )
            try:
                await asyncio.wait([work, stopped], return_when=asyncio.FIRST_COMPLETED)
                if work.done():
                    await work
                else:
                    runner.tell_stop(as_json=self._as_json)
            finally:
                work.cancel()
                await asyncio.gather(work, *self._ending, return_exceptions=True)
                await asyncio.gather(*(child.stop() for child in self._children))
                if self._router is not None:
                    await self._router.stop()

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
            self._router = Service(Registry(), config, loops.here(), logger, threads=1)
            await self._router.find_router()
        address = self._router.address
        return _reachable(address) if address is not None else str(self._router.url)

    def _tell_start(self, up: Up, count: int) -> None:
        about = up.overview
        if self._router is not None:
            address = self._router.address
            if address is None:
                about = dataclasses.replace(about, note=runner.JOINED_ANOTHER)
            else:
                urls = runner.urls_of(address)
                about = dataclasses.replace(about, routers=urls, host=address.host)
        extra = []
        if count > 1:
            extra.append(("workers", f"{count}; events and timers are for worker 1"))
            extra += [("", f"{uri} is single: worker 1 alone registers it") for uri in up.alone]
        if self._watcher is not None:
            extra.append(("reloads", f"when a file in {self._watcher.folder} is saved"))
        runner.tell_start(about, as_json=self._as_json, extra=extra)

    # Workers.

    async def _keep(self, children: list[Child]) -> None:
        """Let the workers serve, and replace one that crashes.

        Raises:
            ServiceEnded: one has ended so that another would not do better.
        """
        up = await self._join_all(children)
        self._tell_start(up, len(children))
        keepers = [asyncio.create_task(self._keep_one(child)) for child in children]
        try:
            await asyncio.gather(*keepers)
        finally:
            for keeper in keepers:
                keeper.cancel()

    async def _keep_one(self, child: Child) -> None:
        loop = asyncio.get_running_loop()
        delay = _FIRST_DELAY
        while True:
            began = loop.time()
            end = await child.ended()
            if end.exit_code in _VERDICTS:
                raise end
            if loop.time() - began > _LASTED:
                delay = _FIRST_DELAY
            number = child.worker.number
            logger.error(
                "Worker %d %s; another takes its place in %.1f s", number, _how(end), delay
            )
            if end.text:
                runner.say(end.text)
            await asyncio.sleep(delay * _random.uniform(0.75, 1.0))
            delay = min(delay * 2, _LONGEST_DELAY)
            child = self._start(dataclasses.replace(child.worker, again=True))
            with contextlib.suppress(ServiceEnded):  # which the next turn tells
                await self._join(child)
                logger.info("Worker %d is up again", number)

    # Reloading.

    async def _reload(self, watcher: Watcher, children: list[Child]) -> None:
        """Start the service anew after each save.

        The old processes serve until the new ones have imported the app, so that a mistake that
        shows there interrupts nothing.
        """
        loop = asyncio.get_running_loop()

        def on_save(paths: list[str]) -> None:
            loop.call_soon_threadsafe(self._note_save, paths)

        watcher.start(on_save)
        serving: list[Child] = []
        saved: list[str] = []
        haste = 0
        while True:
            began = loop.time()
            attempt = asyncio.create_task(self._replace(serving, children))
            save = asyncio.create_task(self._next_save())
            await asyncio.wait([attempt, save], return_when=asyncio.FIRST_COMPLETED)
            if not attempt.done():
                attempt.cancel()  # the save may well mend what it waits for
            try:
                up = await attempt
            except asyncio.CancelledError:
                if not save.done():
                    raise
            except ServiceEnded as end:
                self._tell_failure(end, serving)
            else:
                watcher.ignore(up.log_files)
                self._tell_reload(up, len(children), saved, loop.time() - began)
            tried = loop.time()
            spares = [self._spare(child.worker) for child in children]
            await self._serve_until(save, serving)
            haste = haste + 1 if loop.time() - tried < _HASTY else 0
            saved = save.result()
            if haste >= _HASTE_ALLOWED:
                pause = min(2.0 ** (haste - _HASTE_ALLOWED), _LONGEST_DELAY)
                logger.warning(
                    "%s is saved with every start; the next is in %g s", _brief(saved), pause
                )
                await asyncio.sleep(pause)
            children = [self._start(spare.worker, spare) for spare in spares]

    async def _replace(self, serving: list[Child], children: list[Child]) -> Up:
        """Let new processes take the place of those that serve, once they are ready to.

        Args:
            serving: the old ones; at the end the new ones, or none.
            children: the new ones, which are ended if one of them fails.

        Raises:
            ServiceEnded: one of the new ones has ended.
        """
        try:
            for child in children:
                await child.loaded()
            self._ending = [asyncio.create_task(child.stop(_RELOAD_PATIENCE)) for child in serving]
            await asyncio.gather(*(child.left() for child in serving))
            serving.clear()
            up = await self._join_all(children)
        except BaseException:
            await asyncio.gather(*(child.stop(_RELOAD_PATIENCE) for child in children))
            raise
        serving += children
        return up

    async def _serve_until(self, save: asyncio.Task[list[str]], serving: list[Child]) -> None:
        """Wait for a save; tell of a process that ends meanwhile."""
        while not save.done():
            ends = {child.over: child for child in serving}
            either: list[asyncio.Future[Any]] = [save, *ends]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            for over, child in ends.items():
                if over.done():
                    serving.remove(child)
                    end = over.result()
                    if end.text:
                        runner.say(end.text)
                    logger.error("The service %s; waiting for the next save", _how(end))

    def _note_save(self, paths: list[str]) -> None:
        self._saved.update(dict.fromkeys(paths))
        self._has_saved.set()

    async def _next_save(self) -> list[str]:
        await self._has_saved.wait()
        self._has_saved.clear()
        saved = list(self._saved)
        self._saved.clear()
        return saved

    def _tell_failure(self, end: ServiceEnded, serving: list[Child]) -> None:
        """Say what went wrong, and what runs on.

        Raises:
            ServiceEnded: nothing ever ran, and no save would help.
        """
        if self._told is None and not end.fixable:
            raise end
        runner.say(end.text or f"The service {_how(end)}.")
        what = "the service before goes on" if serving else "nothing runs"
        logger.warning("Waiting for the next save; meanwhile %s", what)

    def _tell_reload(self, up: Up, count: int, saved: list[str], seconds: float) -> None:
        before, self._told = self._told, up.overview
        if before is None:
            self._tell_start(up, count)
            return
        records = (*before.procedures, *before.topics)
        were = {f"{uri}{arguments}" for uri, arguments, _ in records}
        records = (*up.overview.procedures, *up.overview.topics)
        are = {f"{uri}{arguments}" for uri, arguments, _ in records}
        lines = [f"- {gone}" for gone in sorted(were - are)]
        lines += [f"+ {new}" for new in sorted(are - were)]
        logger.info("Reloaded in %.2f s: %s", seconds, "\n".join([_brief(saved), *lines]))


def _reachable(address: Address) -> str:
    """Return the URL under which this machine reaches a router in the box."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - they are replaced
    return dataclasses.replace(
        address, host=everywhere.get(address.host, address.host)
    ).rawsocket_url


def _how(end: ServiceEnded) -> str:
    if end.exit_code >= 0:
        return f"ended with exit code {end.exit_code}"
    try:
        return f"was ended by {signal.Signals(-end.exit_code).name}"
    except ValueError:
        return f"was ended by signal {-end.exit_code}"


def _brief(paths: Sequence[str]) -> str:
    """Name a few of some files."""
    more = len(paths) - _NAMED
    return ", ".join(paths[:_NAMED]) + (f" and {more} more" if more > 0 else "")
