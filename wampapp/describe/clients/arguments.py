"""How generated code passes arguments on: what the languages have in common."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from wampapp.describe.api import Parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wampapp.describe.api import Kind, Operation, Procedure, Schema

#: In which order arguments stand, whatever a document says.
_ORDER: Final = ("uri", "capture", "path", "positional", "any", "rest", "keyword", "others")
_CAPTURE: Final = re.compile(r"<(?:path:)?(\w+)>")
#: What is known of an operation of which only the URI is known.
_ANYTHING: Final = (
    Parameter(name="args", schema={}, kind="rest", required=False),
    Parameter(name="kwargs", schema={}, kind="others", required=False),
)


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a generated function.

    Attributes:
        name: what it is called in the code.
        wire: what it is called in calls and events.
        schema: what it may be.
        kind: how it is given; ``capture`` and ``path`` for components of the URI, ``uri`` for all
            of it.
        required: whether it must be given.
        is_placed: whether it is sent by place; else it is sent by name.
    """

    name: str
    wire: str
    schema: Schema
    kind: Kind | Literal["uri", "capture", "path"]
    required: bool = True
    is_placed: bool = False

    @property
    def is_of_uri(self) -> bool:
        """Whether it is a part of the URI, and so is not sent."""
        return self.kind in ("uri", "capture", "path")


def arguments_of(operation: Operation, name: Callable[[str], str]) -> list[Argument]:
    """Return the arguments of the function that stands for an operation, in their order.

    Args:
        operation: a procedure or a topic.
        name: gives each argument its name in the code.
    """
    found = [*_of_uri(operation, name)]
    parameters = operation.parameters if operation.is_described else _ANYTHING
    has_rest = any(one.kind == "rest" for one in parameters)
    found += [
        Argument(
            name(one.name),
            one.name,
            one.schema,
            one.kind,
            one.required,
            one.kind == "positional" or (has_rest and one.kind == "any"),
        )
        for one in parameters
    ]
    return sorted(found, key=lambda one: _ORDER.index(one.kind))


def _of_uri(operation: Operation, name: Callable[[str], str]) -> Iterator[Argument]:
    for one in operation.captures:
        kind: Literal["path", "capture"] = "path" if one.rest else "capture"
        yield Argument(name(one.name), one.name, one.schema, kind)
    if not operation.captures and operation.match != "exact":
        about = f"the URI; {operation.uri} is a {operation.match}"
        yield Argument(name("uri"), "uri", {"type": "string", "description": about}, "uri")


def uri_parts(uri: str) -> list[str]:
    """Split a URI at its captures; every second part is the name of one."""
    return _CAPTURE.split(uri)


def came(procedure: Procedure) -> Schema:
    """Return what a procedure's result is; with progressive results, what each of them is."""
    item, result = procedure.progress, procedure.result
    if item is None:
        return result
    if result == {"type": "array", **({"items": item} if item else {})}:
        return item  # they are collected for those who do not want them one by one
    return {"anyOf": [item, result]}
