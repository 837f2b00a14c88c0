"""Where the verbs of the command line go: the options of commands that join for a moment."""

from __future__ import annotations

import contextlib
import functools
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from wampapp.cli.options import (
    Router,
    connect_timeout_option,
    router_options,
    timeout_option,
    with_options,
)
from wampapp.config.records import DEFAULT_URL
from wampapp.errors import RouterUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wampapp.client.connect import ConnectedClient

#: Whoever named no router may not know that one is needed.
_NO_ROUTER = "Start a service with 'wampapp run', or name another router with --url."


@dataclass(frozen=True)
class Where:
    """Where a command's verb goes.

    Attributes:
        connect: opens a client.
        timeout: the seconds that an answer may take; None for no limit.
        prefix: what relative URIs are relative to.
    """

    connect: Callable[[], ConnectedClient]
    timeout: float | None = None
    prefix: str | None = None


@contextlib.contextmanager
def untold() -> Iterator[None]:
    """While it is open, the log tells nothing of the link: the error that ends the command does."""
    logger = logging.getLogger("wampapp")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def where_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that joins; it gets them as ``where``."""

    @functools.wraps(command)
    def wrapped(
        *args: Any, router: Router, timeout: float, connect_timeout: float, **others: Any
    ) -> Any:
        def connected() -> ConnectedClient:
            from wampapp.client.connect import connect

            try:
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

        uri = others["uri"]
        # Of a wildcard the first component may be empty.
        if uri.startswith(".") and others.get("match") != "wildcard":
            raise click.UsageError(
                f"{uri!r} is relative to the prefix of an app, and there is none here; "
                "write the whole URI."
            )
        return command(*args, where=Where(connected, timeout or None), **others)

    options = (router_options(DEFAULT_URL), timeout_option, connect_timeout_option)
    return with_options(wrapped, options)  # type: ignore[no-any-return]
