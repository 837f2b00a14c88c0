"""Health checks, of whatever kind and however they end."""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from wampapp.registry.records import HealthCheck
from wampapp.runner import health
from wampapp.runner.health import Health

DEADLINE = 30.0


async def run(function: Callable[..., Any]) -> Any:
    """Run a function as a service does: plain ones in a thread."""
    if asyncio.iscoroutinefunction(function):
        return await function()
    return await asyncio.to_thread(function)


def on_a_loop(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(main(), DEADLINE))


def looking_at(*functions: Callable[[], Any]) -> Health:
    checks = [HealthCheck(function.__name__, function) for function in functions]
    return Health(checks, run, "shop")


def test_how_checks_come_out(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    broken = True

    def plain() -> None:
        if broken:
            raise SystemExit("the disk is full")

    async def fine() -> None: ...

    async def main() -> None:
        nonlocal broken
        looked = looking_at(plain, fine)
        await looked.look()
        await looked.look()
        assert looked.failed == ["plain"]
        broken = False
        await looked.look()
        assert looked.failed == []
        record = looked.record()
        assert record is not None
        assert await record.endpoint() == {
            "service": "shop",
            "checks": [{"name": "plain", "ok": True}, {"name": "fine", "ok": True}],
        }

    on_a_loop(main)
    assert [one.getMessage() for one in caplog.records] == [
        "The health check plain failed: SystemExit: the disk is full",
        "The health check plain is well again",
    ]


def test_one_that_hangs_takes_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PATIENCE", 0.05)
    begun, goes_on = threading.Semaphore(0), threading.Event()

    def hangs() -> None:
        begun.release()
        goes_on.wait(DEADLINE)

    async def main() -> None:
        looked = looking_at(hangs)
        for _ in range(3):
            await looked.look()
            assert looked.failed == ["hangs"]
        assert begun.acquire(blocking=False)
        assert not begun.acquire(blocking=False)
        goes_on.set()
        while looked.failed:
            await looked.look()
        await looked.look()  # which begins anew
        assert begun.acquire(blocking=False)

    on_a_loop(main)


def test_the_end_does_not_wait_for_one_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PATIENCE", 0.05)
    cancelled = []

    async def hangs() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(1)
            raise

    async def main() -> None:
        looked = looking_at(hangs)
        await looked.start()
        assert looked.failed == ["hangs"]
        await looked.stop()
        assert cancelled == [1]

    on_a_loop(main)


def test_without_checks_there_is_nothing_to_ask() -> None:
    looked = looking_at()
    assert looked.record() is None
    assert looked.failed == []
