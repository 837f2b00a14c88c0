"""Live settings as users see them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import msgspec

from wampapp.components.component import Component
from wampapp.components.settings import tables
from wampapp.components.settings.blocking import BlockingLive
from wampapp.components.settings.declaring import Declared, Settings
from wampapp.components.settings.following import Follower, Handler, file_of
from wampapp.components.settings.keeper import Keeper
from wampapp.components.settings.procedures import me, offer_procedures
from wampapp.components.settings.records import PATIENCE, Changed, Snapshot, Version
from wampapp.errors import DeclarationError, UsageError, WampappError
from wampapp.protocol.payload import to_plain
from wampapp.registry.records import Hook

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from wampapp.client.blocking import Client
    from wampapp.components.component import Host

logger = logging.getLogger("wampapp.settings")

S = TypeVar("S", bound=Settings)
F = TypeVar("F", bound=Callable[..., Any])


class Live(Component, Generic[S]):
    """Settings that can be changed while services run.

    ::

        class Shop(Settings):
            free_shipping: bool = False
            max_items: Annotated[int, Meta(ge=1, le=100)] = 20

        settings = Live(app, Shop)
        app.include(settings)       # they are kept here

        if len(items) > settings.max_items: ...

    Each setting is an attribute; ``settings.now`` is a struct of all of them at one version.

    Args:
        app: as in :class:`~wampapp.components.component.Component`.
        kind: the settings; None to keep or change settings that others have.
        prefix: as there; by default the app's prefix and ``settings``.
        store: as there; by default ``instance/settings.sqlite``.

    Raises:
        DeclarationError: the settings cannot be declared so.
        UsageError: what the environment says of a setting does not fit it.
    """

    NAME = "settings"
    SCHEMA = tables.SCHEMA
    COMMANDS: ClassVar[str | None] = "wampapp.cli.settings.settings:settings"
    CONSOLE: ClassVar[Path | None] = Path(__file__).parent / "console"

    def __init__(
        self,
        app: Host | Client | None = None,
        kind: type[S] | str | None = None,
        prefix: str | None = None,
        *,
        store: str | os.PathLike[str] | None = None,
    ) -> None:
        if isinstance(kind, str):  # as other components are made
            kind, prefix = None, kind
        self._keeper: Keeper | None = None
        self._follower: Follower | None = None
        self._following: asyncio.Task[None] | None = None
        super().__init__(None, prefix, store=store)
        if kind is not None:
            reserved = {*dir(self), *vars(self)}
            self._follower = Follower(Declared(kind, reserved), self._show)
        if app is not None:
            self.init_app(app)
        self.registry.add_hook(Hook("join", self._announce))
        offer_procedures(self, lambda: self.keeper, lambda: self.store)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Return a setting."""

    def _show(self, values: S) -> None:
        """Make each setting an attribute, which takes no longer to read than any other."""
        self.__dict__.update({name: getattr(values, name) for name in values.__struct_fields__})

    @property
    def now(self) -> S:
        """All settings, at one version."""
        found: S = self._follows.now
        return found

    @property
    def version(self) -> int:
        """The version of the settings here; 0 if they were never changed."""
        return self._follows.version

    @property
    def _follows(self) -> Follower:
        if self._follower is None:
            raise UsageError(f"{self!r} declares no settings; write Live(app, YourSettings).")
        return self._follower

    # Declaring.

    def check(self, function: F) -> F:
        """Have a function check changes before they are accepted; a decorator.

        It gets the struct as it would be, and raises an exception whose text says what is wrong.

        Args:
            function: the function.
        """
        self._follows.checks.append(function)
        return function

    def on_change(self, *names: str) -> Callable[[F], F]:
        """Run a function for each change; a decorator.

        ::

            @settings.on_change("banner")
            async def banner(new: str, old: str) -> None: ...

        Args:
            names: the settings. It gets each one's new value and its old one; without names, the
                new struct and the old one.

        Raises:
            DeclarationError: there is no such setting.
        """
        for name in names:
            if name not in self._follows.declared.fields:
                raise DeclarationError(f"There is no setting {name!r} that could change.")

        def decorate(function: F) -> F:
            self._follows.handlers.append(Handler(function, names))
            return function

        return decorate

    # Changing.

    async def change(
        self,
        *,
        why: str = "",
        expect: int | None = None,
        strict: bool = False,
        by: str | None = None,
        **values: Any,
    ) -> Changed:
        """Change settings, all of them or none.

        Every service that has them checks the change: their types, and their checks.

        Args:
            why: the reason, for the history.
            expect: the version that this was made for; None for any.
            strict: whether to go back if a handler of the change raises.
            by: who changes them; by default who runs this process.
            values: the new values.

        Returns:
            The version since then, and what its handlers raised.

        Raises:
            Conflict: there is another version.
            InvalidArgument: a service refuses, or nobody has such a setting.
            PayloadTooLarge: all live values together take more than 64 KiB.
            StorageFailed: it could not be stored.
            NoSuchProcedure: nobody keeps the settings.
        """
        return await self._changed(
            "change", to_plain(values), why=why, expect=expect, strict=strict, by=by or me()
        )

    async def reset(self, *names: str, why: str = "", expect: int | None = None) -> Changed:
        """Give settings their defaults again; as :meth:`change`."""
        return await self._changed("change", {}, reset=list(names), why=why, expect=expect, by=me())

    async def rollback(self, version: int, *, why: str = "", expect: int | None = None) -> Changed:
        """Give all settings the values of an earlier version, as a new version.

        Args:
            version: the earlier version.
            why: the reason.
            expect: the version that this was made for; None for any.
        """
        return await self._changed("rollback", version, why=why, expect=expect, by=me())

    async def history(self, limit: int = 50, before: int | None = None) -> list[Version]:
        """Return the versions, the newest first.

        Args:
            limit: how many at most.
            before: only those with a smaller number; None for all.
        """
        found = await self.call("history", before=before, limit=limit)
        return msgspec.convert(found, list[Version])

    async def _changed(self, name: str, *args: Any, **kwargs: Any) -> Changed:
        return msgspec.convert(await self.call(name, *args, **kwargs), Changed)

    @cached_property
    def sync(self) -> BlockingLive:
        """The blocking verbs, for plain functions, other threads and scripts."""
        return BlockingLive(self)

    # Following.

    def attached(self) -> None:
        """Have the app follow the settings."""
        registry = self.host.registry
        registry.add_hook(Hook("startup", self._prepare))
        registry.add_hook(Hook("join", self._joined))
        registry.add_hook(Hook("stopping", self._stop_following))

    async def _prepare(self) -> None:
        if self._follower is None:
            return
        in_test = self.service.config.in_test
        self._follower.begin(
            self.service.dispatcher.functions.run,
            None if in_test else file_of(self.prefix or self.NAME),
        )

    async def _joined(self) -> None:
        if self._follower is None:
            return
        if self._following is None:
            self._following = asyncio.create_task(
                self._follower.follow(
                    self.procedure_of_mine("attach"),
                    self.procedure_of_mine("answer"),
                    self.host.name,
                    self.nobody_serves,
                )
            )
        await self._follower.current(PATIENCE)

    async def _stop_following(self) -> None:
        following, self._following = self._following, None
        if following is not None:
            following.cancel()
            await asyncio.wait([following])

    # Keeping.

    async def open(self) -> None:
        """Begin to keep them."""

        def publish(snapshot: Snapshot) -> None:
            connection = self.service.connection
            if connection is None:
                return
            try:
                connection.publish(
                    f"{self.prefix}.changed",
                    (snapshot.version, snapshot.values),
                    {},
                    options={"retain": True},
                )
            except WampappError as error:
                logger.debug("The settings could not be published: %s", error)

        self._keeper = Keeper(self.store, self.clock, publish)
        await self._keeper.start()

    async def stop_serving(self) -> None:
        """End the calls that services hold."""
        if self._keeper is not None:  # it could not be opened
            self._keeper.stop()

    async def close(self) -> None:
        """Keep them no longer."""
        self._keeper = None

    @property
    def keeper(self) -> Keeper:
        """What keeps the settings, in the process that serves them."""
        if self._keeper is None:
            raise UsageError(f"{self!r} is not served by this process.")
        return self._keeper

    async def _announce(self) -> None:
        if self._keeper is not None:
            self._keeper.announce()

    def summary(self) -> str:
        """Return what it does in this process, for the banner."""
        if self._follower is None:
            return super().summary()
        count = len(self._follower.declared.fields)
        return f"{count} setting{'' if count == 1 else 's'}, {super().summary()}"

    def tester(self, client: Any) -> Any:
        """Return what tests ask of the settings, as ``client.settings``: the blocking verbs."""
        del client
        return self.sync

    @contextmanager
    def override(self, **values: Any) -> Iterator[None]:
        """Have settings here have other values for a while, in tests; nobody is told.

        Args:
            values: the values.

        Raises:
            UsageError: there is no such setting, or a value does not fit.
        """
        with self._follows.overridden(values):
            yield
