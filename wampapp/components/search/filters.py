"""Which documents are wanted at all: conditions on facets and on what is sorted by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from wampapp.components.search.records import MAX_FILTER_VALUES, MAX_FILTERS
from wampapp.components.search.tables import column_value
from wampapp.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wampapp.components.search.declaring import Declaration, Field

_COMPARISONS: Final = ("<", "<=", ">", ">=", "!=")
_FLAGS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def conditions(declaration: Declaration, wanted: Mapping[str, Any]) -> list[tuple[str, list[Any]]]:
    """Return the SQL of what is wanted, and its values.

    Args:
        declaration: what the index is declared by.
        wanted: of each field a value, a list of values of which it is to have one, or comparisons
            such as ``{">=": 10, "<": 20}``.

    Raises:
        InvalidArgument: the index has no such field, or a value does not fit.
    """
    if len(wanted) > MAX_FILTERS:
        raise _wrong(f"it has {len(wanted)} conditions; {MAX_FILTERS} is the most")
    fields = {field.name: field for field in declaration.of_role("facet", "sort")}
    found = []
    for name, value in wanted.items():
        field = fields.get(name)
        if field is None:
            names = ", ".join(sorted(fields)) or "none"
            raise _wrong(f"{name!r} is not a facet() or sort() of the index; it has {names}")
        if isinstance(value, dict):
            found += [_compared(field, sign, one) for sign, one in value.items()]
        else:
            values = value if isinstance(value, list | tuple | set) else [value]
            if len(values) > MAX_FILTER_VALUES:
                raise _wrong(
                    f"{name!r} has {len(values):,} values; {MAX_FILTER_VALUES:,} is the most"
                )
            found.append(_one_of(field, [_value(field, one) for one in values]))
    return found


def of_query(
    declaration: Declaration, wanted: Iterable[tuple[str, str]]
) -> list[tuple[str, list[Any]]]:
    """Return the SQL of what a query wants as ``tag:python``; nothing is wrong with it.

    Args:
        declaration: what the index is declared by.
        wanted: names of facets, with values.
    """
    fields = {field.name: field for field in declaration.of_role("facet")}
    found = []
    for name, value in wanted:
        try:
            found.append(_one_of(fields[name], [_value(fields[name], value)]))
        except InvalidArgument:
            found.append(("0", []))  # no document has it
    return found


def _one_of(field: Field, values: list[Any]) -> tuple[str, list[Any]]:
    packed = [msgspec.json.encode(values).decode()]
    column = f"d.c_{field.name}"
    if field.many:
        wanted = "(select value from json_each(?))"
        return f"exists (select 1 from json_each({column}) m where m.value in {wanted})", packed  # noqa: S608
    if values == [None]:
        return f"{column} is null", []
    if len(values) == 1:
        return f"{column} = ?", values
    return f"{column} in (select value from json_each(?))", packed  # noqa: S608


def _compared(field: Field, sign: str, value: Any) -> tuple[str, list[Any]]:
    if sign not in _COMPARISONS:
        raise _wrong(f"{sign!r} does not compare; use one of {' '.join(_COMPARISONS)}")
    if field.many:
        raise _wrong(f"{field.name!r} is a list, which cannot be compared")
    return f"d.c_{field.name} {sign} ?", [_value(field, value)]


def _value(field: Field, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, str):
        value = _read(value, field.kind)
    found = column_value(value, msgspec.structs.replace(field, many=False))
    if found is None:
        raise _wrong(f"{value!r} is not a {_NOUNS[field.kind]}, as {field.name!r} is")
    return found


_NOUNS: Final = {
    "text": "text",
    "number": "number",
    "flag": "truth value",
    "time": "time such as 2026-01-31T12:00:00Z",
    "day": "day such as 2026-01-31",
}


def _read(text: str, kind: str) -> Any:
    """Return what a text stands for, as the command line and queries have it."""
    if kind == "flag":
        return _FLAGS.get(text.lower(), text)
    if kind == "number":
        try:
            found = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeEncodeError):
            return text
        return found if isinstance(found, int | float) else text
    if kind == "time" and len(text) == len("2026-01-31"):
        return f"{text}T00:00:00Z"
    return text.encode("utf-8", "replace").decode()


def _wrong(why: str) -> InvalidArgument:
    return InvalidArgument(f"the filter cannot be used: {why}", parameter="filter")
