"""The pool of daemon threads, waits that give a place away, and the executor on the pool."""

import gc
import threading
import weakref

import pytest

from wampapp.errors import Overloaded
from wampapp.loop import threads
from wampapp.loop.threads import DaemonExecutor, ThreadPool, blocking_wait

DEADLINE = 60.0  # seconds


def done(event: threading.Event) -> None:
    assert event.wait(DEADLINE)


@pytest.fixture
def workers() -> ThreadPool:
    """A pool of three threads; its threads are daemons, and end when the pool is closed."""
    return ThreadPool(3, "test-worker")


def test_a_job_runs_in_a_named_daemon_thread_of_the_pool(workers: ThreadPool) -> None:
    seen: list[tuple[str, bool, bool, bool]] = []
    ran = threading.Event()

    def job() -> None:
        thread = threading.current_thread()
        here = thread is threading.main_thread()
        seen.append((thread.name, thread.daemon, workers.owns(thread), here))
        ran.set()

    workers.submit(job)
    done(ran)
    assert seen == [("test-worker", True, True, False)]
    assert not workers.owns(threading.current_thread())
    workers.close()
    workers.join()


def test_jobs_run_at_one_time_up_to_the_limit(workers: ThreadPool) -> None:
    together = threading.Barrier(4)
    release = threading.Event()
    running: set[int] = set()
    fourth = threading.Event()

    def job() -> None:
        running.add(threading.get_ident())
        together.wait(DEADLINE)
        release.wait(DEADLINE)

    for _ in range(3):
        workers.submit(job)
    workers.submit(fourth.set)
    together.wait(DEADLINE)  # three jobs run now
    assert len(running) == 3
    assert not fourth.is_set()
    release.set()
    done(fourth)
    workers.close()
    workers.join()


def test_an_idle_thread_takes_the_next_job(workers: ThreadPool) -> None:
    idents: list[int] = []
    for _ in range(20):
        ran = threading.Event()

        def job(ran: threading.Event = ran) -> None:
            idents.append(threading.get_ident())
            ran.set()

        workers.submit(job)
        done(ran)
    assert len(set(idents)) <= 3
    workers.close()
    workers.join()


def test_every_one_of_many_jobs_runs_once() -> None:
    workers = ThreadPool(8)
    ran: list[int] = []
    for number in range(2000):
        workers.submit(lambda number=number: ran.append(number))
    workers.close()
    workers.join()
    assert sorted(ran) == list(range(2000))


def test_one_thread_runs_its_jobs_in_order() -> None:
    workers = ThreadPool(1)
    ran: list[int] = []
    for number in range(500):
        workers.submit(lambda number=number: ran.append(number))
    workers.close()
    workers.join()
    assert ran == list(range(500))


def test_jobs_from_many_threads_all_run() -> None:
    workers = ThreadPool(4)
    ran: list[int] = []

    def submit(start: int) -> None:
        for number in range(start, start + 100):
            workers.submit(lambda number=number: ran.append(number))

    threads = [threading.Thread(target=submit, args=(100 * i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    workers.close()
    workers.join()
    assert sorted(ran) == list(range(800))


def test_closing_lets_the_jobs_in_line_run() -> None:
    workers = ThreadPool(1)
    started, release = threading.Event(), threading.Event()
    ran: list[str] = []

    def first() -> None:
        started.set()
        release.wait(DEADLINE)
        ran.append("first")

    workers.submit(first)
    done(started)
    workers.submit(lambda: ran.append("second"))
    workers.close()
    release.set()
    workers.join()
    assert ran == ["first", "second"]


def test_closing_twice_and_closing_an_unused_pool_do_nothing() -> None:
    workers = ThreadPool(2)
    workers.close()
    workers.close()
    workers.join()
    assert not any(map(workers.owns, threading.enumerate()))


def test_a_finished_job_is_not_kept_alive(workers: ThreadPool) -> None:
    class Argument:
        pass

    argument = Argument()
    kept = weakref.ref(argument)
    ran, next_one = threading.Event(), threading.Event()

    def job(argument: Argument = argument) -> None:
        ran.set()

    workers.submit(job)
    done(ran)
    del job, argument
    workers.submit(next_one.set)
    done(next_one)
    workers.close()
    workers.join()
    gc.collect()
    assert kept() is None


class SlowSet(set[threading.Thread]):
    """Threads that take long to end."""

    def __init__(self) -> None:
        super().__init__()
        self.ending, self.release = threading.Event(), threading.Event()

    def discard(self, thread: threading.Thread) -> None:
        self.ending.set()
        self.release.wait(DEADLINE)
        super().discard(thread)


def test_a_job_that_comes_while_the_last_thread_ends_is_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threads, "_IDLE_SECONDS", 0.0)
    pool = ThreadPool(1)
    pool._threads = slow = SlowSet()
    pool.submit(lambda: None)
    done(slow.ending)
    ran = threading.Event()
    pool.submit(ran.set)
    done(ran)
    slow.release.set()
    pool.close()
    pool.join()


# Waits.


def test_a_thread_that_waits_gives_its_place_away() -> None:
    pool = ThreadPool(1)
    second, over = threading.Event(), threading.Event()

    def first() -> None:
        with blocking_wait() as on_answer:
            done(second)  # it runs in this pool of one
            on_answer()
            on_answer()  # twice counts once
        over.set()

    pool.submit(first)
    pool.submit(second.set)
    done(over)
    pool.close()
    pool.join()
    assert pool.working == 0


def test_after_a_wait_the_limit_holds_again() -> None:
    pool = ThreadPool(1)
    waited = threading.Event()

    def waits() -> None:
        with blocking_wait():
            pass
        waited.set()

    pool.submit(waits)
    done(waited)
    running, release = threading.Event(), threading.Event()
    third = threading.Event()

    def job() -> None:
        running.set()
        release.wait(DEADLINE)

    pool.submit(job)
    done(running)
    pool.submit(third.set)
    assert not third.is_set()
    assert pool.working == 2  # one runs, one is in line
    release.set()
    done(third)
    pool.close()
    pool.join()


def test_a_thread_of_no_pool_just_waits() -> None:
    with blocking_wait() as on_answer:
        on_answer()


def test_too_many_waits_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "MAX_THREADS", 1)
    pool = ThreadPool(1)
    seen: list[BaseException] = []
    ran = threading.Event()

    def job() -> None:
        try:
            with blocking_wait():
                pass
        except Overloaded as error:
            seen.append(error)
        finally:
            ran.set()

    pool.submit(job)
    done(ran)
    pool.close()
    pool.join()
    [error] = seen
    assert "1 worker threads wait for calls of their own" in str(error)


def test_a_job_that_raises_strands_nobody(
    workers: ThreadPool, caplog: pytest.LogCaptureFixture
) -> None:
    ran = threading.Event()
    workers.submit(lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    workers.submit(ran.set)
    done(ran)
    workers.close()
    workers.join()
    assert "ZeroDivisionError" in caplog.text


# The executor.


def test_the_executor_gives_results_and_exceptions() -> None:
    executor = DaemonExecutor(2, "test-executor")
    assert executor.submit(divmod, 7, 2).result(DEADLINE) == (3, 1)
    assert isinstance(executor.submit(int, "x").exception(DEADLINE), ValueError)
    assert executor.submit(threading.current_thread).result(DEADLINE).daemon
    executor.shutdown()


def test_an_executor_that_was_shut_down_runs_what_is_in_line_and_takes_no_more() -> None:
    executor = DaemonExecutor(1, "test-executor")
    release = threading.Event()
    first = executor.submit(release.wait, DEADLINE)
    second = executor.submit(int, "2")
    executor.shutdown()
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(int)
    release.set()
    assert first.result(DEADLINE)
    assert second.result(DEADLINE) == 2


def test_an_executor_can_cancel_what_is_in_line() -> None:
    executor = DaemonExecutor(1, "test-executor")
    running, release = threading.Event(), threading.Event()

    def job() -> bool:
        running.set()
        return release.wait(DEADLINE)

    first = executor.submit(job)
    done(running)
    second = executor.submit(int, "2")
    executor.shutdown(cancel_futures=True)
    assert second.cancelled()
    release.set()
    assert first.result(DEADLINE)
