"""What an app declares, as frozen records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.protocol.patterns import Pattern

#: How one of several callees of a procedure is chosen ("Shared Registration").
Invoke = Literal["single", "first", "last", "roundrobin", "random"]

#: Where a handler runs: ``"thread"`` (a plain function's default) or ``"loop"``.
RunIn = Literal["thread", "loop"]


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
HookKind = Literal["startup", "join", "leave", "shutdown"]


@dataclass(frozen=True, slots=True)
class Hook:
    """A function that runs at a point of the app's life.

    Attributes:
        kind: ``startup`` (once, before joining), ``join`` (after each join), ``leave`` (after
            each session) or ``shutdown`` (once, at the end).
        function: the function, called without arguments.
        source: where it was declared.
    """

    kind: HookKind
    function: Callable[[], Any]
    source: Source | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Timer:
    """A function that runs again and again, never overlapping itself.

    Attributes:
        seconds: how long it waits between two runs.
        function: the function, called without arguments.
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
    """What holds for all handlers of an app or a blueprint: error handlers and middleware.

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
        concurrency: how many calls run at the same time; None for no limit.
        timeout: the seconds a call may take; None for no limit.
        force_reregister: whether the procedure is taken from another session that has it.
        shared: whether several workers of this run have it.
        validate: whether arguments are converted by the annotations.
        scopes: whose error handlers it has, the nearest first.
        written: the URI as it was written, relative or absolute.
    """

    uri: str
    endpoint: Callable[..., Any]
    run: RunIn | None = None
    source: Source | None = field(default=None, compare=False)
    pattern: Pattern | None = None
    invoke: Invoke | None = None
    concurrency: int | None = None
    timeout: float | None = None
    force_reregister: bool = False
    shared: bool = False
    validate: bool = True
    scopes: tuple[Scope, ...] = field(default=(), compare=False)
    written: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A topic that the app listens to.

    Attributes:
        uri: the topic's absolute URI.
        handler: the function that is called for each event.
        run: where a plain function runs; None for its default.
        source: where it was declared.
        pattern: how the URI is matched and what it captures; None for exactly and nothing.
        concurrency: how many events are handled at the same time; None for one, in order.
        get_retained: whether the event that the router keeps is delivered at the start.
        every_worker: whether every worker of ``wampapp run --workers`` handles each event, or one.
        validate: whether arguments are converted by the annotations.
        scopes: whose error handlers it has, the nearest first.
        written: the URI as it was written, relative or absolute.
    """

    uri: str
    handler: Callable[..., Any]
    run: RunIn | None = None
    source: Source | None = field(default=None, compare=False)
    pattern: Pattern | None = None
    concurrency: int | None = None
    get_retained: bool = False
    every_worker: bool = False
    validate: bool = True
    scopes: tuple[Scope, ...] = field(default=(), compare=False)
    written: str = field(default="", compare=False)


def name_of(function: object) -> str:
    """Return a function's name as its author knows it."""
    return getattr(function, "__qualname__", None) or repr(function)
