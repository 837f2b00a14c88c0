"""Several descriptions as one: of all the apps of a realm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from wampapp.describe.api import REFERENCE, Api

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wampapp.describe.api import AnyOperation, Procedure, Schema, Topic


def merge(
    apis: Iterable[Api],
    *,
    procedures: Iterable[Procedure] = (),
    topics: Iterable[Topic] = (),
    router: str | None = None,
    realm: str = "realm1",
) -> Api:
    """Return what the apps of a realm offer together.

    Args:
        apis: what each of them says; of what several offer, the first speaks.
        procedures: what else is registered, of which only the URI is known.
        topics: what else is subscribed to.
        router: the router's URL.
        realm: the realm's name.
    """
    found: list[Api] = []
    schemas: dict[str, Schema] = {}
    for api in apis:
        names = _names(api, schemas)
        schemas |= {names[name]: _renamed(schema, names) for name, schema in api.schemas.items()}
        found.append(msgspec.convert(_renamed(msgspec.to_builtins(api), names), Api))
    described = {one.title: one.description for one in found}
    is_one = len(described) == 1
    return Api(
        title=found[0].title if is_one else realm,
        version=", ".join(dict.fromkeys(one.version for one in found)) or "0",
        description=found[0].description if is_one else ", ".join(sorted(described)),
        router=router,
        realm=realm,
        procedures=_one_each([*(p for one in found for p in one.procedures), *procedures]),
        topics=_one_each([*(t for one in found for t in one.topics), *topics]),
        schemas=schemas,
    )


def _one_each(operations: list[AnyOperation]) -> tuple[AnyOperation, ...]:
    found: dict[Any, AnyOperation] = {}
    for one in operations:
        found.setdefault((one.match, one.uri, getattr(one, "is_published", None)), one)
    return tuple(found.values())


def _names(api: Api, taken: dict[str, Schema]) -> dict[str, str]:
    """Return what the types of an app are called among those of others."""
    names: dict[str, str] = {}
    for name, schema in api.schemas.items():
        new, number = name, 1
        while new in taken and taken[new] != schema:
            number += 1
            new = f"{name}_{number}"
        names[name] = new
    return names


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, list | tuple):
        return [_renamed(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    found = {key: _renamed(item, names) for key, item in value.items()}
    reference = found.get("$ref")
    if isinstance(reference, str) and reference.startswith(REFERENCE):
        name = reference.removeprefix(REFERENCE)
        found["$ref"] = REFERENCE + names.get(name, name)
    return found
