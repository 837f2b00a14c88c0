"""The one loop of a process, and the thread that runs it.

A process has one reactor, so what installs it runs in a process of its own.
"""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.process import EmbeddedRouter

DEADLINE = 60.0  # seconds
ROOT = Path(__file__).resolve().parents[3]

PREAMBLE = """
import asyncio, os, signal, sys, threading
from wampapp import UsageError, WrongThread
from wampapp.loop.runtime import get_runtime
from wampapp.loop.deferreds import with_deferreds

signal.alarm(30)  # seconds; the end of a process that hangs
"""


def run_python(code: str, preamble: str = PREAMBLE) -> str:
    """Run a program in a process of its own; it must end by itself and complain of nothing."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", preamble + textwrap.dedent(code)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def test_importing_installs_no_reactor_and_starts_no_thread() -> None:
    code = """
    import sys, threading
    import wampapp
    assert "twisted.internet.reactor" not in sys.modules
    assert threading.active_count() == 1
    """
    run_python(code, preamble="")


def test_importing_pulls_in_no_transport() -> None:
    code = """
    import sys
    import wampapp
    heavy = {name.partition(".")[0] for name in sys.modules} & {"autobahn", "twisted", "txaio"}
    assert not heavy, heavy
    """
    run_python(code, preamble="")


def test_there_is_one_runtime_and_its_reactor_rides_on_its_loop() -> None:
    run_python("""
    runtime = get_runtime()
    assert get_runtime() is runtime
    from twisted.internet import reactor
    assert runtime.reactor is reactor
    assert type(reactor).__name__ == "AsyncioSelectorReactor"

    async def main():
        assert asyncio.get_running_loop() is runtime.loop
        assert runtime.in_loop_thread
        assert reactor.running
        return "result"

    assert not runtime.in_loop_thread
    assert runtime.run(main()) == "result"
    assert not runtime.in_loop_thread
    """)


def test_uvloop_is_used_where_it_is_installed() -> None:
    pytest.importorskip("uvloop")
    assert run_python("print(type(get_runtime().loop).__module__)") == "uvloop\n"


def test_without_uvloop_asyncio_s_own_loop_is_used() -> None:
    assert (
        run_python("""
    sys.modules["uvloop"] = None  # what makes an import fail
    runtime = get_runtime()
    print(type(runtime.loop).__name__)

    async def main():
        from twisted.internet.task import deferLater
        return await with_deferreds(wait(deferLater(runtime.reactor, 0, lambda: 5)))

    async def wait(deferred):
        return await deferred

    print(runtime.run(main()))
    """)
        == "_UnixSelectorEventLoop\n5\n"
    )


def test_it_can_run_again_and_twisted_s_threads_do_not_keep_the_process() -> None:
    run_python("""
    runtime = get_runtime()

    async def in_thread():
        from twisted.internet.threads import deferToThread
        return await deferToThread(threading.get_ident)

    async def main():
        return await with_deferreds(in_thread())

    for _ in range(3):
        assert runtime.run(main()) != threading.get_ident()
    assert threading.active_count() == 1
    """)


def test_what_the_coroutine_raises_comes_out_and_it_can_run_again() -> None:
    run_python("""
    runtime = get_runtime()

    async def broken():
        raise ZeroDivisionError

    async def well():
        return 7

    for start in (runtime.run, runtime.call):
        try:
            start(broken())
        except ZeroDivisionError:
            pass
        else:
            raise AssertionError
        assert start(well()) == 7
    """)


def test_a_call_runs_in_the_background_from_any_thread() -> None:
    run_python("""
    runtime = get_runtime()

    async def where():
        await asyncio.sleep(0)
        assert runtime.reactor.running
        return threading.get_ident()

    seen = {runtime.call(where())}
    threads = [threading.Thread(target=lambda: seen.add(runtime.call(where()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 1
    assert threading.get_ident() not in seen
    """)


def test_the_background_thread_starts_once_even_if_many_call_at_one_time() -> None:
    run_python("""
    runtime = get_runtime()
    together = threading.Barrier(16)
    seen = []

    async def where():
        return threading.get_ident()

    def work():
        together.wait()
        seen.append(runtime.call(where()))

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 16 and len(set(seen)) == 1
    """)


def test_the_background_thread_can_be_stopped_and_started_again() -> None:
    run_python("""
    runtime = get_runtime()

    async def seven():
        return 7

    runtime.stop_background()  # there is none yet
    for _ in range(3):
        assert runtime.call(seven()) == 7
        runtime.stop_background()
        assert threading.active_count() == 1
        assert runtime.run(seven()) == 7
    """)


def test_run_says_that_a_loop_runs_already() -> None:
    run_python("""
    runtime = get_runtime()

    async def seven():
        return 7

    async def nested():
        runtime.run(seven())

    runtime.call(seven())
    runtime.clients = 1  # as while a client is open
    try:
        runtime.run(seven())
    except UsageError as error:
        assert str(error).startswith("A loop runs already in this process: "), error
    else:
        raise AssertionError
    runtime.clients = 0
    assert runtime.run(seven()) == 7  # what closed clients leave behind is no obstacle
    try:
        runtime.run(nested())
    except UsageError as error:
        assert str(error).startswith("A loop runs already in this process: "), error
    else:
        raise AssertionError
    """)


def test_run_inside_another_loop_says_so() -> None:
    run_python("""
    runtime = get_runtime()

    async def seven():
        return 7

    async def main():
        runtime.run(seven())

    try:
        asyncio.run(main())
    except UsageError as error:
        assert "loop" in str(error)
    else:
        raise AssertionError
    assert runtime.run(seven()) == 7
    """)


def test_a_blocking_call_on_the_loop_s_own_thread_is_refused() -> None:
    run_python("""
    runtime = get_runtime()

    async def seven():
        return 7

    async def nested():
        return runtime.call(seven())

    for start in (runtime.run, runtime.call):
        try:
            start(nested())
        except WrongThread as error:
            assert "await app.call" in str(error)
        else:
            raise AssertionError
    """)


def test_an_interrupted_caller_cancels_what_it_waits_for() -> None:
    run_python("""
    runtime = get_runtime()
    ended = threading.Event()

    async def for_ever():
        try:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()
        finally:
            ended.set()

    try:
        runtime.call(for_ever())
    except KeyboardInterrupt:
        pass
    else:
        raise AssertionError
    assert ended.wait(20)
    """)


def test_a_reactor_that_is_there_already_gives_the_sentence() -> None:
    run_python("""
    from twisted.internet import reactor

    async def seven():
        return 7

    for _ in range(2):
        try:
            get_runtime().run(seven())
        except UsageError as error:
            name = type(reactor).__name__
            assert str(error) == (
                f"Twisted's {name} is installed already, so app.run() cannot install its own on "
                "asyncio; import twisted.internet.reactor inside your handlers, not at the top "
                "of the module, or use 'await app.start()' in a program that runs its own "
                "reactor."
            ), error
        else:
            raise AssertionError
    assert get_runtime().call(seven()) == 7  # a blocking client has a loop of its own
    """)


FORKED = """
import warnings

def in_child(work):
    "Fork, and return how the child ended; a signal's number where it hung."
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns of forking with threads
        child = os.fork()
    if child == 0:
        signal.alarm(10)
        try:
            work()
        except UsageError as error:
            os._exit(7 if "forked" in str(error) else 8)
        except BaseException:
            os._exit(9)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)

async def seven():
    return 7
"""


def test_a_forked_process_cannot_use_its_parent_s_loop() -> None:
    run_python(FORKED + "get_runtime()\nassert in_child(get_runtime) == 7\nget_runtime()\n")


def test_a_process_forked_before_the_start_has_a_loop_of_its_own() -> None:
    run_python(FORKED + "assert in_child(lambda: get_runtime().run(seven())) == 0\n")


@pytest.mark.parametrize("verb", ["call", "run"])
def test_a_runtime_that_came_over_a_fork_says_so_and_does_not_hang(verb: str) -> None:
    """As a client does that was opened when the module was imported, before workers fork."""
    run_python(
        FORKED
        + textwrap.dedent(f"""
        runtime = get_runtime()
        assert runtime.call(seven()) == 7
        ended = in_child(lambda: runtime.{verb}(seven()))
        assert ended == 7, ended
        """)
    )


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
