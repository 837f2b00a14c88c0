"""The blocking client: the verbs of WAMP for threads, scripts and the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar, Unpack, overload

from wampapp.client.active import BlockingRegistration, BlockingSubscription
from wampapp.client.autobahn_calls import procedure_for
from wampapp.client.blocking_handles import BlockingProcedure, BlockingTopic
from wampapp.client.handles import Topic
from wampapp.client.remote import Remote, checked
from wampapp.client.waiting import Waiter
from wampapp.errors import InvalidUri
from wampapp.protocol import uris
from wampapp.registry.autobahn_options import call_timeout, sent_with_event, taken
from wampapp.registry.blueprint import Blueprint
from wampapp.registry.checks import is_handler
from wampapp.registry.endpoint import endpoint_for
from wampapp.registry.naming import check_relative, written_uri

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Mapping
    from types import ModuleType

    from wampapp.client.options import CallOptions, PublishOptions
    from wampapp.loop.runtime import Runtime
    from wampapp.registry.endpoint import Endpoint
    from wampapp.registry.options import RegisterOptions, SubscribeOptions
    from wampapp.registry.records import Registration, Subscription
    from wampapp.session.connection import Connection

T = TypeVar("T")
F = TypeVar("F", bound="Callable[..., Any]")

_MISSING: Final = object()
_ACKNOWLEDGE: Final = {"acknowledge": True}


class Client(Waiter):
    """Blocking verbs on a session. Each may be called from any thread but the event loop's.

    Get one from :func:`connect`, or as ``app.sync``.

    Args:
        runtime: the process's loop; called when a verb needs it.
        connection: gives the connection, or raises :class:`NotJoined`.
        prefix: what relative URIs are relative to; None to refuse them.
        timeout: seconds that each verb may take; None for no limit.
    """

    #: Why there is no prefix, and what to do.
    _NO_PREFIX: ClassVar = "this client has none; write the full URI, or pass connect(prefix=...)"

    def __init__(
        self,
        runtime: Callable[[], Runtime],
        connection: Callable[[], Connection],
        *,
        prefix: str | None = None,
        timeout: float | None = None,
    ) -> None:
        super().__init__(runtime, connection, timeout)
        self._prefix = prefix

    def _absolute(self, uri: object, what: str) -> str:
        check_relative(uri, self._prefix, what, self._NO_PREFIX)
        return uris.resolve(uri, self._prefix, what)

    def call(self, uri: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call a procedure and wait for its result.

        Args:
            uri: the procedure; one that starts with a dot is relative to the prefix.
            args: positional arguments.
            kwargs: keyword arguments. A ``CallOptions`` of Autobahn's as ``options`` is obeyed.

        Returns:
            The result: the value if it is exactly one positional value, None if it is none,
            else a :class:`~wampapp.CallResult`.

        Raises:
            InvalidUri: the URI is not valid.
            WampError: the procedure, or the router, answered with an error.
            CallTimeout: no answer came in time.
            NotJoined: there is no session, and none came back in time.
            ConnectionLost: the link broke before the answer came.
            WrongThread: called on the event loop's thread.
        """
        name = self._absolute(uri, "procedure")
        if "options" in kwargs and (theirs := taken(kwargs, "CallOptions")) is not None:
            return self.procedure(uri, theirs)(*args, **kwargs)
        return self._wait(lambda peer: peer.call(name, args, kwargs), f"answer from {name}")

    def publish(self, uri: str, /, *args: Any, **kwargs: Any) -> int:
        """Publish an event and wait until the router has taken it.

        Args:
            uri: the topic; one that starts with a dot is relative to the prefix.
            args: positional arguments.
            kwargs: keyword arguments. A ``PublishOptions`` of Autobahn's as ``options`` is obeyed.

        Returns:
            The publication's id.

        Raises:
            InvalidUri: the URI is not valid.
            WampError: the router refuses the event.
            CallTimeout: the router did not answer in time.
            NotJoined: there is no session, and none came back in time.
            ConnectionLost: the link broke before the answer came.
            WrongThread: called on the event loop's thread.
        """
        name = self._absolute(uri, "topic")
        options: dict[str, Any] = _ACKNOWLEDGE
        if "options" in kwargs and (theirs := taken(kwargs, "PublishOptions")) is not None:
            options = {**sent_with_event(theirs), **_ACKNOWLEDGE}
        answer = self._wait(
            lambda peer: peer.publish(name, args, kwargs, options=options),
            f"acknowledgement for {name}",
        )
        return int(answer)

    def stream(self, uri: str, /, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Call a procedure and iterate over its progressive results.

        Leaving the iteration cancels the call.

        Args:
            uri: the procedure; one that starts with a dot is relative to the prefix.
            args: positional arguments.
            kwargs: keyword arguments. A ``CallOptions`` of Autobahn's as ``options`` is obeyed, but
                for its ``on_progress``.

        Yields:
            Each progressive result as it comes, and at the end the final one if it is not None.

        Raises:
            InvalidUri: the URI is not valid.
            WampError: the procedure, or the router, answered with an error.
            CallTimeout: the next result did not come in time.
            NotJoined: there is no session, and none came back in time.
            ConnectionLost: the link broke before the end.
            WrongThread: called on the event loop's thread.
        """
        name = self._absolute(uri, "procedure")
        theirs = taken(kwargs, "CallOptions") if "options" in kwargs else None
        procedure = procedure_for(self._connection, name, theirs, {})
        items = procedure.stream(*args, **kwargs)
        yield from self._iterate(items, name, self._timeout)

    @overload
    def procedure(
        self, uri: str, options: object = None, *, returns: type[T], **more: Unpack[CallOptions]
    ) -> BlockingProcedure[T]: ...
    @overload
    def procedure(
        self, uri: str, options: object = None, *, returns: Any = None, **more: Unpack[CallOptions]
    ) -> BlockingProcedure[Any]: ...
    def procedure(
        self, uri: str, options: object = None, *, returns: Any = None, **more: Unpack[CallOptions]
    ) -> BlockingProcedure[Any]:
        """Make a handle to a remote procedure, which carries its options.

        ::

            add = client.procedure("com.example.add", timeout=2, returns=int)
            total = add(2, 3)

        Args:
            uri: the procedure; one that starts with a dot is relative to the prefix.
            options: a ``CallOptions`` of Autobahn's.
            returns: the type that results are converted to; None leaves them as they come.
            more: see :class:`~wampapp.client.options.CallOptions`; what is given here counts more.

        Raises:
            InvalidUri: the URI is not valid.
            UsageError: an option is not valid.
        """
        name = self._absolute(uri, "procedure")
        both: Any = {**call_timeout(options), **more}
        if both.get("timeout") is None:
            both["timeout"] = self._timeout
        procedure = procedure_for(
            self._connection, name, options, both, returns=returns, ready=self._ready
        )
        return BlockingProcedure(self, procedure)

    @overload
    def remote(self, api: ModuleType, *, prefix: str | None = None, check: bool = False) -> Any: ...
    @overload
    def remote(
        self, api: Callable[..., T], *, prefix: str | None = None, check: bool = False
    ) -> T: ...
    def remote(self, api: Any, *, prefix: str | None = None, check: bool = False) -> Any:
        """Make a typed handle to the procedures of a service.

        ::

            class Shop(Protocol):
                def order(self, sku: str, quantity: int = 1) -> Order: ...
                def stock(self) -> Iterator[Item]: ...

            shop = client.remote(Shop, prefix="com.shop")
            order = shop.order("apple")

        Args:
            api: a class whose methods are the procedures, usually a ``Protocol``, or the module
                whose functions they are. Those that return an ``Iterator`` give the progressive
                results. What is annotated as returned is what results are converted to.
            prefix: what the names are relative to; None for the client's own prefix.
            check: whether to compare it with what is registered now, as the apps describe it: the
                names, kinds and types of arguments, and the results. What it does not say is not
                compared, nor are limits, such as a largest number.

        Returns:
            What has the procedures as methods.

        Raises:
            UsageError: ``api`` is neither a class nor a module, a method is ``async def``; or,
                with ``check``, a procedure is not there, differs, or is not described.
            InvalidHandler: an annotation names a type that is not there.
            InvalidUri: a URI is not valid.
            RouterRefused: with ``check``, the role of this session may not call the meta API.
            WampError: with ``check``, the router has no meta API.
            NotJoined: with ``check``, there is no session, and none came back in time.
        """

        def procedure(uri: str, returns: Any) -> BlockingProcedure[Any]:
            return self.procedure(uri, returns=returns)

        remote = Remote(api, procedure, prefix, is_blocking=True)
        if not check:
            return remote
        return self._wait(lambda peer: checked(remote, peer), f"description of {remote!r}")

    def topic(
        self, uri: str, options: object = None, **more: Unpack[PublishOptions]
    ) -> BlockingTopic:
        """Make a handle to a topic, which carries its options.

        ::

            news = client.topic("com.example.news", retain=True)
            news.publish("hello")

        Args:
            uri: the topic; one that starts with a dot is relative to the prefix.
            options: a ``PublishOptions`` of Autobahn's.
            more: see :class:`~wampapp.client.options.PublishOptions`; what is given here counts
                more.

        Raises:
            InvalidUri: the URI is not valid.
            UsageError: an option is not known.
        """
        name = self._absolute(uri, "topic")
        # A caller that blocks anyway may as well know that the router has the event.
        further = {**_ACKNOWLEDGE, **sent_with_event(options)}
        return BlockingTopic(self, Topic(self._connection, name, more, further))

    def on_loop(self, work: Callable[[Connection], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine function on the event loop, and wait for it.

        For many verbs at the same time, none of which costs a change of threads. Ctrl-C in the
        waiting thread cancels it.

        Args:
            work: called with the client's connection, on the loop's thread.

        Returns:
            What it returns; raises what it raises.

        Raises:
            NotJoined: the client is closed.
            WrongThread: called on the event loop's thread.
        """

        async def run() -> T:
            return await work(await self._ready())

        return self._run(run)

    def iterate_on_loop(self, items: AsyncGenerator[T, None], what: str) -> Iterator[T]:
        """Iterate over what an asynchronous generator gives on the event loop.

        Leaving the iteration closes the generator.

        Args:
            items: the generator.
            what: what gives the items, for messages.

        Raises:
            NotJoined: there is no session, and none came back in time.
            WrongThread: called on the event loop's thread.
        """
        return self._iterate(items, what)


class PeerClient(Client):
    """A :class:`Client` that can register and subscribe as well.

    Args:
        runtime: as in :class:`Client`.
        connection: as in :class:`Client`.
        prefix: as in :class:`Client`.
        timeout: as in :class:`Client`.
        blueprint: makes the blueprint that a handler is declared on; it holds its error handlers.
        prepare: makes a declared handler ready to be called.
    """

    def __init__(
        self,
        runtime: Callable[[], Runtime],
        connection: Callable[[], Connection],
        *,
        prefix: str | None = None,
        timeout: float | None = None,
        blueprint: Callable[[], Blueprint] | None = None,
        prepare: Callable[[Registration | Subscription], Endpoint] = endpoint_for,
    ) -> None:
        super().__init__(runtime, connection, prefix=prefix, timeout=timeout)
        self._blueprint = blueprint or (lambda: Blueprint(prefix))
        self._prepare = prepare

    @overload
    def register(self, uri: F, /) -> F: ...
    @overload
    def register(
        self, uri: str, handler: Callable[..., Any], **options: Unpack[RegisterOptions]
    ) -> BlockingRegistration: ...
    @overload
    def register(
        self, uri: str | None = None, **options: Unpack[RegisterOptions]
    ) -> Callable[[F], F]: ...
    def register(
        self, uri: Any = None, handler: Any = _MISSING, **options: Unpack[RegisterOptions]
    ) -> Any:
        """Register a procedure; also a decorator, as :meth:`App.register` is.

        ::

            registration = client.register("com.example.add", add)

            @client.register("com.example.sub")
            def sub(a, b): ...

        Args:
            uri: the procedure; as in :meth:`App.register`.
            handler: called for each call; a plain function in a worker thread, a coroutine
                function on the event loop.
            options: as in :meth:`App.register`.

        Returns:
            The registration, which can be taken back; as a decorator, the function.

        Raises:
            InvalidUri: the URI is not valid.
            InvalidHandler: the handler cannot be called.
            WampError: the router refuses.
            CallTimeout: the router did not answer in time.
            ConnectionLost: the link broke before the answer came.
        """

        def register(function: Any, written: Any) -> BlockingRegistration:
            written = self._written(written, function, "procedure", options)
            record = self._blueprint().add_registration(function, written, **options)
            return self._announce(record, BlockingRegistration)

        return _directly_or_decorate(register, uri, handler, "register")

    @overload
    def subscribe(self, uri: F, /) -> F: ...
    @overload
    def subscribe(
        self, uri: str, handler: Callable[..., Any], **options: Unpack[SubscribeOptions]
    ) -> BlockingSubscription: ...
    @overload
    def subscribe(
        self, uri: str | None = None, **options: Unpack[SubscribeOptions]
    ) -> Callable[[F], F]: ...
    def subscribe(
        self, uri: Any = None, handler: Any = _MISSING, **options: Unpack[SubscribeOptions]
    ) -> Any:
        """Subscribe a handler to a topic; also a decorator, as :meth:`App.subscribe` is.

        Args:
            uri: the topic; as in :meth:`App.subscribe`.
            handler: called for each event, one at a time and in order; a plain function in a
                worker thread, a coroutine function on the event loop.
            options: as in :meth:`App.subscribe`.

        Returns:
            The subscription, which can be taken back; as a decorator, the function.

        Raises:
            InvalidUri: the URI is not valid.
            InvalidHandler: the handler cannot be called.
            WampError: the router refuses.
            CallTimeout: the router did not answer in time.
            ConnectionLost: the link broke before the answer came.
        """

        def subscribe(function: Any, written: Any) -> BlockingSubscription:
            written = self._written(written, function, "topic", options)
            record = self._blueprint().add_subscription(function, written, **options)
            return self._announce(record, BlockingSubscription)

        return _directly_or_decorate(subscribe, uri, handler, "subscribe")

    def _written(
        self, uri: Any, function: object, what: str, options: Mapping[str, Any]
    ) -> str | None:
        """Return the URI as a blueprint takes it."""
        match = options.get("match") or getattr(options.get("options"), "match", None)
        if self._prefix is None and match == "wildcard" and isinstance(uri, str):
            # It cannot be relative, so a first dot ends an empty component.
            return f".{uri}" if uri.startswith(".") else uri
        check_relative(written_uri(uri, function), self._prefix, what, self._NO_PREFIX)
        return uri  # type: ignore[no-any-return]

    def _announce(
        self,
        record: Registration | Subscription,
        kind: Callable[[Waiter, Connection, Endpoint], T],
    ) -> T:
        connection, endpoint = self._connection(), self._prepare(record)
        self._wait(lambda _: connection.announce(record, endpoint), f"answer for {record.uri}")
        return kind(self, connection, endpoint)


def _directly_or_decorate(
    announce: Callable[[Any, Any], T], uri: Any, handler: Any, verb: str
) -> T | Any:
    """Do what a verb does that may be used as a decorator, with or without ``()``."""
    if handler is not _MISSING:
        if callable(uri):
            raise InvalidUri(f"The URI comes first: client.{verb}('com.example.name', function).")
        return announce(handler, uri)
    if is_handler(uri):
        announce(uri, None)
        return uri

    def decorate(function: F) -> F:
        announce(function, uri)
        return function

    return decorate
