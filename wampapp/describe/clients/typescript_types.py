"""Schemas as types of TypeScript."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from wampapp.describe.api import REFERENCE
from wampapp.describe.clients.unions import only_values

if TYPE_CHECKING:
    from wampapp.describe.api import Api, Schema

_WORDS: Final = (
    "arguments await break case catch class const continue debugger default delete do else "
    "enum eval export extends false finally for function if implements import in instanceof "
    "interface let new null package private protected public return static super switch this "
    "throw true try typeof undefined var void while with yield "
    "JSON Number Object RangeError String"
)
#: What no value can be called: the words of the language.
WORDS: Final = frozenset(_WORDS.split())
_TYPES: Final = (
    "any as async bigint boolean declare infer is keyof module namespace never number object "
    "readonly require string symbol type unique unknown Array AsyncGenerator Promise Record "
    "Uint8Array Answer Client Withdraw"
)
#: What no type can be called.
TYPES: Final = frozenset(_TYPES.split())

_PLAIN: Final = {
    "null": "null",
    "boolean": "boolean",
    "integer": "number",
    "number": "number",
    "string": "string",
}
_NAME: Final = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)


def text_literal(value: Any) -> str:
    """Return the source of a plain value."""
    return json.dumps(value)


def property_name(name: str) -> str:
    """Return a property's name as it stands in the source."""
    if name == "__proto__":
        return '["__proto__"]'  # the bare word would set what an object inherits from
    return name if _NAME.fullmatch(name) else text_literal(name)


class TypeScriptTypes:
    """Makes types.

    Args:
        api: has the named schemas.
        names: what these are called in the code.
    """

    def __init__(self, api: Api, names: dict[str, str]) -> None:
        self._schemas = api.schemas
        self._names = names

    def of(self, schema: Schema) -> str:
        """Return the type for a schema."""
        return " | ".join(dict.fromkeys(self._arms(schema)))

    def _arms(self, schema: Schema) -> list[str]:
        if isinstance(reference := schema.get("$ref"), str):
            name = reference.removeprefix(REFERENCE)
            return [self._names[name]] if name in self._names else ["unknown"]
        if whole := schema.get("allOf"):
            return self._arms(whole[0]) if len(whole) == 1 else ["unknown"]
        if values := only_values(schema):
            return [_literal(value) for value in values]
        if arms := schema.get("anyOf") or schema.get("oneOf"):
            found = [text for arm in arms for text in self._arms(arm)]
            return ["unknown"] if "unknown" in found else found
        kind = schema.get("type")
        if isinstance(kind, list):
            return [text for one in kind for text in self._arms({**schema, "type": one})]
        if kind == "string" and schema.get("contentEncoding") == "base64":
            return ["Uint8Array"]
        if kind == "array":
            return [self._array(schema)]
        if kind == "object":
            more = None if "properties" in schema else schema.get("additionalProperties")
            inner = self.of(more) if isinstance(more, dict) else "unknown"
            return [f"Record<string, {inner}>"]
        return [_PLAIN.get(str(kind), "unknown")]

    def _array(self, schema: Schema) -> str:
        items = schema.get("items")
        if not isinstance(items, list):
            inner = self.of(items) if isinstance(items, dict) else "unknown"
            return f"({inner})[]" if " | " in inner else f"{inner}[]"
        least = schema.get("minItems", 0)
        places = []
        for at, kind in enumerate(map(self.of, items)):
            optional = f"({kind})?" if " | " in kind else f"{kind}?"
            places.append(kind if at < least else optional)
        if schema.get("maxItems") != len(items):
            places.append("...unknown[]")
        return f"[{', '.join(places)}]"

    def is_circular(self, name: str) -> bool:
        """Return whether a named schema is nothing but itself, or a union with itself."""
        seen: set[str] = set()
        waiting = [self._schemas[name]]
        while waiting:
            schema = waiting.pop()
            reference = str(schema.get("$ref", "")).removeprefix(REFERENCE)
            if reference == name:
                return True
            if reference in self._schemas and reference not in seen:
                seen.add(reference)
                waiting.append(self._schemas[reference])
            for word in ("allOf", "anyOf", "oneOf"):
                waiting += schema.get(word, ())
        return False


def _literal(value: Any) -> str:
    is_plain = isinstance(value, str | int | float | bool | type(None))
    return text_literal(value) if is_plain else "unknown"
