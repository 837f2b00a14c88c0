"""The shape that a schema must have to be read: a stranger's document may hold anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wampapp.describe.api import Schema


class _Shape(msgspec.Struct):
    """The keywords that are looked at; whatever else a schema has is left alone."""

    ref: str = msgspec.field(name="$ref", default="")
    type: str | list[str] = ""
    enum: list[Any] = []
    allOf: list[_Shape] = []  # noqa: N815 - the words are JSON Schema's
    anyOf: list[_Shape] = []  # noqa: N815
    oneOf: list[_Shape] = []  # noqa: N815
    items: _Shape | list[_Shape] | bool = True
    properties: dict[str, _Shape] = {}
    required: list[str] = []
    additionalProperties: _Shape | bool = True  # noqa: N815
    propertyNames: _Shape | bool = True  # noqa: N815
    title: str = ""
    description: str = ""
    format: str = ""
    pattern: str = ""
    contentEncoding: str = ""  # noqa: N815
    minimum: float | None = None
    maximum: float | None = None
    exclusiveMinimum: float | None = None  # noqa: N815
    exclusiveMaximum: float | None = None  # noqa: N815
    multipleOf: float | None = None  # noqa: N815
    minLength: int | None = None  # noqa: N815
    maxLength: int | None = None  # noqa: N815
    minItems: int | None = None  # noqa: N815
    maxItems: int | None = None  # noqa: N815
    minProperties: int | None = None  # noqa: N815
    maxProperties: int | None = None  # noqa: N815


def check_schemas(schemas: Iterable[Schema]) -> None:
    """Check that schemas can be read.

    Raises:
        msgspec.ValidationError: one cannot.
    """
    msgspec.convert(list(schemas), list[_Shape])
