"""Signals that stop a run: which one counts, and what is left when it is over."""

import asyncio
import os
import select
import signal
import threading
from collections.abc import Iterator

import pytest

from wampapp.runner import signals
from wampapp.runner.signals import stop_signals, stop_with_stdin


@pytest.fixture
def came() -> Iterator[list[int]]:
    """The signals that reach the program's own handlers."""
    numbers: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: numbers.append(number))
        for number in signals.STOP_SIGNALS
    }
    yield numbers
    for number, handler in before.items():
        signal.signal(number, handler)


def stop_by(*numbers: int) -> None:
    async def main() -> None:
        with stop_signals() as stopped:
            for number in numbers:
                os.kill(os.getpid(), number)
            await stopped

    asyncio.run(main())


def test_after_a_run_a_program_has_its_handlers_back_but_for_an_echo(
    came: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "ECHO", 60.0)
    stop_by(signal.SIGINT, signal.SIGTERM, signal.SIGINT)
    for number in signals.STOP_SIGNALS:
        os.kill(os.getpid(), number)
    assert came == []
    monkeypatch.setattr(signals, "ECHO", 0.0)
    for number in signals.STOP_SIGNALS:
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
    assert came == [signal.SIGINT, signal.SIGINT, signal.SIGTERM, signal.SIGTERM]


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")  # it ends at once
def test_a_process_that_is_forked_then_has_them_at_once(
    came: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "ECHO", 60.0)
    stop_by(signal.SIGINT)
    if (child := os.fork()) == 0:
        os.kill(os.getpid(), signal.SIGTERM)
        os._exit(len(came))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    assert came == []


def test_a_run_that_no_signal_ends_leaves_the_handlers_at_once(came: list[int]) -> None:
    async def main() -> None:
        with stop_signals():
            pass

    asyncio.run(main())
    os.kill(os.getpid(), signal.SIGTERM)
    assert came == [signal.SIGTERM]


def test_the_next_run_takes_the_first_signal_of_its_own(
    came: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "ECHO", 60.0)
    stop_by(signal.SIGINT)
    stop_by(signal.SIGTERM)
    assert came == []


@pytest.mark.parametrize("is_blocking", [True, False])
def test_the_standard_input_stops_a_run_when_it_ends_and_not_before(is_blocking: bool) -> None:
    ours, theirs = os.pipe()
    before = os.dup(0)
    os.dup2(ours, 0)
    os.set_blocking(0, is_blocking)

    async def main() -> None:
        stopped: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        stop_with_stdin(stopped)
        (reader,) = (t for t in threading.enumerate() if t.name == "wampapp-stdin")
        os.write(theirs, b"thrown away\n")
        while select.select([ours], [], [], 0)[0]:  # until it has read that
            await asyncio.sleep(0)
        assert not stopped.done()
        os.close(theirs)
        await stopped
        await asyncio.to_thread(reader.join)

    try:
        asyncio.run(main())
    finally:
        os.dup2(before, 0)
        os.close(before)
        os.close(ours)
