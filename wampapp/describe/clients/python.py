"""Clients in Python: a module with a class for each type, and one class whose methods call."""

from __future__ import annotations

import ast
import builtins
import keyword
from typing import TYPE_CHECKING, Any, Final

from wampapp.describe.clients.names import Names, identifier, pascal
from wampapp.describe.clients.python_helpers import HELPERS, IMPORTS
from wampapp.describe.clients.python_methods import ClientWriter
from wampapp.describe.clients.python_text import block, docstring, literal, sections
from wampapp.describe.clients.python_types import PythonTypes, is_class
from wampapp.errors import WampError, error_from_wire

if TYPE_CHECKING:
    from wampapp.describe.api import Api

_HEADER: Final = (
    "# Made by 'wampapp generate python' from a description; do not edit it, make it again.\n"
)


def python_client(api: Api, *, blocking: bool = False) -> str:
    """Return the source of a module with a client of an app.

    The same description gives the same text.

    Args:
        api: what the app offers.
        blocking: whether its methods wait for results, over a blocking client; else they are
            awaited, over an app.
    """
    reserved = {*keyword.kwlist, *dir(builtins), *(name for _, name in IMPORTS)}
    names = Names(reserved)
    client = names.free(f"{pascal(api.title, 'Wamp')}Client")
    classes = {name: names.free(pascal(name, "Type")) for name in api.schemas}
    errors = _error_names(api, names)
    types = PythonTypes(api, classes)
    structs = [_struct(name, api, types, classes[name]) for name in api.schemas if name in classes]
    structs = [text for text in structs if text]
    own_names = {client, *classes.values(), *errors.values()}
    body = ClientWriter(api, types, errors, own_names, blocking=blocking).write(client)
    if aliases := "".join(f"{name}: TypeAlias = {text}\n" for name, text in types.aliases.items()):
        structs.append(aliases)
    own = [(uri, name) for uri, name in errors.items() if not is_known(uri)]
    parts = [*structs, *(_error(uri, name, api) for uri, name in own), body]
    if own:
        table = "".join(f"    {literal(uri)}: {name},\n" for uri, name in own)
        parts.append(f"_ERRORS: dict[str, type[WampError]] = {{\n{table}}}\n")
    parts += [text for name, text in HELPERS.items() if f"{name}(" in body]
    text = "\n\n".join(parts)
    about = docstring(f"{api.title} {api.version}.\n\n{api.description}")
    return f"{_HEADER}{about}\n{_imports(text)}\n\n{text}"


def is_known(uri: str) -> bool:
    """Return whether callers get a class of wampapp's for an error."""
    return type(error_from_wire(uri, [], {})) is not WampError


def _error_names(api: Api, names: Names) -> dict[str, str]:
    """Return what the classes of the errors are called, by URI."""
    found: dict[str, str] = {}
    for procedure in api.procedures:
        for one in procedure.errors:
            if one.uri in found:
                continue
            if is_known(one.uri):
                found[one.uri] = type(error_from_wire(one.uri, [], {})).__name__
            else:
                found[one.uri] = names.free(pascal(one.uri.rpartition(".")[2], "Failure"))
    return found


def _error(uri: str, name: str, api: Api) -> str:
    failures = [one for procedure in api.procedures for one in procedure.errors if one.uri == uri]
    about = next((one.description for one in failures if one.description), "") or uri
    init = block(
        "def __init__(self, /, *args: Any, **kwargs: Any) -> None:",
        f"super().__init__({literal(uri)}, *args, **kwargs)\n",
    )
    return block(f"class {name}(WampError):", docstring(about), "\n", init)


def _struct(name: str, api: Api, types: PythonTypes, wanted: str) -> str:
    """Return the class for a named schema; empty for one that becomes an alias."""
    schema = api.schemas[name]
    if not is_class(schema):
        types.define(name)
        return ""
    tag = types.tags.get(name)
    properties: dict[str, Any] = schema["properties"]
    own = {wire: field for wire, field in properties.items() if not tag or wire != tag.field}
    # A name that an annotation uses would mean the field, inside of the class.
    fields = Names(keyword.kwlist, types.names)
    named = {wire: fields.free(identifier(wire, "field")) for wire in own}
    lines = [
        _field(named[wire], wire, field, types, wire in schema.get("required", ()))
        for wire, field in own.items()
    ]
    about = [(named[wire], str(field.get("description", ""))) for wire, field in own.items()]
    text = docstring(sections(str(schema.get("description", "")), {"Attributes": about}))
    options = f", tag_field={literal(tag.field)}, tag={literal(tag.value)}" if tag else ""
    text += "\n" if text and lines else ""
    return block(
        f"class {wanted}(msgspec.Struct, kw_only=True{options}):",
        text,
        "".join(lines) or ("" if text else "pass\n"),
    )


def _field(name: str, wire: str, schema: dict[str, Any], types: PythonTypes, required: bool) -> str:
    kind = types.of(schema)
    default = None if required else types.default(schema)
    if not required and default is None:
        kind, default = f"{kind} | msgspec.UnsetType", "msgspec.UNSET"
    if name == wire:
        return f"{name}: {kind}{'' if default is None else f' = {default}'}\n"
    word = "default_factory" if default in ("[]", "{}") else "default"
    default = {"[]": "list", "{}": "dict"}.get(str(default), default)
    more = "" if default is None else f", {word}={default}"
    return f"{name}: {kind} = msgspec.field(name={literal(wire)}{more})\n"


def _imports(text: str) -> str:
    """Return the statements that import what a module uses."""
    used = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    found: dict[str, list[str]] = {}
    for module, name in IMPORTS:
        if name in used:
            found.setdefault(module, []).append(name)
    lines = ["from __future__ import annotations\n"]
    ours = ("msgspec", "wampapp")
    for is_ours in (False, True):
        group = {m: n for m, n in found.items() if m.startswith(ours) is is_ours}
        lines += ["\n"] if group else []
        lines += sorted((_import(m, n) for m, n in group.items()), key=lambda x: x[0] == "f")
    return "".join(lines)


def _import(module: str, names: list[str]) -> str:
    if names == [module]:
        return f"import {module}\n"
    if names == ["dt"]:
        return "import datetime as dt\n"
    return f"from {module} import {', '.join(sorted(names))}\n"
