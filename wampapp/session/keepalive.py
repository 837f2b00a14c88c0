"""Notices that a router has gone silent: a cable pulled, a machine hung, a firewall that forgot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio

    from wampapp.session.session import Session

#: How often to look within that time: silence is noticed at one tick and judged at the next.
_TICKS: Final = 3.5
#: Before the judgement, so that what lies in the socket is read first.
_READING_SECONDS: Final = 0.1


class KeepAlive:
    """Watches one session's link, and cuts it when the router no longer answers.

    Args:
        session: the joined session.
        seconds: the time within which a dead link is noticed.
        loop: the event loop.
    """

    def __init__(self, session: Session, seconds: float, loop: asyncio.AbstractEventLoop) -> None:
        self._session = session
        self._seconds = seconds
        self._loop = loop
        self._probed = False
        self._timer = loop.call_later(seconds / _TICKS, self._tick)
        session.closed.add_done_callback(lambda _: self._timer.cancel())

    def _tick(self) -> None:
        if self._session.check_alive():
            self._probed = False
        elif not self._probed:
            self._probed = True
            self._session.probe()
        else:
            # A handler may have blocked the loop meanwhile; then the answer waits to be read.
            self._timer = self._loop.call_later(_READING_SECONDS, self._judge)
            return
        self._timer = self._loop.call_later(self._seconds / _TICKS, self._tick)

    def _judge(self) -> None:
        if self._session.check_alive():
            self._probed = False
            self._timer = self._loop.call_later(self._seconds / _TICKS, self._tick)
        else:
            self._session.cut("the router does not answer any more")
