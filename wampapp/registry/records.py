"""What an app declares, as frozen records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wampapp.protocol.patterns import Pattern

#: How one of several callees of a procedure is chosen ("Shared Registration").
Invoke = Literal["single", "first", "last", "roundrobin", "random"]

#: Where a handler runs: ``"thread"`` (a plain function's default) or ``"loop"``.
RunIn = Literal["thread", "loop"]


#: What stands, among the URIs of defined errors, for each one that has no class of its own.
EVERY_OTHER_URI: Final = ""


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
HookKind = Literal["startup", "join", "leave", "stopping", "shutdown"]


@dataclass(frozen=True, slots=True)
class Hook:
    """A function that runs at a point of the app's life.

    Attributes:
        kind: ``startup`` (once, before joining), ``join`` (after each join), ``leave`` (after
            each session), ``stopping`` (once, when the app begins to stop and still serves) or
            ``shutdown`` (once, at the end).
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
class HealthCheck:
    """A function that finds out whether something that the app needs is well.

    Attributes:
        name: what it looks at, such as ``database``.
        function: the function, called without arguments; it raises where something is wrong.
        source: where it was declared.
    """

    name: str
    function: Callable[[], Any]
    source: Source | None = field(default=None, compare=False)


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


@dataclass(frozen=True, slots=True)
class Mount:
    """A web app that is served beside WAMP.

    Attributes:
        path: where, such as ``/admin``; ``/`` for all that is not mounted elsewhere.
        app: the ASGI or WSGI app, or where it is found: ``module:attribute``.
    """

    path: str
    app: Any


#: The largest body of a request that a view gets, in bytes, unless its route says otherwise.
MAX_BODY: Final = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Route:
    """A view: a function that answers requests for web pages.

    Attributes:
        rule: the paths, as werkzeug writes them: ``/orders/<int:id>``.
        view: the function.
        endpoint: its name, for ``url_for``.
        methods: the HTTP methods, in capitals.
        run: where a plain function runs; None for its default.
        max_body: the largest body of a request, in bytes.
        source: where it was declared.
        scopes: whose error handlers and middleware it has, the nearest first.
    """

    rule: str
    view: Callable[..., Any]
    endpoint: str
    methods: frozenset[str]
    run: RunIn | None = None
    max_body: int = MAX_BODY
    source: Source | None = field(default=None, compare=False)
    scopes: tuple[Scope, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Static:
    """A folder whose files are served.

    Attributes:
        path: where, such as ``/static``.
        folder: the path of the folder, absolute.
        endpoint: its name, for ``url_for``.
    """

    path: str
    folder: str
    endpoint: str


class Guest(Protocol):
    """What makes the sessions of another framework that an app hosts: one for each connection.

    Attributes:
        name: what it is called in messages and in the log.
        realm: the realm that it joins; None for the app's.
        url: the router that it names; None where it names none.
        failure: what ended the present session from within; None for nothing.
        comes_back: whether a new session follows then.
        tell: called with it at once, while its traceback is whole.
    """

    name: str
    realm: str | None
    url: str | None
    failure: Exception | None
    comes_back: bool
    tell: Callable[[Exception], None]

    async def start(self) -> None:
        """Do what comes before the first session.

        Raises:
            Exception: whatever the guest's own code raises.
        """

    def make(self, realm: str) -> Any:
        """Return a session, which has not been connected yet, for a realm."""


@dataclass(frozen=True, slots=True)
class AutobahnOptions:
    """What a declaration with an options object, or a mark, of Autobahn's asks for besides ours.

    Attributes:
        details: the keyword argument in which the handler gets Autobahn's ``CallDetails`` or
            ``EventDetails``; None for none.
        sent: further options of REGISTER or SUBSCRIBE.
        marked: whether it was a mark: the handler was written for Autobahn.
        integers: the captured components that become numbers.
        check_types: whether arguments that are not instances of their annotations are refused.
    """

    details: str | None = None
    sent: Mapping[str, Any] = field(default_factory=dict, compare=False)
    marked: bool = False
    integers: frozenset[str] = frozenset()
    check_types: bool = False


class Scope:
    """What holds for all handlers of an app or a blueprint: error handlers and middleware.

    Attributes:
        handlers: the error handlers, by the exceptions they handle.
        uris: the error URIs of the exceptions that were defined; see :data:`EVERY_OTHER_URI`.
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
class About:
    """What a declaration says only for those who read about it.

    Attributes:
        hidden: whether it is left out of what is told to others.
        examples: arguments that may be given, by the names of their parameters.
        errors: the errors with which a procedure may answer: exceptions, or error URIs.
        deprecated: what to use instead; empty for nothing; None where it is not deprecated.
    """

    hidden: bool = False
    examples: tuple[dict[str, Any], ...] = ()
    errors: tuple[type[Exception] | str, ...] = ()
    deprecated: str | None = None


#: Of a declaration that says nothing of the kind.
NOTHING_MORE: Final = About()


@dataclass(frozen=True, slots=True)
class Publication:
    """A topic that the app publishes to.

    Attributes:
        uri: the topic's absolute URI.
        shape: the class of the events' only argument, or a function with their signature.
        source: where it was declared.
        pattern: which components of the URI vary; None where none do.
        written: the URI as it was written, relative or absolute.
        about: what it says for those who read about it.
    """

    uri: str
    shape: Callable[..., Any]
    source: Source | None = field(default=None, compare=False)
    pattern: Pattern | None = None
    written: str = field(default="", compare=False)
    about: About = NOTHING_MORE


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
        autobahn: what Autobahn's options ask for; None without them.
        about: what it says for those who read about it.
        needed: whether the app ends where the router refuses it.
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
    autobahn: AutobahnOptions | None = None
    about: About = NOTHING_MORE
    needed: bool = True


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
        autobahn: what Autobahn's options ask for; None without them.
        about: what it says for those who read about it.
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
    autobahn: AutobahnOptions | None = None
    about: About = NOTHING_MORE


def name_of(function: object) -> str:
    """Return a function's name as its author knows it."""
    return getattr(function, "__qualname__", None) or repr(function)
