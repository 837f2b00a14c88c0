"""The declaration of views: the functions that answer requests for web pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypedDict, TypeVar, Unpack

from wampapp.errors import DeclarationError, InvalidHandler
from wampapp.registry.checks import check_handler, known_fields
from wampapp.registry.extras import check_extra
from wampapp.registry.naming import source_of
from wampapp.registry.records import MAX_BODY, Route
from wampapp.registry.scoped import Scoped
from wampapp.registry.web_records import OWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wampapp.registry.records import RunIn
    from wampapp.registry.registry import Registry

#: What the router's port has for itself.
_RESERVED: Final = ("/ws", OWN)

F = TypeVar("F", bound="Callable[..., Any]")


class RouteOptions(TypedDict, total=False):
    """The options of :meth:`Blueprint.route`.

    Attributes:
        methods: the HTTP methods; GET by default, which HEAD and OPTIONS go with.
        endpoint: the name by which ``url_for`` finds the view; by default the function's.
        run: ``"loop"`` runs a plain ``def`` function on the event loop: for tiny ones that never
            block. Without it, it runs in a worker thread.
        max_body: the largest body of a request, in bytes; 16 MiB by default.
    """

    methods: Iterable[str]
    endpoint: str
    run: RunIn | None
    max_body: int


class Routing(Scoped):
    """Collects views; a :class:`Blueprint` is one.

    Attributes:
        registry: the records of what was declared.
    """

    registry: Registry

    def route(self, rule: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Answer the requests for a path by a function, a view; a decorator.

        It can be stacked, on :meth:`register` too, and returns the very same function. A plain
        function runs in a worker thread, a coroutine function on the event loop. It gets the
        variables of the rule by name. Its other parameters are taken from the query, a form or a
        JSON object, and converted by their annotations, as the arguments of a call are; what does
        not fit is answered with status 422. A parameter that is annotated with
        :class:`wampapp.web.Request` gets the request.

        A view returns what a view of Flask's does: a text, octets, a response, a generator of
        these for a stream, or one of them in a tuple with a status, headers, or both. A
        :class:`~pathlib.Path` is sent as a file; everything else is sent as JSON.

        Requests that change something (all but GET, HEAD and OPTIONS) are refused if a page of
        another origin sends them. This needs the extra ``wampapp[web]``.

        Args:
            rule: the path, such as ``"/orders/<int:id>"``; see werkzeug's "URL Routing".
            options: see :class:`RouteOptions`.

        Raises:
            DeclarationError: the rule is not valid, is the router's own, or is routed already.
            InvalidHandler: what is decorated cannot be a view, or not with these options.
            UsageError: werkzeug is not installed.
            AppStarted: the app runs already.
        """
        if not isinstance(rule, str):
            raise InvalidHandler("A route needs a path; write @app.route('/orders').")

        def decorate(function: F) -> F:
            self.add_route(function, rule, **options)
            return function

        return decorate

    def get(self, rule: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Answer GET requests; short for :meth:`route` with ``methods=["GET"]``."""
        return self._method("GET", rule, options)

    def post(self, rule: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Answer POST requests; short for :meth:`route` with ``methods=["POST"]``."""
        return self._method("POST", rule, options)

    def put(self, rule: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Answer PUT requests; short for :meth:`route` with ``methods=["PUT"]``."""
        return self._method("PUT", rule, options)

    def patch(self, rule: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Answer PATCH requests; short for :meth:`route` with ``methods=["PATCH"]``."""
        return self._method("PATCH", rule, options)

    def delete(self, rule: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Answer DELETE requests; short for :meth:`route` with ``methods=["DELETE"]``."""
        return self._method("DELETE", rule, options)

    def _method(self, method: str, rule: str, options: RouteOptions) -> Callable[[F], F]:
        if "methods" in options:
            raise InvalidHandler(
                f"app.{method.lower()}() has one method; use app.route() for more."
            )
        options["methods"] = [method]
        return self.route(rule, **options)

    def add_route(
        self, view: Callable[..., Any], rule: str, **options: Unpack[RouteOptions]
    ) -> Route:
        """Answer the requests for a path by a function.

        Args:
            view: the function.
            rule: as in :meth:`route`.
            options: see :class:`RouteOptions`.

        Returns:
            The record.

        Raises:
            DeclarationError: as in :meth:`route`, and so are the other errors.
        """
        check_handler(view, options.get("run"), f"app.route({rule!r})")
        fields = known_fields(options, RouteOptions)
        methods = _methods(fields.pop("methods", ("GET",)))
        endpoint = fields.pop("endpoint", None) or getattr(view, "__name__", "")
        if not isinstance(endpoint, str) or not endpoint or endpoint == "<lambda>":
            raise InvalidHandler(f"The view of {rule!r} has no name; give it one, with endpoint=.")
        max_body = fields.get("max_body", MAX_BODY)
        if type(max_body) is not int or max_body < 0:
            raise InvalidHandler(f"max_body is {max_body!r}; give a number of bytes.")
        check_path(rule, "route")
        captured = _captured(rule)
        from wampapp.registry.view_binding import ViewBinding

        ViewBinding(view, captured)  # a signature that cannot be served is found here
        record = Route(
            rule,
            view,
            endpoint,
            methods,
            source=source_of(view),
            scopes=(self.scope,),
            **fields,
        )
        self.registry.web.add_route(record)
        return record


def check_path(path: object, what: str) -> None:
    """Check where something of an app's is served.

    Args:
        path: the path.
        what: ``"mount"``, ``"route"`` or ``"static folder"``, for the message.

    Raises:
        DeclarationError: it is not a path, or is the router's own.
    """
    if not isinstance(path, str) or not path.startswith("/"):
        raise DeclarationError(f"The path {path!r} of a {what} does not start with '/'.")
    if any(part in (".", "..") for part in path.split("/")) or not path.isprintable():
        raise DeclarationError(f"The path {path!r} of a {what} is not one, such as '/admin'.")
    for own in _RESERVED:
        if path == own or path.startswith(f"{own}/"):
            raise DeclarationError(f"{own} is the router's own; put {path!r} somewhere else.")


def _methods(methods: Any) -> frozenset[str]:
    if isinstance(methods, str):
        raise InvalidHandler(f"methods is {methods!r}; give a list: methods=[{methods!r}].")
    try:
        found = frozenset(method.upper() for method in methods)
    except (TypeError, AttributeError):
        raise InvalidHandler(
            f"methods is {methods!r}; give a list, such as ['GET', 'POST']."
        ) from None
    if not found:
        raise InvalidHandler("methods is empty; give at least one, such as ['GET'].")
    return found | {"HEAD"} if "GET" in found else found


def _captured(rule: str) -> list[str]:
    """Check a rule, and return the names of its variables.

    Raises:
        DeclarationError: werkzeug does not take it.
        UsageError: werkzeug is not installed.
    """
    check_extra("@app.route", "werkzeug", "jinja2", "itsdangerous")
    from werkzeug.routing import Map, Rule

    try:
        parsed = Rule(rule, endpoint="view")
        Map([parsed])
    except (ValueError, LookupError, TypeError, SyntaxError) as error:
        raise DeclarationError(f"The rule {rule!r} of a route is not valid: {error}.") from None
    return sorted(parsed.arguments)
