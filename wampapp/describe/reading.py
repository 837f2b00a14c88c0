"""Descriptions read out of AsyncAPI documents that wampapp has written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from wampapp.describe.api import Api, Parameter, Procedure, Schema, Topic
from wampapp.describe.asyncapi import OF_BOTH, OF_PROCEDURES, Extras
from wampapp.describe.shapes import check_schemas
from wampapp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Payload(msgspec.Struct):
    properties: dict[str, Schema] = {}
    required: list[str] = []
    additionalProperties: Schema | bool = False  # noqa: N815 - the document's own word


class _Example(msgspec.Struct):
    payload: dict[str, Any] = {}


class _Message(msgspec.Struct):
    payload: Schema = {}
    summary: str = ""
    examples: list[_Example] = []


class _Channel(msgspec.Struct):
    messages: dict[str, _Message]


class _Reference(msgspec.Struct):
    to: str = msgspec.field(name="$ref")


class _Operation(msgspec.Struct):
    action: str
    channel: _Reference
    wamp: Extras = msgspec.field(name="x-wamp")
    title: str = ""
    summary: str = ""
    description: str = ""


class _Info(msgspec.Struct):
    title: str
    version: str
    description: str = ""


class _Place(msgspec.Struct):
    realm: str = "realm1"
    url: str | None = None


class _Server(msgspec.Struct):
    wamp: _Place = msgspec.field(name="x-wamp", default_factory=_Place)


class _Components(msgspec.Struct):
    schemas: dict[str, Schema] = {}


class _Document(msgspec.Struct):
    """What is read of a document."""

    asyncapi: str
    info: _Info
    operations: dict[str, _Operation] = {}
    channels: dict[str, _Channel] = {}
    servers: dict[str, _Server] = {}
    components: _Components = msgspec.field(default_factory=_Components)


def from_document(document: object) -> Api:
    """Return the description that a document holds.

    Args:
        document: the document, as JSON or YAML has it.

    Raises:
        UsageError: it is not one that wampapp has written; the message says why, without a full
            stop.
    """
    if not isinstance(document, dict) or not isinstance(document.get("asyncapi"), str):
        raise UsageError("it is not an AsyncAPI document")
    if not document["asyncapi"].startswith("3."):
        raise UsageError(f"it is of AsyncAPI {document['asyncapi']}, and version 3 is needed")
    try:
        read = msgspec.convert(document, _Document)
        operations = [_read(read, one) for one in read.operations.values()]
        check_schemas([*read.components.schemas.values(), *_schemas(operations)])
    except msgspec.ValidationError as error:
        raise UsageError(f"'wampapp docs' did not write it: {error}") from None
    except KeyError as error:
        raise UsageError(f"'wampapp docs' did not write it: it lacks {error}") from None
    except RecursionError:
        raise UsageError("'wampapp docs' did not write it: it is nested too deeply") from None
    place = read.servers["router"].wamp if "router" in read.servers else _Place()
    return Api(
        title=read.info.title,
        version=read.info.version,
        description=read.info.description,
        router=place.url,
        realm=place.realm,
        procedures=tuple(one for one in operations if isinstance(one, Procedure)),
        topics=tuple(one for one in operations if isinstance(one, Topic)),
        schemas=read.components.schemas,
    )


def _schemas(operations: list[Procedure | Topic]) -> Iterator[Schema]:
    for one in operations:
        yield from (variable.schema for variable in (*one.parameters, *one.captures))
        if isinstance(one, Procedure):
            yield one.result
            yield one.progress or {}


def _read(document: _Document, written: _Operation) -> Procedure | Topic:
    extras = written.wamp
    messages = document.channels[written.channel.to.removeprefix("#/channels/")].messages
    message = messages["call" if extras.kind == "procedure" else "event"]
    common: dict[str, Any] = {
        "name": written.title,
        "summary": written.summary,
        "description": written.description,
        **{word: getattr(extras, word) for word in OF_BOTH},
        "parameters": _parameters(msgspec.convert(message.payload, _Payload), extras),
        "examples": extras.examples or tuple(one.payload for one in message.examples),
    }
    if extras.kind == "topic":
        return Topic(**common, is_published=written.action == "send")
    result = messages["result"]
    return Procedure(
        **common,
        **{word: getattr(extras, word) for word in OF_PROCEDURES},
        result=result.payload,
        result_description=result.summary,
        progress=messages["progress"].payload if "progress" in messages else None,
    )


def _parameters(payload: _Payload, extras: Extras) -> tuple[Parameter, ...]:
    found = [
        Parameter(
            name=name,
            schema=schema,
            kind=extras.kinds.get(name, "any"),
            required=name in payload.required,
        )
        for name, schema in payload.properties.items()
    ]
    if extras.rest is not None:
        # In a signature, *rest stands before those that are only given by name.
        place = next((i for i, one in enumerate(found) if one.kind == "keyword"), len(found))
        name, schema = extras.rest.name, extras.rest.schema
        found.insert(place, Parameter(name=name, schema=schema, kind="rest", required=False))
    if extras.others is not None:
        more = payload.additionalProperties
        schema = more if isinstance(more, dict) else {}
        found.append(Parameter(name=extras.others, schema=schema, kind="others", required=False))
    return tuple(found)
