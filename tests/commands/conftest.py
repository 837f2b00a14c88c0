"""What is alike in all tests of commands."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent


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
