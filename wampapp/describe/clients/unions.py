"""By which field the classes of a union are told apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wampapp.describe.api import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wampapp.describe.api import Api, Schema


@dataclass(frozen=True, slots=True)
class Tag:
    """What tells a class from the others of a union.

    Attributes:
        field: the field on the wire.
        value: what it has in this class.
    """

    field: str
    value: str | int


def tags_of(api: Api) -> dict[str, Tag]:
    """Return the tags of the named schemas that have one, by their names."""
    found: dict[str, Tag] = {}
    for name, field in _tagged(list(_schemas(api))):
        properties = api.schemas.get(name, {}).get("properties", {})
        values = only_values(properties.get(field, {}))
        if len(values) == 1 and type(values[0]) in (str, int):
            found.setdefault(name, Tag(field, values[0]))
    return found


def only_values(schema: Schema) -> list[Any]:
    """Return the values that a schema admits, if it lists them; else none."""
    return [schema["const"]] if "const" in schema else list(schema.get("enum", ()))


def _schemas(api: Api) -> Iterator[Any]:
    yield api.schemas
    for operation in (*api.procedures, *api.topics):
        yield from (one.schema for one in operation.parameters)
    for procedure in api.procedures:
        yield procedure.result
        yield procedure.progress


def _tagged(schema: Any) -> Iterator[tuple[str, str]]:
    """Find the arms of unions that are told apart by a field: the name of each, and the field."""
    if isinstance(schema, list):
        for part in schema:
            yield from _tagged(part)
    if not isinstance(schema, dict):
        return
    by_pydantic = schema.get("discriminator")
    for arm in schema.get("oneOf") or schema.get("anyOf") or ():
        if isinstance(by_pydantic, dict) and "$ref" in arm:
            yield arm["$ref"].removeprefix(REFERENCE), str(by_pydantic.get("propertyName"))
        elif arm.keys() == {"allOf", "required"} and len(arm["required"]) == 1:
            yield arm["allOf"][0].get("$ref", "").removeprefix(REFERENCE), arm["required"][0]
    for part in schema.values():
        yield from _tagged(part)
