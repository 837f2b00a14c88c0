"""Autobahn's two flavours, for Twisted and for asyncio, of which a process has one.

Autobahn makes its futures through txaio, which knows one framework at a time: that of the first
module of Autobahn's that says which. Our links are Twisted's, and say nothing, so that sessions of
either flavour run over them.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

import txaio

from wampapp.errors import UsageError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

TWISTED: Final = "twisted"
ASYNCIO: Final = "asyncio"


@contextlib.contextmanager
def twisted_modules() -> Iterator[None]:
    """Let Autobahn's modules for Twisted be imported, whichever flavour the program has chosen."""
    chosen: str | None = txaio._explicit_framework
    txaio._explicit_framework = None
    try:
        txaio.use_twisted()
        yield
    finally:
        txaio._explicit_framework = None
        if chosen == ASYNCIO:
            txaio.use_asyncio()
        txaio._explicit_framework = chosen


def used() -> str:
    """Return the flavour that Autobahn's sessions have in this process."""
    return ASYNCIO if txaio.using_asyncio is True else TWISTED


def flavour_of(kind: type) -> str | None:
    """Return the framework that a class of Autobahn's is for; None where that is open."""
    for base in kind.__mro__:
        for flavour in (TWISTED, ASYNCIO):
            if base.__module__.startswith(f"autobahn.{flavour}."):
                return flavour
    return None


def check_flavour(kind: type, name: str) -> None:
    """Check that a class is for the framework that Autobahn uses in this process.

    Args:
        kind: the class of a session or component.
        name: what it is called in messages.

    Raises:
        UsageError: it is for the other one.
    """
    flavour = flavour_of(kind)
    if flavour is not None and flavour != used():
        raise UsageError(
            f"{name} is of autobahn.{flavour}, and this process uses autobahn.{used()}; import all "
            f"of Autobahn from autobahn.{flavour}, for a process can have one of them."
        )


def own_loop(loop: asyncio.AbstractEventLoop, reactor: Any) -> None:
    """Have Autobahn's timers run on a loop, or on the reactor that rides on it.

    Args:
        loop: the loop.
        reactor: the reactor.
    """
    txaio.config.loop = loop if used() == ASYNCIO else reactor
