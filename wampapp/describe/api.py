"""A description of what an app offers: what documents are written from, and read into."""

from __future__ import annotations

import contextlib
from typing import Any, Final, Literal, TypeVar

import msgspec

from wampapp.config.url import without_secrets
from wampapp.errors import InvalidUri
from wampapp.protocol import patterns
from wampapp.protocol.patterns import Match  # noqa: TC001 - msgspec reads it at run time

#: A JSON Schema of draft 7, whose references are to :attr:`Api.schemas`.
Schema = dict[str, Any]

#: What a reference to one of :attr:`Api.schemas` starts with.
REFERENCE: Final = "#/components/schemas/"

#: How an argument is given: ``any`` by place or by name, ``positional`` only by place, ``keyword``
#: only by name; ``rest`` stands for any number by place, and ``others`` by name.
Kind = Literal["any", "positional", "keyword", "rest", "others"]


class Variable(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an argument and a part of a URI have in common.

    Attributes:
        name: its name.
        schema: what it may be; with its description, and its default where that is plain data.
    """

    name: str
    schema: Schema

    @property
    def description(self) -> str:
        """What it means."""
        return str(self.schema.get("description", ""))


class Parameter(Variable, frozen=True, kw_only=True, omit_defaults=True):
    """An argument of a call or an event.

    Attributes:
        kind: how it is given.
        required: whether it must be given.
    """

    kind: Kind = "any"
    required: bool = True


class Capture(Variable, frozen=True, kw_only=True, omit_defaults=True):
    """A component of a URI that varies.

    Attributes:
        rest: whether it stands for all the components that follow.
    """

    rest: bool = False


class Failure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error with which a procedure may answer.

    Attributes:
        uri: its URI.
        description: when it does.
    """

    uri: str
    description: str = ""


class Operation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a procedure and a topic have in common.

    Attributes:
        uri: the URI as it was declared: ``com.shop.<sku>.price``.
        match: how it is matched.
        name: the function's name.
        summary: the first sentence of its documentation.
        description: the paragraphs that follow.
        parameters: the arguments.
        captures: the components that vary.
        examples: arguments that may be given, by name.
        deprecated: what to use instead; empty for nothing; None where it is not deprecated.
        is_described: whether more than the URI is known.
    """

    uri: str
    match: Match = "exact"
    name: str = ""
    summary: str = ""
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    captures: tuple[Capture, ...] = ()
    examples: tuple[dict[str, Any], ...] = ()
    deprecated: str | None = None
    is_described: bool = True

    @property
    def on_wire(self) -> tuple[Match, str]:
        """How it is matched, and the URI that is registered or subscribed to for it."""
        if self.captures:
            # What a stranger describes may not be valid.
            with contextlib.suppress(InvalidUri):
                pattern = patterns.parse(self.uri, "procedure")
                return pattern.match, pattern.uri
        return self.match, self.uri


#: Either of its kinds.
AnyOperation = TypeVar("AnyOperation", bound=Operation)


class Procedure(Operation, frozen=True, kw_only=True, omit_defaults=True):
    """A procedure.

    Attributes:
        result: what the result is.
        result_description: what it means.
        progress: what each progressive result is; None where there are none.
        errors: the errors with which it may answer.
        invoke: how one of several callees is chosen.
        concurrency: how many calls run at the same time; None for no limit.
        timeout: the seconds a call may take; None for no limit.
    """

    result: Schema = {}
    result_description: str = ""
    progress: Schema | None = None
    errors: tuple[Failure, ...] = ()
    invoke: str = "single"
    concurrency: int | None = None
    timeout: float | None = None

    @property
    def collects(self) -> bool:
        """Whether the result is only all of the progressive results, in a list."""
        items = {"items": self.progress} if self.progress else {}
        return self.progress is not None and self.result == {"type": "array", **items}


class Topic(Operation, frozen=True, kw_only=True, omit_defaults=True):
    """A topic.

    Attributes:
        is_published: whether the app publishes to it; else it listens.
    """

    is_published: bool = False


class Api(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an app offers, or all the apps of a realm.

    Attributes:
        title: what it is called.
        version: the version of what it offers.
        description: what it is for.
        router: the URL of the router where it is found, without what may be secret in it; None
            where that is not known.
        realm: the realm where it is found.
        procedures: the procedures, in the order of their declaration.
        topics: the topics, in the order of their declaration.
        schemas: the types that have a name.
    """

    title: str
    version: str
    description: str = ""
    router: str | None = None
    realm: str = "realm1"
    procedures: tuple[Procedure, ...] = ()
    topics: tuple[Topic, ...] = ()
    schemas: dict[str, Schema] = {}

    def __post_init__(self) -> None:
        """Forget what may be secret, for a description is for others."""
        if self.router is not None:
            msgspec.structs.force_setattr(self, "router", without_secrets(self.router))

    def resolve(self, schema: Schema) -> Schema:
        """Return the schema that a reference stands for; any other is returned as it is."""
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return schema
        return self.schemas.get(reference.removeprefix(REFERENCE), {})
