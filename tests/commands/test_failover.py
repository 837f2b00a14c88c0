"""Two routers behind a real HAProxy: one is killed, or hangs, and the other takes over.

The gap is measured by `python -m tests.benchmarks --only failover`.
"""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.failover import Calls, Pair, haproxy
from tests.support.process import DEADLINE, Wampapp, environment, wampapp
from wampapp import WampappError, connect
from wampapp.crossbar import Progress

pytestmark = [pytest.mark.processes, pytest.mark.slow]


@pytest.fixture
def pair(tmp_path: Path, progress: Progress) -> Iterator[Pair]:
    program, env = haproxy(progress)
    with Pair(tmp_path, program, env) as pair:
        yield pair


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_the_other_router_takes_over(pair: Pair, number: signal.Signals) -> None:
    calls = Calls(pair.url)
    calls.start()
    while len(calls.answered) < 200:
        assert calls.is_alive()
    os.kill(pair.routers[0].pid, number)
    try:
        before = len(calls.answered)
        pair.routers[1].until(r"joined realm1")
        while len(calls.answered) < before + 200:
            assert calls.is_alive()
        calls.ended = True
        calls.join(DEADLINE)
        # Each call was answered, or its caller was told that it was not.
        with connect(pair.url, timeout=DEADLINE) as client:
            done = client.call("com.shop.times", calls.answered)
            assert done == [1] * len(calls.answered)
            assert set(client.call("com.shop.times", calls.failed)) <= {0, 1}
        assert calls.longest < DEADLINE
    finally:
        if number == signal.SIGSTOP:
            os.kill(pair.routers[0].pid, signal.SIGCONT)


def test_they_go_back_to_the_first(pair: Pair) -> None:
    """It came back: all sessions move to it, and none is left behind in a split realm."""
    port = str(pair.ports[0])
    pair.routers[0].stop(signal.SIGKILL)
    pair.routers[1].until("joined realm1")
    with Wampapp("router", "--port", port, env=environment()) as again:
        again.until("joined realm1")
        pair.routers[1].until("left realm1")
        end = time.monotonic() + DEADLINE
        while True:
            try:
                with connect(pair.url, timeout=DEADLINE) as client:
                    assert client.call("com.shop.tell", 1) == 1
                    break
            except WampappError:
                assert time.monotonic() < end


@pytest.mark.parametrize(
    ("places", "sentence"),
    [
        (["a", "b:1"], "'a' is not a host and a port, such as 10.0.0.1:8080."),
        (["a:1", "b:99999"], "'b:99999' is not a host and a port"),
        (["a:1", "a:1"], "The two routers and the address before them must differ."),
    ],
)
def test_mistakes(tmp_path: Path, places: list[str], sentence: str) -> None:
    done = wampapp("deploy", "haproxy", *places, cwd=tmp_path)
    assert (done.returncode, sentence in done.stderr) == (2, True), done.stderr
    assert list(tmp_path.iterdir()) == []
