"""The awaitable verbs of an app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeVar, Unpack, overload

from wampapp.client.active import ActiveRegistration, ActiveSubscription
from wampapp.client.autobahn_calls import procedure_for
from wampapp.client.handles import Procedure, Topic
from wampapp.client.remote import Remote, checked
from wampapp.protocol import uris
from wampapp.registry.autobahn_options import sent_with_event, taken

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from types import ModuleType

    from wampapp.client.options import CallOptions, PublishOptions
    from wampapp.loop.runtime import Runtime
    from wampapp.registry.blueprint import Blueprint
    from wampapp.registry.endpoint import Endpoint
    from wampapp.registry.options import RegisterOptions, SubscribeOptions
    from wampapp.registry.records import Registration, Subscription
    from wampapp.session.connection import Connection

T = TypeVar("T")


class AwaitableVerbs:
    """The awaitable verbs; an app has them, on the event loop's thread.

    Attributes:
        prefix: what relative URIs are relative to.
    """

    prefix: str | None

    def _runtime(self) -> Runtime:
        raise NotImplementedError

    def _connection(self) -> Connection:
        raise NotImplementedError

    def _blueprint(self) -> Blueprint:
        """Make a blueprint, to declare what is registered or subscribed while the app runs."""
        raise NotImplementedError

    def _prepare(self, record: Registration | Subscription) -> Endpoint:
        raise NotImplementedError

    def _check_thread(self, verb: str, blocking: str | None = None) -> None:
        raise NotImplementedError

    def _connection_for(self, verb: str) -> Connection:
        """Check the thread and return the connection, in one step: all calls and events pass here.

        Raises:
            WrongThread: called off the event loop.
            NotJoined: the app does not run.
        """
        raise NotImplementedError

    def call(self, uri: str, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call a procedure; await what it returns.

        Args:
            uri: the procedure; one that starts with a dot is relative to the prefix.
            args: positional arguments.
            kwargs: keyword arguments. A ``CallOptions`` of Autobahn's as ``options`` is obeyed.

        Returns:
            A future of the result: the value if there is exactly one positional value, None if
            there is nothing, otherwise a :class:`CallResult`. Awaiting it raises
            :class:`WampError` if the procedure or the router answered with an error, and
            :class:`ConnectionLost` if the link broke.

        Raises:
            InvalidUri: the URI is not valid.
            NotJoined: the app does not run. While it is offline, the call waits for the session,
                and awaiting it raises this after ``rejoin_timeout``.
            PayloadNotEncodable: an argument cannot be sent.
            WrongThread: called off the event loop; a plain ``def`` handler uses ``app.sync``.
        """
        name = uris.resolve(uri, self.prefix, "procedure")
        if "options" in kwargs and (theirs := taken(kwargs, "CallOptions")) is not None:
            self._check_thread("call")
            procedure = procedure_for(self._connection, name, theirs, {})
            return self._runtime().loop.create_task(procedure(*args, **kwargs))
        return self._connection_for("call").call(name, args, kwargs)

    def publish(self, uri: str, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Publish an event. It is sent at once; awaiting what this returns takes no time.

        Args:
            uri: the topic; one that starts with a dot is relative to the prefix.
            args: positional arguments.
            kwargs: keyword arguments. A ``PublishOptions`` of Autobahn's as ``options`` is obeyed.

        Returns:
            A future that is done; the router does not acknowledge unless ``options`` ask for it.

        Raises:
            InvalidUri: the URI is not valid.
            NotJoined: the app does not run. While it is offline, up to 1,000 events wait for the
                session; the next one raises this.
            PayloadNotEncodable: an argument cannot be sent.
            WrongThread: called off the event loop; a plain ``def`` handler uses ``app.sync``.
        """
        name = uris.resolve(uri, self.prefix, "topic")
        if "options" in kwargs and (theirs := taken(kwargs, "PublishOptions")) is not None:
            self._check_thread("publish")
            return self.topic(uri, theirs).publish(*args, **kwargs)
        return self._connection_for("publish").publish(name, args, kwargs)

    def stream(self, uri: str, /, *args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
        """Call a procedure and iterate over its progressive results with ``async for``.

        Leaving the iteration cancels the call.

        Args:
            uri: the procedure; one that starts with a dot is relative to the prefix.
            args: positional arguments.
            kwargs: keyword arguments. A ``CallOptions`` of Autobahn's as ``options`` is obeyed, but
                for its ``on_progress``.

        Returns:
            An asynchronous generator: each progressive result as it comes, then the final one
            unless it is None. It raises what awaiting :meth:`call` raises.

        Raises:
            InvalidUri: the URI is not valid.
            WrongThread: called off the event loop; a plain ``def`` handler uses ``app.sync``.
        """
        self._check_thread("stream")
        theirs = taken(kwargs, "CallOptions") if "options" in kwargs else None
        return self.procedure(uri, theirs).stream(*args, **kwargs)

    @overload
    def procedure(
        self, uri: str, options: object = None, *, returns: type[T], **more: Unpack[CallOptions]
    ) -> Procedure[T]: ...
    @overload
    def procedure(
        self, uri: str, options: object = None, *, returns: Any = None, **more: Unpack[CallOptions]
    ) -> Procedure[Any]: ...
    def procedure(
        self, uri: str, options: object = None, *, returns: Any = None, **more: Unpack[CallOptions]
    ) -> Procedure[Any]:
        """Make a handle to a remote procedure, which carries its options.

        ::

            add = app.procedure("com.example.add", timeout=2, returns=int)
            total = await add(2, 3)

        Args:
            uri: the procedure; one that starts with a dot is relative to the prefix.
            options: a ``CallOptions`` of Autobahn's.
            returns: the type that results are converted to; None leaves them as they come.
            more: see :class:`~wampapp.client.options.CallOptions`; what is given here counts more.

        Raises:
            InvalidUri: the URI is not valid.
            UsageError: an option is not valid.
        """
        name = uris.resolve(uri, self.prefix, "procedure")
        return procedure_for(self._connection, name, options, more, returns=returns)

    @overload
    def remote(
        self, api: ModuleType, *, prefix: str | None = None, check: Literal[False] = False
    ) -> Any: ...
    @overload
    def remote(
        self, api: Callable[..., T], *, prefix: str | None = None, check: Literal[False] = False
    ) -> T: ...
    @overload
    def remote(
        self, api: ModuleType, *, prefix: str | None = None, check: Literal[True]
    ) -> Awaitable[Any]: ...
    @overload
    def remote(
        self, api: Callable[..., T], *, prefix: str | None = None, check: Literal[True]
    ) -> Awaitable[T]: ...
    def remote(self, api: Any, *, prefix: str | None = None, check: bool = False) -> Any:
        """Make a typed handle to the procedures of a service.

        ::

            class Shop(Protocol):
                async def order(self, sku: str, quantity: int = 1) -> Order: ...
                def stock(self) -> AsyncIterator[Item]: ...

            shop = app.remote(Shop, prefix="com.shop")
            order = await shop.order("apple")

        Args:
            api: a class whose methods are the procedures, usually a ``Protocol``, or the module
                whose functions they are. Methods are ``async def``; those that return an
                ``AsyncIterator`` are ``def``, and give the progressive results. What is annotated
                as returned is what results are converted to.
            prefix: what the names are relative to; None for the app's own prefix.
            check: whether to compare it with what is registered now, as the apps describe it: the
                names, kinds and types of arguments, and the results. What it does not say is not
                compared, nor are limits, such as a largest number.

        Returns:
            What has the procedures as methods; with ``check``, an awaitable of it.

        Raises:
            UsageError: ``api`` is neither a class nor a module, a method is not like that;
                or, with ``check``, a procedure is not there, differs, or is not described.
            InvalidHandler: an annotation names a type that is not there.
            InvalidUri: a URI is not valid.
            RouterRefused: with ``check``, the role of this session may not call the meta API.
            WampError: with ``check``, the router has no meta API.
            NotJoined: with ``check``, there is no session, and none came back in time.
        """

        def procedure(uri: str, returns: Any) -> Procedure[Any]:
            return self.procedure(uri, returns=returns)

        remote = Remote(api, procedure, prefix, is_blocking=False)
        if not check:
            return remote
        self._check_thread("remote", "remote")
        return self._runtime().awaitable(checked(remote, self._connection()))

    def topic(self, uri: str, options: object = None, **more: Unpack[PublishOptions]) -> Topic:
        """Make a handle to a topic that carries the options of its events.

        ::

            news = app.topic("com.example.news", acknowledge=True, retain=True)
            await news.publish("hello")

        Args:
            uri: the topic; one that starts with a dot is relative to the prefix.
            options: a ``PublishOptions`` of Autobahn's.
            more: see :class:`~wampapp.client.options.PublishOptions`; what is given here counts
                more.

        Raises:
            InvalidUri: the URI is not valid.
            UsageError: an option is not known.
        """
        name = uris.resolve(uri, self.prefix, "topic")
        return Topic(self._connection, name, more, sent_with_event(options))

    def register_now(
        self, uri: str, handler: Callable[..., Any], **options: Unpack[RegisterOptions]
    ) -> Awaitable[ActiveRegistration]:
        """Register one more procedure while the app runs; await what this returns.

        ::

            registration = await app.register_now(".price", price)
            ...
            await registration.unregister()

        What is known when the app is written is better declared, with ``@app.register``.

        Args:
            uri: the procedure; as in :meth:`register`.
            handler: what answers its calls.
            options: see :class:`~wampapp.registry.options.RegisterOptions`.

        Returns:
            An awaitable of the :class:`~wampapp.ActiveRegistration`: an asyncio task
            or, where Twisted's code asks, a Deferred. Awaiting it raises :class:`ProcedureExists`
            or another :class:`WampError` if the router refuses, and :class:`ConnectionLost` if the
            link broke before the answer came.

        Raises:
            InvalidUri: the URI is not valid.
            InvalidHandler: ``handler`` cannot serve calls, or not with these options.
            NotJoined: the app does not run.
            WrongThread: called off the event loop; a plain ``def`` handler uses
                ``app.sync.register``.
        """
        self._check_thread("register_now", "register")
        record = self._blueprint().add_registration(handler, uri, **options)
        return self._announce(record, ActiveRegistration)

    def subscribe_now(
        self, uri: str, handler: Callable[..., Any], **options: Unpack[SubscribeOptions]
    ) -> Awaitable[ActiveSubscription]:
        """Subscribe one more handler while the app runs; await what this returns.

        A handler takes itself back with :meth:`Event.unsubscribe`.

        Args:
            uri: the topic; as in :meth:`subscribe`.
            handler: what is called for each event.
            options: see :class:`~wampapp.registry.options.SubscribeOptions`.

        Returns:
            An awaitable of the :class:`~wampapp.ActiveSubscription`; otherwise as in
            :meth:`register_now`.

        Raises:
            InvalidUri: the URI is not valid.
            InvalidHandler: ``handler`` cannot handle events, or not with these options.
            NotJoined: the app does not run.
            WrongThread: called off the event loop; a plain ``def`` handler uses
                ``app.sync.subscribe``.
        """
        self._check_thread("subscribe_now", "subscribe")
        record = self._blueprint().add_subscription(handler, uri, **options)
        return self._announce(record, ActiveSubscription)

    def _announce(
        self,
        record: Registration | Subscription,
        kind: Callable[[Runtime, Connection, Endpoint], T],
    ) -> Awaitable[T]:
        runtime, connection = self._runtime(), self._connection()
        endpoint = self._prepare(record)

        async def announce() -> T:
            await connection.announce(record, endpoint)
            return kind(runtime, connection, endpoint)

        return runtime.awaitable(announce())
