"""Sessions and components of Autobahn's under test, as the test realms know apps."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Protocol, cast

from wampapp.autobahn.guests import guest_of, is_component, is_session_class
from wampapp.config.records import DEFAULT_REALM, Config
from wampapp.registry.records import Scope, Worker
from wampapp.registry.registry import Registry

if TYPE_CHECKING:
    from wampapp.loop.runtime import Runtime
    from wampapp.registry.records import Guest
    from wampapp.runner.servable import Servable
    from wampapp.runner.service import Service
    from wampapp.transport.dial import Dialer

_THREADS = 4


class ComponentLike(Protocol):
    """One of Autobahn's components, as type checkers know it."""

    def on_join(self, fn: Any) -> Any:
        """Listen to its sessions' joins."""

    def on_leave(self, fn: Any) -> Any:
        """Listen to its sessions' ends."""


class HostedApp:
    """What only hosts a session or a component.

    Args:
        guest: what makes its sessions.
    """

    def __init__(self, guest: Guest) -> None:
        self.name = guest.name
        self.prefix: str | None = None
        self.registry = Registry()
        self.registry.add_guest(guest)
        self.scope = Scope()
        self.worker = Worker()
        self.config = Config(realm=guest.realm or DEFAULT_REALM)
        guest.realm = None
        self._service: Service | None = None

    @property
    def is_running(self) -> bool:
        """Whether it runs, or is about to."""
        return self._service is not None

    def make_service(
        self,
        config: Config,
        runtime: Runtime,
        dialer: Dialer | None = None,
        *,
        succeeds: bool = False,
    ) -> Service:
        """Make what runs it; see :class:`~wampapp.runner.servable.Servable`."""
        from wampapp.runner.service import Service

        log = logging.getLogger(self.name)
        return Service(
            self.registry,
            config,
            runtime,
            log,
            threads=_THREADS,
            dialer=dialer,
            succeeds=succeeds,
        )

    def attach(self, service: Service | None) -> None:
        """Note what runs it."""
        self._service = service


def servable(thing: Any) -> Servable:
    """Return what a test realm runs for an app, or for a session or component of Autobahn's."""
    if is_session_class(thing) or is_component(thing):
        return HostedApp(guest_of(thing))
    return cast("Servable", thing)
