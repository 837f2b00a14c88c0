"""What jsonschema finds, in the words in which msgspec refuses a value."""

from __future__ import annotations

import datetime as dt
import math
import uuid
from typing import TYPE_CHECKING, Any, Final

from wampapp.describe.changes.arms import type_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from jsonschema import ValidationError

#: msgspec's names of JSON's types.
_TYPES: Final = {"integer": "int", "number": "float", "string": "str", "boolean": "bool"}
#: What is written in a format, what it is called, and what is said of what is not.
FORMATS: Final[dict[str, tuple[type, str, str]]] = {
    "date": (dt.date, "date", "invalid RFC3339 encoded date"),
    "date-time": (dt.datetime, "datetime", "invalid RFC3339 encoded datetime"),
    "duration": (dt.timedelta, "duration", "invalid ISO8601 duration"),
    "time": (dt.time, "time", "invalid RFC3339 encoded time"),
    "uuid": (uuid.UUID, "uuid", "invalid UUID"),
}
#: The order in which several types are listed.
_ORDER: Final = ("bool", "int", "float", "str", "bytes", *(name for _, name, _ in FORMATS.values()),
                 "object", "array", "null")  # fmt: skip
_UNIONS: Final = ("anyOf", "oneOf")


def refusal(error: ValidationError) -> str:
    """Return why a value is refused: ``expected int, got str``."""
    error = _nearest(error)
    if (expected := _expected(error)) is not None:
        found = f"expected {expected}, got {_name(type_of(error.instance))}"
    else:
        writer = _WRITERS.get(str(error.validator))
        found = error.message if writer is None else writer(error)
    return f"a key: {found}" if "propertyNames" in error.absolute_schema_path else found


def place_of(error: ValidationError) -> str:
    """Return where a value is refused, from the whole value on: ``.lines[0].sku``."""
    error = _nearest(error)
    words, steps = list(error.absolute_schema_path), iter(error.absolute_path)
    path = ""
    while words:
        word = words.pop(0)
        if word == "properties":
            path += f".{words.pop(0)}"
            next(steps)
        elif word in ("items", "additionalItems") and words:
            path += f"[{next(steps)}]"
            if isinstance(words[0], int):
                words.pop(0)
        elif word == "additionalProperties" and words:
            path += "[...]"
            next(steps)
        elif word in (*_UNIONS, "allOf") and words:
            words.pop(0)
    return path


def _nearest(error: ValidationError) -> ValidationError:
    """Return, of a union, what is wrong by the arm whose type the value has."""
    while error.validator in _UNIONS:
        firsts: dict[Any, ValidationError] = {}
        for one in error.context or ():
            firsts.setdefault(one.relative_schema_path[0], one)
        alike = [one for one in firsts.values() if one.relative_path or not _is_of_type(one)]
        if not alike:
            return error
        error = alike[0]
    return error


def _is_of_type(error: ValidationError) -> bool:
    return _expected(error) is not None


def _expected(error: ValidationError) -> str | None:
    """Return which types were asked for, if the value is of another one."""
    names = sorted(_types_asked(error), key=_ORDER.index)
    return " | ".join(names) or None


def _types_asked(error: ValidationError) -> set[str]:
    if error.validator == "type":
        schema: Any = error.schema
        if error.validator_value == "string" and schema.get("format") in FORMATS:
            return {FORMATS[schema["format"]][1]}
        asked = error.validator_value
        return {_name(kind) for kind in ([asked] if isinstance(asked, str) else asked)}
    if error.validator in ("enum", "const"):
        values = error.validator_value if error.validator == "enum" else [error.validator_value]
        types = {type_of(value) for value in values}
        return set() if type_of(error.instance) in types else {_name(kind) for kind in types}
    if error.validator in _UNIONS:
        return {
            name
            for one in error.context or ()
            if not one.relative_path
            for name in _types_asked(one)
        }
    return set()


def _name(kind: str) -> str:
    return _TYPES.get(kind, kind)


def _kind(error: ValidationError) -> str:
    schema: Any = error.schema
    return _name(str(schema.get("type") or type_of(error.instance)))


def _bound(sign: str) -> Callable[[ValidationError], str]:
    def write(error: ValidationError) -> str:
        kind, bound, beyond = _kind(error), error.validator_value, "="
        if "exclusive" in str(error.validator):
            beyond = "" if kind == "float" else "="
            if kind == "int":
                bound = math.floor(bound) + 1 if sign == ">" else math.ceil(bound) - 1
        return f"expected {kind} {sign}{beyond} {float(bound) if kind == 'float' else bound}"

    return write


def _length(sign: str) -> Callable[[ValidationError], str]:
    def write(error: ValidationError) -> str:
        schema: Any = error.schema
        if isinstance(schema.get("items"), list) and schema.get("minItems") == schema.get(
            "maxItems"
        ):
            return f"expected array of length {schema['minItems']}, got {len(error.instance)}"
        return f"expected {_kind(error)} of length {sign} {error.validator_value}"

    return write


def _unknown_field(error: ValidationError) -> str:
    schema: Any = error.schema
    name = next(name for name in error.instance if name not in schema.get("properties", {}))
    return f"object contains unknown field {name}"


def _missing_field(error: ValidationError) -> str:
    name = next(name for name in error.validator_value if name not in error.instance)
    return f"object missing required field {name}"


def _format(error: ValidationError) -> str:
    name = str(error.validator_value)
    return FORMATS[name][2] if name in FORMATS else f"invalid {name}"


_WRITERS: Final[dict[str, Callable[[ValidationError], str]]] = {
    "additionalProperties": _unknown_field,
    "const": lambda error: f"invalid enum value {error.instance!r}",
    "enum": lambda error: f"invalid enum value {error.instance!r}",
    "exclusiveMaximum": _bound("<"),
    "exclusiveMinimum": _bound(">"),
    "format": _format,
    "maxItems": _length("<="),
    "maxLength": _length("<="),
    "maxProperties": _length("<="),
    "maximum": _bound("<"),
    "minItems": _length(">="),
    "minLength": _length(">="),
    "minProperties": _length(">="),
    "minimum": _bound(">"),
    "multipleOf": lambda error: (
        f"expected {_kind(error)} that's a multiple of {error.validator_value}"
    ),
    "pattern": lambda error: f"expected str matching regex {error.validator_value!r}",
    "required": _missing_field,
}
