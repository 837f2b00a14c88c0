"""A guest's connection: Autobahn's session in it comes back as ours do."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
from typing import TYPE_CHECKING, Final

from wampapp.autobahn.hosted import HostedSession
from wampapp.autobahn.steps import LeftBeforeJoin
from wampapp.dispatch.hooks import brief
from wampapp.errors import HookFailed, UsageError
from wampapp.loop.runtime import current_runtime
from wampapp.session.connection import Connection
from wampapp.transport.flavour import own_loop

if TYPE_CHECKING:
    from wampapp.config.records import Config
    from wampapp.dispatch.dispatcher import Dispatcher
    from wampapp.registry.records import Guest
    from wampapp.transport.dial import Dialer

_GONE_SECONDS: Final = 2.0


class GuestConnection(Connection):
    """A connection whose sessions are Autobahn's: a new one each time that it joins.

    Args:
        guest: what makes them.
        dialer: how to reach the router.
        config: realm, credential and timeouts.
        dispatcher: what runs what takes long in joining.
        succeeds: as for :class:`Connection`.
    """

    def __init__(
        self,
        guest: Guest,
        dialer: Dialer,
        config: Config,
        dispatcher: Dispatcher,
        *,
        succeeds: bool = False,
    ) -> None:
        realm = guest.realm or config.realm
        config = dataclasses.replace(config, name=guest.name, realm=realm)
        super().__init__(dialer, config, dispatcher, succeeds=succeeds)
        self._guest = guest
        guest.tell = functools.partial(dispatcher.failures.log, f"{guest.name} failed")
        self._has_started = False
        self._last: HostedSession | None = None

    async def open(self, *, patient: bool = True) -> None:
        """Join, and let the session do what it does on joining; see :class:`Connection`."""
        own_loop(asyncio.get_running_loop(), current_runtime().reactor)
        if not self._has_started:
            self._has_started = True
            try:
                await self._guest.start()
            except Exception as error:  # noqa: BLE001 - whatever it raises ends the run
                raise self._failed("failed at its start", error) from None
        try:
            await super().open(patient=patient)
        except LeftBeforeJoin as left:
            self.end(str(left))
            return
        if self._last is not None:
            await self._last.settled()

    async def keep(self) -> None:
        """Come back each time that the session ends; returns once it has left by itself.

        Raises:
            HookFailed: it does not come back, because it failed.
        """
        await super().keep()
        if self._last is not None:
            await self._last.gone(_GONE_SECONDS)  # so that it is told that it is disconnected
        if self._guest.failure is not None:
            raise HookFailed(f"{self._guest.name} failed: {brief(self._guest.failure)}.")

    async def _drain(self, grace: float) -> list[str]:
        """Wait for the calls in the session; the dispatcher's handlers are the app's."""
        if self._last is not None:
            await self._last.drain(grace)
        return []

    def _failed(self, what: str, error: Exception) -> HookFailed:
        name = self._guest.name
        self._dispatcher.failures.log(f"{name} {what}", error)
        return HookFailed(f"{name} {what}: {brief(error)}.")

    def _make_session(self) -> HostedSession:
        guest = self._guest
        try:
            self._last = HostedSession(
                guest, self._config, self._dispatcher, succeeds=self._succeeds
            )
        except (UsageError, LeftBeforeJoin):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it raises ends the run
            raise self._failed("could not be made", error) from None
        return self._last
