"""A schema taken apart into arms, each of one type or of one value.

References are followed, and unions, enumerations and lists of types become arms of the same kind,
so that two schemas that say the same in different words look the same.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from wampapp.describe.api import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wampapp.describe.api import Schema

#: What a schema says that does not change which values fit.
ANNOTATIONS: Final = frozenset(
    {
        "$comment",
        "$defs",
        "$id",
        "$schema",
        "default",
        "definitions",
        "deprecated",
        "description",
        "discriminator",
        "example",
        "examples",
        "readOnly",
        "title",
        "writeOnly",
    }
)
#: What messages call the types.
TYPES: Final = {
    "array": "a list",
    "boolean": "a boolean",
    "bytes": "a byte string",
    "integer": "an integer",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "a string",
}
_UNIONS: Final = ("anyOf", "oneOf")


def arms_of(schema: Schema | bool, named: Mapping[str, Schema]) -> list[Schema]:
    """Take a schema apart.

    Args:
        schema: the schema.
        named: the schemas that references are to.

    Returns:
        The arms: a value fits the schema if it fits one of them. Each has at most one ``type``,
        ``bytes`` among them, and a ``const`` if it admits a single value. There is none if the
        schema admits nothing.
    """
    if isinstance(schema, bool):
        return [{}] if schema else []
    schema = settled(schema, named)
    for union in _UNIONS:
        if union in schema:
            around = {word: part for word, part in schema.items() if word != union}
            arms = [merged(around, settled(arm, named)) for arm in schema[union]]
            return _without_booleans([found for arm in arms for found in arms_of(arm, named)])
    if "enum" in schema or "const" in schema:
        values = schema["enum"] if "enum" in schema else [schema["const"]]
        return _without_booleans([exactly(value) for value in values])
    types = schema.get("type")
    if isinstance(types, list):
        return [found for one in types for found in arms_of({**schema, "type": one}, named)]
    if schema.get("contentEncoding") == "base64":
        return [{"type": "bytes"}]
    return [schema]


def settled(schema: Schema | bool, named: Mapping[str, Schema]) -> Schema:
    """Return a schema that starts neither with a reference nor with a single ``allOf``.

    Args:
        schema: the schema.
        named: the schemas that references are to.
    """
    if isinstance(schema, bool):
        return {} if schema else {"enum": []}
    followed: set[str] = set()
    while True:
        reference, parts = schema.get("$ref"), schema.get("allOf")
        if isinstance(reference, str):
            if reference in followed:
                return {}  # it stands for itself
            followed.add(reference)
            schema = named.get(reference.removeprefix(REFERENCE), {})
        elif isinstance(parts, list) and len(parts) == 1:
            around = {word: part for word, part in schema.items() if word != "allOf"}
            inner = settled(parts[0], named) if isinstance(parts[0], dict) else {}
            schema = merged(around, inner)
        else:
            return schema


def merged(around: Schema, inner: Schema) -> Schema:
    """Return the schema that admits what two schemas both do.

    What they limit in different ways is left as it was written, in two parts of an ``allOf``.

    Args:
        around: the outer one, whose title, default and the like count.
        inner: the inner one.
    """
    found = {**inner, **around}
    if "required" in inner and "required" in around:
        found["required"] = list(dict.fromkeys((*inner["required"], *around["required"])))
    both = sorted(
        word
        for word in around.keys() & inner.keys() - ANNOTATIONS - {"required"}
        if around[word] != inner[word]
    )
    if not both:
        return found
    rest = {word: part for word, part in found.items() if word not in both}
    return {**rest, "allOf": [{word: part[word] for word in both} for part in (around, inner)]}


def _without_booleans(arms: list[Schema]) -> list[Schema]:
    """Return the arms with a boolean in place of the two values that there are."""
    values = [arm["const"] for arm in arms if isinstance(arm.get("const"), bool)]
    if len(set(values)) < 2:
        return arms
    others = [arm for arm in arms if not isinstance(arm.get("const"), bool)]
    return [*others, {"type": "boolean"}]


def exactly(value: Any) -> Schema:
    """Return the schema that a single value fits, with all limits that this value keeps."""
    if value is None:
        return {"type": "null"}
    schema: Schema = {"type": type_of(value), "const": value}
    if isinstance(value, str):
        return {**schema, "minLength": len(value), "maxLength": len(value)}
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {**schema, "minimum": value, "maximum": value}
    if isinstance(value, list):
        sizes = {"minItems": len(value), "maxItems": len(value)}
        return {**schema, **sizes, "items": [exactly(item) for item in value]}
    if isinstance(value, dict):
        fields = {name: exactly(field) for name, field in value.items()}
        sizes = {"minProperties": len(value), "maxProperties": len(value)}
        return {
            **schema,
            **sizes,
            "properties": fields,
            "required": list(fields),
            "additionalProperties": False,
        }
    return schema


def type_of(value: Any) -> str:
    """Return the JSON type of a plain value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    kinds = {int: "integer", float: "number", str: "string", bytes: "bytes", list: "array"}
    return next((name for kind, name in kinds.items() if isinstance(value, kind)), "object")


def is_same(one: Any, other: Any) -> bool:
    """Return whether two plain values are the same in JSON, where True is not 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def in_words(parts: list[str], last: str = "or") -> str:
    """Join words: ``a, b or c``."""
    *first, end = parts
    return f"{', '.join(first)} {last} {end}" if first else end
