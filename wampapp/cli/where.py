"""Where the verbs of the command line go: the options of commands that join for a moment."""

from __future__ import annotations

import contextlib
import functools
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wampapp.cli.options import (
    Router,
    connect_timeout_option,
    router_options,
    timeout_option,
    with_options,
)
from wampapp.config import DEFAULT_URL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wampapp.client import ConnectedClient


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
            from wampapp.client import connect

            return connect(
                router.url,
                router.realm,
                auth=router.auth,
                tls=router.tls,
                timeout=timeout or None,
                connect_timeout=connect_timeout,
            )

        return command(*args, where=Where(connected, timeout or None), **others)

    options = (router_options(DEFAULT_URL), timeout_option, connect_timeout_option)
    return with_options(wrapped, options)  # type: ignore[no-any-return]
