"""The parent of the worker processes: what it does whatever they are for."""

from __future__ import annotations

import asyncio
import dataclasses
import secrets
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from wampapp.config.listeners import http_listener
from wampapp.config.records import Config
from wampapp.config.settle import override
from wampapp.config.url import urls_at
from wampapp.errors import UsageError
from wampapp.loop.runtime import current_runtime
from wampapp.runner import banner
from wampapp.runner.garbage import startup_spared
from wampapp.runner.notify import Notifier
from wampapp.runner.reach import find_router, reloading, show_console
from wampapp.runner.signals import reload_signal, stop_signals, stop_with_stdin
from wampapp.server.address import Address
from wampapp.server.handover import Handover
from wampapp.server.listening import listen_on
from wampapp.supervisor.child import Child
from wampapp.supervisor.pipe import Join

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.registry.records import Worker
    from wampapp.runner.reach import Reach
    from wampapp.server.handover import Taker
    from wampapp.server.page import PageFactory
    from wampapp.supervisor.pipe import Start, Up


class Parent(ABC):
    """Has the worker processes of one run, and the router that they share.

    Args:
        message: makes the message that starts a worker.
        options: as in :func:`wampapp.supervisor.run`.
        as_json: whether the log is JSON.
        exit_with_stdin: whether the end of the standard input stops the run too.
        notifier: tells the process manager; None tells nobody.
    """

    #: What SIGHUP does, besides having the router read its file anew; None for nothing.
    _renew: Callable[[], None] | None = None
    #: The seconds for which whoever asks for a page waits until a process is there.
    _page_patience = 5.0

    def __init__(
        self,
        message: Callable[[Worker], Start],
        options: dict[str, Any],
        *,
        as_json: bool,
        exit_with_stdin: bool = False,
        notifier: Notifier | None = None,
    ) -> None:
        self._message = message
        self._options = options
        self._as_json = as_json
        self._exit_with_stdin = exit_with_stdin
        self._notifier = notifier or Notifier()
        self._children: set[Child] = set()
        self._handover: Handover | None = None
        self._paths: frozenset[str] = frozenset()
        self._router: Reach | None = None
        self._http_port: Any = None
        self._generation = 0
        self._secret = secrets.token_urlsafe(32)

    async def run(self, first: list[Child]) -> None:
        """Run until a signal stops it.

        Args:
            first: the first processes, one for each worker; they have been started.

        Raises:
            ServiceEnded: a process has ended, and another would not do better.
            UsageError: the embedded router cannot listen.
        """
        for child in first:
            self._add(child)
        config = override(
            Config(),
            host=self._options.get("host"),
            router_config=self._options.get("router_config"),
            allow_anonymous=self._options.get("allow_anonymous"),
        )
        reload = reloading(
            config, lambda: None if self._router is None else self._router.server, self._notifier
        )
        with (
            self._notifier.running(),
            stop_signals(self._kill) as stopped,
            reload_signal(_all_of(reload, self._renew)),
        ):
            if self._exit_with_stdin:
                stop_with_stdin(stopped)
            work = asyncio.create_task(self._work(first))
            try:
                with startup_spared():
                    await asyncio.wait([work, stopped], return_when=asyncio.FIRST_COMPLETED)
                if stopped.done():
                    # Even if a process has ended: a signal may go to the whole group of processes.
                    banner.show_stop(as_json=self._as_json)
                else:
                    await work
            finally:
                self._notifier.stopping()
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
                if self._http_port is not None:
                    await self._http_port.stopListening().asFuture(asyncio.get_running_loop())
                await asyncio.gather(*(child.stop() for child in self._children))
                if self._router is not None:
                    await self._router.close()

    @abstractmethod
    async def _work(self, children: list[Child]) -> None:
        """Have the processes join, and replace them when that is due."""

    def _kill(self) -> None:
        for child in list(self._children):
            child.kill()

    def _start(self, worker: Worker, spare: Child | None = None) -> Child:
        """Start a worker, in the spare process if that still lives."""
        child = self._spare(worker) if spare is None or spare.ended.done() else spare
        child.start(self._message(worker))
        return child

    def _spare(self, worker: Worker) -> Child:
        child = Child(worker)
        self._add(child)
        return child

    def _add(self, child: Child) -> None:
        child.follow()
        self._children.add(child)
        child.ended.add_done_callback(lambda _: self._children.discard(child))

    # Joining.

    async def _join(self, child: Child) -> Up:
        """Have a process join as soon as it is ready.

        Raises:
            ServiceEnded: it has ended instead.
        """
        loaded = await child.loaded()
        url = await self._router_url() if loaded.needs_router else None
        if self._router is not None and self._router.server is not None:
            # A save may have brought it, or taken it away.
            self._router.server.router.identify_by(loaded.realm, loaded.identifier)
            show_console(self._router.server, loaded.realm)
            self._serve_pages(() if self._options.get("http") else loaded.pages)
        if loaded.pages:
            self._listen_for_pages()
        server = None if self._router is None else self._router.server
        secret = self._secret if url is not None and self._has_rules else None
        host = "" if server is None else server.host
        if self._http_port is not None:
            host = self._http_port.getHost().host
        allowed = tuple(self._options.get("allow_origins") or ())
        console = server is not None and server.own_file is not None and self._http_port is None
        child.join(Join(url, secret, host, allowed, self._generation, console))
        return await child.up()

    def _new_handover(self, page: PageFactory) -> Handover:
        """Make what hands connections to the web apps of the processes."""
        self._handover = Handover(page, self._takers, self._page_patience)
        self._handover.paths = self._paths
        return self._handover

    def _listen_for_pages(self) -> None:
        """Listen at the port that ``--http`` names for pages; once.

        Raises:
            UsageError: it cannot be listened there.
        """
        http = self._options.get("http")
        if http and self._http_port is None:
            listener = http_listener(http)
            handover = Handover(None, self._takers, self._page_patience)
            reactor = current_runtime().reactor
            self._http_port = listen_on(reactor, handover, listener, option="--http")

    @property
    def _pages_url(self) -> str | None:
        """Where the web pages are; None if there is no port for them."""
        if self._http_port is not None:
            at = self._http_port.getHost()
            return Address(at.host, at.port).page_url
        address = None if self._router is None else self._router.address
        return None if address is None else address.page_url

    def _serve_pages(self, paths: tuple[str, ...]) -> None:
        self._paths = frozenset(paths)
        if self._handover is not None:
            self._handover.paths = self._paths

    def _takers(self) -> list[Taker]:
        return [child.take for child in self._children if child.is_up]

    async def _join_all(self, children: list[Child]) -> Up:
        """Have the first process join, then the others: an error that all share shows once."""
        up = await self._join(children[0])
        await asyncio.gather(*map(self._join, children[1:]))
        return up

    @property
    def _has_rules(self) -> bool:
        """Whether the embedded router has a configuration, by which our processes are trusted."""
        router = self._router
        return router is not None and router.config.router_config is not None

    async def _router_url(self) -> str:
        """Return the URL of the embedded router, which listens from now on.

        Raises:
            UsageError: it cannot listen.
        """
        if self._router is None:
            if self._options["tls_cert"] is not None:
                raise UsageError(
                    "With TLS, a service in processes of its own needs a router by itself; start "
                    "one with 'wampapp router --tls-cert …', and name it with --url."
                )
            names: tuple[str, ...] = (
                "host",
                "port",
                "allow_origins",
                "limits",
                "handshake_timeout",
                "router_config",
                "allow_anonymous",
            )
            config = override(Config(), **{name: self._options[name] for name in names})
            self._router = await find_router(config, current_runtime(), self._secret)
            if self._router.server is not None:
                self._router.server.page_maker = self._new_handover
        address = self._router.address
        if address is None:
            return str(self._router.url)
        return urls_at(address.host, address.port)[0]

    def _show_start(self, up: Up, count: int, *more: tuple[str, str]) -> None:
        """Show what runs.

        Args:
            up: what the first process says about it.
            count: how many processes there are.
            more: further lines, each with its label.
        """
        info = dataclasses.replace(up.info, pages_url=self._pages_url)
        if self._router is not None:
            address, server = self._router.address, self._router.server
            if address is None:
                info = dataclasses.replace(info, note=banner.JOINED_ANOTHER)
            else:
                urls = banner.urls_of(address)
                is_guarded = server is not None and server.router.is_guarded
                info = dataclasses.replace(
                    info,
                    routers=urls,
                    host=address.host,
                    is_guarded=is_guarded,
                    console_url=banner.console_url(server, address),
                )
        extra = []
        if count > 1:
            serves = any(listing.names for listing in info.listings) or info.pages
            whose = "; events and timers are for worker 1" if serves or up.single else ""
            extra.append(("workers", f"{count}{whose}"))
            extra += [("", f"{uri} is single: only worker 1 registers it") for uri in up.single]
        banner.show_start(info, as_json=self._as_json, extra=[*extra, *more])
        self._notifier.ready(banner.up_text(info, workers=count))


def _all_of(*functions: Callable[[], None] | None) -> Callable[[], None] | None:
    """Return a function that calls all of some; None if there are none."""
    there = [function for function in functions if function is not None]
    if not there:
        return None

    def call() -> None:
        for function in there:
            function()

    return call
