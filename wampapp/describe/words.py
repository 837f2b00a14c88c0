"""What people read of a description: types and signatures in short."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from wampapp.describe.api import REFERENCE, Procedure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wampapp.describe.api import Operation, Parameter, Schema, Topic, Variable

#: The limits of a value, in the order in which they are written.
_LIMITS: Final = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "minLength": "{} or more characters",
    "maxLength": "at most {} characters",
    "minItems": "{} or more items",
    "maxItems": "at most {} items",
    "minProperties": "{} or more entries",
    "maxProperties": "at most {} entries",
    "pattern": "matches {}",
}
#: What has no place in a text: it would do something to a terminal, or turn the text round.
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def type_text(schema: Schema) -> str:
    """Return a type as people write it: ``Order[]``, ``string or null``."""
    if isinstance(reference := schema.get("$ref"), str):
        return reference.removeprefix(REFERENCE)
    if len(arms := schema.get("allOf", ())) == 1:
        return type_text(arms[0])
    if "enum" in schema:
        return " or ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    if arms := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(map(type_text, arms)))
    kind = schema.get("type")
    if kind == "array":
        return _array_text(schema)
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"map of {type_text(values)}" if isinstance(values, dict) and values else "object"
    if kind == "string" and "contentEncoding" in schema:
        return "bytes"
    if kind == "string" and "format" in schema:
        return str(schema["format"])
    if isinstance(kind, list):
        return " or ".join(map(str, kind))
    return str(kind) if kind else "anything"


def _array_text(schema: Schema) -> str:
    items = schema.get("items")
    if isinstance(items, list):
        return f"[{', '.join(map(type_text, items))}]"
    if not items:
        return "list"
    text = type_text(items)
    return f"({text})[]" if " " in text else f"{text}[]"


class Row(NamedTuple):
    """A row of a table of arguments or fields.

    Attributes:
        name: the name.
        schema: what it may be.
        default: its default, as JSON; empty where it has none.
        absent: what stands in place of a default: ``optional``, or nothing.
        meaning: what it means, and its limits.
    """

    name: str
    schema: Schema
    default: str
    absent: str
    meaning: str


def variable_rows(variables: Iterable[Variable]) -> list[Row]:
    """Return the rows of arguments, or of the components of a URI."""
    return [_row(one.name, one.schema, getattr(one, "required", True)) for one in variables]


def field_rows(schema: Schema) -> list[Row]:
    """Return the rows of the fields of a type."""
    required = schema.get("required", ())
    fields = schema.get("properties", {})
    return [_row(name, part, name in required) for name, part in fields.items()]


def _row(name: str, schema: Schema, required: bool) -> Row:
    absent = "" if required else "optional"
    return Row(name, schema, default_text(schema), absent, meaning_text(schema))


def meaning_text(schema: Schema) -> str:
    """Return what a value means, and its limits; empty where there is nothing to say."""
    about = [str(schema.get("description", "")), _limits_text(schema)]
    return "; ".join(part for part in about if part)


def _limits_text(schema: Schema) -> str:
    if "contentEncoding" in schema or isinstance(schema.get("items"), list):
        return ""  # they are part of the type
    limits = [text.format(schema[word]) for word, text in _LIMITS.items() if word in schema]
    return ", ".join(limits)


def default_text(schema: Schema) -> str:
    """Return the default of an argument; empty where it has none, or none that JSON can carry."""
    return json.dumps(schema["default"], ensure_ascii=False) if "default" in schema else ""


def signature_text(operation: Operation) -> str:
    """Return how a procedure is called, or what an event has, in one line."""
    return f"{operation.name or operation.uri}{arguments_text(operation)}"


def arguments_text(operation: Operation) -> str:
    """Return the arguments of a procedure or an event, and what the result is."""
    text = f"({', '.join(_arguments(operation))})"
    if not isinstance(operation, Procedure) or not operation.is_described:
        return text
    if operation.progress is not None:
        return f"{text} → {type_text(operation.progress)}, one by one"
    if operation.result.get("type") == "null":
        return text
    return f"{text} → {type_text(operation.result)}"


def _arguments(operation: Operation) -> Iterator[str]:
    kinds = [one.kind for one in operation.parameters]
    for place, one in enumerate(operation.parameters):
        if one.kind == "keyword" and not {"keyword", "rest"} & set(kinds[:place]):
            yield "*"
        yield _argument(one)
        if one.kind == "positional" and kinds[place + 1 : place + 2] != ["positional"]:
            yield "/"


def _argument(parameter: Parameter) -> str:
    stars = {"rest": "*", "others": "**"}.get(parameter.kind, "")
    default = default_text(parameter.schema)
    default = f" = {default or '…'}" if not parameter.required and not stars else ""
    return f"{stars}{parameter.name}: {type_text(parameter.schema)}{default}"


def direction_text(topic: Topic) -> str:
    """Return what an app does with a topic, in one word."""
    return "published" if topic.is_published else "subscribed"


def notes(operation: Operation) -> list[str]:
    """Return what else there is to know of an operation, as sentences."""
    found: list[str] = []
    if operation.deprecated is not None:
        found.append(f"Deprecated. {operation.deprecated}".strip())
    if not operation.is_described:
        found.append("Only its URI is known.")
    if operation.match != "exact" and not operation.captures:
        found.append(f"Matched as a {operation.match}.")
    if isinstance(operation, Procedure):
        if operation.invoke != "single":
            found.append(f"Several sessions may offer it; calls go to them: {operation.invoke}.")
        if operation.concurrency is not None:
            many = (
                "One call runs"
                if operation.concurrency == 1
                else f"{operation.concurrency} calls run"
            )
            found.append(f"{many} at the same time.")
        if operation.timeout is not None:
            found.append(f"A call may take {operation.timeout:g} s.")
    return found


def clean(text: str) -> str:
    """Return a text without control characters; a question mark in a diamond stands for each."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


def example_text(example: dict[str, Any]) -> str:
    """Return an example as JSON."""
    return json.dumps(example, ensure_ascii=False, indent=2)
