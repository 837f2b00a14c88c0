"""A service that something takes the ground from while it runs."""

import asyncio

import pytest

from tests.support.process import EmbeddedRouter
from wampapp import App
from wampapp.errors import StoreError


def test_an_app_in_a_program_s_own_loop_ends_and_says_why(
    embedded: EmbeddedRouter, caplog: pytest.LogCaptureFixture
) -> None:
    app = App(prefix="com.failing")
    ended = asyncio.Event()

    @app.on_shutdown
    async def end() -> None:
        ended.set()

    async def main() -> None:
        await app.start(embedded.rs_url)
        service = app.running_service
        assert service is not None
        for _ in range(2):  # the first one counts
            service.fail(StoreError("The ground is gone."))
        async with asyncio.timeout(30):
            await ended.wait()
        await app.stop()
        assert app.running_service is None

    asyncio.run(main())
    assert [line for line in caplog.messages if "gone" in line] == [
        "The app ends: The ground is gone."
    ]


def test_a_start_during_which_it_fails_raises_the_reason(embedded: EmbeddedRouter) -> None:
    app = App(prefix="com.failing")

    @app.on_startup
    async def fail() -> None:
        service = app.running_service
        assert service is not None
        service.fail(StoreError("The ground is gone."))

    async def main() -> None:
        with pytest.raises(StoreError, match="The ground is gone"):
            await app.start(embedded.rs_url)

    asyncio.run(main())
