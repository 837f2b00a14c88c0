"""How ``call``, ``publish`` and ``subscribe`` reach a router: their options, and the client."""

from __future__ import annotations

import functools
import gc
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from wampapp.cli.options import connect_timeout_option, timeout_option, with_options
from wampapp.cli.router_options import RouterOptions, router_options
from wampapp.config.records import DEFAULT_ROUTER
from wampapp.errors import RouterUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.client.connect import ConnectedClient

#: Somebody who named no router may not know that one is needed.
_NO_ROUTER = "Start a service with 'wampapp run', or name another router with --url."


@dataclass(frozen=True)
class Connector:
    """Opens the client of a command's verb.

    Attributes:
        connect: opens a client.
        timeout: the seconds that an answer may take; None for no limit.
        prefix: the prefix of relative URIs; None if there is none.
    """

    connect: Callable[[], ConnectedClient]
    timeout: float | None = None
    prefix: str | None = None


def connector_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command that joins, and has a URI; it gets them as ``connector``."""

    @functools.wraps(command)
    def checked(*args: Any, **others: Any) -> Any:
        uri = others["uri"]
        # The first component of a wildcard may be empty.
        if uri.startswith(".") and others.get("match") != "wildcard":
            raise click.UsageError(
                f"{uri!r} is relative to the prefix of an app, and there is none here; "
                "write the full URI."
            )
        return command(*args, **others)

    return client_options(checked)


def client_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command that joins; it gets them as ``connector``."""

    @functools.wraps(command)
    def wrapped(
        *args: Any, router: RouterOptions, timeout: float, connect_timeout: float, **others: Any
    ) -> Any:
        def open_client() -> ConnectedClient:
            # What is imported here stays. To look for garbage in it, now and at the end, takes a
            # twentieth of the time of a call.
            gc.disable()
            try:
                from wampapp.client.connect import connect

                return connect(
                    router.url,
                    router.realm,
                    auth=router.auth,
                    tls=router.tls,
                    timeout=timeout or None,
                    connect_timeout=connect_timeout,
                )
            except RouterUnreachable as error:
                if router.url is not None:
                    raise
                raise RouterUnreachable(f"{error} {_NO_ROUTER}") from None
            finally:
                gc.freeze()
                gc.enable()

        return command(*args, connector=Connector(open_client, timeout or None), **others)

    options = (router_options(DEFAULT_ROUTER), timeout_option, connect_timeout_option)
    return with_options(wrapped, options)  # type: ignore[no-any-return]
