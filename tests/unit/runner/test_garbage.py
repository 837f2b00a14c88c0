"""The search for garbage spares what is there when a run has started."""

import gc
from collections.abc import Iterator
from pathlib import Path

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


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


def test_what_is_there_is_spared_until_the_block_ends() -> None:
    with startup_spared():
        assert gc.get_freeze_count() > 1000
        cycle: list[object] = []
        cycle.append(cycle)
        del cycle
        assert gc.collect() > 0  # what came later is searched
    assert gc.get_freeze_count() == 0


def test_what_a_program_has_frozen_stays_so() -> None:
    gc.freeze()
    count = gc.get_freeze_count()
    with startup_spared():
        assert gc.get_freeze_count() == count
    assert gc.get_freeze_count() == count


def test_a_program_that_collects_by_itself_is_left_alone() -> None:
    gc.disable()
    with startup_spared():
        assert gc.get_freeze_count() == 0


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
