"""Two processes that serve a component from one database: one serves, the other waits."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.postgres import PASSWORD, Postgres
from tests.support.process import ROOT, EmbeddedRouter, Wampapp, environment, run
from wampapp import ConnectedClient, connect
from wampapp.components import Tasks

PROGRAM = ROOT / "tests" / "programs" / "tasks" / "mill.py"
WAITS = "is served by another process"

Start = Callable[..., Wampapp]


@pytest.fixture
def start(postgres: Postgres, embedded: EmbeddedRouter, tmp_path: Path) -> Iterator[Start]:
    """Starts a service whose tasks are in a database, with the words that are given."""
    store = postgres.tcp_url(postgres.new_schema())

    with ExitStack() as stack:

        def begin(*words: str) -> Wampapp:
            env = environment(WAMPAPP_STORE=store)
            command = ("run", PROGRAM, "--url", embedded.rs_url, *words)
            return stack.enter_context(Wampapp(*command, cwd=tmp_path, env=env))

        yield begin


@pytest.fixture
def peer(embedded: EmbeddedRouter) -> Iterator[ConnectedClient]:
    with connect(embedded.rs_url, timeout=30) as client:
        yield client


def tasks_of(peer: ConnectedClient) -> Tasks:
    return Tasks(peer, "com.mill.tasks")


def test_a_standby_takes_over_from_a_process_that_was_killed(
    start: Start, peer: ConnectedClient
) -> None:
    first = start()
    first.until("Press Ctrl-C")
    handle = tasks_of(peer).sync.enqueue("double", 21)
    assert handle.result() == 42
    second = start()
    second.until(WAITS)
    assert "Press Ctrl-C" not in second.text
    first.send(signal.SIGKILL)
    second.until("Press Ctrl-C")
    # It has what the first one had, and goes on.
    assert handle.result() == 42
    assert tasks_of(peer).sync.enqueue("double", 4).result() == 8
    assert second.stop() == 0, second.text
    assert PASSWORD not in first.text + second.text


def test_a_standby_that_waits_can_be_stopped(start: Start) -> None:
    first = start()
    first.until("Press Ctrl-C")
    for number in (signal.SIGINT, signal.SIGTERM):
        second = start()
        second.until(WAITS)
        assert second.stop(number) == 0, second.text
        assert "Traceback" not in second.text and "failed" not in second.text
    assert first.stop() == 0, first.text


def test_a_process_that_lost_its_session_to_a_standby_ends_with_a_sentence(
    start: Start, postgres: Postgres, peer: ConnectedClient
) -> None:
    first = start()
    first.until("Press Ctrl-C")
    (owner,) = [
        number
        for number, held in postgres.execute(
            "select a.pid, a.application_name from pg_locks l join pg_stat_activity a using (pid)"
            " where locktype = 'advisory'"
        )
        if held.endswith(f":{first.pid}")
    ]
    second = start()
    second.until(WAITS)
    # So that the first one does not come before the second.
    first.send(signal.SIGSTOP)
    postgres.execute("select pg_terminate_backend(%s, 30000)", owner)
    second.until("is this process's now")
    first.send(signal.SIGCONT)
    assert first.wait() == 2, first.text
    assert first.stderr[-1].startswith("Error: postgresql://owner@127.0.0.1:")
    assert first.stderr[-1].endswith("may not write there any longer, and ends.")
    second.until("Press Ctrl-C")
    assert tasks_of(peer).sync.enqueue("double", 4).result() == 8
    assert second.stop() == 0, second.text


def test_with_several_workers_the_one_that_serves_waits(
    start: Start, peer: ConnectedClient
) -> None:
    first = start()
    first.until("Press Ctrl-C")
    second = start("--workers", "2")
    second.until(WAITS)
    assert first.stop() == 0, first.text
    second.until("Press Ctrl-C")
    assert tasks_of(peer).sync.enqueue("double", 4).result() == 8
    assert second.stop() == 0, second.text


def test_what_keeps_the_database_from_being_opened_is_one_sentence(
    postgres: Postgres, embedded: EmbeddedRouter, tmp_path: Path
) -> None:
    env = environment(WAMPAPP_STORE=postgres.tcp_url(password="secret"))
    words = (sys.executable, "-m", "wampapp", "run", PROGRAM, "--url", embedded.rs_url)
    done = run(*words, cwd=tmp_path, env=env)
    assert done.returncode == 2, done.stderr
    where = f"postgresql://owner@127.0.0.1:{postgres.port}/postgres"
    reason = 'password authentication failed for user "owner"'
    assert done.stderr.splitlines() == [f"Error: {where} cannot be opened: {reason}."]


def test_outcomes_are_told_again_until_the_database_is_back(
    embedded: EmbeddedRouter, tmp_path: Path, peer: ConnectedClient
) -> None:
    """The worker's only place is taken by what it cannot tell, so nothing else wakes it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with Postgres() as server:
        store = server.url(server.new_schema())
        env = environment(WAMPAPP_STORE=store, WAMPAPP_TASKS_SLOTS="1", WAMPAPP_LOG_LEVEL="debug")
        command = ("run", PROGRAM, "--url", embedded.rs_url)
        with Wampapp(*command, cwd=tmp_path, env=env) as service:
            service.until("Press Ctrl-C")
            handle = tasks_of(peer).sync.enqueue("hold", str(pipe))
            with pipe.open("w") as end:  # it runs
                server.stop()
                service.until("cannot be written to")
                end.write("found")
            service.until("Outcomes are kept")
            server.start()
            assert handle.result(timeout=30) == "found"
            assert tasks_of(peer).sync.enqueue("double", 4).result() == 8
            assert service.stop() == 0, service.text
