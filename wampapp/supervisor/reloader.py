"""``--reload``: the service is started again after each save."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, Final

from wampapp.runner import banner
from wampapp.supervisor.ended import ServiceEnded
from wampapp.supervisor.parent import Parent
from wampapp.supervisor.pipe import Up

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wampapp.runner.banner import ServiceInfo
    from wampapp.supervisor.child import Child
    from wampapp.supervisor.watcher import Watcher

logger = logging.getLogger("wampapp")

#: The seconds after which an old process that has not ended is killed.
_PATIENCE: Final = 2.0

#: A save within so many seconds after a start counts as hasty: the service itself may write the
#: file. From the third in a row on, each start waits twice as long as the one before.
_HASTY: Final = 0.5
_MAX_HASTY: Final = 3
_MAX_PAUSE: Final = 10.0
#: From then on a start also gets so many seconds in which no save cuts it short.
_CALM: Final = 5.0

#: The most files that a message names.
_MAX_NAMED: Final = 3
#: And the most changes of what the service offers.
_MAX_CHANGES: Final = 40


class Reloader(Parent):
    """Replaces the processes of one run when a file is saved.

    Args:
        watcher: finds the saves.
        others: as for :class:`Parent`.
    """

    #: Longer than a start takes: a page whose script does not come would not follow the next save.
    _page_patience = 30.0

    def __init__(self, watcher: Watcher, *others: Any, **named: Any) -> None:
        super().__init__(*others, **named)
        self._watcher = watcher
        # Not the number of another run's start, which an open page may have.
        self._generation = time.time_ns() // 1_000_000
        self._shown: ServiceInfo | None = None
        self._saved: dict[str, None] = {}
        self._has_saved = asyncio.Event()
        self._leaving: list[Child] = []
        self._ending: list[asyncio.Task[None]] = []

    async def _work(self, children: list[Child]) -> None:
        """Start the service again after each save.

        The old processes serve until the new ones have imported the app, so that an error in the
        import interrupts nothing.
        """
        loop = asyncio.get_running_loop()

        def on_save(paths: list[str]) -> None:
            loop.call_soon_threadsafe(self._note_save, paths)

        self._watcher.start(on_save)
        try:
            await self._reload(children)
        finally:
            self._watcher.stop()
            await asyncio.gather(*self._ending, return_exceptions=True)

    async def _reload(self, children: list[Child]) -> None:
        loop = asyncio.get_running_loop()
        serving: list[Child] = []
        saved: list[str] = []
        hasty = 0
        while True:
            save = asyncio.create_task(self._next_save())
            try:
                patience = _CALM if hasty >= _MAX_HASTY else 0.0
                await self._attempt(serving, children, saved, save, patience)
                tried = loop.time()
                spares = [self._spare(child.worker) for child in children]
                await self._serve_until(save, serving)
            finally:
                save.cancel()
            hasty = hasty + 1 if loop.time() - tried < _HASTY else 0
            saved = save.result()
            self._notifier.reloading()
            if hasty >= _MAX_HASTY:
                pause = min(2.0 ** (hasty - _MAX_HASTY), _MAX_PAUSE)
                logger.warning(
                    "%s is saved with every start; the next is in %g s", _brief(saved), pause
                )
                await asyncio.sleep(pause)
            children = [self._start(spare.worker, spare) for spare in spares]

    async def _attempt(
        self,
        serving: list[Child],
        children: list[Child],
        saved: list[str],
        save: asyncio.Task[list[str]],
        patience: float,
    ) -> None:
        """Replace the old processes by the new ones, and show the result.

        Args:
            serving: as in :meth:`_replace`.
            children: as in :meth:`_replace`.
            saved: the files whose save is the reason.
            save: the next save, which ends the attempt: it may well mend what that waits for.
            patience: the seconds in which it does not.

        Raises:
            ServiceEnded: nothing ever ran, and no save would help.
            UsageError: the embedded router cannot listen.
        """
        began = asyncio.get_running_loop().time()
        attempt = asyncio.create_task(self._replace(serving, children))
        try:
            await asyncio.wait([attempt], timeout=patience)
            either: list[asyncio.Future[Any]] = [attempt, save]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            attempt.cancel()
            (result,) = await asyncio.gather(attempt, return_exceptions=True)
        if isinstance(result, ServiceEnded):
            self._show_failure(result, serving)
        elif isinstance(result, Up):
            self._watcher.ignore(result.log_files)
            # In a thread: it waits for a save that is under way.
            await asyncio.to_thread(self._watcher.watch_also, result.folders)
            seconds = asyncio.get_running_loop().time() - began
            self._show_reload(result, len(children), saved, seconds)
        elif not isinstance(result, asyncio.CancelledError):
            raise result

    async def _replace(self, serving: list[Child], children: list[Child]) -> Up:
        """Put new processes in the place of those that serve, once they are ready.

        Args:
            serving: the old ones; afterwards the new ones, or none.
            children: the new ones, which are ended if one of them fails.

        Raises:
            ServiceEnded: one of the new ones has ended.
        """
        try:
            for child in children:
                await child.loaded()
            # From here on they do not serve, even where a save cuts this short.
            self._ending = [task for task in self._ending if not task.done()]
            self._ending += [asyncio.create_task(child.stop(_PATIENCE)) for child in serving]
            self._leaving += serving
            serving.clear()
            await asyncio.gather(*(child.left() for child in self._leaving))
            self._leaving.clear()
            self._generation += 1
            up = await self._join_all(children)
        except BaseException:
            await asyncio.gather(*(child.stop(_PATIENCE) for child in children))
            raise
        serving += children
        return up

    async def _serve_until(self, save: asyncio.Task[list[str]], serving: list[Child]) -> None:
        """Wait for a save; log a process that ends meanwhile."""
        while not save.done():
            ends = {child.ended: child for child in serving}
            either: list[asyncio.Future[Any]] = [save, *ends]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            for ended, child in ends.items():
                if ended.done():
                    serving.remove(child)
                    end = ended.result()
                    if end.text:
                        banner.echo(end.text)
                    logger.error("The service %s; waiting for the next save", end.how)

    def _note_save(self, paths: list[str]) -> None:
        # The service has the files open that it writes to, such as its log.
        folder = self._watcher.folder
        others = [p for p in paths if not any(c.holds(folder / p) for c in self._children)]
        if others:
            self._saved.update(dict.fromkeys(others))
            self._has_saved.set()

    async def _next_save(self) -> list[str]:
        await self._has_saved.wait()
        self._has_saved.clear()
        saved = list(self._saved)
        self._saved.clear()
        return saved

    def _show_failure(self, end: ServiceEnded, serving: list[Child]) -> None:
        """Show what went wrong, and what goes on.

        Raises:
            ServiceEnded: nothing ever ran, and no save would help.
        """
        if self._shown is None and not end.fixable:
            raise end
        banner.echo(end.text or f"The service {end.how}.")
        what = "the service before goes on" if serving else "nothing runs"
        logger.warning("Waiting for the next save; meanwhile %s", what)
        self._notifier.reloaded(f"Waiting for the next save; meanwhile {what}.")

    def _show_reload(self, up: Up, count: int, saved: list[str], seconds: float) -> None:
        before, self._shown = self._shown, up.info
        if before is None:
            folder = self._watcher.folder
            self._show_start(up, count, ("reloads", f"when a file in {folder} is saved"))
            return
        whole = _is_whole(before) and _is_whole(up.info)
        were, are = _offered(before, whole=whole), _offered(up.info, whole=whole)
        lines = [f"- {gone}" for gone in sorted(were - are)]
        lines += [f"+ {new}" for new in sorted(are - were)]
        if len(lines) > _MAX_CHANGES:
            lines[_MAX_CHANGES:] = [f"and {len(lines) - _MAX_CHANGES:,} more changes"]
        logger.info("Reloaded in %.2f s: %s", seconds, "\n".join([_brief(saved), *lines]))
        self._notifier.reloaded(banner.up_text(up.info, workers=count))


def _is_whole(info: ServiceInfo) -> bool:
    """Return whether the signature of everything that a service offers is known."""
    return all(len(listing.rows) == len(listing.names) for listing in info.listings)


def _offered(info: ServiceInfo, *, whole: bool) -> set[str]:
    """Return what a service offers, with signatures if everything has one."""
    return {
        name
        for listing in info.listings
        for name in ([text for text, _ in listing.rows] if whole else listing.names)
    }


def _brief(paths: Sequence[str]) -> str:
    """Return the names of the first few files, and how many more there are."""
    more = len(paths) - _MAX_NAMED
    return ", ".join(paths[:_MAX_NAMED]) + (f" and {more} more" if more > 0 else "")
