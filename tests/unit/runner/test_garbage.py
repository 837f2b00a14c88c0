"""The search for garbage spares what is there when a run has started."""

import gc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.ports import free_port
from tests.support.process import Wampapp
from wampapp import connect
from wampapp.runner.garbage import startup_spared

APP = """
import gc

from wampapp import App

app = App(prefix="com.tea")


@app.register
async def spared() -> int:
    return gc.get_freeze_count()
"""


class Node:
    """What can point to itself."""


def make_garbage() -> Callable[[], Node | None]:
    node: Any = Node()
    node.itself = node
    return weakref.ref(node)


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


def test_what_is_there_is_spared_until_the_block_ends() -> None:
    before = gc.get_freeze_count()  # Python 3.12 itself has some
    assert before < 1000
    with startup_spared():
        assert gc.get_freeze_count() > before + 1000
        make_garbage()
        assert gc.collect() > 0  # what came later is searched
    assert gc.get_freeze_count() == 0


def test_what_is_garbage_already_goes_first() -> None:
    died = make_garbage()
    with startup_spared():
        assert died() is None


def test_what_a_program_has_frozen_stays_so() -> None:
    gc.freeze()
    count = gc.get_freeze_count()
    with startup_spared():
        assert gc.get_freeze_count() == count
    assert gc.get_freeze_count() == count


def test_a_program_that_collects_by_itself_is_left_alone() -> None:
    gc.disable()
    before = gc.get_freeze_count()
    with startup_spared():
        assert gc.get_freeze_count() == before


@pytest.mark.processes
@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["single", "workers"])
def test_a_service_runs_so(options: tuple[str, ...], tmp_path: Path) -> None:
    place = tmp_path / "tea.py"
    place.write_text(APP)
    port = free_port()
    with Wampapp("run", place, "--port", str(port), *options) as service:
        service.until("Press Ctrl-C")
        with connect(f"rs://127.0.0.1:{port}", timeout=60) as client:
            assert client.call("com.tea.spared") > 10_000
        assert service.stop() == 0
