"""The steps of ``wampapp doctor`` at a router: each finds something out, or raises why not."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
import statistics
import time
from typing import TYPE_CHECKING, Any, Final

from wampapp.cli.doctor import network
from wampapp.cli.doctor.finding import SKIPPED, WARNING, Finding
from wampapp.cli.doctor.local_checks import port_holder
from wampapp.cli.doctor.timed_dialer import TimedDialer
from wampapp.cli.output import printable
from wampapp.cli.session import open_session
from wampapp.config.records import Tls
from wampapp.config.url import parse_url
from wampapp.errors import PortInUse, RouterUnreachable, TlsFailed, WampError
from wampapp.protocol.messages import MAX_ID
from wampapp.runner.reach import find_router
from wampapp.session.hints import realms_hint
from wampapp.transport import dial

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wampapp.config.records import Config
    from wampapp.config.url import RouterUrl
    from wampapp.loop.runtime import Runtime
    from wampapp.session.session import Session
    from wampapp.transport.dial import Dialer

    #: A step's name, and what it does.
    Step = tuple[str, Callable[[], Awaitable[Finding]]]


#: A certificate that expires sooner is worth a warning.
_EXPIRES_SOON: Final = dt.timedelta(days=14)
#: A clock that differs by more is, too. The router gives whole seconds, and after a moment.
_MAX_CLOCK_SECONDS: Final = 5.0
_ROUND_TRIPS: Final = 5
_CLOCK_TIMEOUT: Final = 3.0


class RouterChecks:
    """The steps at a router, one after the other.

    Args:
        config: which router, and who joins it. Without a URL, it is the app's own router.
        runtime: the process's loop, on which this is made.
    """

    def __init__(self, config: Config, runtime: Runtime) -> None:
        self._config = config
        self._runtime = runtime
        self._timeout = config.handshake_timeout
        self._stack = contextlib.AsyncExitStack()
        self._opened_at = self._joined_at = 0.0
        self._joining: asyncio.Future[Session] = runtime.loop.create_future()

    @property
    def _url(self) -> RouterUrl:
        return parse_url(str(self._config.url))

    async def close(self) -> None:
        """Leave the realm, or stop joining it."""
        if self._joining.cancel():
            await asyncio.wait([self._joining])
        await self._stack.aclose()

    async def own_router(self) -> Finding:
        """Find out whether an app without a URL could start its router, or which it would join."""
        config = self._config
        try:
            found = await find_router(config, self._runtime)
        except PortInUse as error:
            by = port_holder(config.port)
            raise PortInUse(f"{error}{f' It is held by {by}.' if by else ''}") from None
        await found.close()
        where = f"{config.host}, port {config.port}" if config.port else f"{config.host}, any port"
        if found.address is not None:
            return Finding(f"{where}: free; the app starts its own router there")
        self._config = dataclasses.replace(found.config, url=found.url)
        by = port_holder(config.port)
        return Finding(
            f"{where}: a WAMP router{f' ({by})' if by else ''} runs there; the app joins it",
            facts={"url": found.url},
        )

    def steps(self) -> list[Step]:
        """Return the steps for the URL, in order; none without a URL."""
        if self._config.url is None:
            return []
        url = self._url
        steps: list[Step] = []
        if url.scheme == "unix":
            steps += [("socket", self.tcp)]
        else:
            steps += [("DNS", self.dns), ("TCP", self.tcp)]
        if url.secure:
            steps += [("TLS", self.tls)]
        return [
            *steps,
            ("handshake", self.handshake),
            ("realm", self.realm),
            ("clock", self.clock),
            ("router", self.router),
            ("round trip", self.round_trip),
        ]

    async def dns(self) -> Finding:
        """Look up the host's addresses."""
        found = await self._bounded(dial.addresses(self._url), "no name server answered")
        shown = ", ".join(found)
        return Finding(
            shown if found == [self._url.host] else f"{self._url.host}: {shown}",
            facts={"addresses": found},
        )

    async def tcp(self) -> Finding:
        """Connect, and measure how long that takes."""
        began = time.perf_counter()
        knocking = network.connect(self._url, self._runtime.reactor, self._timeout)
        address = await self._bounded(knocking, "connecting took too long")
        port = f", port {self._url.port}" if self._url.port else ""
        return _timed(f"connected to {address}{port}", time.perf_counter() - began)

    async def tls(self) -> Finding:
        """Do TLS's handshake, and look at the router's certificate."""
        reactor, tls = self._runtime.reactor, self._config.tls
        try:
            found = await network.certificate(self._url, reactor, self._timeout, tls)
        except TlsFailed as error:
            # An untrusted certificate is of no use but to be shown, which may say what is wrong.
            unchecked = Tls(
                certificate=tls.certificate if tls else None,
                key=tls.key if tls else None,
                verify=False,
            )
            try:
                found = await network.certificate(self._url, reactor, self._timeout, unchecked)
            except (TlsFailed, RouterUnreachable):
                raise error from None
            raise TlsFailed(f"{error} Its certificate is {printable(str(found))}.") from None
        facts = {
            "names": found.names,
            "issuer": found.issuer,
            "begins": found.begins.isoformat(),
            "ends": found.ends.isoformat(),
        }
        detail = f"certificate {printable(str(found))}"
        if tls is not None and not tls.verify:
            return Finding(f"not checked because of --insecure; {detail}", WARNING, facts)
        if found.ends - dt.datetime.now(dt.UTC) < _EXPIRES_SOON:
            return Finding(f"{detail}; have it renewed", WARNING, facts)
        return Finding(detail, facts=facts)

    async def handshake(self) -> Finding:
        """Connect once more and do the transport's handshake; HELLO follows at once."""
        config = self._config
        began = time.perf_counter()
        inner = dial.UrlDialer(self._url.url, self._runtime.reactor, config.tls)
        dialer = TimedDialer(inner)
        self._joining = asyncio.create_task(self._join(dialer))
        either: list[asyncio.Future[Any]] = [self._joining, dialer.opened]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not dialer.opened.done():
            await self._joining  # raises
        transport = "WebSocket" if self._url.websocket else "RawSocket"
        serializer = dialer.opened.result()
        self._opened_at = dialer.opened_at
        taken = self._opened_at - began
        return _timed(
            f"{transport}, {serializer}", taken, transport=transport, serializer=serializer
        )

    async def _join(self, dialer: Dialer) -> Session:
        opening = open_session(self._runtime, dialer, self._config)
        session = await self._stack.enter_async_context(opening)
        self._joined_at = time.perf_counter()
        return session

    async def _session(self) -> Session:
        return await asyncio.shield(self._joining)

    async def realm(self) -> Finding:
        """Join, and report as whom."""
        session = await self._session()
        who = {key: session.details.get(key) for key in ("authid", "authrole", "authmethod")}
        detail = (
            f"{self._config.realm}, joined as {printable(str(who['authid']))}, role "
            f"{printable(str(who['authrole']))}, by {printable(str(who['authmethod']))}; session "
            f"{session.id}"
        )
        taken = self._joined_at - self._opened_at
        if hint := realms_hint(self._config.realm, session.details):
            return Finding(f"{detail}. {hint}", WARNING, {"realm": self._config.realm, **who})
        return _timed(detail, taken, realm=self._config.realm, session=session.id, **who)

    async def clock(self) -> Finding:
        """Compare this machine's clock with the router's, if the router gives the time."""
        session = await self._session()
        url = self._url
        # Our own router answers HTTP on every port; others do where they speak WebSocket.
        ours = str(session.details.get("agent")).startswith("wampapp") and url.scheme != "unix"
        before = dt.datetime.now(dt.UTC)
        theirs = None
        if url.websocket or ours:
            timeout = min(_CLOCK_TIMEOUT, self._timeout)
            theirs = await network.time_at(url, self._runtime.reactor, timeout, self._config.tls)
        if theirs is None:
            valid = url.secure and (self._config.tls is None or self._config.tls.verify)
            return Finding(
                f"{before:%Y-%m-%d %H:%M:%S} UTC; could not be compared: the router does not give "
                f"the time{'; the certificate is valid at this time' if valid else ''}",
                SKIPPED,
            )
        now = dt.datetime.now(dt.UTC)
        middle = before + (now - before) / 2
        # The router cuts off fractions of a second.
        seconds = (middle - theirs).total_seconds() - 0.5
        facts = {"seconds": round(seconds, 1)}
        if abs(seconds) <= _MAX_CLOCK_SECONDS:
            return Finding("agrees with the router's", facts=facts)
        way = "ahead of" if seconds > 0 else "behind"
        return Finding(
            f"{abs(seconds):.0f} s {way} the router's; set it by NTP: certificates and "
            "one-time passwords depend on it",
            WARNING,
            facts,
        )

    async def router(self) -> Finding:
        """Report what the router says of itself."""
        details = (await self._session()).details
        agent = details.get("agent")
        roles = details.get("roles")
        features = {}
        for role, about in roles.items() if isinstance(roles, dict) else ():
            can = about.get("features") if isinstance(about, dict) else None
            features[str(role)] = sorted(
                str(name) for name, has in (can.items() if isinstance(can, dict) else ()) if has
            )
        if isinstance(agent, str):
            detail = printable(agent)
        elif any(str(key).startswith("x_cb_") for key in details):
            detail = "Crossbar.io, which does not give its version"
        else:
            detail = "it does not say what it is"
        return Finding(
            detail,
            facts={"agent": agent, "features": features},
            more=[
                printable(f"{role}: {', '.join(names) or 'no features'}")
                for role, names in features.items()
            ],
        )

    async def round_trip(self) -> Finding:
        """Measure how long the router takes to answer."""
        session = await self._session()

        async def ask() -> float:
            began = time.perf_counter()
            # Every router must answer this; it needs no permission and changes nothing.
            with contextlib.suppress(WampError):
                await session.unsubscribe(MAX_ID)
            return (time.perf_counter() - began) * 1000

        async def measured() -> list[float]:
            return [await ask() for _ in range(_ROUND_TRIPS)]

        median = statistics.median(await self._bounded(measured(), "its answers did not come"))
        return Finding(
            f"{median:.1f} ms, the median of {_ROUND_TRIPS}", facts={"ms": round(median, 3)}
        )

    async def _bounded(self, work: Awaitable[Any], why: str) -> Any:
        try:
            async with asyncio.timeout(self._timeout):
                return await work
        except TimeoutError:
            text = f"No router answers at {self._url.url} within {self._timeout:g} s: {why}."
            raise RouterUnreachable(text) from None


def _timed(detail: str, seconds: float, **facts: Any) -> Finding:
    taken = seconds * 1000
    return Finding(f"{detail}; {taken:.1f} ms", facts={**facts, "ms": round(taken, 3)})
