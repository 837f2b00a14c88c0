"""Run an app in the foreground until a signal stops it, or an error ends it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wampapp.config.settle import settle_log
from wampapp.errors import UsageError
from wampapp.loop.runtime import current_runtime, get_runtime
from wampapp.observe import logs
from wampapp.observe.colours import always, by_name
from wampapp.runner import banner
from wampapp.runner.garbage import startup_spared
from wampapp.runner.notify import Notifier
from wampapp.runner.reach import reloading

# At once, though only an app makes one: a module of the user's that is named as one of Python's
# must not be imported in its place later on.
from wampapp.runner.service import Service  # noqa: TC001
from wampapp.runner.signals import complete, reload_signal, stop_signals, stop_with_stdin
from wampapp.transport.port_dialer import dialer_to

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wampapp.config.records import Config
    from wampapp.registry.records import Worker
    from wampapp.runner.servable import Servable

logger = logging.getLogger("wampapp")


@dataclass(frozen=True, slots=True)
class Part:
    """One of the apps that run together in a process.

    Attributes:
        app: the app.
        config: its settled configuration.
        comes_first: whether the others need it: it starts before them, and stops after them.
    """

    app: Servable
    config: Config
    comes_first: bool = False


def run(
    app: Servable,
    config: Config,
    *,
    log_level: str | None = None,
    log_format: str | None = None,
    at_once: Callable[[], None] | None = None,
    search: bool = False,
    exit_with_stdin: bool = False,
    notifier: Notifier | None = None,
) -> None:
    """Run an app in the calling thread until a signal stops it.

    Args:
        app: the app.
        config: its settled configuration.
        log_level: the lowest level that is logged; ``info`` by default.
        log_format: ``text``, the default, or ``json``.
        at_once: called in a signal handler when the second signal ends the process at once.
        search: whether a router that is not named is searched for at its port, and not started.
        exit_with_stdin: whether the end of the standard input stops it too.
        notifier: tells the process manager; None for the one that the environment names.

    Raises:
        WampappError: it could not start, or the router refused it on coming back.
    """
    as_json = configure_logs(log_level, log_format)
    runtime = get_runtime()  # first: it may raise, and what it is to run would be left over
    runtime.run(
        _serve(
            [Part(app, config)],
            notifier or Notifier.from_environment(),
            as_json=as_json,
            exit_with_stdin=exit_with_stdin,
            at_once=at_once,
            search=search,
        )
    )


def run_together(
    parts: Sequence[Part],
    notifier: Notifier,
    *,
    log_level: str | None = None,
    log_format: str | None = None,
    exit_with_stdin: bool = False,
) -> None:
    """Run several apps in the calling thread, at one router, until a signal stops them.

    The first one's configuration says which router that is. They stop in the reverse order, and the
    router after all of them.

    Args:
        parts: the apps, each with its configuration.
        notifier: tells the process manager.
        log_level: as in :func:`run`.
        log_format: as in :func:`run`.
        exit_with_stdin: as in :func:`run`.

    Raises:
        UsageError: they cannot run together.
        WampappError: one could not start, or the router refused it on coming back.
    """
    _check_together(parts)
    names = [part.app.name for part in parts]
    as_json = configure_logs(log_level, log_format, apps=names)
    runtime = get_runtime()
    runtime.run(_serve(parts, notifier, as_json=as_json, exit_with_stdin=exit_with_stdin))


def _check_together(parts: Sequence[Part]) -> None:
    first = parts[0]
    for part in parts[1:]:
        url = part.config.url
        if url is not None and url != first.config.url:
            raise UsageError(
                f"{part.app.name} is to join {url}, and {first.app.name} is not; name one router "
                "for all with --url, or run them apart."
            )
    pages = [part.app.name for part in parts if part.app.registry.web]
    if len(pages) > 1:
        raise UsageError(
            f"{' and '.join(pages)} have web pages, and a run has one port for them; include one "
            "app's pages in the other, or run them apart."
        )
    asked: dict[str, str] = {}
    for part in parts:
        realm, name = part.config.realm, part.app.name
        if part.app.registry.identifier is not None and asked.setdefault(realm, name) != name:
            raise UsageError(
                f"{asked[realm]} and {name} both say who a web page is; leave it to one of them."
            )


async def _serve(
    parts: Sequence[Part],
    notifier: Notifier,
    *,
    as_json: bool,
    exit_with_stdin: bool,
    at_once: Callable[[], None] | None = None,
    search: bool = False,
) -> None:
    runtime = current_runtime()
    dialer = dialer_to(parts[0].config, runtime.reactor) if search else None
    services = [(part.app, part.app.make_service(part.config, runtime, dialer)) for part in parts]
    first = services[0][1]

    def started() -> None:
        infos = [banner.service_info(app, service) for app, service in services]
        banner.show_start(*infos, as_json=as_json)
        notifier.ready(banner.up_text(*infos))

    def stopping() -> None:
        notifier.stopping()
        banner.show_stop(as_json=as_json)

    reload = reloading(parts[0].config, lambda: first.server, notifier)
    with notifier.running(), stop_signals(at_once) as stopped, reload_signal(reload):
        if exit_with_stdin:
            stop_with_stdin(stopped)
        # The order of their starts; sorting keeps the order of those that are alike.
        await serve(
            [one for _, one in sorted(zip(parts, services, strict=True), key=_is_later)],
            stopped,
            started,
            stopping,
            finder=first,
        )


def _is_later(pair: tuple[Part, object]) -> bool:
    return not pair[0].comes_first


async def serve(
    services: Sequence[tuple[Servable, Service]],
    stopped: asyncio.Future[None],
    on_start: Callable[[], None],
    on_stop: Callable[[], None],
    *,
    finder: Service | None = None,
) -> None:
    """Run services until they are to stop, or one ends for good.

    Args:
        services: the apps in the order of their starts, whose verbs use the services' sessions
            meanwhile, and what their :meth:`App.make_service` made.
        stopped: done when they are to stop.
        on_start: called when all have joined.
        on_stop: called when they begin to stop.
        finder: which of several finds the router for all.

    Raises:
        WampappError: one could not start, or ended for good.
    """

    async def start_and_wait(stack: AsyncExitStack) -> None:
        if finder is not None and len(services) > 1:
            found = await finder.find_router()
            stack.push_async_callback(found.close)
            for _, service in services:
                service.use_router(found)
        for app, service in services:
            stack.push_async_callback(_stop, app, service)
            app.attach(service)
            await service.start()
        on_start()
        stack.enter_context(startup_spared())
        for app, service in services:
            if service.does_nothing:
                logger.warning(
                    "%s declares nothing: no procedure, topic, hook or timer. Are they declared on "
                    "another app, or in a module that nobody imports?",
                    app.name,
                )
        await asyncio.gather(*(service.wait() for _, service in services))

    async with AsyncExitStack() as stack:
        runtime = services[0][1].runtime
        main = asyncio.create_task(start_and_wait(stack))
        runtime.on_stop = lambda: complete(stopped)
        try:
            await asyncio.wait([main, stopped], return_when=asyncio.FIRST_COMPLETED)
            if main.done():
                await main
            else:
                on_stop()
        finally:
            main.cancel()
            await asyncio.gather(main, return_exceptions=True)


async def _stop(app: Servable, service: Service) -> None:
    try:
        await service.stop()
    finally:
        app.attach(None)


def configure_logs(
    level: str | None,
    form: str | None,
    worker: Worker | None = None,
    *,
    apps: Sequence[str] = (),
) -> bool:
    """Set up the log, and return whether it is JSON.

    Args:
        level: the lowest level that is logged; None for what the environment says.
        form: ``text`` or ``json``; None for what the environment says.
        worker: the process, whose number stands in each line where there are several.
        apps: the names of those that share the process. On a terminal each has a colour, or else
            each of several processes.
    """
    level, form = settle_log(level, form)
    number = worker.number if worker is not None and worker.count > 1 else None
    colour_of = by_name(apps) if worker is None else always(worker.number - 1)
    logs.configure(level, form=form, worker=number, colour_of=colour_of)
    return form == "json"
