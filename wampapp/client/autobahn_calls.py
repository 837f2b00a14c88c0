"""Handles whose options are a ``CallOptions`` of Autobahn's."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from wampapp.client.handles import Procedure
from wampapp.client.waiting import wait_for_answer
from wampapp.loop.deferreds import with_deferreds
from wampapp.registry.autobahn_classes import autobahn_class
from wampapp.registry.autobahn_options import call_timeout, sent_with_call
from wampapp.registry.results import CallResult

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from wampapp.client.options import CallOptions
    from wampapp.session.connection import Connection

logger = logging.getLogger("wampapp")

_FAILED: Final = "on_progress failed for a result of %s"


def procedure_for(
    connection: Callable[[], Connection],
    uri: str,
    theirs: object,
    options: CallOptions,
    *,
    returns: Any = None,
    ready: Callable[[], Connection | Awaitable[Connection]] | None = None,
) -> Procedure[Any]:
    """Make the handle of a procedure.

    Args:
        connection: as for :class:`Procedure`.
        uri: as for :class:`Procedure`.
        theirs: a ``CallOptions`` of Autobahn's; None without one.
        options: our own options, which count more.
        returns: as for :class:`Procedure`.
        ready: as for :class:`Procedure`.

    Raises:
        UsageError: ``theirs`` is something else, or an option is not valid.
    """
    if theirs is None:
        return Procedure(connection, uri, options, returns=returns, ready=ready)
    both: Any = {**call_timeout(theirs), **options}
    return _AutobahnProcedure(connection, uri, both, returns=returns, ready=ready, theirs=theirs)


class _AutobahnProcedure(Procedure[Any]):
    """A remote procedure that is called as a ``CallOptions`` says."""

    def __init__(
        self,
        connection: Callable[[], Connection],
        uri: str,
        options: CallOptions,
        *,
        returns: Any,
        ready: Callable[[], Connection | Awaitable[Connection]] | None,
        theirs: Any,
    ) -> None:
        super().__init__(connection, uri, options, returns=returns, ready=ready)
        self._options = {**sent_with_call(theirs), **self._options}
        self._wants_details = theirs.details is True
        self._callback = theirs.on_progress
        #: What the callback has yet to finish.
        self._tasks: set[asyncio.Task[None]] = set()

    async def _call(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        on_progress = None if self._callback is None else self._on_progress
        value = await wait_for_answer(
            self._ready(),
            lambda peer: peer.call(self.uri, args, kwargs, on_progress, options=self._options),
            self._timeout,
            f"answer from {self.uri}",
            tries=self._tries,
        )
        value = self._converted(value)
        if not self._wants_details:
            return value
        if isinstance(value, CallResult):
            return _their_result(value.args, value.kwargs)
        return _their_result((value,), {})

    def _on_progress(self, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        """Hand a progressive result to the callback; a failure of it does no harm to the call."""
        try:
            if self._wants_details:
                value = self._callback(_their_result(args, kwargs))
            else:
                value = self._callback(*args, **kwargs)
            if hasattr(type(value), "__await__"):
                task = asyncio.get_running_loop().create_task(self._finish(value))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        except Exception:
            logger.exception(_FAILED, self.uri)

    async def _finish(self, awaitable: Any) -> None:
        async def wait() -> None:
            await awaitable

        try:
            await with_deferreds(wait())
        except Exception:
            logger.exception(_FAILED, self.uri)


def _their_result(args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Make a ``CallResult`` of Autobahn's, which would take some names for its own."""
    result = autobahn_class("CallResult")(*args)
    result.kwresults = kwargs
    return result
