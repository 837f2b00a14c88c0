"""What the tests of the console share."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.browser import chromium
from tests.support.console import Console
from tests.support.process import DEADLINE
from wampapp import ConnectedClient, connect


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
