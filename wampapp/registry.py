"""What an app declares: frozen records, and the registry that holds them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from wampapp.errors import AppStarted, DuplicateUri

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.pattern import Pattern

#: How one of several callees of a procedure is chosen ("Shared Registration").
Invoke = Literal["single", "first", "last", "roundrobin", "random"]

#: Where a handler runs: ``"thread"`` (a plain function's default) or ``"loop"``.
Run = Literal["thread", "loop"]


@dataclass(frozen=True, slots=True)
class Source:
    """The line of a declaration, for messages.

    Attributes:
        file: the file's path.
        line: the line's number, from 1.
    """

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


#: When a hook runs.
Moment = Literal["startup", "join", "leave", "shutdown"]


@dataclass(frozen=True, slots=True)
class Hook:
    """A function that runs at a moment of the app's life.

    Attributes:
        moment: ``startup`` (once, before joining), ``join`` (after each join), ``leave`` (after
            each session) or ``shutdown`` (once, at the end).
        function: the function, called with nothing.
        source: where it was declared.
    """

    moment: Moment
    function: Callable[[], Any]
    source: Source | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Timer:
    """A function that runs again and again, never twice at one time.

    Attributes:
        seconds: how long it waits between two runs.
        function: the function, called with nothing.
        source: where it was declared.
        every_worker: whether it runs in every worker of ``wampapp run --workers``, or in one.
    """

    seconds: float
    function: Callable[[], Any]
    source: Source | None = field(default=None, compare=False)
    every_worker: bool = False


@dataclass(frozen=True, slots=True)
class Worker:
    """Which of the processes that run an app this one is.

    Attributes:
        number: which, from 1.
        count: how many there are.
        again: whether it takes the place of one that has ended.
    """

    number: int = 1
    count: int = 1
    again: bool = False


class Scope:
    """What an app or a blueprint says of all its handlers: errors and middleware.

    Attributes:
        handlers: the error handlers, by the exceptions they handle.
        uris: the error URIs of the exceptions that were defined.
        middleware: what wraps its calls and events, the outermost first.
        included: the scopes of the blueprints that were included.
    """

    def __init__(self) -> None:
        self.handlers: dict[type[BaseException], Callable[[Any], Any]] = {}
        self.uris: dict[type[Exception], str] = {}
        self.middleware: list[Callable[..., Any]] = []
        self.included: list[Scope] = []

    def defined(self) -> dict[str, type[Exception]]:
        """Return every exception that was defined here or in what is included, by its URI."""
        found: dict[str, type[Exception]] = {}
        for scope in self.included:
            found.update(scope.defined())
        found.update({uri: kind for kind, uri in self.uris.items()})
        return found


@dataclass(frozen=True, slots=True)
class Registration:
    """A procedure that the app offers.

    Attributes:
        uri: the procedure's absolute URI.
        endpoint: the function that answers its calls.
        run: where a plain function runs; None for its default.
        source: where it was declared.
        pattern: how the URI is matched and what it captures; None for exactly and nothing.
        invoke: how one of several callees is chosen; None where the declaration says nothing,
            which is "single", but "roundrobin" among workers.
        concurrency: how many calls run at one time; None for no limit.
        timeout: the seconds a call may take; None for no limit.
        force_reregister: whether the procedure is taken from another session that has it.
        shared: whether several workers of this run have it.
        validate: whether arguments are converted by the annotations.
        scopes: whose error handlers it has, the nearest first.
        local: the URI as it was written.
    """

    uri: str
    endpoint: Callable[..., Any]
    run: Run | None = None
    source: Source | None = field(default=None, compare=False)
    pattern: Pattern | None = None
    invoke: Invoke | None = None
    concurrency: int | None = None
    timeout: float | None = None
    force_reregister: bool = False
    shared: bool = False
    validate: bool = True
    scopes: tuple[Scope, ...] = field(default=(), compare=False)
    local: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A topic that the app listens to.

    Attributes:
        uri: the topic's absolute URI.
        handler: the function that is called for each event.
        run: where a plain function runs; None for its default.
        source: where it was declared.
        pattern: how the URI is matched and what it captures; None for exactly and nothing.
        concurrency: how many events are handled at one time; None for one, in order.
        get_retained: whether the event that the router keeps is delivered at the start.
        every_worker: whether every worker of ``wampapp run --workers`` handles each event, or one.
        validate: whether arguments are converted by the annotations.
        scopes: whose error handlers it has, the nearest first.
        local: the URI as it was written.
    """

    uri: str
    handler: Callable[..., Any]
    run: Run | None = None
    source: Source | None = field(default=None, compare=False)
    pattern: Pattern | None = None
    concurrency: int | None = None
    get_retained: bool = False
    every_worker: bool = False
    validate: bool = True
    scopes: tuple[Scope, ...] = field(default=(), compare=False)
    local: str = field(default="", compare=False)


class Registry:
    """The records of one app, in the order of their declaration.

    It can be listed, checked and tested with no connection.
    """

    def __init__(self) -> None:
        self._registrations: dict[str | tuple[str, str], Registration] = {}
        self._subscriptions: list[Subscription] = []
        self._hooks: list[Hook] = []
        self._timers: list[Timer] = []
        self._frozen = False

    @property
    def registrations(self) -> tuple[Registration, ...]:
        """The procedures."""
        return tuple(self._registrations.values())

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """The topics; one record for each handler."""
        return tuple(self._subscriptions)

    @property
    def timers(self) -> tuple[Timer, ...]:
        """The timers."""
        return tuple(self._timers)

    def hooks(self, moment: Moment) -> tuple[Hook, ...]:
        """Return the hooks of a moment."""
        return tuple(hook for hook in self._hooks if hook.moment == moment)

    @property
    def all_hooks(self) -> tuple[Hook, ...]:
        """The hooks of every moment."""
        return tuple(self._hooks)

    def for_worker(self, worker: Worker) -> Registry:
        """Return what one of several processes that run the app announces and runs.

        Calls are shared by all. What says ``invoke="single"``, events and timers are the first
        one's, but for those with ``every_worker``. Hooks run in each.
        """
        if worker.count == 1:
            return self
        first = worker.number == 1
        # By force, the second would take the procedure from the first.
        force = first and not worker.again
        found = Registry()
        for key, record in self._registrations.items():
            if record.invoke != "single" or first:
                found._registrations[key] = replace(
                    record,
                    invoke=record.invoke or "roundrobin",
                    force_reregister=record.force_reregister and force,
                    shared=record.invoke != "single",
                )
        found._subscriptions = [s for s in self._subscriptions if first or s.every_worker]
        found._hooks = self._hooks
        found._timers = [t for t in self._timers if first or t.every_worker]
        return found

    def freeze(self) -> None:
        """Close the registry: the app starts, and what is declared later would be lost."""
        self._frozen = True

    def add_registration(self, record: Registration) -> None:
        """Take in a procedure.

        Raises:
            DuplicateUri: the app already registers this URI.
            AppStarted: the app runs already.
        """
        self._check_open(record.uri)
        # Two patterns that differ in their names alone are the same procedure on the wire.
        key = (record.pattern.match, record.pattern.uri) if record.pattern else record.uri
        key = record.uri if key == ("exact", record.uri) else key
        earlier = self._registrations.get(key)
        if earlier is not None:
            raise DuplicateUri(
                f"The procedure {record.uri!r} is registered already, by "
                f"{name_of(earlier.endpoint)} ({earlier.source}); give one of them another URI, "
                "with @app.register('another.uri')."
            )
        self._registrations[key] = record

    def add_subscription(self, record: Subscription) -> None:
        """Take in a topic.

        Raises:
            DuplicateUri: the same handler is subscribed to this topic already.
            AppStarted: the app runs already.
        """
        self._check_open(record.uri)
        if any(s.uri == record.uri and s.handler == record.handler for s in self._subscriptions):
            raise DuplicateUri(
                f"{name_of(record.handler)} is subscribed to {record.uri!r} already; "
                "each event would reach it twice. Remove one of the two."
            )
        self._subscriptions.append(record)

    def add_hook(self, record: Hook | Timer) -> None:
        """Take in a hook or a timer.

        Raises:
            AppStarted: the app runs already.
        """
        self._check_open(name_of(record.function))
        if isinstance(record, Hook):
            self._hooks.append(record)
        else:
            self._timers.append(record)

    def _check_open(self, name: str) -> None:
        if self._frozen:
            raise AppStarted(
                f"The app was started already, so {name!r} would never be announced; declare it at "
                "module level, before app.run() or app.start()."
            )


def name_of(function: object) -> str:
    """Return a function's name as its author knows it."""
    return getattr(function, "__qualname__", None) or repr(function)
