"""Run an app in the test's own process, on a router over real sockets."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from wampapp import App
from wampapp.config.settle import settle
from wampapp.loop.runtime import get_runtime
from wampapp.runner.service import Service


@contextmanager
def running(app: App, url: str, **options: Any) -> Iterator[Service]:
    """Run `app` at the router `url` while the block is open; `options` are those of `settle`."""
    runtime = get_runtime()
    config = settle(app.config, url=url, **options)
    service = app.make_service(config, runtime)
    app.attach(service)
    runtime.call(service.start())
    try:
        yield service
    finally:
        runtime.call(service.stop())
        app.attach(None)
