"""Descriptions as AsyncAPI 3.0 documents.

A procedure is an operation that receives calls and replies; a topic is one that receives events, or
sends them. What AsyncAPI has no words for stands under ``x-wamp``. See
https://www.asyncapi.com/docs/reference/specification/v3.0.0.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

import msgspec

from wampapp.config.url import parse_urls
from wampapp.describe.api import Capture, Failure, Kind, Procedure, Topic, Variable
from wampapp.protocol.patterns import Match  # noqa: TC001 - msgspec reads it at run time

if TYPE_CHECKING:
    from wampapp.describe.api import Api, Operation, Schema

#: The version of AsyncAPI.
VERSION: Final = "3.0.0"
#: What the extras of an operation have of it in the same words.
OF_BOTH: Final = ("uri", "match", "captures", "deprecated", "is_described")
OF_PROCEDURES: Final = ("errors", "invoke", "concurrency", "timeout")
_DEFAULT_HOST: Final = "127.0.0.1:8080"
_UNUSABLE: Final = re.compile(r"[^A-Za-z0-9_.-]+")
_CAPTURE: Final = re.compile(r"<(?:path:)?(\w+)>")


class Extras(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What there is to say of WAMP, under ``x-wamp``.

    What is not listed here is as in :class:`Procedure`.

    Attributes:
        kind: ``"procedure"`` or ``"topic"``.
        kinds: how the arguments are given that are not given as one likes, by their names.
        rest: the parameter that stands for any number of further positional arguments.
        others: the name of the one that stands for further named arguments.
        examples: those that name components of the URI too.
    """

    kind: Literal["procedure", "topic"]
    uri: str
    match: Match = "exact"
    kinds: dict[str, Kind] = {}
    rest: Variable | None = None
    others: str | None = None
    captures: tuple[Capture, ...] = ()
    examples: tuple[dict[str, Any], ...] = ()
    errors: tuple[Failure, ...] = ()
    invoke: str = "single"
    concurrency: int | None = None
    timeout: float | None = None
    deprecated: str | None = None
    is_described: bool = True


def to_document(api: Api) -> dict[str, Any]:
    """Return a description as an AsyncAPI document, which JSON and YAML can carry."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for operation in (*api.procedures, *api.topics):
        key = _free_key(operation, operations)
        channels[key], operations[key] = _written(operation, f"#/channels/{key}")
    info = {"title": api.title, "version": api.version}
    if api.description:
        info["description"] = api.description
    return {
        "asyncapi": VERSION,
        "info": info,
        "defaultContentType": "application/json",
        "servers": {"router": _server(api)},
        "channels": channels,
        "operations": operations,
        "components": {"schemas": api.schemas},
    }


def _free_key(operation: Operation, taken: dict[str, Any]) -> str:
    key = _UNUSABLE.sub("_", operation.uri).strip("_") or "everything"
    if isinstance(operation, Topic):
        key = f"{key}.{'published' if operation.is_published else 'subscribed'}"
    found, number = key, 1
    while found in taken:
        number += 1
        found = f"{key}_{number}"
    return found


def _server(api: Api) -> dict[str, Any]:
    url = urlsplit(parse_urls(api.router)[0].url if api.router else "")
    server: dict[str, Any] = {"host": url.netloc or _DEFAULT_HOST}
    if url.path:
        server["pathname"] = url.path
    place = {"realm": api.realm} | ({} if api.router is None else {"url": api.router})
    return {**server, "protocol": "wamp", "x-wamp": place}


def _written(operation: Operation, there: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the channel and the operation that stand for a procedure or a topic."""
    channel: dict[str, Any] = {"address": _CAPTURE.sub(r"{\1}", operation.uri)}
    if operation.captures:
        channel["parameters"] = {
            one.name: {"description": one.description} if one.description else {}
            for one in operation.captures
        }
    name = "call" if isinstance(operation, Procedure) else "event"
    messages = {name: _message(operation, name)}
    is_sent = isinstance(operation, Topic) and operation.is_published
    written: dict[str, Any] = {
        "action": "send" if is_sent else "receive",
        "channel": {"$ref": there},
        "messages": [{"$ref": f"{there}/messages/{name}"}],
    }
    texts = {
        "title": operation.name,
        "summary": operation.summary,
        "description": operation.description,
    }
    written |= {word: text for word, text in texts.items() if text}
    if isinstance(operation, Procedure):
        answers = _answers(operation)
        references = [{"$ref": f"{there}/messages/{one}"} for one in answers]
        written["reply"] = {"channel": {"$ref": there}, "messages": references}
        messages |= answers
    written["x-wamp"] = msgspec.to_builtins(_extras(operation))
    return {**channel, "messages": messages}, written


def _message(operation: Operation, name: str) -> dict[str, Any]:
    named = [one for one in operation.parameters if one.kind not in ("rest", "others")]
    others = [one.schema for one in operation.parameters if one.kind == "others"]
    payload: Schema = {"type": "object", "properties": {one.name: one.schema for one in named}}
    if required := [one.name for one in named if one.required]:
        payload["required"] = required
    payload["additionalProperties"] = others[0] if others else not operation.is_described
    if operation.deprecated is not None:
        payload["deprecated"] = True
    message: dict[str, Any] = {"name": name, "payload": payload}
    if operation.examples:
        captured = {one.name for one in operation.captures}
        message["examples"] = [
            {"payload": {word: value for word, value in one.items() if word not in captured}}
            for one in operation.examples
        ]
    return message


def _answers(procedure: Procedure) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    if procedure.progress is not None:
        answers["progress"] = {"name": "progress", "payload": procedure.progress}
    answers["result"] = {"name": "result", "payload": procedure.result}
    if procedure.result_description:
        answers["result"]["summary"] = procedure.result_description
    return answers


def _extras(operation: Operation) -> Extras:
    parameters = operation.parameters
    rest = [one for one in parameters if one.kind == "rest"]
    others = [one.name for one in parameters if one.kind == "others"]
    same = OF_BOTH + (OF_PROCEDURES if isinstance(operation, Procedure) else ())
    return Extras(
        kind="procedure" if isinstance(operation, Procedure) else "topic",
        kinds={one.name: one.kind for one in parameters if one.kind in ("positional", "keyword")},
        rest=Variable(name=rest[0].name, schema=rest[0].schema) if rest else None,
        others=others[0] if others else None,
        examples=operation.examples if operation.captures else (),
        **{word: getattr(operation, word) for word in same},
    )
