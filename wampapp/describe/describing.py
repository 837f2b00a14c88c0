"""The description of an app, made of what it declares. No connection is needed."""

from __future__ import annotations

import asyncio
import inspect
import typing
from collections import abc
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from wampapp import errors
from wampapp.describe.api import Api, Capture, Failure, Kind, Parameter, Procedure, Topic
from wampapp.describe.docstrings import Doc, read_docstring
from wampapp.describe.schemas import Schemas, described, plain, with_default
from wampapp.registry.about import binding_of
from wampapp.registry.binding import Binding
from wampapp.registry.endpoint import endpoint_for
from wampapp.registry.records import Registration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from wampapp.config.records import Config
    from wampapp.describe.api import Schema
    from wampapp.protocol.patterns import Pattern
    from wampapp.registry.records import About, Publication, Scope, Subscription
    from wampapp.registry.registry import Registry

_KINDS: Final[dict[Any, Kind]] = {
    inspect.Parameter.POSITIONAL_OR_KEYWORD: "any",
    inspect.Parameter.POSITIONAL_ONLY: "positional",
    inspect.Parameter.KEYWORD_ONLY: "keyword",
    inspect.Parameter.VAR_POSITIONAL: "rest",
    inspect.Parameter.VAR_KEYWORD: "others",
}
#: What a handler that waits says of its result.
_AWAITABLES: Final = (abc.Awaitable, abc.Coroutine, asyncio.Future, asyncio.Task)
#: What says that results come one by one.
_ITERATORS: Final = (
    abc.Iterator,
    abc.AsyncIterator,
    abc.AsyncIterable,
    abc.Generator,
    abc.AsyncGenerator,
)


class Describable(Protocol):
    """An app, so far as it is described.

    Attributes:
        title: what it is called.
        version: the version of what it offers.
        description: what it is for.
        registry: what it declares.
        config: what it was made with.
    """

    title: str
    version: str
    description: str
    registry: Registry

    @property
    def config(self) -> Config:
        """What it was made with."""


def describe_app(app: Describable) -> Api:
    """Describe what an app offers, at the router that it names."""
    return describe(
        app.registry,
        title=app.title,
        version=app.version,
        description=app.description,
        router=app.config.url,
        realm=app.config.realm,
    )


def describe(
    registry: Registry,
    *,
    title: str,
    version: str,
    description: str = "",
    router: str | None = None,
    realm: str = "realm1",
) -> Api:
    """Describe what an app offers; see :class:`Api` for the arguments."""
    writer = _Describer(Schemas())
    procedures = [writer.procedure(r) for r in registry.registrations if not r.about.hidden]
    topics = [writer.subscription(s) for s in registry.subscriptions if not s.about.hidden]
    topics += [writer.publication(p) for p in registry.publications if not p.about.hidden]
    return Api(
        title=title,
        version=version,
        description=description,
        router=router,
        realm=realm,
        procedures=tuple(procedures),
        topics=_one_each(topics),
        schemas=writer.named,
    )


def describe_functions(functions: Mapping[str, Callable[..., Any]]) -> Api:
    """Describe procedures by functions with their signatures, as those who call them see them.

    Args:
        functions: the functions, by the URIs of the procedures.

    Raises:
        InvalidHandler: an annotation is of no type that an argument can have.
    """
    # What the callee takes is what the caller gives.
    writer = _Describer(Schemas(given=True))
    found = [writer.procedure(Registration(uri, one)) for uri, one in functions.items()]
    return Api(title="", version="", procedures=tuple(found), schemas=writer.named)


def describe_function(
    name: str, function: Callable[..., Any], context: type
) -> tuple[Procedure, dict[str, Schema]]:
    """Describe the arguments and the result of a function that is called by a name.

    Args:
        name: the name.
        function: the function.
        context: the class by which a parameter asks for what is no argument.

    Returns:
        The description, and the schemas that it refers to.
    """
    writer = _Describer(Schemas())
    doc = read_docstring(function)
    binding = Binding(function, context=context)
    result, _ = writer.result(binding, iterates=False)
    procedure = Procedure(
        **writer.common(name, None, function, binding, doc),
        result=result,
        result_description=doc.result,
    )
    return procedure, writer.named


def _one_each(topics: list[Topic]) -> tuple[Topic, ...]:
    """Return the topics; of several handlers of one topic the first speaks."""
    found: dict[tuple[str, str, bool], Topic] = {}
    for topic in topics:
        found.setdefault((topic.match, topic.uri, topic.is_published), topic)
    return tuple(found.values())


class _Describer:
    """Describes records, and keeps the schemas that they share.

    Args:
        taken: makes the schemas of what is taken.
    """

    def __init__(self, taken: Schemas) -> None:
        self.taken = taken
        self.given = self.taken.reversed()

    @property
    def named(self) -> dict[str, Schema]:
        """The schemas of the types that have a name."""
        return self.taken.named

    def procedure(self, record: Registration) -> Procedure:
        endpoint = endpoint_for(record)
        doc = read_docstring(record.endpoint)
        common = self.common(record.uri, record.pattern, record.endpoint, endpoint.binding, doc)
        result, progress = self.result(endpoint.binding, endpoint.kind in ("generator", "stream"))
        return Procedure(
            **common,
            **_about(record.about),
            result=result,
            result_description=doc.result,
            progress=progress,
            errors=_failures(record.about, record.scopes, doc),
            invoke=record.invoke or "single",
            concurrency=record.concurrency,
            timeout=record.timeout,
        )

    def subscription(self, record: Subscription) -> Topic:
        binding = endpoint_for(record).binding
        doc = read_docstring(record.handler)
        common = self.common(record.uri, record.pattern, record.handler, binding, doc)
        return Topic(**common, **_about(record.about))

    def publication(self, record: Publication) -> Topic:
        doc = read_docstring(record.shape)
        binding = binding_of(record)
        common = self.common(record.uri, record.pattern, record.shape, binding, doc, self.given)
        return Topic(**common, **_about(record.about), is_published=True)

    def common(
        self,
        uri: str,
        pattern: Pattern | None,
        function: Callable[..., Any],
        binding: Binding,
        doc: Doc,
        schemas: Schemas | None = None,
    ) -> dict[str, Any]:
        return {
            "uri": uri,
            "match": pattern.match if pattern else "exact",
            "name": getattr(function, "__name__", ""),
            "summary": doc.summary,
            "description": doc.description,
            "parameters": tuple(_parameter(p, doc, schemas or self.taken) for p in binding.taken),
            "captures": tuple(self._captures(pattern, binding, doc)) if pattern else (),
        }

    def _captures(self, pattern: Pattern, binding: Binding, doc: Doc) -> list[Capture]:
        known = binding.signature.parameters
        rest = pattern.rest[1] if pattern.rest else None
        taken = {parameter.name for parameter in binding.taken}
        names = [name for name in pattern.captured if name in known and name not in taken]
        kinds = {name: known[name].annotation for name in names}
        return [
            Capture(
                name=name,
                schema=described(
                    _schema(kinds.get(name, str), self.taken) or {"type": "string"},
                    doc.parameters.get(name, ""),
                ),
                rest=name == rest,
            )
            for name in pattern.captured
        ]

    def result(self, binding: Binding, iterates: bool) -> tuple[Schema, Schema | None]:
        """Return the schemas of the result and of each progressive result."""
        annotation = _awaited(binding.signature.return_annotation)
        origin, args = typing.get_origin(annotation), typing.get_args(annotation)
        if origin in _ITERATORS or (iterates and origin is abc.Iterable):
            item = _schema(args[0], self.given) if args else {}
            returned = args[2] if origin is abc.Generator and len(args) == 3 else None
            if returned not in (None, type(None), Any):
                return _schema(returned, self.given), item
            return {"type": "array", **({"items": item} if item else {})}, item
        if iterates or annotation in _ITERATORS:
            return {"type": "array"}, {}
        if annotation is None:
            annotation = type(None)
        return _schema(annotation, self.given), None


def _parameter(parameter: inspect.Parameter, doc: Doc, schemas: Schemas) -> Parameter:
    kind = _KINDS[parameter.kind]
    has_default = parameter.default is not parameter.empty
    schema = _schema(parameter.annotation, schemas)
    schema = described(schema, doc.parameters.get(parameter.name, ""))
    return Parameter(
        name=parameter.name,
        schema=with_default(schema, parameter.default) if has_default else schema,
        kind=kind,
        required=not has_default and kind not in ("rest", "others"),
    )


def _schema(annotation: Any, schemas: Schemas) -> Schema:
    return {} if annotation is inspect.Parameter.empty else schemas.of(annotation)


def _awaited(annotation: Any) -> Any:
    """Return what comes of waiting for what a handler returns."""
    kind = typing.get_origin(annotation) or annotation
    is_deferred = getattr(kind, "__module__", "") == "twisted.internet.defer"
    if kind not in _AWAITABLES and not (is_deferred and kind.__name__ == "Deferred"):
        return annotation
    args = typing.get_args(annotation)
    return args[-1] if args else inspect.Parameter.empty


def _about(about: About) -> dict[str, Any]:
    examples = [plain(example) for example in about.examples]
    return {
        "examples": tuple(one for one in examples if one is not msgspec.UNSET),
        "deprecated": about.deprecated,
    }


def _failures(about: About, scopes: Sequence[Scope], doc: Doc) -> tuple[Failure, ...]:
    """Return the errors that a declaration names, and those of its docstring that have a URI."""
    found: dict[str, str] = {}
    for error in about.errors:
        uri = error if isinstance(error, str) else _uri_of(error, scopes)
        if uri is not None:
            name = "" if isinstance(error, str) else error.__name__
            said = "" if isinstance(error, str) else read_docstring(error).summary
            found[uri] = doc.errors.get(name) or doc.errors.get(uri) or said
    known = {kind.__name__: uri for scope in scopes for uri, kind in scope.defined().items()}
    for name, said in doc.errors.items():
        kind = getattr(errors, name, None)
        uri = known.get(name) or getattr(kind, "URI", None)
        if uri:
            found.setdefault(uri, said)
    return tuple(Failure(uri=uri, description=said) for uri, said in found.items())


def _uri_of(kind: type[Exception], scopes: Sequence[Scope]) -> str | None:
    for scope in scopes:
        for base in kind.__mro__:
            if base in scope.uris:
                return scope.uris[base]
    uri = getattr(kind, "URI", None)
    return uri if isinstance(uri, str) else None
