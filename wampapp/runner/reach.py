"""How a run reaches its router: by its URL, in this process, or at the port that is taken."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wampapp._version import __version__
from wampapp.describe.console_files import console_file
from wampapp.dispatch.dispatcher import Dispatcher
from wampapp.errors import PortInUse, RouterRefused, RouterUnreachable, UsageError
from wampapp.loop.threads import ThreadPool
from wampapp.session.joining import join, new_session
from wampapp.transport.dial import LocalDialer, UrlDialer
from wampapp.transport.list_dialer import dialer_by
from wampapp.transport.port_dialer import PortDialer

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.config.access import RouterConfig
    from wampapp.config.records import Config
    from wampapp.loop.runtime import Runtime
    from wampapp.runner.notify import Notifier
    from wampapp.server.address import Address
    from wampapp.server.door import Server
    from wampapp.transport.dial import Dialer

logger = logging.getLogger("wampapp")

#: Seconds that whatever holds the embedded router's port gets to answer as a router.
_PROBE_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class Reach:
    """A way to a router.

    Attributes:
        dialer: how a session gets there.
        config: how to join there: the settled configuration, without the credential where no
            router was named.
        url: the router's URL; None for a router in this process.
        server: the router in this process, which listens; None without one.
        address: where it listens; None without one.
        is_lent: whether the router in this process is somebody else's to close.
    """

    dialer: Dialer
    config: Config
    url: str | None
    server: Server | None = None
    address: Address | None = None
    is_lent: bool = False

    def lend(self, config: Config) -> Reach:
        """Return the same way for another app of this process.

        Args:
            config: the app's settled configuration.
        """
        url = self.config.url
        auth = None if url is None else config.auth  # as in find_router
        config = dataclasses.replace(config, url=url, auth=auth)
        return dataclasses.replace(self, config=config, is_lent=True)

    async def close(self) -> None:
        """Close the router in this process, if there is one."""
        if self.server is not None and not self.is_lent:
            await self.server.close()


async def find_router(config: Config, runtime: Runtime, trusted: str | None = None) -> Reach:
    """Find the way to the router; without a URL start one here, or use the one that holds the port.

    Args:
        config: the settled configuration.
        runtime: the process's loop, on which this runs.
        trusted: the secret of the app's other processes; None where there are none.

    Raises:
        PortInUse: the embedded router's port is taken by something that is not a WAMP router.
        UsageError: it cannot listen at that address.
    """
    if config.url is not None:
        dialer = dialer_by(config.url, runtime.reactor, config.tls)
        return Reach(dialer, config, config.url)
    # A credential is for a router that is named: ours asks for none, and another that holds our
    # port might be anybody's.
    config = dataclasses.replace(config, auth=None)
    server = make_server(config, runtime, trusted)
    try:
        address = server.listen(config.host, config.port)
    except PortInUse:
        if config.router_config is not None or config.tls_cert is not None:
            # What runs there would let others do what this configuration forbids.
            raise PortInUse(
                f"Port {config.port} on {config.host} is taken, and a router with a "
                "configuration or a certificate needs a port of its own; choose another with "
                "--port, or stop what holds it."
            ) from None
        try:
            url = await running_router(config, runtime)
        except RouterUnreachable:
            raise PortInUse(
                f"Port {config.port} on {config.host} is taken by something that is not a WAMP "
                "router; choose another port with --port, or stop what holds it."
            ) from None
        return Reach(UrlDialer(url, runtime.reactor), config, url)
    return Reach(LocalDialer(server.router.new_local_session), config, None, server, address)


async def running_router(config: Config, runtime: Runtime) -> str:
    """Return the URL of the WAMP router that listens on a configuration's port.

    Args:
        config: the port, the realm, and how patient we are.
        runtime: the process's loop, on which this runs.

    Raises:
        RouterUnreachable: nothing listens there, or something else.
    """
    dialer = PortDialer(config.host, config.port, runtime.reactor)
    patience = min(_PROBE_SECONDS, config.handshake_timeout)
    with contextlib.closing(ThreadPool(1)) as workers:
        # It is joined, not only spoken to: what sends back whatever it gets is not a router.
        try:
            session = new_session(config, Dispatcher(runtime.loop, workers, logger))
            await join(dialer, config, session, patience)
            await session.leave(timeout=1.0)
        except RouterRefused:
            pass  # a router all the same; the app's own join says why it refuses
    return dialer.where


def make_server(config: Config, runtime: Runtime, trusted: str | None = None) -> Server:
    """Make a router and the server that will listen for it.

    Args:
        config: how patient it is, which origins it lets in, who may do what, and its limits.
        runtime: the process's loop.
        trusted: the secret of the app's other processes; None where there are none.

    Raises:
        UsageError: the file that says who may do what, or one for TLS, cannot be read, or holds a
            mistake; or nothing says who may do what, and the host is beyond this machine.
    """
    from wampapp.router.router import Router
    from wampapp.server.aside import Aside
    from wampapp.server.door import Server

    aside = Aside()
    found = router_config_of(config)
    router = Router(
        f"wampapp-{__version__}",
        config=found,
        trusted=trusted,
        aside=aside,
        call_later=runtime.loop.call_later,
        limits=config.limits,
    )
    router.identify_by(config.realm, config.identifier)
    _check_reachable(config, found)
    if config.tls_key is not None and config.tls_cert is None:
        raise UsageError("A key for TLS needs a certificate; give --tls-cert.")
    server = Server(
        router,
        runtime.reactor,
        handshake_timeout=config.handshake_timeout,
        allow_origins=config.allow_origins,
        tls_cert=config.tls_cert,
        tls_key=config.tls_key,
        client_ca=None if found is None else found.tls_client_ca,
        asks_clients=found is not None and found.asks_clients,
        listeners=() if found is None else found.listeners,
        on_close=aside.close,
    )
    show_console(server, config.realm, config.host)
    return server


def show_console(server: Server, realm: str, host: str | None = None) -> None:
    """Have a router's server show the console, if it listens on this machine only.

    Elsewhere, the console would show strangers what there is to call.

    Args:
        server: the server.
        realm: the realm that the console joins.
        host: where the server will listen; None where it listens already.
    """
    from wampapp.config.url import is_loopback

    if is_loopback(server.host if host is None else host):
        server.own_file = functools.partial(console_file, realm=realm)


def reloading(
    config: Config, server: Callable[[], Server | None], notifier: Notifier
) -> Callable[[], None] | None:
    """Return what reads the embedded router's file anew; None where it has no file.

    Args:
        config: the configuration, which names the file and where the router listens.
        server: returns the router's server, or None while there is none.
        notifier: tells the process manager, which waits until that is done.
    """
    if config.url is not None or not isinstance(config.router_config, str | os.PathLike):
        return None
    path = config.router_config

    def read() -> RouterConfig:
        from wampapp.config.router_file import read_router_file

        found = read_router_file(path)
        # What a router may not start with, it must not get while it listens.
        _check_reachable(config, found)
        return found

    def reload() -> None:
        notifier.reloading()
        found = server()
        if found is None:
            notifier.reloaded()
        else:
            found.router.reload(read, notifier.reloaded)

    return reload


def _check_reachable(config: Config, rules: RouterConfig | None) -> None:
    """Check that a router which lets everybody do everything is for this machine only.

    Args:
        config: where it listens, and whether it may let everybody in there.
        rules: where it listens besides, and who may do what; None for everybody everything.

    Raises:
        UsageError: others can reach it, and nobody has said that they may.
    """
    from wampapp.config.url import is_loopback

    if config.allow_anonymous or (rules is not None and not rules.open_realms):
        return
    listeners = () if rules is None else rules.listeners
    ports = [one.host or "127.0.0.1" for one in listeners if one.unix is None]
    host = next((host for host in (config.host, *ports) if not is_loopback(host)), None)
    if host is None:
        return
    if config.router_config is None:
        advice = "say who may with --router-config (for 'wampapp router': --config)"
    else:
        advice = "take open_realms out of its configuration"
    raise UsageError(
        f"On {host} the router can be reached from beyond this machine, and everybody "
        f"could call, publish and register there; {advice}, or let everybody with "
        "--allow-anonymous."
    )


def router_config_of(config: Config) -> RouterConfig | None:
    """Return who may do what at the embedded router; None where everybody may do everything.

    Raises:
        UsageError: the file cannot be read, or holds a mistake.
    """
    found = config.router_config
    if found is None:
        return None
    from wampapp.config.access import RouterConfig
    from wampapp.config.router_file import read_router_file

    return found if isinstance(found, RouterConfig) else read_router_file(found)
