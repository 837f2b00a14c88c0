"""JSON Schemas of annotations: what a plain value must look like to become what they say.

msgspec writes schemas too, of draft 2020-12. AsyncAPI reads draft 7, and WAMP carries what JSON has
no type for: bytes, and numbers as keys. So these are made of msgspec's public account of a type.
"""

from __future__ import annotations

import functools
import json
import re
from collections import abc
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import inspect as types

from wampapp.describe.api import REFERENCE, Schema
from wampapp.describe.docstrings import read_docstring
from wampapp.registry.pydantic_types import (
    for_msgspec,
    holds_pydantic,
    is_checked_by_pydantic,
)
from wampapp.registry.shapes import short
from wampapp.registry.stand_ins import StandIn

if TYPE_CHECKING:
    import enum
    from collections.abc import Callable, Mapping

#: How WAMP's JSON carries bytes: a text that starts with NUL, then base64.
BYTES: Final[Schema] = {
    "type": "string",
    "contentEncoding": "base64",
    "pattern": "^\\u0000([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
}
_WHOLE_NUMBER: Final[Schema] = {"pattern": "^(0|-?[1-9][0-9]*)$"}
_DECIMAL: Final[Schema] = {
    "anyOf": [
        {"type": "number"},
        {"type": "string", "pattern": "^[-+]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([eE][-+]?[0-9]+)?$"},
    ]
}
#: What schemas call the limits of msgspec's account.
_LIMITS: Final = {
    "gt": "exclusiveMinimum",
    "ge": "minimum",
    "lt": "exclusiveMaximum",
    "le": "maximum",
    "multiple_of": "multipleOf",
}
_UNNAMEABLE: Final = re.compile(r"[^A-Za-z0-9_.-]+")
#: The class of a type that msgspec hands over, if a list is as good.
_LISTS: Final = frozenset({abc.Iterable, abc.Reversible, abc.Container})


class Schemas:
    """Makes schemas, and keeps those of the types that have a name.

    What a type of pydantic's is made of may look different from what is made of it.

    Args:
        given: whether they are of what an app gives, such as results, or else of what it takes.

    Attributes:
        named: the schemas of classes, by the names under which references find them.
    """

    def __init__(self, *, given: bool = False) -> None:
        self.named: dict[str, Schema] = {}
        self._given = given
        self._names: dict[Any, str] = {}
        self._known: dict[Any, Schema] = {}
        #: What is added to a name that the type has in the other direction.
        self._suffix = "_Output" if given else "_Input"
        #: What pydantic's types hold, by its own names.
        self._inner: set[str] = set()
        #: Those of the other direction.
        self._others: Schemas | None = None
        self._differing: dict[Any, bool] = {}

    def reversed(self) -> Schemas:
        """Return the schemas of the other direction, which share the names with these."""
        if self._others is None:
            self._others = Schemas(given=not self._given)
            self._others.named = self.named
            self._others._others = self
        return self._others

    def of(self, annotation: Any) -> Schema:
        """Return the schema of an annotation; an empty one, which admits all, where none is known.

        Args:
            annotation: the annotation, resolved.
        """
        try:
            known = self._known.get(annotation)
        except TypeError:  # what an annotation holds need not be hashable
            return self._made(annotation)
        if known is None:
            known = self._known[annotation] = self._made(annotation)
        return known

    def _made(self, annotation: Any) -> Schema:
        try:
            if for_msgspec(annotation) is not annotation:
                return self._of_pydantic(annotation)
            return self._of(types.type_info(annotation))
        except Exception:  # noqa: BLE001 - an annotation may hold anything, an alias of itself too
            return {}

    def _of(self, info: types.Type) -> Schema:
        writer = _WRITERS.get(type(info))
        return {} if writer is None else writer(self, info)

    def _metadata(self, info: types.Metadata) -> Schema:
        schema, said = self._of(info.type), info.extra_json_schema or {}
        more = {word: plain(value) for word, value in said.items()}
        more = {word: value for word, value in more.items() if value is not msgspec.UNSET}
        return {"allOf": [schema], **more} if "$ref" in schema else {**schema, **more}

    def _literal(self, info: types.LiteralType) -> Schema:
        return {"enum": list(info.values)}

    def _union(self, info: types.UnionType) -> Schema:
        tagged = [arm for arm in info.types if getattr(arm, "tag", None) is not None]
        if len(tagged) < 2:
            return {"anyOf": [self._of(arm) for arm in info.types]}
        # Only among others must the tag be there.
        return {
            "anyOf": [
                {"allOf": [self._of(arm)], "required": [arm.tag_field]}  # type: ignore[attr-defined]
                if arm in tagged and not arm.array_like  # type: ignore[attr-defined]
                else self._of(arm)
                for arm in info.types
            ]
        }

    def _array(self, info: Any) -> Schema:
        schema: Schema = {"type": "array"}
        if items := self._of(info.item_type):
            schema["items"] = items
        return schema | _sizes(info, "minItems", "maxItems")

    def _tuple(self, info: types.TupleType) -> Schema:
        items = [self._of(item) for item in info.item_types]
        return _row(items, len(items))

    def _dict(self, info: types.DictType) -> Schema:
        schema: Schema = {"type": "object"}
        if names := self._keys(info.key_type):
            schema["propertyNames"] = names
        if values := self._of(info.value_type):
            schema["additionalProperties"] = values
        return schema | _sizes(info, "minProperties", "maxProperties")

    def _keys(self, info: types.Type) -> Schema:
        """Return what the keys of a dictionary must be, which come as text whatever they are."""
        if isinstance(info, types.Metadata):
            return self._keys(info.type)
        if isinstance(info, types.IntType):
            return dict(_WHOLE_NUMBER)
        if isinstance(info, types.EnumType):
            return {"enum": [str(member.value) for member in info.cls]}
        schema = self._of(info)
        if "enum" in schema:
            return {"enum": [str(value) for value in schema["enum"]]}
        return {key: value for key, value in schema.items() if key != "type"}

    def _enum(self, info: types.EnumType) -> Schema:
        def make() -> Schema:
            kind: type[enum.Enum] = info.cls
            return {"title": kind.__name__, "enum": [member.value for member in kind]}

        return self._named(info.cls, make)

    def _object(self, info: Any) -> Schema:
        def make() -> Schema:
            doc = read_docstring(info.cls)
            schema: Schema = {"title": info.cls.__name__, "type": "object"}
            if doc.summary:
                schema["description"] = doc.summary
            tag = getattr(info, "tag", None)
            properties: dict[str, Schema] = {}
            required: list[str] = []
            if tag is not None:
                properties[info.tag_field] = {"enum": [tag]}
            for field in info.fields:
                about = doc.parameters.get(field.name, "")
                properties[field.encode_name] = described(self._field(field), about)
                if field.required:
                    required.append(field.encode_name)
            schema["properties"] = properties
            if required:
                schema["required"] = required
            if getattr(info, "forbid_unknown_fields", False):
                schema["additionalProperties"] = False
            return schema

        return self._named(info.cls, make)

    def _struct(self, info: types.StructType) -> Schema:
        return self._sequence(info) if info.array_like else self._object(info)

    def _sequence(self, info: Any) -> Schema:
        """Return the schema of a class whose instances are sent as lists."""

        def make() -> Schema:
            tag = getattr(info, "tag", None)
            items: list[Schema] = [] if tag is None else [{"enum": [tag]}]
            least = len(items) + sum(field.required for field in info.fields)
            items += [self._field(field) for field in info.fields]
            is_open = not getattr(info, "forbid_unknown_fields", True)
            return {"title": info.cls.__name__, **_row(items, least, is_open=is_open)}

        return self._named(info.cls, make)

    def _field(self, field: types.Field) -> Schema:
        try:
            schema = self._of(field.type)
        except Exception:  # noqa: BLE001 - one that has no schema must not spoil the others
            schema = {}
        return schema if field.default is msgspec.NODEFAULT else with_default(schema, field.default)

    def _custom(self, info: types.CustomType) -> Schema:
        kind = info.cls
        if is_checked_by_pydantic(kind):
            return self._of_pydantic(kind)
        if kind in _LISTS:
            return {"type": "array"}
        if isinstance(kind, StandIn):
            raise TypeError(kind)  # of an alias that holds itself
        return {}

    def _named(self, kind: Any, make: Callable[[], Schema]) -> Schema:
        """Return a reference to the schema of a class, which is made if there is none."""
        name = self._names.get(kind)
        if name is None:
            other = None if self._others is None else self._others._names.get(kind)
            if other is not None and not self._differs(kind):
                name = self._names[kind] = other
                return {"$ref": REFERENCE + name}
            name = self._names[kind] = self._free_name(
                short(kind) + ("" if other is None else self._suffix)
            )
            self.named[name] = {}  # a class may hold itself
            self.named[name] = make()
        return {"$ref": REFERENCE + name}

    def _differs(self, kind: Any) -> bool:
        """Return whether a type has another schema in the other direction."""
        if kind not in self._differing:
            self._differing[kind] = False
            if holds_pydantic(kind):
                ways = Schemas(given=False), Schemas(given=True)
                here, there = ((one.of(kind), one.named) for one in ways)
                self._differing[kind] = here != there
        return self._differing[kind]

    def _free_name(self, wanted: str, schema: Schema | None = None) -> str:
        """Return a name that is free, or has a schema already."""
        wanted = _UNNAMEABLE.sub("_", wanted).strip("_") or "Type"
        name, number = wanted, 1
        while name in self.named and (schema is None or self.named[name] != schema):
            number += 1
            name = f"{wanted}_{number}"
        return name

    def _of_pydantic(self, kind: Any) -> Schema:
        """Return the schema that pydantic makes."""
        if kind in self._names:
            return {"$ref": REFERENCE + self._names[kind]}
        from pydantic import TypeAdapter

        schema: Schema = TypeAdapter(kind).json_schema(
            ref_template=REFERENCE + "{model}",
            schema_generator=_generator(),
            mode="serialization" if self._given else "validation",
        )
        inner: dict[str, Schema] = schema.pop("$defs", {})
        renamed = self._renamed(inner)
        for name, definition in inner.items():
            self.named[renamed.get(name, name)] = _as_draft7(definition, renamed)
        schema = dict(_as_draft7(schema, renamed))
        if not is_checked_by_pydantic(kind) or "$ref" in schema:
            return schema
        name = short(kind)
        if self.named.get(name) == schema:  # it was in another one
            self._names[kind] = name
        return self._named(kind, lambda: schema)

    def _renamed(self, inner: dict[str, Schema]) -> dict[str, str]:
        """Return what pydantic's types are called here whose names others have already.

        Args:
            inner: pydantic's schemas of them.
        """
        known = self.named.keys() & inner.keys()
        differing = {name for name in known if self.named[name] != _as_draft7(inner[name], {})}
        # What refers to one of them differs too.
        texts = {name: json.dumps(inner[name]) for name in known}
        while more := {
            name
            for name in known - differing
            if any(f'"{REFERENCE}{other}"' in texts[name] for other in differing)
        }:
            differing |= more
        own = {name for name in self._inner if f"{name}{self._suffix}" not in self.named}
        wanted = {
            name: name if name in own else f"{name}{self._suffix}"
            for name in inner
            if name in differing
        }
        self._inner |= inner.keys()
        return {
            name: self._free_name(new, _as_draft7(inner[name], wanted))
            for name, new in wanted.items()
        }


def described(schema: Schema, description: str) -> Schema:
    """Return a schema with a description, unless it has one."""
    if not description or "description" in schema:
        return schema
    return _beside(schema, "description", description)


def with_default(schema: Schema, value: Any) -> Schema:
    """Return a schema with a default, if that is plain data."""
    value = plain(value)
    return schema if value is msgspec.UNSET else _beside(schema, "default", value)


def _beside(schema: Schema, word: str, value: Any) -> Schema:
    # What stands beside a reference does not count in draft 7.
    return {"allOf": [schema], word: value} if "$ref" in schema else {**schema, word: value}


def plain(value: Any) -> Any:
    """Return a value as JSON carries it; unset where it does not."""
    try:
        value = msgspec.to_builtins(value, builtin_types=(bytes, bytearray), str_keys=True)
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError, OverflowError):
        return msgspec.UNSET


def _row(items: list[Schema], least: int, *, is_open: bool = False) -> Schema:
    """Return the schema of a list each of whose places has a schema of its own."""
    schema: Schema = {"type": "array", "items": items, "minItems": least}
    return schema if is_open else {**schema, "maxItems": len(items)}


def _sizes(info: Any, least: str, most: str) -> Schema:
    sizes = {least: info.min_length, most: info.max_length}
    return {name: size for name, size in sizes.items() if size is not None}


def _number(kind: str) -> Callable[[Schemas, Any], Schema]:
    def write(_schemas: Schemas, info: Any) -> Schema:
        limits = {word: getattr(info, name) for name, word in _LIMITS.items()}
        return {"type": kind, **{word: at for word, at in limits.items() if at is not None}}

    return write


def _text(_schemas: Schemas, info: types.StrType) -> Schema:
    schema = {"type": "string", **_sizes(info, "minLength", "maxLength")}
    return schema if info.pattern is None else {**schema, "pattern": info.pattern}


def _always(schema: Schema) -> Callable[[Schemas, Any], Schema]:
    return lambda _schemas, _info: dict(schema)


_WRITERS: Final[Mapping[type[types.Type], Callable[[Schemas, Any], Schema]]] = {
    types.NoneType: _always({"type": "null"}),
    types.BoolType: _always({"type": "boolean"}),
    types.IntType: _number("integer"),
    types.FloatType: _number("number"),
    types.StrType: _text,
    types.BytesType: _always(BYTES),
    types.ByteArrayType: _always(BYTES),
    types.MemoryViewType: _always(BYTES),
    types.DateTimeType: _always({"type": "string", "format": "date-time"}),
    types.DateType: _always({"type": "string", "format": "date"}),
    types.TimeType: _always({"type": "string", "format": "time"}),
    types.TimeDeltaType: _always({"type": "string", "format": "duration"}),
    types.UUIDType: _always({"type": "string", "format": "uuid"}),
    types.DecimalType: _always(_DECIMAL),
    types.Metadata: Schemas._metadata,
    types.LiteralType: Schemas._literal,
    types.EnumType: Schemas._enum,
    types.UnionType: Schemas._union,
    types.ListType: Schemas._array,
    types.SetType: Schemas._array,
    types.FrozenSetType: Schemas._array,
    types.VarTupleType: Schemas._array,
    types.CollectionType: Schemas._array,
    types.TupleType: Schemas._tuple,
    types.DictType: Schemas._dict,
    types.TypedDictType: Schemas._object,
    types.DataclassType: Schemas._object,
    types.NamedTupleType: Schemas._sequence,
    types.StructType: Schemas._struct,
    types.CustomType: Schemas._custom,
}


@functools.cache
def _generator() -> type[Any]:
    """Return what makes pydantic's schemas; what has none becomes one that admits all."""
    from pydantic.json_schema import GenerateJsonSchema

    class Generator(GenerateJsonSchema):
        def emit_warning(self, *_: Any) -> None:
            """Say nothing: a default that JSON cannot carry is left out, as everywhere."""

        def handle_invalid_for_json_schema(self, *_: Any) -> dict[str, Any]:
            return {}

    return Generator


def _as_draft7(schema: Any, renamed: dict[str, str]) -> Any:
    """Return pydantic's schema in the words of draft 7.

    Args:
        schema: the schema, or a part of it.
        renamed: the names of types that are taken already, and what they are here.
    """
    if isinstance(schema, list):
        return [_as_draft7(part, renamed) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") in ("binary", "base64url"):
        return dict(BYTES)
    found = {key: _as_draft7(part, renamed) for key, part in schema.items()}
    if "prefixItems" in found:
        found["items"] = found.pop("prefixItems")
    reference = found.get("$ref")
    if isinstance(reference, str):
        name = reference.removeprefix(REFERENCE)
        found["$ref"] = REFERENCE + renamed.get(name, name)
        if len(found) > 1:
            found = {"allOf": [{"$ref": found.pop("$ref")}], **found}
    return found
