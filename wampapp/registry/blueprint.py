"""The decorators, and the methods that they are sugar over."""

from __future__ import annotations

import difflib
import inspect
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack, get_args, overload

from wampapp.config.records import check_seconds
from wampapp.errors import DuplicateUri, InvalidHandler, InvalidUri, UsageError
from wampapp.protocol import pattern as patterns
from wampapp.protocol import uri as uris
from wampapp.registry.endpoint import endpoint_for, kind_of
from wampapp.registry.records import (
    Hook,
    Invoke,
    Registration,
    Run,
    Scope,
    Source,
    Subscription,
    Timer,
    name_of,
)
from wampapp.registry.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.protocol.pattern import Match, Pattern
    from wampapp.registry.records import Moment

F = TypeVar("F", bound="Callable[..., Any]")

_RUNS = ("thread", "loop")


class RegisterOptions(TypedDict, total=False):
    """The options of :meth:`Blueprint.register`.

    Attributes:
        run: ``"loop"`` runs a plain ``def`` function on the event loop: for tiny ones that never
            block. Without it, it runs in a worker thread.
        match: ``"prefix"`` or ``"wildcard"`` for a raw pattern, without captures.
        invoke: how one of several callees is chosen: ``"single"`` allows one alone; else
            ``"first"``, ``"last"``, ``"roundrobin"`` or ``"random"``. The default is ``"single"``,
            and ``"roundrobin"`` under ``wampapp run --workers``.
        concurrency: how many calls run at one time. Up to 1,000 more wait in line; further ones
            are answered with ``wampapp.error.overloaded``.
        timeout: seconds after which the handler is cancelled and the caller gets
            ``wamp.error.timeout``.
        force_reregister: whether the procedure is taken from another session that has it.
        validate: False passes arguments as they came.
    """

    run: Run | None
    match: Match | None
    invoke: Invoke | None
    concurrency: int | None
    timeout: float | None
    force_reregister: bool
    validate: bool


class SubscribeOptions(TypedDict, total=False):
    """The options of :meth:`Blueprint.subscribe`.

    Attributes:
        run: as in :class:`RegisterOptions`.
        match: ``"prefix"`` or ``"wildcard"`` for a raw pattern, without captures.
        concurrency: how many events are handled at one time; one, in order, by default.
        get_retained: whether the last event that the router keeps is delivered at the start.
        every_worker: whether each event reaches every worker of ``wampapp run --workers``; else
            one of them handles all.
        validate: False passes arguments as they came.
    """

    run: Run | None
    match: Match | None
    concurrency: int | None
    get_retained: bool
    every_worker: bool
    validate: bool


class Blueprint:
    """Collects procedures and topics.

    Args:
        prefix: what relative URIs are relative to, such as ``"com.example"``.

    Attributes:
        prefix: the prefix.
        registry: the records of what was declared.
        scope: its error handlers and defined errors.

    Raises:
        InvalidUri: the prefix is no valid URI.
    """

    def __init__(self, prefix: str | None = None) -> None:
        if prefix is not None:
            uris.check_declared(uris.check_text(prefix, "prefix").removeprefix("."), "prefix")
        self.prefix = prefix
        self.registry = Registry()
        self.scope = Scope()

    @overload
    def register(self, uri: F, /) -> F: ...
    @overload
    def register(
        self, uri: str | None = None, /, **options: Unpack[RegisterOptions]
    ) -> Callable[[F], F]: ...
    def register(self, uri: Any = None, /, **options: Unpack[RegisterOptions]) -> Any:
        """Register a function as the endpoint of a procedure; a decorator, with or without ``()``.

        It can be stacked, and returns the very same function.

        Args:
            uri: the procedure. One that starts with a dot is relative to the prefix. Without
                one, it is ``.`` and the function's name. ``<name>`` stands for one component,
                ``<path:name>`` at the end for one or more; the function gets them by name.
            options: see :class:`RegisterOptions`.

        Raises:
            InvalidUri: the URI is not valid.
            DuplicateUri: the procedure is registered already.
            InvalidHandler: what is decorated cannot serve calls, or not with these options.
            AppStarted: the app runs already.
        """
        if _is_handler(uri):
            self.add_registration(uri, **options)
            return uri

        def decorate(function: F) -> F:
            self.add_registration(function, uri, **options)
            return function

        return decorate

    @overload
    def subscribe(self, uri: F, /) -> F: ...
    @overload
    def subscribe(
        self, uri: str | None = None, /, **options: Unpack[SubscribeOptions]
    ) -> Callable[[F], F]: ...
    def subscribe(self, uri: Any = None, /, **options: Unpack[SubscribeOptions]) -> Any:
        """Subscribe a function to a topic; a decorator, with or without ``()``.

        It can be stacked, and returns the very same function. Events reach the handler one at a
        time, in order.

        Args:
            uri: the topic; as in :meth:`register`.
            options: see :class:`SubscribeOptions`.

        Raises:
            InvalidUri: the URI is not valid.
            DuplicateUri: this function is subscribed to this topic already.
            InvalidHandler: what is decorated cannot handle events, or not with these options.
            AppStarted: the app runs already.
        """
        if _is_handler(uri):
            self.add_subscription(uri, **options)
            return uri

        def decorate(function: F) -> F:
            self.add_subscription(function, uri, **options)
            return function

        return decorate

    def add_registration(
        self,
        endpoint: Callable[..., Any],
        uri: str | None = None,
        **options: Unpack[RegisterOptions],
    ) -> Registration:
        """Register a function as the endpoint of a procedure.

        Args:
            endpoint: the function.
            uri: as in :meth:`register`.
            options: see :class:`RegisterOptions`.

        Returns:
            The record.

        Raises:
            InvalidUri: the URI is not valid.
            DuplicateUri: the procedure is registered already.
            InvalidHandler: ``endpoint`` cannot serve calls, or not with these options.
            AppStarted: the app runs already.
        """
        _check_handler(endpoint, options.get("run"))
        fields = _fields(options, RegisterOptions)
        pattern = self._declared(uri, endpoint, "procedure", fields.pop("match", None))
        record = Registration(
            pattern.text,
            endpoint,
            source=source_of(endpoint),
            pattern=_if_any(pattern),
            scopes=(self.scope,),
            local=_local(uri, endpoint),
            **fields,
        )
        _check_options(record)
        endpoint_for(record)  # a signature that cannot be served is found here, not at start
        self.registry.add_registration(record)
        return record

    def add_subscription(
        self,
        handler: Callable[..., Any],
        uri: str | None = None,
        **options: Unpack[SubscribeOptions],
    ) -> Subscription:
        """Subscribe a function to a topic.

        Args:
            handler: the function.
            uri: as in :meth:`register`.
            options: see :class:`SubscribeOptions`.

        Returns:
            The record.

        Raises:
            InvalidUri: the URI is not valid.
            DuplicateUri: this function is subscribed to this topic already.
            InvalidHandler: ``handler`` cannot handle events, or not with these options.
            AppStarted: the app runs already.
        """
        _check_handler(handler, options.get("run"))
        fields = _fields(options, SubscribeOptions)
        pattern = self._declared(uri, handler, "topic", fields.pop("match", None))
        record = Subscription(
            pattern.text,
            handler,
            source=source_of(handler),
            pattern=_if_any(pattern),
            scopes=(self.scope,),
            local=_local(uri, handler),
            **fields,
        )
        _check_options(record)
        endpoint_for(record)
        self.registry.add_subscription(record)
        return record

    def _declared(
        self, uri: str | None, function: Callable[..., Any], what: str, match: Match | None
    ) -> Pattern:
        if uri is None:
            name = getattr(function, "__name__", None)
            if name is None or name == "<lambda>":
                raise InvalidUri(
                    f"{name_of(function)} has no name to make a {what} of; give the URI: "
                    f"'com.example.{what}'."
                )
            uri = f".{name}"
        pattern = patterns.parse(self._absolute(uris.check_text(uri, what)), what, match)
        if what == "procedure":
            # Topics of the protocol can be listened to: they are the router's meta events.
            uris.check_unreserved(pattern.text, what)
        return pattern

    def _absolute(self, uri: str) -> str:
        """Put the prefix before a relative URI."""
        if not uri.startswith("."):
            return uri
        return f"{self.prefix}{uri}".removeprefix(".") if self.prefix else uri[1:]

    # Hooks, timers and errors.

    def on_startup(self, function: F) -> F:
        """Run a function once, before the app joins; a decorator.

        A hook is called with nothing; a plain function in a worker thread. If it raises, the run
        ends with its traceback and exit code 1.
        """
        return self._add_hook("startup", function)

    def on_join(self, function: F) -> F:
        """Run a function after each join, when everything is registered; a decorator.

        If it raises, the run ends with its traceback and exit code 1.
        """
        return self._add_hook("join", function)

    def on_leave(self, function: F) -> F:
        """Run a function after each session; a decorator. What it raises is logged."""
        return self._add_hook("leave", function)

    def on_shutdown(self, function: F) -> F:
        """Run a function once, at the end, whatever happened; a decorator.

        They run in reverse order, when no handler runs any more, and before GOODBYE where there is
        a session: so they may still publish. What one raises is logged.
        """
        return self._add_hook("shutdown", function)

    def _add_hook(self, moment: Moment, function: F) -> F:
        _check_handler(function, None)
        self.registry.add_hook(Hook(moment, function, source_of(function)))
        return function

    def every(self, seconds: float, *, every_worker: bool = False) -> Callable[[F], F]:
        """Run a function again and again while the app runs; a decorator.

        It never overlaps itself: the wait starts when a run has ended. What it raises is logged.

        Args:
            seconds: how long to wait before each run.
            every_worker: whether it runs in every worker of ``wampapp run --workers``, or in one.

        Raises:
            UsageError: it is no number of seconds above 0.
            AppStarted: the app runs already.
        """
        if check_seconds(seconds, "every") == 0:
            raise UsageError("every is 0; give a number of seconds above 0.")

        def decorate(function: F) -> F:
            _check_handler(function, None)
            timer = Timer(float(seconds), function, source_of(function), every_worker)
            self.registry.add_hook(timer)
            return function

        return decorate

    def errorhandler(self, kind: type[BaseException]) -> Callable[[F], F]:
        """Let a function answer for an exception that a handler raises; a decorator.

        The function gets the exception. What it returns is the call's result; what it raises,
        such as a WampError, is what the caller gets. The nearest class wins, and the nearest
        blueprint before the app. A plain function runs in a worker thread.

        Args:
            kind: the exception, with its subclasses.

        Raises:
            InvalidHandler: ``kind`` is no exception class.
            DuplicateUri: there is one for this class already.
        """
        _check_exception(kind, "errorhandler")
        if kind in self.scope.handlers:
            raise DuplicateUri(f"There is an error handler for {kind.__name__} here already.")

        def decorate(function: F) -> F:
            _check_handler(function, None)
            self.scope.handlers[kind] = function
            return function

        return decorate

    def middleware(self, function: F) -> F:
        """Wrap every call and event of this app or blueprint; a decorator.

        The function is a coroutine function that gets the :class:`~wampapp.Call` and the next
        layer, awaits ``following()``, and returns the result::

            @app.middleware
            async def timed(call, following):
                started = time.perf_counter()
                try:
                    return await following()
                finally:
                    app.log(call.uri, time.perf_counter() - started)

        The first that was declared is the outermost, and the app's are around a blueprint's.

        Raises:
            InvalidHandler: it is no coroutine function.
        """
        _check_handler(function, None)
        if kind_of(function, None) != "task":
            raise InvalidHandler(
                f"{name_of(function)} is no coroutine function; middleware awaits the next layer, "
                "so write it 'async def'."
            )
        self.scope.middleware.append(function)
        return function

    def define_error(self, kind: type[Exception], uri: str) -> None:
        """Let an exception and an error URI stand for each other.

        A handler that raises it answers with the URI, its ``args`` and its attributes; a caller
        whose call is answered with the URI gets the exception, with the same.

        Args:
            kind: the exception.
            uri: the error URI; one that starts with a dot is relative to the prefix.

        Raises:
            InvalidHandler: ``kind`` is no exception class.
            InvalidUri: the URI is not valid.
        """
        _check_exception(kind, "define_error")
        absolute = self._absolute(uris.check_text(uri, "error"))
        self.scope.uris[kind] = uris.check_declared(absolute, "error")

    def include(self, blueprint: Blueprint, *, prefix: str | None = None) -> None:
        """Take in everything that a blueprint declares. It may be included under many prefixes.

        Args:
            blueprint: the blueprint; what it declares later is not taken in.
            prefix: what its relative URIs are relative to, instead of its own prefix. One that
                starts with a dot is relative to the prefix here.

        Raises:
            InvalidUri: the prefix is not valid.
            DuplicateUri: a procedure is registered already.
            AppStarted: the app runs already.
        """
        base = blueprint.prefix if prefix is None else prefix
        base = "" if base is None else uris.check_text(base, "prefix")
        records: list[Registration | Subscription] = [
            *blueprint.registry.registrations,
            *blueprint.registry.subscriptions,
        ]
        for record in records:
            what = "procedure" if isinstance(record, Registration) else "topic"
            local = f"{base}{record.local}" if record.local.startswith(".") else record.local
            match = record.pattern.match if record.pattern else None
            captures = record.pattern is not None and bool(record.pattern.captured)
            pattern = self._declared(local, blueprint.include, what, None if captures else match)
            moved = replace(
                record,
                uri=pattern.text,
                pattern=_if_any(pattern),
                scopes=(*record.scopes, self.scope),
                local=local,
            )
            if isinstance(moved, Registration):
                self.registry.add_registration(moved)
            else:
                self.registry.add_subscription(moved)
        hooks: list[Hook | Timer] = [*blueprint.registry.all_hooks, *blueprint.registry.timers]
        for hook in hooks:
            self.registry.add_hook(hook)
        self.scope.included.append(blueprint.scope)


def source_of(function: Callable[..., Any]) -> Source | None:
    """Return the file and line where a handler stands; None where Python does not know."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return None if code is None else Source(code.co_filename, code.co_firstlineno)


def _is_handler(value: object) -> bool:
    """Tell ``@app.register`` from ``@app.register("uri")``; refuse what is neither."""
    if value is None or isinstance(value, str):
        return False
    if callable(value):
        return True
    raise InvalidUri(f"{value!r} is neither a URI nor a function; write @app.register('a.uri').")


def _check_handler(function: Callable[..., Any], run: object) -> None:
    if not callable(function):
        raise InvalidHandler(
            f"{function!r} cannot be called; put the decorator on a function, or pass one."
        )
    if run is not None and run not in _RUNS:
        raise InvalidHandler(f"run is {run!r}; it can be 'thread' or 'loop'.")
    if run == "thread" and kind_of(function, None) == "task":
        raise InvalidHandler(
            f"{name_of(function)} is a coroutine function, which runs on the event loop; leave "
            "run= out."
        )


def _local(uri: str | None, function: object) -> str:
    return f".{getattr(function, '__name__', '')}" if uri is None else uri


def _check_exception(kind: object, verb: str) -> None:
    if not (isinstance(kind, type) and issubclass(kind, BaseException)):
        raise InvalidHandler(f"{verb} takes an exception class, not {kind!r}.")


def _fields(options: Any, known: type) -> dict[str, Any]:
    """Return a declaration's options, each of which is known.

    Raises:
        InvalidHandler: one is not; the message names the nearest.
    """
    fields = dict(options)
    for name in fields:
        if name not in known.__annotations__:
            near = difflib.get_close_matches(name, known.__annotations__, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise InvalidHandler(f"There is no option {name!r}.{hint}")
    return fields


def _if_any(pattern: Pattern) -> Pattern | None:
    return None if pattern.match == "exact" else pattern


def _check_options(record: Registration | Subscription) -> None:
    """Check the values of a declaration's options.

    Raises:
        InvalidHandler: one is not valid.
    """
    concurrency = record.concurrency
    if concurrency is not None and (type(concurrency) is not int or concurrency < 1):
        raise InvalidHandler(f"concurrency is {concurrency!r}; give a whole number, 1 or more.")
    if isinstance(record, Subscription):
        return
    if record.invoke is not None and record.invoke not in get_args(Invoke):
        known = ", ".join(map(repr, get_args(Invoke)))
        raise InvalidHandler(f"invoke is {record.invoke!r}; it can be {known}.")
    if record.timeout is not None:
        try:
            check_seconds(record.timeout, "timeout")
        except UsageError as error:
            raise InvalidHandler(str(error)) from None
