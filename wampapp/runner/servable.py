"""What whatever runs an app needs of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from wampapp.config.records import Config
    from wampapp.loop.runtime import Runtime
    from wampapp.registry.records import Scope, Worker
    from wampapp.registry.registry import Registry
    from wampapp.runner.service import Service
    from wampapp.transport.dial import Dialer


class Servable(Protocol):
    """An app, as the runner, the supervisor and the test realms know it: :class:`wampapp.App`.

    Attributes:
        name: its name, for messages.
        prefix: what its relative URIs are relative to; None for nothing.
        registry: what it declares.
        scope: its error handlers and defined errors.
        worker: which of several processes that run the app this one is.
    """

    name: str
    prefix: str | None
    registry: Registry
    scope: Scope
    worker: Worker

    @property
    def config(self) -> Config:
        """What it was made with; a run may override it."""

    @property
    def is_running(self) -> bool:
        """Whether it runs, or is about to."""

    def make_service(
        self,
        config: Config,
        runtime: Runtime,
        dialer: Dialer | None = None,
        *,
        succeeds: bool = False,
    ) -> Service:
        """Make what runs it; see :meth:`App.make_service`."""

    def attach(self, service: Service | None) -> None:
        """Give its verbs the running service's session; None when that has stopped."""
