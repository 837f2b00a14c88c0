"""The one loop of a process, and the thread that runs it.

A process has one reactor, so what installs it runs in a process of its own.
"""

import subprocess
import sys

import pytest

from tests.support.process import ROOT, EmbeddedRouter

DEADLINE = 60.0  # seconds

PROGRAMS = ROOT / "tests" / "programs" / "runtime"


def run_python(name: str, *words: str) -> str:
    """Run a program in a process of its own; it must end by itself and complain of nothing."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(PROGRAMS / f"{name}.py"), *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def test_importing_installs_no_reactor_and_starts_no_thread() -> None:
    run_python("importing_installs_no_reactor_and_starts_no_thread")


def test_importing_pulls_in_no_transport() -> None:
    run_python("importing_pulls_in_no_transport")


def test_a_call_over_rawsocket_imports_no_autobahn(embedded: EmbeddedRouter) -> None:
    run_python("a_call_over_rawsocket_imports_no_autobahn", embedded.rs_url)


def test_there_is_one_runtime_and_its_reactor_rides_on_its_loop() -> None:
    run_python("there_is_one_runtime_and_its_reactor_rides_on_its_loop")


def test_a_link_is_read_outside_of_twisted_s_log_context() -> None:
    run_python("a_link_is_read_outside_of_twisted_s_log_context")


def test_uvloop_is_used_where_it_is_installed() -> None:
    pytest.importorskip("uvloop")
    assert run_python("uvloop_is_used_where_it_is_installed") == "uvloop\n"


def test_without_uvloop_asyncio_s_own_loop_is_used() -> None:
    assert run_python("without_uvloop_asyncio_s_own_loop_is_used") == "_UnixSelectorEventLoop\n5\n"


def test_it_can_run_again_and_twisted_s_threads_do_not_keep_the_process() -> None:
    run_python("it_can_run_again_and_twisted_s_threads_do_not_keep_the_process")


def test_what_the_coroutine_raises_comes_out_and_it_can_run_again() -> None:
    run_python("what_the_coroutine_raises_comes_out_and_it_can_run_again")


def test_a_call_runs_in_the_background_from_any_thread() -> None:
    run_python("a_call_runs_in_the_background_from_any_thread")


def test_the_background_thread_starts_once_even_if_many_call_at_one_time() -> None:
    run_python("the_background_thread_starts_once_even_if_many_call_at_one_time")


def test_the_background_thread_can_be_stopped_and_started_again() -> None:
    run_python("the_background_thread_can_be_stopped_and_started_again")


def test_run_says_that_a_loop_runs_already() -> None:
    run_python("run_says_that_a_loop_runs_already")


def test_run_inside_another_loop_says_so() -> None:
    run_python("run_inside_another_loop_says_so")


def test_a_blocking_call_on_the_loop_s_own_thread_is_refused() -> None:
    run_python("a_blocking_call_on_the_loop_s_own_thread_is_refused")


def test_an_interrupted_caller_cancels_what_it_waits_for() -> None:
    run_python("an_interrupted_caller_cancels_what_it_waits_for")


def test_a_reactor_that_is_there_already_gives_the_sentence() -> None:
    run_python("a_reactor_that_is_there_already_gives_the_sentence")


def test_a_forked_process_cannot_use_its_parent_s_loop() -> None:
    run_python("a_forked_process_cannot_use_its_parent_s_loop")


def test_a_process_forked_before_the_start_has_a_loop_of_its_own() -> None:
    run_python("a_process_forked_before_the_start_has_a_loop_of_its_own")


@pytest.mark.parametrize("verb", ["call", "run"])
def test_a_runtime_that_came_over_a_fork_says_so_and_does_not_hang(verb: str) -> None:
    """As a client does that was opened when the module was imported, before workers fork."""
    run_python("a_runtime_that_came_over_a_fork_says_so_and_does_not_hang", verb)


def test_gevent_s_threads_are_refused(embedded: EmbeddedRouter) -> None:
    """A loop in one of them would never let another have its turn."""
    pytest.importorskip("gevent")
    script = f"""
from gevent import monkey
monkey.patch_all()
import wampapp
try:
    wampapp.connect({embedded.rs_url!r})
except wampapp.UsageError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert "gevent has replaced Python's threads" in done.stdout, done.stderr
