"""Threads for blocking code: plain ``def`` handlers, name servers, key derivation.

They are daemons: a job that never returns does not keep the process from ending, which the threads
of ``concurrent.futures`` would.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import logging
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Final, TypeVar

from wampapp.errors import Overloaded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")

logger = logging.getLogger("wampapp")

#: How long a thread stays without a job.
_IDLE_SECONDS: Final = 30.0
#: A thread that waits gives its place to another one, up to this many threads in all.
MAX_THREADS: Final = 1000

_local = threading.local()


class ThreadPool:
    """A pool of daemon threads, started as they are needed.

    Args:
        limit: how many threads run at the same time; further jobs wait in line.
        name: what the threads are called in a debugger.

    Attributes:
        moves: counts jobs that begin or end, and blocking waits that do.
    """

    def __init__(self, limit: int, name: str = "wampapp") -> None:
        self._limit = limit
        self._name = name
        self._jobs: deque[Callable[[], None]] = deque()
        self._ready = threading.Condition(threading.Lock())
        self._idle = 0
        self._waiting = 0
        self.moves = 0
        self._count = 0  # the threads that still take jobs
        self._threads: set[threading.Thread] = set()  # those, and the ones about to end
        self._closed = False
        self._reserved = False

    def submit(self, job: Callable[[], None]) -> None:
        """Run ``job`` in a thread.

        Args:
            job: called without arguments; it must handle its own exceptions.
        """
        with self._ready:
            self._jobs.append(job)
            self.moves += 1
            if self._idle >= len(self._jobs):
                self._ready.notify()
            elif self._count < self._limit:
                self._start_thread()

    def reserve(self) -> None:
        """Start a thread that stays: when the process ends, Python starts no more of them."""
        with self._ready:
            self._reserved = True
            if not self._count:
                self._start_thread()

    def begin_wait(self) -> None:
        """Allow one more thread, because one waits in a blocking verb.

        Raises:
            Overloaded: there are far too many threads already.
        """
        with self._ready:
            if self._count >= MAX_THREADS:
                raise Overloaded(
                    f"{MAX_THREADS} worker threads wait for calls of their own; do handlers "
                    "call each other without end?"
                )
            self._limit += 1
            self._waiting += 1
            self.moves += 1
            if self._idle < len(self._jobs) and self._count < self._limit:
                self._start_thread()

    def end_wait(self) -> None:
        """Allow one thread less again."""
        with self._ready:
            self._limit -= 1

    def count_as_working(self) -> None:
        """Count a thread that waits as working again; its answer is there."""
        with self._ready:
            self._waiting -= 1
            self.moves += 1

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._work, name=self._name, daemon=True)
        self._count += 1
        self._threads.add(thread)
        thread.start()

    @property
    def working(self) -> int:
        """How many jobs are in line, or run and do not wait in a blocking verb."""
        with self._ready:
            return len(self._jobs) + self._count - self._idle - self._waiting

    @property
    def size(self) -> int:
        """How many threads there are."""
        return self._count

    def close(self) -> None:
        """End the threads as soon as they have nothing to do; jobs in line are still run."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()

    def join(self) -> None:
        """Wait for the threads to end; call :meth:`close` first."""
        for thread in list(self._threads):
            thread.join()

    def owns(self, thread: threading.Thread) -> bool:
        """Return whether ``thread`` belongs to this pool."""
        return thread in self._threads

    def _work(self) -> None:
        _local.pool = self
        try:
            while (job := self._next()) is not None:
                try:
                    job()
                except BaseException:
                    # Jobs handle their own exceptions; one that did not must not strand the rest.
                    logger.exception("A job of a worker thread failed")
                self.moves += 1
                del job  # or an idle thread would keep the last call's arguments alive
        finally:
            self._threads.discard(threading.current_thread())

    def _is_last_reserve(self) -> bool:
        return self._reserved and self._count == 1

    def _next(self) -> Callable[[], None] | None:
        with self._ready:
            self._idle += 1
            try:
                while not self._jobs:
                    if self._closed:
                        break
                    if not self._ready.wait(_IDLE_SECONDS) and not self._is_last_reserve():
                        break
                if self._jobs:
                    return self._jobs.popleft()
                # In the same moment: a job that comes now needs another thread.
                self._count -= 1
                return None
            finally:
                self._idle -= 1


@contextlib.contextmanager
def blocking_wait() -> Iterator[Callable[[], None]]:
    """While it is open, another thread may take the calling thread's place in its pool.

    For blocking waits in handlers: the answer may need a thread of the same pool, and with all of
    them waiting it would never come. It does nothing in a thread that belongs to no pool.

    Yields:
        What to call, from any thread, when the answer is there: from then on the thread counts as
        working, though it has yet to wake.

    Raises:
        Overloaded: far too many threads wait already, as in an endless recursion.
    """
    pool: ThreadPool | None = getattr(_local, "pool", None)
    if pool is None:
        yield _do_nothing
        return
    pool.begin_wait()
    waiting = True

    def on_answer() -> None:
        nonlocal waiting
        if waiting:
            waiting = False
            pool.count_as_working()

    try:
        yield on_answer
    finally:
        on_answer()
        pool.end_wait()


def _do_nothing() -> None:
    pass


class DaemonExecutor(concurrent.futures.Executor):
    """A :class:`ThreadPool` as asyncio's ``run_in_executor`` takes it.

    Args:
        limit: how many threads run at the same time; further jobs wait in line.
        name: what the threads are called in a debugger.
    """

    def __init__(self, limit: int, name: str) -> None:
        self._pool = ThreadPool(limit, name)
        self._lock = threading.Lock()
        self._closed = False
        self._pending: set[concurrent.futures.Future[Any]] = set()

    def submit(
        self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> concurrent.futures.Future[T]:
        """Call ``fn`` in a thread.

        Returns:
            A future of what it returns.

        Raises:
            RuntimeError: the executor was shut down.
        """
        future: concurrent.futures.Future[T] = concurrent.futures.Future()

        def job() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - it belongs to the future
                future.set_exception(error)
            else:
                future.set_result(result)

        with self._lock:
            if self._closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._pending.add(future)
            self._pool.submit(job)
        future.add_done_callback(self._pending.discard)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        """Take no more jobs; the threads end when those in line are done. Nobody waits for them."""
        with self._lock:
            self._closed = True
            pending = list(self._pending) if cancel_futures else []
        for future in pending:
            future.cancel()
        self._pool.close()
