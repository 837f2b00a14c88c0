"""Whether values fit schemas, and if not, why: in the words in which a handler refuses them.

jsonschema checks. Behind a handler it is msgspec that does, and whose words these are.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from wampapp.describe.stubs.refusals import FORMATS, place_of, refusal
from wampapp.errors import UsageError
from wampapp.registry.extras import check_extra

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wampapp.describe.api import Schema

_LAX: Final[dict[str, Any]] = {"integer": int, "number": float, "boolean": bool, "null": None}


class Fault(NamedTuple):
    """Why a value does not fit.

    Attributes:
        path: where, from the value on: ``.lines[0].sku``; empty for the value itself.
        text: why: ``expected int, got str``.
    """

    path: str
    text: str


class Fitting:
    """Checks values.

    Args:
        named: the schemas that references are to.
        what: what needs it, for the message of the error.

    Raises:
        UsageError: jsonschema is not installed, or one of the schemas is not a schema.
    """

    def __init__(self, named: Mapping[str, Schema], what: str) -> None:
        check_extra(what, "jsonschema", extra="docs")
        for schema in named.values():
            check_schema(schema)
        self._components = {"schemas": _with_bytes(dict(named))}

    def fits(self, value: Any, schema: Schema | bool) -> bool:
        """Return whether a value fits a schema."""
        return self.fault(value, schema) is None

    def fault(self, value: Any, schema: Schema | bool) -> Fault | None:
        """Find out why a value does not fit; None if it does.

        Args:
            value: a plain value, which may hold bytes.
            schema: the schema.

        Raises:
            UsageError: the schema has a reference to nothing.
        """
        if not schema and schema is not False:
            return None
        from referencing.exceptions import Unresolvable

        # References are to be found from the root.
        whole = {"allOf": [_with_bytes(schema)], "components": self._components}
        try:
            error = next(_checker()(whole, format_checker=_Formats()).iter_errors(value), None)
        except Unresolvable as reason:
            place = f"#{reason.ref}" if reason.ref.startswith("/") else reason.ref
            raise UsageError(f"A schema refers to {place!r}, which is not there.") from None
        return None if error is None else Fault(place_of(error), refusal(error))

    def fault_of_text(self, text: str, schema: Schema) -> Fault | None:
        """Find out why a component of a URI does not fit, where ``7`` may be a number."""
        try:
            value = msgspec.convert(text, _LAX[schema["type"]], strict=False)
        except (KeyError, TypeError, msgspec.ValidationError):
            value = text
        return self.fault(value, schema)


def check_schema(schema: Schema) -> None:
    """Check that something is a schema.

    Raises:
        UsageError: it is not.
    """
    from jsonschema import Draft7Validator, SchemaError

    try:
        Draft7Validator.check_schema(schema)
    except SchemaError as error:
        raise UsageError(f"{schema!r} is not a schema: {error.message}.") from None


class _Formats:
    """Checks what is written in a format, as msgspec does."""

    def check(self, value: Any, name: str) -> None:
        """Check a value; a format that is not known is taken as it is."""
        from jsonschema.exceptions import FormatError

        if isinstance(value, str) and name in FORMATS:
            try:
                msgspec.convert(value, FORMATS[name][0])
            except msgspec.ValidationError as error:
                raise FormatError(str(error)) from None


@functools.cache
def _checker() -> Any:
    """Return jsonschema's class with WAMP's types: bytes, and integers that are not 1.0."""
    from jsonschema import Draft7Validator, validators

    types = Draft7Validator.TYPE_CHECKER.redefine_many(
        {
            "bytes": lambda _, value: isinstance(value, bytes),
            "integer": lambda _, value: type(value) is int,
        }
    )
    # The arms of a union are told apart by those who read it; one that fits is enough.
    one_of = Draft7Validator.VALIDATORS["anyOf"]
    return validators.extend(Draft7Validator, {"oneOf": one_of}, type_checker=types)


def _with_bytes(schema: Any) -> Any:
    """Return a schema in which bytes have a type, which in JSON they have not."""
    if isinstance(schema, list):
        return [_with_bytes(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("contentEncoding") == "base64":
        return {"type": "bytes"}
    return {word: _with_bytes(part) for word, part in schema.items()}
