"""Values made of schemas: the smallest that fits, or what the schema itself offers."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

import msgspec

from wampapp.describe.changes.arms import merged, settled
from wampapp.describe.stubs.texts import FORMATS, matching

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from wampapp.describe.api import Schema

#: What a schema without a type has for a value of a type.
_TELLING: Final = {
    "object": ("properties", "required", "additionalProperties", "minProperties"),
    "array": ("items", "minItems"),
    "string": ("pattern", "minLength", "format"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}


class NoSample(Exception):
    """No value is known that fits; the message says where and why, without a full stop."""


class Sampler:
    """Makes values that fit schemas, always the same ones.

    Args:
        named: the schemas that references are to.
        fits: whether a value fits a schema.
    """

    def __init__(
        self, named: Mapping[str, Schema], fits: Callable[[Any, Schema | bool], bool]
    ) -> None:
        self._named = named
        self._fits = fits
        self._under_way: set[str] = set()

    def sample(self, schema: Schema | bool, what: str = "result") -> Any:
        """Make a value.

        It is the schema's first example or its default, if that fits; else null, if that does; else
        the smallest. An object has the fields that are required, and those with a default or an
        example, which whoever makes it in earnest fills too.

        Args:
            schema: the schema.
            what: what the value is, for the message of the error.

        Raises:
            NoSample: none is known that fits.
        """
        value = self._of(schema, what)
        if not self._fits(value, schema):
            raise NoSample(f"{what} has limits that no short value keeps")
        return value

    def _of(self, schema: Schema | bool, path: str) -> Any:
        if schema is False:
            raise NoSample(f"{path} admits no value")
        key = json.dumps(schema, sort_keys=True, default=str)
        if key in self._under_way:
            raise NoSample(f"{path} holds itself")
        self._under_way.add(key)
        try:
            return self._made({} if schema is True else settled(schema, self._named), path)
        finally:
            self._under_way.discard(key)

    def _made(self, schema: Schema, path: str) -> Any:
        for value in _offered(schema):
            if self._fits(value, schema):
                return value
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._first([{"const": value} for value in schema["enum"]], path)
        for union in ("anyOf", "oneOf"):
            if union in schema:
                around = {word: part for word, part in schema.items() if word != union}
                return self._first(
                    [merged(around, settled(arm, self._named)) for arm in schema[union]], path
                )
        types = schema.get("type")
        if isinstance(types, list):
            return self._first([{**schema, "type": one} for one in types], path)
        return self._of_type(schema, path)

    def _first(self, arms: list[Schema], path: str) -> Any:
        """Return the first value that can be made; null comes before all others."""
        if self._fits(None, {"anyOf": arms}):
            return None
        reason = NoSample(f"{path} admits no value")
        for arm in arms:
            try:
                return self._of(arm, path)
            except NoSample as error:
                reason = error
        raise reason

    def _of_type(self, schema: Schema, path: str) -> Any:
        kind = schema.get("type") or _told(schema)
        if kind == "object":
            return self._object(schema, path)
        if kind == "array":
            return self._array(schema, path)
        if kind in ("integer", "number"):
            return _number(schema, path, whole=kind == "integer")
        if kind == "string":
            return _text(schema, path)
        return False if kind == "boolean" else None

    def _object(self, schema: Schema, path: str) -> dict[str, Any]:
        fields, more = schema.get("properties", {}), schema.get("additionalProperties", True)
        required = schema.get("required", ())
        made: dict[str, Any] = {}
        for name in dict.fromkeys((*fields, *required)):
            field = fields.get(name, more)
            if name in required:
                made[name] = self._of(field, f"{path}.{name}")
                continue
            offer = next(_offered(settled(field, self._named)), msgspec.UNSET)
            if offer is not msgspec.UNSET and self._fits(offer, field):
                made[name] = offer
        lacking = schema.get("minProperties", 0) - len(made)
        for number in range(lacking):
            names = {"type": "string", "minLength": number + 1, **schema.get("propertyNames", {})}
            made[str(self._of(names, path))] = self._of(more, f"{path}.*")
        return made

    def _array(self, schema: Schema, path: str) -> list[Any]:
        items = schema.get("items", True)
        made = []
        for place in range(schema.get("minItems", 0)):
            item = items
            if isinstance(items, list):
                rest = schema.get("additionalItems", True)
                item = items[place] if place < len(items) else rest
            made.append(self._of(item, f"{path}[{place}]"))
        return made


def _offered(schema: Schema) -> Iterator[Any]:
    """Yield the examples of a schema, and its default."""
    examples = schema.get("examples")
    if isinstance(examples, list):
        yield from examples
    if "example" in schema:
        yield schema["example"]
    if "default" in schema:
        yield schema["default"]


def _told(schema: Schema) -> str | None:
    return next(
        (kind for kind, words in _TELLING.items() if any(word in schema for word in words)), None
    )


def _number(schema: Schema, path: str, *, whole: bool) -> int | float:
    """Return the number nearest to 0 that keeps the limits."""
    least = max(schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf))
    most = min(schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf))
    step = schema.get("multipleOf", 1 if whole else 0)
    found = min(max(0, least), most)
    if step:
        found = math.ceil(found / step) * step if found > 0 else math.floor(found / step) * step
    if found in (schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")):
        away = 1 if found == schema.get("exclusiveMinimum") else -1
        room = most - least
        found += away * (step or (1 if room > 1 else room / 2))
    if not least <= found <= most:
        raise NoSample(f"{path} has limits that no number keeps")
    return int(found) if whole else float(found)


def _text(schema: Schema, path: str) -> Any:
    """Return a short text that keeps the limits; bytes where it stands for them."""
    if schema.get("contentEncoding") == "base64":
        return b""
    least, pattern = schema.get("minLength", 0), schema.get("pattern")
    if pattern is not None:
        text = matching(pattern, least)
        if text is None:
            raise NoSample(f"{path} must match {pattern!r}, for which no text is known")
        return text
    text = FORMATS.get(schema.get("format", ""), "")
    return text + "a" * (least - len(text))
