"""The worker threads that plain ``def`` handlers run in."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from typing import TYPE_CHECKING, Final

from wampapp.errors import Overloaded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

logger = logging.getLogger("wampapp")

_IDLE_SECONDS: Final = 30.0


#: A nested wait in a worker lends its place to another thread, up to this many in all.
_MOST_THREADS: Final = 1000

_local = threading.local()


@contextlib.contextmanager
def lending() -> Iterator[Callable[[], None]]:
    """While it is open, the calling worker's place in its pool may be taken by another thread.

    For blocking waits in handlers: the answer may need a thread of the same pool, and with all of
    them waiting it would never come. Does nothing in a thread that is no worker.

    Yields:
        What to call, from any thread, when the answer is there: from then on the worker counts as
        working, though it has yet to wake.

    Raises:
        Overloaded: far too many workers wait already, as in an endless recursion.
    """
    pool: Workers | None = getattr(_local, "pool", None)
    if pool is None:
        yield _do_nothing
        return
    pool.lend()
    waiting = True

    def answered() -> None:
        nonlocal waiting
        if waiting:
            waiting = False
            pool.woken()

    try:
        yield answered
    finally:
        answered()
        pool.take_back()


def _do_nothing() -> None:
    pass


class Workers:
    """A pool of threads, started as they are needed.

    The threads are daemons: a handler that never returns does not keep the process from ending
    once its grace time is over, which ``concurrent.futures`` would.

    Args:
        limit: the most threads at one time; further jobs wait in line.
        name: what the threads are called in a debugger.
    """

    def __init__(self, limit: int, name: str = "wampapp") -> None:
        self._limit = limit
        self._name = name
        self._jobs: deque[Callable[[], None]] = deque()
        self._ready = threading.Condition(threading.Lock())
        self._idle = 0
        self._waiting = 0
        #: Counts jobs that begin or end, and waits in blocking verbs that do.
        self.moves = 0
        self._threads: set[threading.Thread] = set()
        self._closed = False
        self._reserved = False

    def submit(self, job: Callable[[], None]) -> None:
        """Run ``job`` in a thread.

        Args:
            job: called with nothing; it must handle its own exceptions.
        """
        with self._ready:
            self._jobs.append(job)
            self.moves += 1
            if self._idle >= len(self._jobs):
                self._ready.notify()
            elif len(self._threads) < self._limit:
                self._start_thread()

    def reserve(self) -> None:
        """Start a thread that stays, for the process's end: Python then starts none any more."""
        with self._ready:
            self._reserved = True
            if not self._threads:
                self._start_thread()

    def lend(self) -> None:
        """Allow one more thread, because one waits.

        Raises:
            Overloaded: there are far too many already.
        """
        with self._ready:
            if len(self._threads) >= _MOST_THREADS:
                raise Overloaded(
                    f"{_MOST_THREADS} worker threads wait for calls of their own; do handlers "
                    "call each other without end?"
                )
            self._limit += 1
            self._waiting += 1
            self.moves += 1
            if self._idle < len(self._jobs) and len(self._threads) < self._limit:
                self._start_thread()

    def take_back(self) -> None:
        """Allow one thread less again."""
        with self._ready:
            self._limit -= 1

    def woken(self) -> None:
        """Count a thread that waited in a blocking verb as working again."""
        with self._ready:
            self._waiting -= 1
            self.moves += 1

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._work, name=self._name, daemon=True)
        self._threads.add(thread)
        thread.start()

    @property
    def working(self) -> int:
        """How many threads run a job that does not wait in a blocking verb."""
        with self._ready:
            return len(self._jobs) + len(self._threads) - self._idle - self._waiting

    def close(self) -> None:
        """Let the threads end as soon as they have nothing to do; jobs in line are still run."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()

    def join(self) -> None:
        """Wait for the threads to end; call :meth:`close` first."""
        for thread in list(self._threads):
            thread.join()

    def owns(self, thread: threading.Thread) -> bool:
        """Tell whether ``thread`` is one of these workers."""
        return thread in self._threads

    def _work(self) -> None:
        _local.pool = self
        try:
            while (job := self._next()) is not None:
                try:
                    job()
                except BaseException:
                    # Jobs answer for themselves; what gets here must not strand those in line.
                    logger.exception("A job of a worker thread failed")
                self.moves += 1
                del job  # or an idle thread would keep the last call's arguments alive
        finally:
            with self._ready:
                self._threads.discard(threading.current_thread())

    def _is_last_reserve(self) -> bool:
        return self._reserved and len(self._threads) == 1

    def _next(self) -> Callable[[], None] | None:
        with self._ready:
            self._idle += 1
            try:
                while not self._jobs:
                    if self._closed:
                        break
                    if not self._ready.wait(_IDLE_SECONDS) and not self._is_last_reserve():
                        break
                return self._jobs.popleft() if self._jobs else None
            finally:
                self._idle -= 1
