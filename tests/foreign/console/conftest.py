"""What the tests of the console share."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support.browser import chromium
from tests.support.console import Console, console_of
from tests.support.process import DEADLINE
from tests.support.settings_tab import PREFIX, SERVICE, Services
from wampapp import ConnectedClient, connect
from wampapp.components import Live
from wampapp.components.settings import BlockingLive


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def running(browser: Browser) -> Iterator[Console]:
    console = Console(browser)
    with console.service:
        yield console
        console.service.stop()


@pytest.fixture
def console(running: Console) -> Iterator[Console]:
    """The console; whatever a test does, it asks for nothing elsewhere and reports no trouble."""
    running.asked.clear()
    running.trouble.clear()
    yield running
    for context in running.contexts:
        context.close()
    assert {url.split("/")[2] for url in running.asked} == {running.origin}
    assert running.trouble == []


@pytest.fixture
def client(console: Console) -> Iterator[ConnectedClient]:
    with connect(console.rs_url, timeout=DEADLINE) as client:
        yield client


@pytest.fixture
def mill(browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Console]:
    """The console of a mill that keeps its settings."""
    monkeypatch.chdir(tmp_path)  # where services here note what they have seen
    with console_of(browser, SERVICE, tmp_path) as console:
        yield console


@pytest.fixture
def miller(mill: Console) -> Iterator[ConnectedClient]:
    with connect(mill.rs_url, timeout=DEADLINE) as client:
        yield client


@pytest.fixture
def live(miller: ConnectedClient) -> BlockingLive:
    return Live(miller, PREFIX).sync


@pytest.fixture
def services(mill: Console, miller: ConnectedClient) -> Iterator[Services]:
    with ExitStack() as stack:
        yield Services(mill, miller, stack)
