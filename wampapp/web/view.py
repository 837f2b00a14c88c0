"""One view, made ready to run: what it returns becomes a response where it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wampapp.protocol.patterns import Pattern
from wampapp.registry.endpoint import Endpoint, kind_of
from wampapp.registry.view_binding import ViewBinding
from wampapp.web.responses import make_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.dispatch.functions import Functions
    from wampapp.registry.endpoint import Kind
    from wampapp.registry.records import Route
    from wampapp.web.current import Request


class View:
    """A view, ready to run.

    Args:
        route: its record.
        functions: what surrounds the functions of the app.

    Attributes:
        route: its record.
        binding: the converter of what requests bring.
        endpoint: what the dispatcher runs.
    """

    def __init__(self, route: Route, functions: Functions) -> None:
        from werkzeug.routing import Map, Rule

        parsed = Rule(route.rule, endpoint=route.endpoint)
        Map([parsed])
        self.route = route
        self.binding = ViewBinding(route.view, sorted(parsed.arguments))
        kind = kind_of(route.view, route.run)
        function = functions.surrounded(route.view, kind)
        self.endpoint = Endpoint(
            route.rule,
            _responding(function, kind),
            self.binding,
            # A generator does nothing yet when it is made.
            "loop" if kind in ("generator", "stream") else kind,
            Pattern(route.rule, route.rule, "exact"),
            None,
            None,
            {},
            1,
            route.scopes,
            any(scope.middleware for scope in route.scopes),
        )

    def extras(self, request: Request) -> dict[str, Any]:
        """Return what the view gets besides what the request brings: variables, and the request."""
        found = dict(request.view_args or {})
        if self.binding.context is not None:
            found[self.binding.context] = request
        return found


def _responding(function: Callable[..., Any], kind: Kind) -> Callable[..., Any]:
    """Return a view that returns a response, made where its function runs."""

    async def later(awaitable: Any) -> Any:
        return make_response(await awaitable)

    if kind == "task":

        async def task(*args: Any, **kwargs: Any) -> Any:
            return make_response(await function(*args, **kwargs))

        return task

    def plain(*args: Any, **kwargs: Any) -> Any:
        value = function(*args, **kwargs)
        # A decorator may hide that it is a coroutine function.
        return later(value) if hasattr(type(value), "__await__") else make_response(value)

    return plain
