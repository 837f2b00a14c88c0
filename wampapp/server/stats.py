"""What a router does, in numbers: for ``wampapp router --stats``."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import nlargest
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from wampapp.server.door import Server

#: How many sessions are told of that leave something unread.
MAX_BACKLOGS: Final = 10

_UNITS: Final = ("B", "KiB", "MiB", "GiB")


@dataclass(frozen=True, slots=True)
class Stats:
    """The numbers of a router at one moment.

    Attributes:
        sessions: the sessions that are joined.
        realms: the realms that they are in.
        unread: the bytes that wait to be sent, for all peers.
        joins: the sessions that joined since the router began.
        refusals: the connections and sessions that were refused.
        calls: the calls that came, also those that failed.
        errors: the errors that callers were answered with.
        events: the events that were published.
        received: the bytes that came.
        sent: the bytes that were sent, or wait.
        dropped: the peers that were cut off because they did not read.
    """

    sessions: int
    realms: int
    unread: int
    joins: int
    refusals: int
    calls: int
    errors: int
    events: int
    received: int
    sent: int
    dropped: int

    @classmethod
    def of(cls, server: Server) -> Stats:
        """Return the numbers of a server's router."""
        realms, numbers, budget = server.router.realms, server.router.numbers, server.budget
        return cls(
            sessions=sum(len(realm.sessions) for realm in realms.values()),
            realms=len(realms),
            unread=budget.total,
            joins=numbers.joins,
            refusals=numbers.refusals.total() + server.connections.refused,
            calls=numbers.calls,
            errors=numbers.errors,
            events=numbers.events,
            received=budget.received,
            sent=budget.sent,
            dropped=budget.dropped,
        )

    @staticmethod
    def backlogs(server: Server) -> list[tuple[int, str, int]]:
        """Return the sessions that leave the most unread: their ids, apps and bytes."""
        found = [
            (session.id, session.app, unread)
            for realm in server.router.realms.values()
            for session in realm.sessions.values()
            # A session in this process has nothing that waits.
            if (unread := getattr(session.link, "unread", 0))
        ]
        return nlargest(MAX_BACKLOGS, found, key=lambda one: one[2])

    def since(self, before: Stats, seconds: float) -> str:
        """Return a line about what happened since other numbers were taken.

        Args:
            before: the numbers then.
            seconds: how long ago that was.
        """

        def rate(name: str) -> float:
            return float(getattr(self, name) - getattr(before, name)) / seconds

        return ", ".join(
            [
                f"{self.sessions:,} sessions",
                f"{rate('joins'):,.1f} joins/s",
                f"{rate('calls'):,.0f} calls/s",
                f"{rate('errors'):,.1f} errors/s",
                f"{rate('events'):,.0f} events/s",
                f"{_size(rate('received'))}/s in",
                f"{_size(rate('sent'))}/s out",
                f"{_size(self.unread)} unread",
                f"{self.refusals - before.refusals:,} refused",
                f"{self.dropped - before.dropped:,} cut off",
            ]
        )


def _size(number: float) -> str:
    """Return a number of bytes with the unit that suits it, such as ``1.5 MiB``."""
    for unit in _UNITS[:-1]:
        if number < 1024:
            return f"{number:,.0f} B" if unit == "B" else f"{number:,.1f} {unit}"
        number /= 1024
    return f"{number:,.1f} {_UNITS[-1]}"
