"""The decorators, and the methods that they are sugar over."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

from wampapp.errors import InvalidUri
from wampapp.protocol import uris
from wampapp.registry.about import binding_of, check_examples, taken_about
from wampapp.registry.checks import (
    check_handler,
    check_identifier,
    check_options,
    is_handler,
    known_fields,
)
from wampapp.registry.endpoint import endpoint_for
from wampapp.registry.naming import (
    bare_word,
    declared_pattern,
    pattern_unless_exact,
    source_of,
    written_uri,
)
from wampapp.registry.options import RegisterOptions, SubscribeOptions
from wampapp.registry.records import Publication, Registration, Scope, Subscription
from wampapp.registry.registry import Registry
from wampapp.registry.routing import Routing, check_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.registry.records import Hook, Timer

F = TypeVar("F", bound="Callable[..., Any]")
S = TypeVar("S", bound="Callable[..., Any]")


class Blueprint(Routing):
    """Collects procedures, topics and views.

    Args:
        prefix: what relative URIs are relative to, such as ``"com.example"``.

    Attributes:
        prefix: the prefix.
        registry: the records of what was declared.
        scope: its error handlers and defined errors.

    Raises:
        InvalidUri: the prefix is not a valid URI.
    """

    def __init__(self, prefix: str | None = None) -> None:
        if prefix is not None:
            uris.check_declared(uris.check_string(prefix, "prefix").removeprefix("."), "prefix")
        self.prefix = prefix
        self.registry = Registry()
        self.scope = Scope()

    @overload
    def register(self, uri: F, /) -> F: ...
    @overload
    def register(
        self, uri: str | None = None, **options: Unpack[RegisterOptions]
    ) -> Callable[[F], F]: ...
    @overload
    def register(
        self, uri: str | None, theirs: object, /, **options: Unpack[RegisterOptions]
    ) -> Callable[[F], F]: ...
    def register(
        self, uri: Any = None, theirs: object = None, **options: Unpack[RegisterOptions]
    ) -> Any:
        """Register a function as the endpoint of a procedure; a decorator, with or without ``()``.

        It can be stacked, and returns the very same function.

        Args:
            uri: the procedure. One that starts with a dot is relative to the prefix. Without
                one, it is ``.`` and the function's name. ``<name>`` stands for one component,
                ``<path:name>`` at the end for one or more; the function gets them by name.
            theirs: a ``RegisterOptions`` of Autobahn's, as the option ``options``.
            options: see :class:`RegisterOptions`.

        Raises:
            InvalidUri: the URI is not valid.
            DuplicateUri: the procedure is registered already.
            InvalidHandler: what is decorated cannot serve calls, or not with these options.
            AppStarted: the app runs already.
        """
        if theirs is not None:
            options["options"] = theirs
        if is_handler(uri):
            self.add_registration(uri, **options)
            return uri
        if (sentence := bare_word(uri, self.prefix, "procedure")) is not None:
            warnings.warn(sentence, stacklevel=2)

        def decorate(function: F) -> F:
            self.add_registration(function, uri, **options)
            return function

        return decorate

    @overload
    def subscribe(self, uri: F, /) -> F: ...
    @overload
    def subscribe(
        self, uri: str | None = None, **options: Unpack[SubscribeOptions]
    ) -> Callable[[F], F]: ...
    @overload
    def subscribe(
        self, uri: str | None, theirs: object, /, **options: Unpack[SubscribeOptions]
    ) -> Callable[[F], F]: ...
    def subscribe(
        self, uri: Any = None, theirs: object = None, **options: Unpack[SubscribeOptions]
    ) -> Any:
        """Subscribe a function to a topic; a decorator, with or without ``()``.

        It can be stacked, and returns the very same function. Events reach the handler one at a
        time, in order.

        Args:
            uri: the topic; as in :meth:`register`.
            theirs: a ``SubscribeOptions`` of Autobahn's, as the option ``options``.
            options: see :class:`SubscribeOptions`.

        Raises:
            InvalidUri: the URI is not valid.
            DuplicateUri: this function is subscribed to this topic already.
            InvalidHandler: what is decorated cannot handle events, or not with these options.
            AppStarted: the app runs already.
        """
        if theirs is not None:
            options["options"] = theirs
        if is_handler(uri):
            self.add_subscription(uri, **options)
            return uri
        if (sentence := bare_word(uri, self.prefix, "topic")) is not None:
            warnings.warn(sentence, stacklevel=2)

        def decorate(function: F) -> F:
            self.add_subscription(function, uri, **options)
            return function

        return decorate

    def publishes(
        self,
        uri: str | None = None,
        *,
        hidden: bool = False,
        example: dict[str, Any] | list[dict[str, Any]] | None = None,
        deprecated: bool | str | None = None,
    ) -> Callable[[S], S]:
        """Declare a topic that the app publishes to, for those who read about it; a decorator.

        It goes on a class, whose instances are the only argument of the events, or on a function
        that has the signature of their handlers. Publishing itself is not changed by it. ::

            @app.publishes(".ordered")
            class Ordered(msgspec.Struct):
                sku: str

            app.publish(".ordered", Ordered("apple"))

        Args:
            uri: the topic, as in :meth:`register`. Without one, it is ``.`` and the name.
            hidden: whether the topic is left out of the docs.
            example: arguments of an event, by the names of their parameters; or a list of such
                dictionaries. They are checked.
            deprecated: what to use instead, or True.

        Raises:
            InvalidUri: the URI is not valid.
            DuplicateUri: the topic is declared already.
            InvalidHandler: what is decorated has no signature, or the example does not fit it.
            AppStarted: the app runs already.
        """
        fields = {"hidden": hidden, "example": example, "deprecated": deprecated}

        def decorate(shape: S) -> S:
            pattern = declared_pattern(uri, shape, self.prefix, "topic", None)
            about = taken_about(dict(fields), shape)
            record = Publication(
                pattern.text,
                shape,
                source=source_of(shape),
                pattern=pattern_unless_exact(pattern),
                written=written_uri(uri, shape),
                about=about,
            )
            check_examples(about, binding_of(record), pattern, shape)
            self.registry.add_publication(record)
            return shape

        return decorate

    @overload
    def identify(self, function: F, /) -> F: ...
    @overload
    def identify(self, uri: str | None = None) -> Callable[[F], F]: ...
    def identify(self, uri: Any = None) -> Any:
        """Say who a web page is, for the router in the box; a decorator, with or without ``()``.

        The function is a procedure, as with :meth:`register`. The app's router calls it with the
        :class:`~wampapp.PageRequest` by which a page has opened its WebSocket. It returns the
        page's ``authid``, such as the user of its cookie; a dictionary with ``authid`` and
        ``role``; or None for nobody in particular. While it fails, pages cannot join.

        Args:
            uri: the procedure, as in :meth:`register`.

        Raises:
            DuplicateUri: there is one already, or the procedure is registered already.
            InvalidHandler: the function does not take a :class:`~wampapp.PageRequest`.
            InvalidUri: the URI is not valid.
            AppStarted: the app runs already.
        """

        def decorate(function: F, uri: str | None = None) -> F:
            if uri is not None and "<" in uri:
                raise InvalidUri(f"{uri!r} captures something; the router calls one procedure.")
            check_identifier(function)
            self.registry.set_identifier(self.add_registration(function, uri))
            return function

        return decorate(uri) if callable(uri) else partial(decorate, uri=uri)

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
        check_handler(endpoint, options.get("run"), _written("register", uri))
        return self._register(endpoint, uri, known_fields(options, RegisterOptions))

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
        check_handler(handler, options.get("run"), _written("subscribe", uri))
        return self._subscribe(handler, uri, known_fields(options, SubscribeOptions))

    def _register(
        self, endpoint: Callable[..., Any], uri: str | None, fields: dict[str, Any]
    ) -> Registration:
        pattern = declared_pattern(
            uri, endpoint, self.prefix, "procedure", fields.pop("match", None)
        )
        about = taken_about(fields, endpoint)
        record = Registration(
            pattern.text,
            endpoint,
            source=source_of(endpoint),
            pattern=pattern_unless_exact(pattern),
            scopes=(self.scope,),
            written=written_uri(uri, endpoint),
            about=about,
            **fields,
        )
        check_options(record)
        # A signature that cannot be served is found here, not at start.
        check_examples(record.about, endpoint_for(record).binding, pattern, endpoint)
        self.registry.add_registration(record)
        return record

    def _subscribe(
        self, handler: Callable[..., Any], uri: str | None, fields: dict[str, Any]
    ) -> Subscription:
        pattern = declared_pattern(uri, handler, self.prefix, "topic", fields.pop("match", None))
        about = taken_about(fields, handler)
        record = Subscription(
            pattern.text,
            handler,
            source=source_of(handler),
            pattern=pattern_unless_exact(pattern),
            scopes=(self.scope,),
            written=written_uri(uri, handler),
            about=about,
            **fields,
        )
        check_options(record)
        check_examples(record.about, endpoint_for(record).binding, pattern, handler)
        self.registry.add_subscription(record)
        return record

    def include(
        self,
        blueprint: Blueprint | object,
        *,
        prefix: str | None = None,
        url_prefix: str | None = None,
    ) -> None:
        """Include everything that a blueprint declares. It may be included under many prefixes.

        What carries Autobahn's marks, ``@wamp.register``, ``@wamp.subscribe`` and ``@wamp.error``,
        can be included too: an object, a module, a function, or a class, of which an object is made
        without arguments. Its plain functions run on the event loop, as under Autobahn; they get
        their arguments as they come, checked only with ``check_types``; and events of one topic may
        overlap. What ``<name>`` and ``<name:int>`` capture is passed by name.

        Args:
            blueprint: the blueprint, or what carries the marks; what it declares later is not
                included.
            prefix: what the relative URIs of a blueprint are relative to, instead of its own
                prefix. Of marks, every URI is put below it, as Autobahn does, with or without a
                dot at the end. One that starts with a dot is relative to the prefix here.
            url_prefix: what the paths of a blueprint's views come below, such as ``"/shop"``.

        Raises:
            InvalidUri: the prefix, or the URI of a mark, is not valid.
            DuplicateUri: a procedure is registered already.
            InvalidHandler: there is nothing to include, or a function does not go with its mark.
            AppStarted: the app runs already.
        """
        if not isinstance(blueprint, Blueprint):
            self._include_marks(blueprint, prefix)
            return
        base = blueprint.prefix if prefix is None else prefix
        base = "" if base is None else uris.check_string(base, "prefix")
        records: list[Registration | Subscription | Publication] = [
            *blueprint.registry.registrations,
            *blueprint.registry.subscriptions,
            *blueprint.registry.publications,
        ]
        for record in records:
            what = "procedure" if isinstance(record, Registration) else "topic"
            written = (
                f"{base}{record.written}" if record.written.startswith(".") else record.written
            )
            match = record.pattern.match if record.pattern else None
            captures = record.pattern is not None and bool(record.pattern.captured)
            pattern = declared_pattern(
                written, blueprint.include, self.prefix, what, None if captures else match
            )
            moved = replace(
                record, uri=pattern.text, pattern=pattern_unless_exact(pattern), written=written
            )
            if isinstance(moved, Publication):
                self.registry.add_publication(moved)
                continue
            moved = replace(moved, scopes=(*moved.scopes, self.scope))
            if isinstance(moved, Registration):
                self.registry.add_registration(moved)
                if record.uri == blueprint.registry.identifier:
                    self.registry.set_identifier(moved)
            else:
                self.registry.add_subscription(moved)
        self._include_routes(blueprint, url_prefix)
        hooks: list[Hook | Timer] = [*blueprint.registry.all_hooks, *blueprint.registry.timers]
        for hook in hooks:
            self.registry.add_hook(hook)
        for check in blueprint.registry.health_checks:
            self.registry.add_health_check(check)
        self.scope.included.append(blueprint.scope)

    def _include_routes(self, blueprint: Blueprint, url_prefix: str | None) -> None:
        if url_prefix is not None:
            check_path(url_prefix, "blueprint")
        for route in blueprint.registry.web.routes:
            rule = f"{(url_prefix or '').rstrip('/')}{route.rule}"
            check_path(rule, "route")
            scopes = (*route.scopes, self.scope)
            self.registry.web.add_route(replace(route, rule=rule, scopes=scopes))

    def _include_marks(self, thing: object, prefix: str | None) -> None:
        """Include what carries Autobahn's marks."""
        from wampapp.registry import autobahn_marks

        functions, errors = autobahn_marks.members(thing)
        for kind in errors:
            self.define_error(kind)
        for function, mark in functions:
            decorator = "wamp.register" if mark.is_endpoint() else "wamp.subscribe"
            check_handler(function, None, f"{decorator}({mark.uri()!r})")
            uri, fields = autobahn_marks.declared(mark, prefix)
            if mark.is_endpoint():
                self._register(function, uri, fields)
            else:
                self._subscribe(function, uri, fields)


def _written(decorator: str, uri: str | None) -> str:
    """Return how a decorator was written, for messages."""
    return f"app.{decorator}" if uri is None else f"app.{decorator}({uri!r})"
