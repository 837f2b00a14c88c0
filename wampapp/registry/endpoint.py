"""A declared handler, made ready to run."""

from __future__ import annotations

import dis
import inspect
from collections import deque
from dataclasses import dataclass
from functools import partial
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Final, Literal

from wampapp.errors import InvalidHandler
from wampapp.protocol.patterns import Pattern
from wampapp.registry.binding import Binding
from wampapp.registry.context import Event, Invocation
from wampapp.registry.records import Registration, name_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.registry.records import RunIn, Scope, Subscription

#: ``task``: a coroutine function. ``thread``, ``loop``: a plain one. ``generator`` (in a thread)
#: and ``stream`` (asynchronous): what they yield are progressive results.
Kind = Literal["task", "thread", "loop", "generator", "stream"]
#: One of these is wherever a coroutine can wait.
_WAITING: Final = frozenset({"GET_AWAITABLE", "GET_AITER", "GET_ANEXT", "SEND", "YIELD_VALUE"})


class Limit:
    """How many runs of one handler there may be, and what waits in line.

    Args:
        most: how many may run at the same time.
    """

    __slots__ = ("most", "running", "waiting")

    def __init__(self, most: int) -> None:
        self.most = most
        self.running = 0
        self.waiting: deque[Callable[[], None]] = deque()


def _not_announced() -> None:
    pass


@dataclass(slots=True, eq=False)
class Endpoint:
    """A handler, ready to be run.

    Attributes:
        uri: the procedure or topic as declared, for the log.
        function: the handler.
        binding: the converter of its arguments.
        kind: how it is run.
        pattern: what is registered or subscribed for it.
        timeout: the seconds a call may take; None for no limit.
        limit: how many of its calls run at the same time; None for no limit.
        options: the options of REGISTER or SUBSCRIBE.
        concurrency: how many events are handled at the same time.
        scopes: whose error handlers it has, the nearest first.
        wrapped: whether there is middleware around it.
        never_waits: whether it is a coroutine function without any ``await``.
        withdraw: takes the handler back, from any thread; set by what announces it.
        id: the id of its registration or subscription in the current session, or in the last.
        numbers: what is counted of its runs, where somebody wants to know; set by what counts.
    """

    uri: str
    function: Callable[..., Any]
    binding: Binding
    kind: Kind
    pattern: Pattern
    timeout: float | None
    limit: Limit | None
    options: dict[str, Any]
    concurrency: int
    scopes: tuple[Scope, ...] = ()
    wrapped: bool = False
    never_waits: bool = False
    withdraw: Callable[[], None] = _not_announced
    id: int = 0
    numbers: Any = None

    def handler_for(self, error: BaseException) -> Callable[[Any], Any] | None:
        """Return the error handler of an exception: nearest scope, then nearest class."""
        for scope in self.scopes:
            for kind in type(error).__mro__ if scope.handlers else ():
                if kind in scope.handlers:
                    return scope.handlers[kind]
        return None

    def middleware(self) -> list[Callable[..., Any]]:
        """Return what wraps its runs, the innermost first."""
        return [m for scope in self.scopes for m in reversed(scope.middleware)]

    def uri_for(self, error: BaseException) -> str | None:
        """Return the error URI that was defined for an exception; None if none was."""
        for scope in self.scopes:
            for kind in type(error).__mro__ if scope.uris else ():
                if kind in scope.uris:
                    return scope.uris[kind]
        return None


def endpoint_for(record: Registration | Subscription) -> Endpoint:
    """Prepare a record's handler.

    Raises:
        InvalidHandler: it has no signature that can be served, or does not go with its options.
    """
    pattern = record.pattern or Pattern(record.uri, record.uri, "exact")
    options: dict[str, Any] = {} if pattern.match == "exact" else {"match": pattern.match}
    function: Callable[..., Any]
    wanted: type[Invocation | Event]
    if isinstance(record, Registration):
        function, wanted, timeout = record.endpoint, Invocation, record.timeout
        limit = None if record.concurrency is None else Limit(record.concurrency)
        if record.invoke not in (None, "single"):
            options["invoke"] = record.invoke
        if record.force_reregister:
            options["force_reregister"] = True
    else:
        function, wanted, timeout, limit = record.handler, Event, None, None
        if record.get_retained:
            options["get_retained"] = True
    make: Callable[..., Binding] = Binding
    if record.autobahn is not None:
        from wampapp.registry.autobahn_binding import AutobahnBinding

        make = partial(AutobahnBinding, asked=record.autobahn)
        options.update(record.autobahn.sent)
    binding = make(function, captured=pattern.captured, context=wanted, convert=record.validate)
    if binding.context is not None:
        options["x_disclose"] = True
    kind = kind_of(function, record.run)
    if wanted is Event and kind in ("generator", "stream"):
        raise InvalidHandler(
            f"{name_of(function)} is a generator; what it yields would reach nobody, for an event "
            "has no answer."
        )
    return Endpoint(
        pattern.text,
        function,
        binding,
        kind,
        pattern,
        timeout,
        limit,
        options,
        record.concurrency or 1,
        record.scopes,
        any(scope.middleware for scope in record.scopes),
        never_waits(function),
    )


def never_waits(function: Callable[..., Any]) -> bool:
    """Return whether a function is a coroutine function without any ``await``.

    Its coroutine runs to its end in one step.
    """
    function = function.__func__ if type(function) is MethodType else function
    # Of other objects, such as those of decorators in C, the code may be that of what they wrap.
    if type(function) is not FunctionType or not function.__code__.co_flags & inspect.CO_COROUTINE:
        return False
    code = function.__code__
    return not any(step.opname in _WAITING for step in dis.get_instructions(code))


def kind_of(function: Callable[..., Any], run: RunIn | None) -> Kind:
    """Return how a handler is run.

    Args:
        function: the handler.
        run: what its declaration says; None for the default, a worker thread.
    """
    call = getattr(function, "__call__", None)  # noqa: B004 - for objects with such a __call__
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call):
        return "task"
    if inspect.isasyncgenfunction(function) or inspect.isasyncgenfunction(call):
        return "stream"
    if inspect.isgeneratorfunction(function) or inspect.isgeneratorfunction(call):
        return "generator"
    return run or ("loop" if _returns_deferred(function) else "thread")


def _returns_deferred(function: Callable[..., Any]) -> bool:
    """Return whether a plain function returns a Deferred, and so belongs on the loop.

    ``@inlineCallbacks`` is recognised by itself, below other decorators too; others say so by
    annotation.
    """
    layer: Any = function
    while layer is not None:
        if getattr(layer, "__globals__", {}).get("__name__") == "twisted.internet.defer":
            return True
        layer = layer.func if isinstance(layer, partial) else getattr(layer, "__wrapped__", None)
    annotation = getattr(function, "__annotations__", {}).get("return", "")
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return text.rpartition(".")[2].partition("[")[0] == "Deferred"
