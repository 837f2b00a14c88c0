"""What is alike in all tests of commands."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.process import EmbeddedRouter
from wampapp import ConnectedClient, connect
from wampapp.crossbar import Crossbar

HERE = Path(__file__).parent


@pytest.fixture
def peer(router: EmbeddedRouter | Crossbar) -> Iterator[ConnectedClient]:
    """A client at the router that the commands join."""
    with connect(router.rs_url, timeout=60) as client:
        yield client


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests here, and leave out Crossbar.io unless a test says that the router matters.

    A command starts a process each time, and most of what it does is the same on every router.
    """
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("processes")
    items[:] = [item for item in items if not _is_left_out(item)]


def _is_left_out(item: pytest.Item) -> bool:
    return (
        HERE in item.path.parents
        and hasattr(item, "callspec")
        and item.callspec.params.get("router") == "crossbar"
        and item.get_closest_marker("both_routers") is None
    )
