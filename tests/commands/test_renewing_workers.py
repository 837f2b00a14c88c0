"""SIGHUP replaces the workers, one after the other: whoever calls meanwhile sees no error."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.process import DEADLINE, EmbeddedRouter, Wampapp
from wampapp import WampappError, connect
from wampapp.crossbar import Crossbar

pytestmark = [pytest.mark.processes, pytest.mark.both_routers]

APP = """
import os

from wampapp import App

app = App(prefix="com.renewed.shop")


# Python takes a file for unchanged that has the same size and was saved in the same second.
{comment}


@app.register
async def version() -> tuple[int, int]:
    return {version}, os.getpid()
"""


class Calls(threading.Thread):
    """One call after the other, without a pause; what they were answered with."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self.answers: list[tuple[int, int]] = []
        self.errors: list[str] = []
        self._ended = threading.Event()

    def run(self) -> None:
        with connect(self._url, timeout=DEADLINE) as client:
            while not self._ended.is_set():
                try:
                    number, pid = client.call("com.renewed.shop.version")
                    self.answers.append((number, pid))
                except WampappError as error:
                    self.errors.append(str(error))

    def until(self, count: int) -> None:
        while len(self.answers) < count:
            assert self.is_alive()
            self.join(0.01)

    def end(self) -> None:
        self._ended.set()
        self.join(DEADLINE)


def text_of(version: int) -> str:
    """Return the app's text, of another size for each version."""
    return APP.format(version=version, comment="#" * version)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(text_of(1))
    return tmp_path


@pytest.fixture
def service(project: Path, router: EmbeddedRouter | Crossbar) -> Iterator[Wampapp]:
    words = ("run", "app.py", "--workers", "2", "--url", router.rs_url)
    with Wampapp(*words, cwd=project) as service:
        service.until("Press Ctrl-C")
        yield service


def test_a_caller_sees_no_error(
    project: Path, service: Wampapp, router: EmbeddedRouter | Crossbar
) -> None:
    calls = Calls(router.rs_url)
    calls.start()
    try:
        calls.until(100)
        (project / "app.py").write_text(text_of(2))
        service.send(signal.SIGHUP)
        service.until("All workers are renewed")
        calls.until(len(calls.answers) + 100)
    finally:
        calls.end()
    assert calls.errors == []
    assert {number for number, _ in calls.answers[-50:]} == {2}
    assert len({pid for _, pid in calls.answers[-50:]}) == 2
    assert not {pid for _, pid in calls.answers[:50]} & {pid for _, pid in calls.answers[-50:]}
    assert service.stop() == 0


def test_one_that_dies_meanwhile_is_renewed_too(
    project: Path, service: Wampapp, router: EmbeddedRouter | Crossbar
) -> None:
    with connect(router.rs_url, timeout=DEADLINE) as client:
        before = {client.call("com.renewed.shop.version")[1] for _ in range(4)}
        (project / "app.py").write_text(text_of(2))
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        service.send(signal.SIGHUP)
        service.until("All workers are renewed")
        assert {client.call("com.renewed.shop.version")[0] for _ in range(4)} == {2}


def test_what_cannot_be_imported_interrupts_nothing(
    project: Path, service: Wampapp, router: EmbeddedRouter | Crossbar
) -> None:
    with connect(router.rs_url, timeout=DEADLINE) as client:
        before = {client.call("com.renewed.shop.version")[1] for _ in range(4)}
        (project / "app.py").write_text("not Python")
        service.send(signal.SIGHUP)
        service.until("The workers are not renewed: the first new one")
        assert {client.call("com.renewed.shop.version")[1] for _ in range(4)} == before
        (project / "app.py").write_text(text_of(3))
        service.send(signal.SIGHUP)
        service.until("All workers are renewed")
        assert client.call("com.renewed.shop.version")[0] == 3
