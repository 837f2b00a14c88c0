"""Runs a handler, and its error handler, inside the middleware around it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from wampapp.registry.context import Call

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from wampapp.dispatch.execution import Run
    from wampapp.dispatch.functions import Functions


async def run_middleware(
    run: Run,
    args: Sequence[Any],
    kwargs: dict[str, Any],
    handler: Callable[[Sequence[Any], dict[str, Any]], Awaitable[Any]],
    functions: Functions,
) -> Any:
    """Run a handler inside its middleware.

    An error handler runs where the handler does, so that it sees what the middleware has set and
    opened; what it answers passes through the middleware.

    Args:
        run: the run.
        args: the positional arguments, converted.
        kwargs: the keyword arguments, converted.
        handler: runs the handler with the arguments that the middleware leaves.
        functions: runs an error handler.

    Returns:
        What the outermost middleware returns; raises what it raises.
    """
    endpoint = run.endpoint
    call = Call(run.uri, endpoint.pattern.text, args, kwargs)
    answer: Exception | None = None  # what an error handler raised

    async def innermost() -> Any:
        nonlocal answer
        try:
            return await handler(call.args, call.kwargs)
        except Exception as error:
            on_error = endpoint.handler_for(error)
            if on_error is None or run.done:
                raise
            try:
                return await functions.run(on_error, error)
            except Exception as raised:
                answer = raised
                raise

    following = innermost
    for layer in endpoint.middleware():
        following = functools.partial(layer, call, following)
    try:
        return await following()
    except Exception as error:
        if error is answer:
            run.error(error)  # the answer already: it is not handled a second time
        raise
