"""The worker threads."""

import gc
import threading
import weakref

import pytest

from wampapp.loop.threads import ThreadPool

DEADLINE = 20.0  # seconds


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
