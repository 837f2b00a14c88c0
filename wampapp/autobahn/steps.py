"""What a session of Autobahn's does when Autobahn calls it, and how that ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import txaio
from autobahn.wamp.exception import ApplicationError, TransportLost

from wampapp.errors import WampappError

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.dispatch.failures import Failures


class LeftBeforeJoin(WampappError):
    """The session has ended by itself, and had not joined yet; none is to follow."""


def watched(
    step: Callable[..., Any],
    on_end: Callable[[Any], Any] | None,
    on_failure: Callable[[Any], Any],
) -> Callable[..., Any]:
    """Return one of a session's methods that tells us first how it ended, and then Autobahn.

    Args:
        step: the method; it may return a future.
        on_end: called with what it returned; under Twisted, it returns what Autobahn gets.
        on_failure: the same with the failure.
    """

    def call(*args: Any) -> Any:
        done = txaio.as_future(step, *args)
        txaio.add_callbacks(done, on_end, on_failure)
        return done

    return call


def ended_with(session: Any, error: BaseException) -> bool:
    """Return whether an error is only that a session of Autobahn's has ended."""
    return isinstance(error, (ApplicationError, TransportLost)) and not session.is_attached()


def telling(session: Any, failures: Failures) -> Callable[[Any, str], None]:
    """Return what a session does with failures that no caller gets: a test is told of them, too.

    Args:
        session: one of Autobahn's, which logs them.
        failures: what knows whether there is a test.
    """
    swallow = session._swallow_error

    def tell(failure: Any, what: str) -> None:
        if failures.on_failure is not None and not ended_with(session, failure.value):
            failures.on_failure(failure.value, "")
        swallow(failure, what)

    return tell


def firing(observable: Any) -> Callable[..., Any]:
    """Return what fires the events of a session or component in place of its own ``fire()``.

    Each listener that fails is logged, and nothing else comes of it. Autobahn means it so, but asks
    what became of some events only; and with asyncio, what follows an event is then left out.

    Args:
        observable: the session or component; its listeners get the session first.
    """

    def fire(event: str, session: Any, *args: Any, **kwargs: Any) -> Any:
        def failed(failure: Any) -> None:
            session._swallow_error(failure, f"While notifying '{event}'")

        futures = []
        for listener in list((observable._listeners or {}).get(event, ())):
            future = txaio.as_future(listener, session, *args, **kwargs)
            txaio.add_callbacks(future, None, failed)
            futures.append(future)
        if observable._parent is not None:
            futures.append(observable._parent.fire(event, session, *args, **kwargs))
        return txaio.gather(futures, consume_exceptions=True)

    return fire
