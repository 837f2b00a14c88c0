"""What a process manager is told, at a real socket of its own."""

import asyncio
import functools
import logging
import os
import socket
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, ParamSpec

import pytest

from wampapp.runner.notify import Notifier

P = ParamSpec("P")


@pytest.fixture(params=["a path", "an abstract name"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """The name of a manager's socket, and the socket."""
    abstract = f"wampapp-test-{os.getpid()}"
    name, path = str(tmp_path / "notify"), str(tmp_path / "notify")
    if request.param == "an abstract name":
        name, path = f"@{abstract}", f"\0{abstract}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(path)
        end.settimeout(30)
        yield name, end


def on_a_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run a test on a loop of its own."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


def heard(end: socket.socket) -> list[str]:
    """All that has come."""
    end.setblocking(False)
    messages = []
    while True:
        try:
            messages.append(end.recv(4096).decode())
        except BlockingIOError:
            return messages


@on_a_loop
async def test_it_is_told_what_happens_in_its_protocol(manager: tuple[str, socket.socket]) -> None:
    name, end = manager
    notifier = Notifier(name)
    notifier.ready("Too early.")
    with notifier.running():
        notifier.ready("com.example is up.")
        notifier.status("Worker 1 ended\nwith exit code 7.")
        before = time.monotonic_ns() // 1000
        notifier.reloading()
        after = time.monotonic_ns() // 1000
        notifier.reloaded()
        notifier.reloaded("All is new.")
        notifier.stopping()
    notifier.stopping()  # too late
    messages = heard(end)
    reloading = messages.pop(2).split("\n")
    assert reloading[0] == "RELOADING=1"
    assert before <= int(reloading[1].removeprefix("MONOTONIC_USEC=")) <= after
    assert messages == [
        "READY=1\nSTATUS=com.example is up.",
        "STATUS=Worker 1 ended with exit code 7.",
        "READY=1",
        "READY=1\nSTATUS=All is new.",
        "STOPPING=1\nSTATUS=Stopping: running handlers may finish.",
    ]


@on_a_loop
async def test_a_reload_before_it_is_ready_or_while_it_stops_does_not_make_it_so(
    manager: tuple[str, socket.socket],
) -> None:
    name, end = manager
    notifier = Notifier(name)
    with notifier.running():
        notifier.reloading()
        notifier.reloaded()
        notifier.ready("It is up.")
        notifier.stopping()
        notifier.reloading()
        notifier.reloaded()
    assert [message.split("\n")[0] for message in heard(end)] == ["READY=1", "STOPPING=1"]


@on_a_loop
async def test_signs_of_life_come_as_long_as_the_loop_turns(
    manager: tuple[str, socket.socket],
) -> None:
    name, end = manager
    loop = asyncio.get_running_loop()
    with Notifier(name, watchdog=0.02).running():
        for _ in range(4):
            assert await loop.run_in_executor(None, end.recv, 4096) == b"WATCHDOG=1"
        heard(end)
        time.sleep(0.1)  # nothing turns it
        assert heard(end) == []
        end.settimeout(30)
        assert await loop.run_in_executor(None, end.recv, 4096) == b"WATCHDOG=1"
    heard(end)
    await asyncio.sleep(0.1)
    assert heard(end) == []


def test_the_variables_are_taken_from_the_environment() -> None:
    environ = {"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "3000000", "PATH": "/bin"}
    notifier = Notifier.from_environment(environ)
    assert environ == {"PATH": "/bin"}
    assert notifier.pause == 1.5


@pytest.mark.parametrize(
    ("variables", "pause"),
    [
        ({"WATCHDOG_USEC": "1000000"}, 0.5),
        ({"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": str(os.getpid())}, 0.5),
        ({"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": ""}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "-1"}, None),
        ({"WATCHDOG_USEC": "²"}, None),
        ({"WATCHDOG_USEC": "9" * 400}, 5e8),
        ({}, None),
    ],
)
def test_signs_of_life_come_twice_in_the_time_that_the_manager_waits(
    variables: dict[str, str], pause: float | None
) -> None:
    environ = {"NOTIFY_SOCKET": "/run/notify", **variables}
    assert Notifier.from_environment(environ).pause == pause
    assert not environ


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"WATCHDOG_USEC": "1000"}])
@on_a_loop
async def test_without_a_manager_nothing_is_sent(
    environ: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    notifier = Notifier.from_environment(environ)
    with caplog.at_level(logging.DEBUG), notifier.running():
        notifier.ready("It is up.")
        notifier.stopping()
    assert [record for record in caplog.records if record.name == "wampapp"] == []


@pytest.mark.parametrize("name", ["/nowhere/notify", "vsock:2:1234", "@" + "x" * 200, "/a\0b"])
@on_a_loop
async def test_an_error_is_logged_once_and_never_raised(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    notifier = Notifier(name)
    with caplog.at_level(logging.DEBUG, "wampapp"), notifier.running():
        notifier.ready("It is up.")
        notifier.stopping()
    (record,) = (record for record in caplog.records if record.name == "wampapp")
    assert record.levelno == logging.DEBUG
    assert record.getMessage().startswith(f"The process manager at {name} cannot be told anything")


@on_a_loop
async def test_a_manager_that_takes_nothing_holds_nothing_up_for_long(
    manager: tuple[str, socket.socket], caplog: pytest.LogCaptureFixture
) -> None:
    name, _end = manager
    notifier = Notifier(name, patience=0.01)
    with caplog.at_level(logging.DEBUG, "wampapp"), notifier.running():
        while not caplog.records:
            notifier.status("It is still up.")
    assert "timed out" in caplog.records[0].getMessage()
