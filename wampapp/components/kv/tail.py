"""What has changed lately: those who watch read it from here, and seldom from the store."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Final

from wampapp.components.kv import tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.components.kv.records import Row
    from wampapp.components.store import Store, Transaction

    #: Changes; the revision up to which they are complete; and whether there are more.
    Found = tuple[list[Row], int, bool]

#: How many changes are kept at hand, and how many bytes of values.
_ROWS: Final = 2000
_BYTES: Final = 8 * 1024 * 1024
#: How many changes are read at once.
_PAGE: Final = 500


class Tail:
    """The latest changes, read from the store once for all who watch.

    Whatever is told was committed, and nothing is left out: a change is read from the store after
    some revision, and not taken from whoever made it.

    Args:
        store: the store, open.
        revision: the revision of its last change.

    Attributes:
        newest: the revision of the last change that is known of.
        ended: whether there is no news any longer.
    """

    def __init__(self, store: Store, revision: int) -> None:
        self._store = store
        self._rows: deque[Row] = deque()
        self._bytes = 0
        #: The rows at hand are what changed after ``_base``, up to ``_read``.
        self._base = self._read = revision
        self.newest = revision
        self._reading = asyncio.Lock()
        self._waiting: set[asyncio.Future[None]] = set()
        self.ended = False

    def changed(self, revision: int) -> None:
        """Take note that there is a change."""
        if revision > self.newest:
            self.newest = revision
            self._wake()

    def end(self) -> None:
        """Have those who wait wait no longer; there is no news from now on."""
        self.ended = True
        self._wake()

    def _wake(self) -> None:
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
        self._waiting.clear()

    async def news(self, since: int) -> None:
        """Wait until there is a change after a revision, or the end."""
        while self.newest <= since and not self.ended:
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.add(waiting)
            try:
                await waiting
            finally:
                self._waiting.discard(waiting)

    async def changes(self, prefix: str, since: int, *, only_last: bool = False) -> Found:
        """Return what has changed since a revision, the oldest first.

        Args:
            prefix: what the keys begin with.
            since: the revision.
            only_last: whether of each key only its last change may be told.

        Returns:
            The changes; the revision up to which they are complete; and whether there are more.

        Raises:
            StorageFailed: they cannot be read.
        """
        if since >= self._base and not only_last:
            await self._refresh()
        if since < self._base or only_last:
            stored = await self._store.read(self._since(prefix, since))
            # What was committed may be read before that is said.
            self.changed(stored[1])
            return stored
        found: list[Row] = []
        for row in reversed(self._rows):
            if row.revision <= since:
                break
            if row.key.startswith(prefix):
                found.append(row)
        found.reverse()
        return found, max(self._read, since), False

    def _since(self, prefix: str, since: int) -> Callable[[Transaction], Found]:
        return partial(tables.changes, prefix=prefix, since=since, newest=self.newest, limit=_PAGE)

    async def _refresh(self) -> None:
        """Read what is missing at hand."""
        if self._read >= self.newest:
            return
        async with self._reading:
            while self._read < self.newest:
                rows, self._read, _ = await self._store.read(self._since("", self._read))
                for row in rows:
                    self._rows.append(row)
                    self._bytes += len(row.value or b"")
                self.newest = max(self.newest, self._read)
                while len(self._rows) > _ROWS or self._bytes > _BYTES:
                    dropped = self._rows.popleft()
                    self._bytes -= len(dropped.value or b"")
                    self._base = dropped.revision
