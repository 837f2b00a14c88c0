"""A session that comes back: joins, announces what is declared, and rejoins after a loss."""

from __future__ import annotations

import asyncio
import functools
import logging
from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import (
    ConnectionLost,
    NotJoined,
    RouterUnreachable,
    WampappError,
)
from wampapp.observe import otel
from wampapp.observe.tracing import RUNNING, carrying
from wampapp.session.announcing import Announcer
from wampapp.session.backoff import Backoff
from wampapp.session.hints import naming_nearest, realms_hint
from wampapp.session.joining import join, new_session
from wampapp.session.outbox import Outbox
from wampapp.session.session import JOINED
from wampapp.session.spans import with_spans
from wampapp.session.wire_errors import as_defined

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from wampapp.config.records import Config
    from wampapp.dispatch.dispatcher import Dispatcher
    from wampapp.registry.endpoint import Endpoint
    from wampapp.registry.records import Registration, Subscription
    from wampapp.session.session import Session
    from wampapp.transport.dial import Dialer

logger = logging.getLogger("wampapp")

#: A session that lasted this long was a good one: the next attempt comes soon again.
_STABLE_SECONDS: Final = 5.0
#: How long after a rejoin the other peers of a restarted router may still be on their way back.
_SETTLING_SECONDS: Final = 3.0
_NO_OPTIONS: Final[dict[str, Any]] = {}
_TRANSIENT: Final = (RouterUnreachable, ConnectionLost, NotJoined)


class Connection:
    """A session that comes back: what an app or a client calls and publishes on.

    All methods are called on the loop's thread.

    Args:
        dialer: how to reach the router.
        config: realm, credential and timeouts.
        dispatcher: what runs the handlers.
        endpoints: each record with its prepared handler.
        defined: the exceptions that stand for error URIs.
        on_join: awaited after each join, when everything is announced.
        on_leave: awaited after each session.
        succeeds: whether another process ran the app before. Its session, the end of which the
            router has yet to notice, may then hold a procedure even at the first join.

    Attributes:
        session: the current session; None while there is none.
        as_defined: see :func:`~wampapp.session.wire_errors.as_defined`.
        announce: see :meth:`Announcer.announce`.
        withdraw: see :meth:`Announcer.withdraw`.
        find: see :meth:`Announcer.find`.
        announced: see :meth:`Announcer.announced`.
    """

    def __init__(
        self,
        dialer: Dialer,
        config: Config,
        dispatcher: Dispatcher,
        endpoints: Sequence[tuple[Registration | Subscription, Endpoint]] = (),
        *,
        defined: Mapping[str, type[Exception]] | None = None,
        on_join: Callable[[], Awaitable[None]] | None = None,
        on_leave: Callable[[], Awaitable[None]] | None = None,
        succeeds: bool = False,
    ) -> None:
        self._succeeds = succeeds
        self._defined = defined
        self.as_defined = functools.partial(as_defined, defined)
        self._on_join = on_join
        self._on_leave = on_leave
        self._dialer = dialer
        self._config = config
        self._dispatcher = dispatcher
        self._loop = asyncio.get_running_loop()
        self._online: asyncio.Future[Session] = self._loop.create_future()
        self._over: NotJoined | None = None
        self._outbox = Outbox()
        self._backoff = Backoff(jitter=True)
        self._joined_before = False
        self._offline_since = self._loop.time()
        self._rejoined_at = -_SETTLING_SECONDS
        self._leave_hooks: asyncio.Task[None] | None = None
        self.session: Session | None = None
        self._announcer = announcer = Announcer(endpoints, lambda: self.session, self.joined)
        # Its own methods, which need nothing of ours.
        self.announce = announcer.announce
        self.withdraw = announcer.withdraw
        self.find = announcer.find
        self.announced = announcer.announced
        if config.debug:
            self.call = naming_nearest(self.call)  # type: ignore[method-assign] # else no cost
        if (spans := otel.configured()) is not None:
            self.call = with_spans(self.call, spans.of_call)  # type: ignore[method-assign]
            self.publish = with_spans(self.publish, spans.of_event)  # type: ignore[method-assign]

    # What an app, a handle or a client calls.

    @property
    def is_joined(self) -> bool:
        """Whether there is a session to send on."""
        return self.session is not None and self.session.is_joined

    @property
    def is_settling(self) -> bool:
        """Whether the session has just come back, so that a missing procedure may yet follow."""
        return self._loop.time() - self._rejoined_at < _SETTLING_SECONDS

    @property
    def where(self) -> str:
        """The router, for messages."""
        return self._dialer.where

    async def joined(self, timeout: float | None = None) -> Session:
        """Return the session, at once or when it has come back.

        Args:
            timeout: the seconds to wait; None for the configuration's ``rejoin_timeout``, which
                is also the most.

        Raises:
            NotJoined: it did not come back in time, or never will.
        """
        seconds = self._config.rejoin_timeout
        if timeout is not None:
            seconds = min(seconds, timeout)
        now = self._loop.time()
        end = now + seconds
        if self._config.fail_fast:
            end = min(end, self._offline_since + self._config.rejoin_timeout)
        while not (self.session is not None and self.session.is_joined):
            if self._over is not None:
                raise self._over.with_traceback(None)
            if self._online.done():
                # The session has just been lost, and keep() has yet to notice.
                self._online = self._loop.create_future()
            try:
                async with asyncio.timeout_at(end):
                    await asyncio.shield(self._online)
            except TimeoutError:
                if end <= now:
                    raise NotJoined(
                        f"There has been no session with {self._dialer.where} for "
                        f"{now - self._offline_since:.0f} s; nothing was sent."
                    ) from None
                raise NotJoined(
                    f"There is no session with {self._dialer.where}, and none came back within "
                    f"{end - now:g} s; nothing was sent."
                ) from None
        return self.session

    def call(
        self,
        procedure: str,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        on_progress: Callable[..., None] | None = None,
        *,
        options: dict[str, Any] = _NO_OPTIONS,
    ) -> asyncio.Future[Any]:
        """Call a procedure; while offline, once the session is back.

        Takes and returns what :meth:`Caller.call` does. Waiting for the session ends with
        :class:`NotJoined` after the configuration's ``rejoin_timeout``.
        """
        if RUNNING.get() is not None:
            options = carrying(options)
        session = self.session
        if session is not None and session.state is JOINED:
            return session.call(procedure, args, kwargs, on_progress, options=options)

        async def later() -> Any:
            joined = await self.joined()
            return await joined.call(procedure, args, kwargs, on_progress, options=options)

        return self._later(later())

    def cancel(self, call: asyncio.Future[Any]) -> None:
        """Cancel a call at once, whether it was sent or waits for the session."""
        if self.session is None:
            call.cancel()
        else:
            self.session.cancel(call)

    def publish(
        self,
        topic: str,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        *,
        options: dict[str, Any] = _NO_OPTIONS,
    ) -> asyncio.Future[Any]:
        """Publish an event; while offline, once the session is back.

        Takes and returns what :meth:`Caller.publish` does. While offline, an event that is to be
        acknowledged waits as a call does; any other goes into the outbox.

        Raises:
            NotJoined: the outbox is full, or no session will come.
        """
        if RUNNING.get() is not None:
            options = carrying(options)
        session = self.session
        if session is not None and session.state is JOINED:
            return session.publish(topic, args, kwargs, options=options)
        if options.get("acknowledge"):

            async def later() -> Any:
                joined = await self.joined()
                return await joined.publish(topic, args, kwargs, options=options)

            return self._later(later())
        if self._over is not None:
            raise self._over.with_traceback(None)
        self._outbox.put(topic, args, kwargs, options)
        done: asyncio.Future[Any] = self._loop.create_future()
        done.set_result(None)
        return done

    def _later(self, coroutine: Any) -> asyncio.Future[Any]:
        if self._over is not None:
            coroutine.close()
            raise self._over.with_traceback(None)
        return self._loop.create_task(coroutine)

    # Joining and rejoining.

    async def open(self, *, patient: bool = True) -> None:
        """Join and announce what is declared.

        Args:
            patient: whether to try again until a router is there, or to raise at once.

        Raises:
            RouterUnreachable: no router answered within ``give_up_after``, or at once.
            RouterRefused: the router refuses the realm, the credential, a procedure or a topic.
            TlsFailed: the router is not to be trusted.
        """
        limit = self._config.give_up_after
        end = None if limit is None else self._loop.time() + limit
        warned = False
        while True:
            # With the limit 0, the only attempt still gets the whole handshake timeout.
            left = max(0.0, end - self._loop.time()) if end is not None and limit else None
            try:
                await self._join_once(left)
                await self._have_joined()
            except _TRANSIENT as error:
                if not patient:
                    raise
                if end is not None and self._loop.time() >= end:
                    raise RouterUnreachable(f"{error} Given up after {limit:g} s.") from None
                if not warned:
                    warned = True
                    logger.warning("%s Trying again until a router answers.", error)
                else:
                    logger.debug("%s", error)
            else:
                return
            delay = self._backoff.next()
            await asyncio.sleep(delay if end is None else min(delay, end - self._loop.time()))

    async def keep(self) -> None:
        """Come back each time the session ends; runs until it is cancelled, or the session leaves.

        Raises:
            RouterUnreachable: no router answered within ``give_up_after``.
            RouterRefused: the router refuses on coming back.
            TlsFailed: the router is not to be trusted any longer.
        """
        while self.session is not None:
            began = self._loop.time()
            reason = await asyncio.shield(self.session.closed)
            is_finished = self.session.is_finished
            self._go_offline()
            if is_finished:
                self.end("The session has left by itself.")
                return
            logger.warning("The session ended: %s. Coming back.", reason)
            if self._loop.time() - began >= _STABLE_SECONDS:
                self._backoff.reset()
            await asyncio.sleep(self._backoff.next())
            try:
                await self.open()
            except WampappError as error:
                self.end(f"There is no session any more: {error}")
                raise
            if self.session is not None:
                logger.info("Joined again at %s", self._dialer.where)

    def _make_session(self) -> Session:
        """Make a session, which has no link yet."""
        return new_session(self._config, self._dispatcher, self._defined)

    def _go_offline(self) -> None:
        self.session = None
        self._offline_since = self._loop.time()
        if self._online.done():
            self._online = self._loop.create_future()
        if self._on_leave is not None:
            # In a task: a hook may call, and then waits for the session to come back.
            self._leave_hooks = asyncio.ensure_future(self._on_leave())

    async def _join_once(self, left: float | None) -> None:
        timeout = self._config.handshake_timeout
        session = self._make_session()
        seconds = timeout if left is None else min(timeout, max(left, 0.05))
        await join(self._dialer, self._config, session, seconds)
        try:
            await self._announcer.announce_all(
                session,
                where=self._dialer.where,
                timeout=timeout,
                take_over=self._succeeds,
                again=self._joined_before,
            )
        except BaseException:
            session.cut("the app could not be announced")
            raise
        if self._joined_before:
            self._rejoined_at = self._loop.time()
        elif hint := realms_hint(self._config.realm, session.details):
            logger.warning("%s", hint)
        self._joined_before = self._succeeds = True
        self._outbox.flush(session)
        self.session = session
        if not self._online.done():
            self._online.set_result(session)

    async def _have_joined(self) -> None:
        if self._leave_hooks is not None:
            await self._leave_hooks
            self._leave_hooks = None
        if self._on_join is not None:
            try:
                await self._on_join()
            except Exception:
                if self.is_joined:
                    raise
                # The link broke meanwhile, which is probably why the hook failed.
                raise ConnectionLost("The session ended while the join hooks ran.") from None

    def end(self, why: str) -> None:
        """Fail everything that waits for a session, and whatever asks for one from now on.

        Args:
            why: the error's message, a sentence.
        """
        if self._over is None:
            self._over = NotJoined(why)
            if self._online.done():
                self._online = self._loop.create_future()
            self._online.set_exception(self._over)
            self._online.exception()  # there may be nobody waiting
        lost = self._outbox.clear()
        if lost:
            logger.warning("%d events that waited for the router were never published", lost)

    async def stop_serving(self) -> None:
        """Take no new calls; those that run go on."""
        if self.session is None:
            self.end("The app stops, and has no session with a router.")
        else:
            await self.session.unregister_all()

    async def close(
        self, last: Callable[[], Awaitable[None]] | None = None, grace: float | None = None
    ) -> None:
        """Leave: no new calls, running handlers get their grace time, then GOODBYE.

        Logs the handlers that still run when the grace time is over.

        Args:
            last: awaited when no handler runs any longer, while the session is still there.
            grace: the seconds that running handlers get; None for the configuration's.
        """
        await self.stop_serving()
        session = self.session
        left = await self._drain(self._config.grace if grace is None else grace)
        for procedure in left:
            logger.warning(
                "%s still runs after %g s of grace; it is left behind",
                procedure,
                self._config.grace,
            )
        if last is not None:
            await last()
        self.session = None
        self.end("The app has stopped.")
        if session is not None:
            await session.leave(timeout=2.0)
        if self._leave_hooks is not None:
            await self._leave_hooks
        elif session is not None and self._on_leave is not None:
            await self._on_leave()

    async def _drain(self, grace: float) -> list[str]:
        """Wait until no handler runs any longer; see :meth:`Dispatcher.drain`."""
        return await self._dispatcher.drain(grace)
