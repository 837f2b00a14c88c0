"""`wampapp.connect()`: a blocking client with a session of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Self

from wampapp.client.blocking import PeerClient
from wampapp.config.records import Config, check_seconds
from wampapp.config.settle import FINDING, settle
from wampapp.dispatch.dispatcher import Dispatcher
from wampapp.errors import NotJoined
from wampapp.loop.runtime import Runtime, get_runtime
from wampapp.loop.threads import ThreadPool
from wampapp.observe import otel
from wampapp.observe.hidden import explain
from wampapp.observe.tracing import running_for
from wampapp.registry.blueprint import Blueprint
from wampapp.registry.naming import check_absolute_prefix, check_relative
from wampapp.session.connection import Connection
from wampapp.transport.port_dialer import dialer_to

if TYPE_CHECKING:
    from types import TracebackType

    from wampapp.config.records import Tls
    from wampapp.protocol.credentials import Credential

logger = logging.getLogger("wampapp.client")

_THREADS = 40
_GRACE = 1.0
_CLOSED = "This client is closed; open another with wampapp.connect()."


class ConnectedClient(PeerClient):
    """A client with a session of its own. A context manager that leaves at its end.

    Use :func:`connect`. When the link breaks, the session comes back by itself, with what was
    registered and subscribed.
    """

    def __init__(self, config: Config, *, timeout: float | None, prefix: str | None = None) -> None:
        runtime = get_runtime()
        #: Holds the defined errors, for calls and for handlers.
        self._own = Blueprint(prefix)
        self._defined: dict[str, type[Exception]] = {}
        super().__init__(
            lambda: runtime,
            self._current,
            prefix=prefix,
            timeout=timeout,
            blueprint=self._new_blueprint,
        )
        self._opened: Connection | None = None
        self._workers = ThreadPool(_THREADS)
        self._dispatcher = Dispatcher(
            runtime.loop, self._workers, logger, debug=config.debug, spans=otel.configured()
        )
        self._keeper: asyncio.Task[None] | None = None
        self._closing = False
        with running_for(None):  # it outlives what opens it
            runtime.call(self._open(runtime, config))
        runtime.clients += 1

    async def _open(self, runtime: Runtime, config: Config) -> None:
        dialer = dialer_to(config, runtime.reactor)
        connection = Connection(dialer, config, self._dispatcher, defined=self._defined)
        await connection.open(patient=False)
        self._opened = connection
        self._keeper = asyncio.create_task(connection.keep())
        self._keeper.add_done_callback(_note_end)

    def _current(self) -> Connection:
        if self._opened is None:
            raise NotJoined(_CLOSED)
        return self._opened

    def _new_blueprint(self) -> Blueprint:
        blueprint = Blueprint(self._prefix)
        blueprint.scope = self._own.scope
        return blueprint

    def define_error(self, kind: type[Exception], uri: str | None = None) -> None:
        """Make an exception and an error URI stand for each other, from now on.

        As :meth:`App.define_error`: a call that is answered with the URI raises the exception, and
        a handler of this client that raises it answers with the URI. With Autobahn's
        ``ApplicationError``, ``except ApplicationError`` catches every error.

        Args:
            kind: the exception.
            uri: the error URI; None for that of ``@wamp.error``, or for every other one.

        Raises:
            InvalidHandler: ``kind`` is not an exception class, or has no URI.
            InvalidUri: the URI is not valid.
        """
        check_relative(uri, self._prefix, "error", self._NO_PREFIX)
        self._own.define_error(kind, uri)
        self._defined.update(self._own.scope.defined())

    def wait(self) -> None:
        """Wait until the client is closed, by another thread or for good.

        Handlers go on meanwhile, and sessions come back. Ctrl-C ends the wait.

        Raises:
            RouterRefused: the router refused on coming back.
            TlsFailed: it is not to be trusted any more.
            NotJoined: the client is closed already.
        """
        keeper = self._keeper
        if keeper is None:
            raise NotJoined(_CLOSED)

        async def closed() -> None:
            await asyncio.wait([keeper])
            if not keeper.cancelled():
                keeper.result()

        self._run(closed)

    def close(self) -> None:
        """Say GOODBYE and disconnect. Closing twice does nothing."""
        if self._closing or self._opened is None:
            return
        self._closing = True
        runtime = self._runtime()
        with contextlib.suppress(NotJoined):  # the process ends, and its sessions with it
            runtime.call(self._close(self._opened))
        self._opened = None
        runtime.clients -= 1
        self._workers.close()

    async def _close(self, connection: Connection) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.wait([keeper])
        await connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _note_end(keeper: asyncio.Task[None]) -> None:
    if not keeper.cancelled() and (error := keeper.exception()) is not None:
        logger.error("The session will not come back: %s", error)


def connect(
    url: str | None = None,
    realm: str | None = None,
    *,
    prefix: str | None = None,
    auth: Credential | None = None,
    tls: Tls | None = None,
    timeout: float | None = None,
    connect_timeout: float = 10.0,
    keep_alive: float = 15.0,
    rejoin_timeout: float = 30.0,
) -> ConnectedClient:
    """Connect to a router and join a realm: WAMP for scripts.

    ::

        with wampapp.connect("rs://127.0.0.1:8080") as client:
            print(client.call("com.example.add", 2, 3))

    Args:
        url: the router, or several with commas between, of which the first that answers is joined;
            by default ``WAMPAPP_URL``, else the one on port 8080 of this machine (``WAMPAPP_HOST``
            and ``WAMPAPP_PORT``).
        realm: the realm; by default ``WAMPAPP_REALM``, else ``realm1``.
        prefix: what relative URIs are relative to, such as ``"com.example"``; None to refuse
            them.
        auth: the credential, such as ``Ticket(…)``; by default what ``WAMPAPP_AUTHMETHOD`` and
            the variables beside it say, else none.
        tls: how TLS is spoken; by default what ``WAMPAPP_CA`` and the variables beside it say.
        timeout: seconds that each verb of the client may take; None for no limit.
        connect_timeout: seconds for connecting and joining.
        keep_alive: seconds within which a dead link is noticed; 0 for never.
        rejoin_timeout: seconds that a verb waits for the session to come back after the link
            broke.

    Returns:
        The joined client.

    Raises:
        InvalidUri: the prefix is not valid.
        InvalidUrl: the URL is not one of a router.
        UsageError: the realm, a timeout or a credential is not valid.
        RouterUnreachable: no router answered.
        RouterRefused: the router refused the realm or the credential.
        TlsFailed: the router's certificate is not trusted.
        WrongThread: called on the event loop's thread.
    """
    check_absolute_prefix(Blueprint(prefix).prefix, "a client")
    if timeout is not None:
        timeout = check_seconds(timeout, "timeout")
    own = Config(
        handshake_timeout=check_seconds(connect_timeout, "connect_timeout"),
        keep_alive=keep_alive,
        rejoin_timeout=rejoin_timeout,
        grace=_GRACE,
    )
    config = settle(own, variables=FINDING, url=url, realm=realm, auth=auth, tls=tls)
    try:
        return ConnectedClient(config, timeout=timeout, prefix=prefix)
    except (ImportError, AttributeError) as error:
        explained = explain(error)
        if explained is None:
            raise
        raise explained from None
