"""A Flask app's caller and publisher: ``g.wamp``."""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any, Final

from flask import g

from wampapp.client.blocking import Client
from wampapp.errors import (
    NotJoined,
    WampappError,
)
from wampapp.flask.connection import ProcessConnection
from wampapp.flask.flask_wamp import Wampy
from wampapp.flask.settings import settings_from, wamp_values
from wampapp.loop.runtime import Runtime, get_runtime
from wampapp.observe.tracing import running_for
from wampapp.transport.port_dialer import dialer_to

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wampapp.config.records import Config
    from wampapp.flask.app import ContextApp
    from wampapp.flask.settings import Settings
    from wampapp.session.connection import Connection
    from wampapp.transport.dial import Dialer

#: The longest that a view waits for a lost session. After that, verbs fail at once until it is
#: back, so that a site whose router is away does not have all its workers waiting.
_REJOIN_TIMEOUT: Final = 5.0


class Peer(Client):
    """The blocking verbs of a Flask app: ``g.wamp``, ``current_app.extensions["wamp"]``.

    Each process joins at its first verb, and again when a lost router is back.

    Args:
        values: the Flask app's configuration, which counts as it is when a verb is first used.
        make_app: makes the app that serves the handlers.
        on_settings: called whenever the settings have been read.

    Raises:
        UsageError: a ``WAMP_*`` value is not valid.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        make_app: Callable[[Peer], ContextApp],
        on_settings: Callable[[Peer], None],
    ) -> None:
        super().__init__(self._choose_runtime, self._held_connection)
        self._values = values
        self._make_app = make_app
        self._on_settings = on_settings
        self._lock = threading.RLock()  # what it makes reads the settings
        self._app: ContextApp | None = None
        self._read: dict[str, Any] | None = None
        self._settings: Settings
        self.settings  # noqa: B018 - what is not valid is told at once
        self._held: ProcessConnection | None = None
        self.wampy = Wampy(self)
        _peers.add(self)

    @property
    def app(self) -> ContextApp:
        """The :class:`wampapp.App` that serves what the Flask app registers and subscribes.

        In an ``async def`` handler, ``await ….app.call(…)`` is the verb that does not block.
        """
        with self._lock:
            if self._app is None:
                # By the time it is first needed, everything is declared and configured.
                self._refresh()
                self._app = self._make_app(self)
            return self._app

    @property
    def settings(self) -> Settings:
        """What the Flask app's configuration says; fixed once :attr:`app` is made."""
        with self._lock:
            if self._app is None:
                self._refresh()
            return self._settings

    def _refresh(self) -> None:
        """Read the configuration anew, if it has changed: many set it after ``WAMP(app)``."""
        values = wamp_values(self._values)
        if values == self._read:
            return
        self._settings = settings_from(self._values)
        self._read = values
        self._prefix = self._settings.prefix or ""  # without a prefix, '.add' is 'add'
        self._timeout = self._settings.timeout
        self._on_settings(self)

    def _absolute(self, uri: object, what: str) -> str:
        _ = self.settings
        return super()._absolute(uri, what)

    def give(self, *_sender: Any, **_details: Any) -> None:
        """Put the verbs into the app context that has just been pushed."""
        _ = self.settings
        g.wamp = self
        g.wampy = self.wampy

    def _choose_runtime(self) -> Runtime:
        """Return the loop that serves the app in this process, else the process's own."""
        running = self.app.running_service
        return get_runtime() if running is None else running.runtime

    async def _ready(self) -> Connection:
        runtime = self._choose_runtime()
        held = self._held
        if held is None or held.runtime is not runtime or held.is_over:
            if held is not None and held.process == os.getpid():
                held.close_soon()
            with running_for(None):  # it outlives the request
                held = self._held = ProcessConnection(runtime, *self._route(runtime))
        await held.wait_joined()
        return held.connection

    def _held_connection(self) -> Connection:
        if self._held is None:
            raise NotJoined("No session has been opened yet.")
        return self._held.connection

    @property
    def client_config(self) -> Config:
        """How a caller joins: the router that is named, else the one on the embedded one's port."""
        settings = self.settings
        config = settings.config
        return dataclasses.replace(
            config,
            # A credential is for a router that is named.
            auth=None if config.url is None else config.auth,
            handshake_timeout=min(config.handshake_timeout, settings.timeout),
            rejoin_timeout=min(_REJOIN_TIMEOUT, settings.timeout),
        )

    def _route(self, runtime: Runtime) -> tuple[Dialer, Config]:
        """Return how this process reaches the router, and how it joins."""
        config = self.client_config
        running = self.app.running_service
        if running is not None and running.dialer is not None:
            # This process serves the app, and its command may have named another router.
            served = running.config
            return running.dialer, dataclasses.replace(
                config, url=served.url, realm=served.realm, auth=served.auth, tls=served.tls
            )
        return dialer_to(config, runtime.reactor), config

    def close(self) -> None:
        """Leave the realm, if this process has joined. The next verb joins again."""
        held, self._held = self._held, None
        if held is not None and held.process == os.getpid():
            held.runtime.call(held.close())

    async def leave(self) -> None:
        """Leave the realm, if this process has joined on the running loop."""
        held = self._held
        if held is not None and held.runtime is self._choose_runtime():
            self._held = None
            await held.close()


_peers: weakref.WeakSet[Peer] = weakref.WeakSet()


@atexit.register
def _leave() -> None:
    """Leave the realm when the process ends, as far as that is possible."""
    for peer in list(_peers):
        with contextlib.suppress(WampappError, RuntimeError):  # no thread can be started any more
            peer.close()
