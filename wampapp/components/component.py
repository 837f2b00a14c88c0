"""What every component of the stack is: a blueprint that owns data, and a client of it."""

from __future__ import annotations

import asyncio
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

from wampapp.components.store import make_store
from wampapp.components.store.opening import MEMORY, settle_store
from wampapp.errors import NoSuchProcedure, StorageFailed, StoreError, UsageError
from wampapp.registry.blueprint import Blueprint
from wampapp.registry.records import Hook

if TYPE_CHECKING:
    import os
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from wampapp.client.blocking import Client
    from wampapp.client.handles import Procedure
    from wampapp.components.measured import Measured
    from wampapp.components.store import Store
    from wampapp.components.store.migrations import Schema
    from wampapp.registry.records import Worker
    from wampapp.registry.registry import Registry
    from wampapp.runner.service import Service


class Host(Protocol):
    """An app that uses a component: :class:`wampapp.App`.

    Attributes:
        prefix: what its relative URIs are relative to.
        name: its name.
        registry: what it declares.
        worker: which of several processes that run it this one is.
        extensions: what extends it, by name.
    """

    prefix: str | None
    name: str
    registry: Registry
    worker: Worker
    extensions: dict[str, Any]

    @property
    def sync(self) -> Client:
        """Its blocking verbs."""

    @property
    def running_service(self) -> Service | None:
        """What runs it in this process; None while it does not run."""

    @property
    def procedure(self) -> Callable[..., Procedure[Any]]:
        """Makes a handle to a procedure."""

    @property
    def subscribe_now(self) -> Callable[..., Awaitable[Any]]:
        """Subscribes a handler while the app runs."""


class Component(Blueprint):
    """A component of the stack: procedures that one process serves, and the verbs that call them.

    ::

        tasks = Tasks(app)      # the app uses com.example.tasks.…
        app.include(tasks)      # and serves it too

    A component of your own subclasses this: it declares its procedures in its ``__init__`` with
    relative URIs, opens what it needs in :meth:`open`, and names itself and its tables.

    Args:
        app: the app that uses it, or a client from :func:`wampapp.connect`; None to pass it to
            :meth:`init_app` later.
        prefix: what its procedures are below; by default the app's prefix and the component's name.
        store: where its data is kept, if this process serves it: a file, or a database such as
            ``postgresql://user@host/database``. ``WAMPAPP_<NAME>_STORE`` and ``WAMPAPP_STORE`` come
            first; the default is ``instance/<name>.sqlite``.

    Attributes:
        NAME: what it is called in URIs, files and commands.
        SCHEMA: its tables; None if it keeps nothing.
        COMMANDS: where its commands are, as ``module:attribute``; None if it has none.
        CONSOLE: the folder of its tab in the console: ``tab.js``, and ``tab.css`` if it wants. For
            the page, ``list.js`` beside it is ``./tab-<name>-list.js``.
        FILE_ONLY: whether its data is kept in a SQLite file, whatever ``WAMPAPP_STORE`` says.
        store: its open store, in the process that serves it.

    Raises:
        UsageError: the app has a component of this name already.
    """

    NAME: ClassVar[str]
    SCHEMA: ClassVar[Schema | None] = None
    COMMANDS: ClassVar[str | None] = None
    CONSOLE: ClassVar[Path | None] = None
    FILE_ONLY: ClassVar[bool] = False

    def __init__(
        self,
        app: Host | Client | None = None,
        prefix: str | None = None,
        *,
        store: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(prefix)
        #: Where the code says that its data is kept; None if it says nothing.
        self.declared_store = store
        self._given_store: str | os.PathLike[str] | None = None
        self._store: Store | None = None
        self._host: Host | None = None
        self._client: Client | None = None
        #: Whether this process must not serve it, whatever includes it.
        self.never_serves = False
        #: Whether this process serves it; known once it has started.
        self.is_served = False
        self._is_open = False
        self._procedures: dict[tuple[str, bool], Procedure[Any]] = {}
        self.registry.add_hook(Hook("startup", self._start))
        self.registry.add_hook(Hook("stopping", self._stop_serving))
        self.registry.add_hook(Hook("shutdown", self._shut_down))
        if app is not None:
            self.init_app(app)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.prefix!r}>"

    def init_app(self, app: Host | Client) -> Self:
        """Use the component in an app, or with a client.

        Args:
            app: the app, or a client from :func:`wampapp.connect`.

        Returns:
            The component.

        Raises:
            UsageError: it belongs to another app already, or the app has a component of this name.
        """
        if self._host is not None or self._client is not None:
            raise UsageError(f"{self!r} belongs to an app already; make one for each app.")
        extensions = getattr(app, "extensions", None)
        if extensions is None:
            self._client = app  # type: ignore[assignment]
            base = getattr(app, "prefix", None)
        else:
            if self.NAME in extensions:
                raise UsageError(
                    f"The app has a component {self.NAME!r} already: {extensions[self.NAME]!r}."
                )
            self._host = app  # type: ignore[assignment]
            base = app.prefix  # type: ignore[union-attr]
        if self.prefix is None:
            self.prefix = f"{base}.{self.NAME}" if base else self.NAME
        if extensions is not None:
            extensions[self.NAME] = self
            self.attached()
        return self

    def attached(self) -> None:
        """Do what is to be done once the app is known, such as adding hooks to it."""

    @property
    def host(self) -> Host:
        """The app.

        Raises:
            UsageError: it has none yet.
        """
        if self._host is None:
            raise UsageError(f"{type(self).__name__}() has no app yet; call its init_app(app).")
        return self._host

    @property
    def service(self) -> Service:
        """What runs the app in this process.

        Raises:
            UsageError: the app does not run.
        """
        service = self.host.running_service
        if service is None:
            raise UsageError(f"{self.host!r} does not run.")
        return service

    @property
    def is_joined(self) -> bool:
        """Whether the app has a session now."""
        service = self.host.running_service
        connection = None if service is None else service.connection
        session = None if connection is None else connection.session
        return session is not None and session.is_joined

    @property
    def store(self) -> Store:
        """The open store, in the process that serves the component."""
        if self._store is None:
            raise UsageError(f"{self!r} is not served by this process.")
        return self._store

    @cached_property
    def clock(self) -> Callable[[], float]:
        """Returns the time, in seconds since 1970; in a test, its clock can be moved."""
        if not self.service.config.in_test:
            return time.time
        loop = asyncio.get_running_loop()
        began = time.time() - loop.time()
        return lambda: began + loop.time()

    def keep_in(self, store: str | os.PathLike[str]) -> None:
        """Say where its data is kept, before the environment and the code; before the app starts.

        Args:
            store: a file, or a database's URL.
        """
        self._given_store = store

    def summary(self) -> str:
        """Return what it does in this process, for the banner."""
        return f"kept in {self.store.where}" if self._store is not None else "served elsewhere"

    async def measure(self) -> list[Measured]:
        """Return numbers about its data, where this process serves it; for telemetry."""
        return []

    def tester(self, client: Any) -> Any:
        """Return what tests ask of the component, as ``client.<name>``; itself by default."""
        del client
        return self

    # Serving.

    async def open(self) -> None:
        """Do what comes before serving; the store is open. Subclasses override this.

        What comes after it, :meth:`stop_serving` and :meth:`close`, is done even if this fails.
        """

    async def stop_serving(self) -> None:
        """End what would keep calls waiting: the process is about to stop serving."""

    async def close(self) -> None:
        """Do what comes after serving, before the store is closed. Subclasses override this."""

    async def _start(self) -> None:
        # Of several processes, the first serves what is registered with invoke="single".
        self.is_served = not self.never_serves and (
            self._host is None or self._host.worker.number == 1
        )
        if not self.is_served:
            return
        if self._host is None:
            name = type(self).__name__
            raise StoreError(
                f"{name}() has no app, so it cannot be served; write {name}(app), or call its "
                "init_app(app)."
            )
        if self.SCHEMA is not None:
            given = self._given_store
            where = (
                settle_store(self.NAME, self.declared_store, file_only=self.FILE_ONLY)
                if given is None
                else str(given)
            )
            if self.FILE_ONLY and "://" in where:
                raise StoreError(
                    f"{type(self).__name__} keeps its data in a SQLite file; name one in place of "
                    f"{where.partition('://')[0]}://…."
                )
            if self.service.config.in_test:
                where = MEMORY
            self._store = make_store(where, self.SCHEMA)
            self._store.on_lost = self._store_lost
            await self._store.open()
            if self._store.took_over:
                # The router may notice later than the database that the other one has ended.
                self.service.succeed_another()
        self._is_open = True
        try:
            await self.open()
        except StorageFailed as error:
            where = "Its store" if self._store is None else self._store.where
            raise StoreError(f"{where} cannot be opened: {error.message}") from None

    def _store_lost(self, error: StoreError) -> None:
        self.service.fail(error)

    async def _stop_serving(self) -> None:
        if self._is_open:
            await self.stop_serving()

    async def _shut_down(self) -> None:
        if not self.is_served:
            return
        self.is_served = False
        try:
            if self._is_open:
                self._is_open = False
                await self.close()
        finally:
            if self._store is not None:
                await self._store.close()
                self._store = None
            self.__dict__.pop("clock", None)

    # Calling.

    async def call(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call one of the component's procedures.

        Args:
            name: its name below the prefix.
            args: positional arguments.
            kwargs: keyword arguments.

        Raises:
            NoSuchProcedure: nobody serves the component.
            WampError: it answered with an error.
        """
        try:
            return await self.procedure_of_mine(name)(*args, **kwargs)
        except NoSuchProcedure:
            raise self.nobody_serves() from None

    def procedure_of_mine(self, name: str, *, idempotent: bool = False) -> Procedure[Any]:
        """Return the handle to one of the component's procedures; it is made once, in 5 µs.

        Args:
            name: its name below the prefix.
            idempotent: whether it is called again when the link breaks.
        """
        key = name, idempotent
        if key not in self._procedures:
            uri = f"{self.prefix}.{name}"
            self._procedures[key] = (
                self.host.procedure(uri, idempotent=idempotent)
                if self._client is None
                else self._client.procedure(uri, idempotent=idempotent).awaitable
            )
        return self._procedures[key]

    def call_blocking(
        self, name: str, /, *args: Any, _within: float | None = None, **kwargs: Any
    ) -> Any:
        """Call one of the component's procedures, and wait; see :meth:`call`.

        Args:
            name: its name below the prefix.
            args: positional arguments.
            _within: the seconds that it may take; None for no limit of its own.
            kwargs: keyword arguments.
        """
        procedure = self.client_here.procedure(f"{self.prefix}.{name}", timeout=_within)
        try:
            return procedure(*args, **kwargs)
        except NoSuchProcedure:
            raise self.nobody_serves() from None

    def stream_blocking(self, name: str, /, *args: Any) -> Iterator[Any]:
        """Call one of the component's procedures, and iterate over what it gives."""
        return self.client_here.stream(f"{self.prefix}.{name}", *args)

    @property
    def client_here(self) -> Client:
        """The blocking client: the one that it was made with, or the app's."""
        return self._client if self._client is not None else self.host.sync

    def nobody_serves(self) -> NoSuchProcedure:
        """Return the error that says what to do where nobody serves the component."""
        return NoSuchProcedure(
            f"Nobody serves {self.prefix}; call app.include({self.NAME}) in one service, or run "
            f"'wampapp run {type(self).__module__.rpartition('.')[0]} --prefix {self.prefix}'."
        )
