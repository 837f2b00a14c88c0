"""Schemas as annotations of Python, such that msgspec can convert to them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from wampapp.describe.api import REFERENCE
from wampapp.describe.clients.python_text import literal
from wampapp.describe.clients.unions import only_values, tags_of

if TYPE_CHECKING:
    from wampapp.describe.api import Api, Schema

#: What annotations are made of; nothing else in a module may have these names.
BUILT_IN: Final = ("bool", "bytes", "dict", "float", "int", "list", "str", "tuple")
IMPORTED: Final = ("Any", "Decimal", "Literal", "TypeAlias", "UUID", "dt", "msgspec")

#: What msgspec does not take in the name of a field.
_UNNAMEABLE: Final = re.compile(r'[\\"\x00-\x1f\ud800-\udfff]')
_FORMATS: Final = {
    "date-time": "dt.datetime",
    "date": "dt.date",
    "time": "dt.time",
    "duration": "dt.timedelta",
    "uuid": "UUID",
}
_PLAIN: Final = {
    "null": ("None", "null"),
    "boolean": ("bool", "bool"),
    "integer": ("int", "int"),
    "number": ("float", "float"),
}
_GROUPS: Final = {bool: "bool", int: "int", float: "float", str: "str", type(None): "null"}
#: What is left of several types that msgspec cannot tell apart.
_COMMON: Final = {
    "str": "str",
    "int": "int",
    "float": "float",
    "array": "list[Any]",
    "object": "dict[str, Any]",
}


@dataclass(frozen=True, slots=True)
class Arm:
    """A type, or one of several.

    Attributes:
        text: the annotation.
        groups: what the values look like on the wire.
        tag: the field by which a class is told from others; empty without one.
        values: the values, if they are listed.
    """

    text: str
    groups: frozenset[str]
    tag: str = ""
    values: tuple[Any, ...] = ()


_ANY: Final = Arm("Any", frozenset({"any"}))


def is_class(schema: Schema) -> bool:
    """Return whether a named schema becomes a class; any other becomes an alias."""
    fields = schema.get("properties")
    return (
        schema.get("type") == "object"
        and isinstance(fields, dict)
        and not any(_UNNAMEABLE.search(name) for name in fields)
    )


class PythonTypes:
    """Makes annotations.

    Args:
        api: has the named schemas.
        names: what these are called in the code.

    Attributes:
        tags: the tags of the named schemas that have one.
        aliases: the aliases that were needed, in an order in which each finds those it needs.
        names: the names of which annotations are made.
    """

    def __init__(self, api: Api, names: dict[str, str]) -> None:
        self.tags = tags_of(api)
        self.aliases: dict[str, str] = {}
        self.names = {*BUILT_IN, *IMPORTED, *names.values()}
        self._schemas = api.schemas
        self._names = names
        self._arms: dict[str, tuple[Arm, ...]] = {}

    def of(self, schema: Schema) -> str:
        """Return the annotation for a schema."""
        return _text(self._arms_of(schema))

    def default(self, schema: Schema) -> str | None:
        """Return the source of a schema's default; None if it has none that can be written."""
        if "default" not in schema:
            return None
        value = schema["default"]
        arms = self._arms_of(schema)
        if isinstance(value, list | dict):
            kind = "list" if isinstance(value, list) else "dict"
            return (
                f"{value}"
                if not value and any(a.text.startswith(f"{kind}[") for a in arms)
                else None
            )
        groups = {_GROUPS[type(value)], "any"} | ({"float"} if type(value) is int else set())
        for arm in arms:
            plain = arm.text in (*BUILT_IN, "None", "Any") and groups & arm.groups
            if plain or value in arm.values:
                return literal(value)
        return None

    def define(self, name: str) -> None:
        """Make the alias for a named schema that does not become a class."""
        self._named(name)

    def _named(self, name: str) -> tuple[Arm, ...]:
        if name not in self._schemas:
            return (_ANY,)
        if is_class(self._schemas[name]):
            tag = self.tags.get(name)
            return (Arm(self._names[name], frozenset({"object"}), tag.field if tag else ""),)
        if name not in self._arms:
            self._arms[name] = (_ANY,)  # an alias cannot hold itself
            arms = self._arms_of(self._schemas[name])
            self.aliases[self._names[name]] = _text(arms)
            groups = frozenset[str]().union(*(arm.groups for arm in arms))
            values = tuple(value for arm in arms for value in arm.values)
            self._arms[name] = (Arm(self._names[name], groups, values=values),)
        return self._arms[name]

    def _arms_of(self, schema: Schema) -> tuple[Arm, ...]:
        if isinstance(reference := schema.get("$ref"), str):
            return self._named(reference.removeprefix(REFERENCE))
        if whole := schema.get("allOf"):
            return self._arms_of(whole[0]) if len(whole) == 1 else (_ANY,)
        if values := only_values(schema):
            return _listed(values)
        if arms := schema.get("anyOf") or schema.get("oneOf"):
            if {"type": "number"} in arms and any("[eE]" in arm.get("pattern", "") for arm in arms):
                return (Arm("Decimal", frozenset({"str", "float"})),)
            return _union([one for arm in arms for one in self._arms_of(arm)])
        kind = schema.get("type")
        if isinstance(kind, list):
            return _union([o for one in kind for o in self._arms_of({**schema, "type": one})])
        if kind in _PLAIN:
            text, group = _PLAIN[kind]
            return (Arm(text, frozenset({group})),)
        if kind == "string":
            return (Arm(_string(schema), frozenset({"str"})),)
        if kind == "array":
            return (Arm(self._array(schema), frozenset({"array"})),)
        if kind == "object":
            return (Arm(self._dict(schema), frozenset({"object"})),)
        return (_ANY,)

    def _array(self, schema: Schema) -> str:
        items = schema.get("items")
        if isinstance(items, list):
            if schema.get("minItems") != len(items) or schema.get("maxItems") != len(items):
                return "list[Any]"  # places that may be missing
            return f"tuple[{', '.join(map(self.of, items)) or '()'}]"
        return f"list[{self.of(items) if isinstance(items, dict) else 'Any'}]"

    def _dict(self, schema: Schema) -> str:
        if "properties" in schema:
            return "dict[str, Any]"
        values = schema.get("additionalProperties")
        keys = schema.get("propertyNames")
        key = "str"
        if isinstance(keys, dict) and "enum" not in keys:
            is_number = "pattern" in keys and "[1-9]" in keys["pattern"]
            key = "int" if is_number else _string(keys)
        return f"dict[{key}, {self.of(values) if isinstance(values, dict) else 'Any'}]"


def _string(schema: Schema) -> str:
    if schema.get("contentEncoding") == "base64":
        return "bytes"
    return _FORMATS.get(str(schema.get("format")), "str")


def _listed(values: list[Any]) -> tuple[Arm, ...]:
    """Return the type of values that are listed; ``Literal`` takes only texts and whole numbers."""
    listed = [value for value in values if type(value) in (str, int)]
    arms = []
    if listed:
        groups = frozenset(_GROUPS[type(value)] for value in listed)
        text = f"Literal[{', '.join(map(literal, dict.fromkeys(listed)))}]"
        arms.append(Arm(text, groups, values=tuple(listed)))
    for value in values:
        if type(value) in (bool, float):
            arms.append(Arm(type(value).__name__, frozenset({_GROUPS[type(value)]})))
        elif value is None:
            arms.append(Arm("None", frozenset({"null"})))
        elif type(value) not in (str, int):
            return (_ANY,)
    return _union(arms)


def _union(arms: list[Arm]) -> tuple[Arm, ...]:
    """Return the arms of a union; those that msgspec cannot tell apart become one."""
    arms = list({arm.text: arm for arm in arms}.values())
    if any("any" in arm.groups for arm in arms):
        return (_ANY,)
    merged: list[Arm] = []
    for arm in arms:
        rivals = [one for one in arms if one.groups & arm.groups]
        if len(rivals) == 1 or _are_told_apart(rivals):
            merged.append(arm)
            continue
        if any(len(one.groups) > 1 or one.text == "bytes" for one in rivals):
            return (_ANY,)
        [group] = arm.groups
        common = Arm(_COMMON.get(group, "Any"), arm.groups)
        if common not in merged:
            merged.append(common)
    # As people write it.
    return tuple(sorted(merged, key=lambda arm: arm.text == "None"))


def _are_told_apart(rivals: list[Arm]) -> bool:
    return bool(rivals[0].tag) and len({arm.tag for arm in rivals}) == 1


def _text(arms: tuple[Arm, ...]) -> str:
    return " | ".join(arm.text for arm in arms)
