"""A dialer that notes when the transport's handshake is done."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from wampapp.transport.dial import Dialer

if TYPE_CHECKING:
    from wampapp.transport.link import Handler


class TimedDialer(Dialer):
    """Dials as another dialer does, and notes when the transport's handshake is done.

    Args:
        inner: the dialer that dials.

    Attributes:
        opened: a future of the serializer that was agreed on.
        opened_at: when that was, by ``time.perf_counter``.
    """

    remote = True

    def __init__(self, inner: Dialer) -> None:
        self.where = inner.where
        self._inner = inner
        self.opened_at = 0.0
        self.opened: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def dial(self, handler: Handler, timeout: float) -> None:
        """Link ``handler`` to the router; see :class:`~wampapp.transport.dial.Dialer`."""
        await self._inner.dial(handler, timeout)
        self.opened_at = time.perf_counter()
        self.opened.set_result(getattr(handler, "serializer", ""))
