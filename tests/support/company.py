"""Who uses a component: its owner and others, each with a session of its own."""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Self

import pytest

from tests.support.running import running
from wampapp import App, ConnectedClient, connect
from wampapp.loop.runtime import get_runtime

DEADLINE = 30.0


class BaseCompany:
    """Apps and clients at a router, and what they have said; a context manager that ends all.

    Args:
        url: the router's URL.
        folder: where the owner keeps its data.
        request: the test, after which the URIs are named: the router is others' too.
    """

    def __init__(self, url: str, folder: Path, request: pytest.FixtureRequest) -> None:
        name = "".join(letter if letter.isalnum() else "_" for letter in request.node.name)
        self.url = url
        self.prefix = f"com.company.{name}"
        self.file = folder / "store.sqlite"
        self.said: SimpleQueue[Any] = SimpleQueue()
        self._stack = ExitStack()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()
        for thread in self._threads:
            thread.join(DEADLINE)
            assert not thread.is_alive()

    def heard(self) -> Any:
        """Return what was said next."""
        return self.said.get(timeout=DEADLINE)

    def running(self, app: App) -> ExitStack:
        """Run an app, and return what ends it."""
        stack = ExitStack()
        stack.enter_context(running(app, self.url))
        self._stack.push(stack)
        return stack

    def client(self) -> ConnectedClient:
        return self._stack.enter_context(connect(self.url, timeout=DEADLINE))

    def beside(self, work: Callable[[], None]) -> None:
        """Do something in a thread."""
        thread = threading.Thread(target=work)
        thread.start()
        self._threads.append(thread)


def cut(app: Any) -> None:
    """Cut the link of an app; it comes back by itself."""
    service = app.running_service
    assert service is not None

    async def do() -> None:
        assert service.connection is not None
        assert service.connection.session is not None
        service.connection.session.cut("the test cut the link")

    get_runtime().call(do())
