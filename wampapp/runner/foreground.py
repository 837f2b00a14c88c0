"""Run an app in the foreground until a signal stops it, or an error ends it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from wampapp.config.settle import settle_log
from wampapp.loop.runtime import current_runtime, get_runtime
from wampapp.observe import logs
from wampapp.runner import banner
from wampapp.runner.reach import reloading

# At once, though only an app makes one: a module of the user's that is named as one of Python's
# must not be imported in its place later on.
from wampapp.runner.service import Service  # noqa: TC001
from wampapp.runner.signals import complete, reload_signal, stop_signals
from wampapp.transport.port_dialer import dialer_to

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.config.records import Config
    from wampapp.registry.records import Worker
    from wampapp.runner.servable import Servable

logger = logging.getLogger("wampapp")


def run(
    app: Servable,
    config: Config,
    *,
    log_level: str | None = None,
    log_format: str | None = None,
    at_once: Callable[[], None] | None = None,
    search: bool = False,
) -> None:
    """Run an app in the calling thread until a signal stops it.

    Args:
        app: the app.
        config: its settled configuration.
        log_level: the lowest level that is logged; ``info`` by default.
        log_format: ``text``, the default, or ``json``.
        at_once: called in a signal handler when the second signal ends the process at once.
        search: whether a router that is not named is searched for at its port, and not started.

    Raises:
        WampappError: it could not start, or the router refused it on coming back.
    """
    as_json = configure_logs(log_level, log_format)
    runtime = get_runtime()
    runtime.run(_serve(app, config, as_json=as_json, at_once=at_once, search=search))


async def _serve(
    app: Servable,
    config: Config,
    *,
    as_json: bool,
    at_once: Callable[[], None] | None,
    search: bool,
) -> None:
    runtime = current_runtime()
    dialer = dialer_to(config, runtime.reactor) if search else None
    service = app.make_service(config, runtime, dialer)

    def started() -> None:
        banner.show_start(banner.service_info(app, service), as_json=as_json)

    reload = reloading(config, lambda: service.server)
    with stop_signals(at_once) as stopped, reload_signal(reload):
        await serve(app, service, stopped, started, lambda: banner.show_stop(as_json=as_json))


async def serve(
    app: Servable,
    service: Service,
    stopped: asyncio.Future[None],
    on_start: Callable[[], None],
    on_stop: Callable[[], None],
) -> None:
    """Run a service until it is to stop, or ends for good.

    Args:
        app: the app, whose verbs use the service's session meanwhile.
        service: what :meth:`App.make_service` made.
        stopped: done when it is to stop.
        on_start: called when it has joined.
        on_stop: called when it begins to stop.

    Raises:
        WampappError: it could not start, or ended for good.
    """

    async def start_and_wait() -> None:
        await service.start()
        on_start()
        if service.does_nothing:
            logger.warning(
                "%s declares nothing: no procedure, topic, hook or timer. Are they declared on "
                "another app, or in a module that nobody imports?",
                app.name,
            )
        await service.wait()

    app.attach(service)
    main = asyncio.create_task(start_and_wait())
    service.runtime.on_stop = lambda: complete(stopped)
    try:
        await asyncio.wait([main, stopped], return_when=asyncio.FIRST_COMPLETED)
        if main.done():
            await main
        else:
            on_stop()
            main.cancel()
            await asyncio.gather(main, return_exceptions=True)
    finally:
        await service.stop()
        app.attach(None)


def configure_logs(level: str | None, form: str | None, worker: Worker | None = None) -> bool:
    """Set up the log, and return whether it is JSON.

    Args:
        level: the lowest level that is logged; None for what the environment says.
        form: ``text`` or ``json``; None for what the environment says.
        worker: the process, whose number stands in each line where there are several.
    """
    level, form = settle_log(level, form)
    number = worker.number if worker is not None and worker.count > 1 else None
    logs.configure(level, form=form, worker=number)
    return form == "json"
