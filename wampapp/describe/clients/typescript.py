"""Clients in TypeScript: an interface for each type, and a class that calls by ``wampapp.js``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wampapp.describe.clients.names import Names, camel, pascal
from wampapp.describe.clients.typescript_methods import HELPERS, ClientWriter
from wampapp.describe.clients.typescript_text import braced, comment
from wampapp.describe.clients.typescript_types import (
    TYPES,
    WORDS,
    TypeScriptTypes,
    property_name,
    text_literal,
)

if TYPE_CHECKING:
    from wampapp.describe.api import Api, Schema

_HEADER: Final = (
    "// Made by 'wampapp generate typescript' from a description; do not edit it, make it again.\n"
)


def typescript_client(api: Api) -> str:
    """Return the source of a module with a client of an app.

    The same description gives the same text.

    Args:
        api: what the app offers.
    """
    names = Names(WORDS, TYPES, HELPERS, {"errors"})
    client = names.free(f"{pascal(api.title, 'Wamp')}Client")
    types_of = {name: names.free(pascal(name, "Type")) for name in api.schemas}
    types = TypeScriptTypes(api, types_of)
    declared = [_declaration(types_of[name], name, api.schemas[name], types) for name in types_of]
    body = ClientWriter(api, types).write(client)
    used = ["Answer"] if any(one.progress is None for one in api.procedures) else []
    used += ["Client", *(["Withdraw"] if any(one.is_published for one in api.topics) else [])]
    parts = [
        f'{_HEADER}\nimport type {{ {", ".join(used)} }} from "wampapp";\n',
        *declared,
        _errors(api),
        f"{comment(f'{api.title} {api.version}.', api.description)}{body}",
        *(text for name, text in HELPERS.items() if f"{name}(" in body),
    ]
    return "\n".join(part for part in parts if part)


def _declaration(name: str, key: str, schema: Schema, types: TypeScriptTypes) -> str:
    """Return the type for a named schema."""
    about = comment(str(schema.get("description", "")))
    properties = schema.get("properties")
    if schema.get("type") != "object" or not isinstance(properties, dict):
        kind = "unknown" if types.is_circular(key) else types.of(schema)
        return f"{about}export type {name} = {kind};\n"
    required = schema.get("required", ())
    fields = [
        f"{comment(str(field.get('description', '')))}"
        f"{property_name(wire)}{'' if wire in required else '?'}: {types.of(field)};\n"
        for wire, field in properties.items()
    ]
    return f"{about}{braced(f'export interface {name}', *fields)}"


def _errors(api: Api) -> str:
    """Return the URIs of the errors with which the procedures answer."""
    found: dict[str, str] = {}
    for procedure in api.procedures:
        for one in procedure.errors:
            found[one.uri] = found.get(one.uri) or one.description
    if not found:
        return ""
    names = Names({"__proto__"})
    lines = [
        f"{comment(said)}{names.free(camel(uri.rpartition('.')[2], 'failure'))}: "
        f"{text_literal(uri)},\n"
        for uri, said in found.items()
    ]
    about = comment("The URIs of the errors with which procedures answer.")
    return about + braced("export const errors =", *lines, tail=" as const;")
