"""Whether all values of one schema fit another one, and if not, why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from wampapp.describe.changes.arms import ANNOTATIONS, TYPES, arms_of, in_words, is_same
from wampapp.describe.changes.limits import FORMAT, LIMITS, broken_limits
from wampapp.describe.changes.misfits import (
    OF_GIVERS,
    OF_TAKERS,
    TO_GIVERS,
    TO_TAKERS,
    Misfit,
    Words,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wampapp.describe.api import Schema

_KNOWN: Final = (
    ANNOTATIONS
    | LIMITS
    | {"additionalItems", "additionalProperties", "const", "items", "properties", "propertyNames"}
    | {"contentEncoding", "required", "type"}
)


def narrowed(
    old: Schema, new: Schema, old_named: Mapping[str, Schema], new_named: Mapping[str, Schema]
) -> list[Misfit]:
    """Find what is no longer taken of what somebody gives.

    Args:
        old: what was taken.
        new: what is taken now.
        old_named: the schemas to which the references of ``old`` are.
        new_named: those of ``new``.

    Returns:
        A misfit for each place where a value that fits ``old`` does not fit ``new``.
    """
    return _Comparison(old_named, new_named, TO_GIVERS).misfits(old, new)


def widened(
    old: Schema, new: Schema, old_named: Mapping[str, Schema], new_named: Mapping[str, Schema]
) -> list[Misfit]:
    """Find what somebody is given now that they could not be given before.

    Fields count as given wherever a schema names them, so one that is gone is a misfit too.

    Args:
        old: what was given.
        new: what is given now.
        old_named: the schemas to which the references of ``old`` are.
        new_named: those of ``new``.

    Returns:
        A misfit for each place where a value that fits ``new`` does not fit ``old``.
    """
    return _Comparison(new_named, old_named, TO_TAKERS).misfits(new, old)


def refused(
    given: Schema,
    taken: Schema,
    given_named: Mapping[str, Schema],
    taken_named: Mapping[str, Schema],
) -> list[Misfit]:
    """Find what is not taken of what somebody gives by their own account.

    What that account does not say is no misfit: a type, or limits such as a largest number.

    Args:
        given: what they say that they give.
        taken: what is taken.
        given_named: the schemas to which the references of ``given`` are.
        taken_named: those of ``taken``.
    """
    return _Comparison(given_named, taken_named, OF_GIVERS).misfits(given, taken)


def unexpected(
    given: Schema,
    taken: Schema,
    given_named: Mapping[str, Schema],
    taken_named: Mapping[str, Schema],
) -> list[Misfit]:
    """Find what is given that does not fit what somebody takes by their own account.

    Args:
        given: what is given; what is not said of it is no misfit, as in :func:`refused`.
        taken: what they say that they take.
        given_named: the schemas to which the references of ``given`` are.
        taken_named: those of ``taken``.
    """
    return _Comparison(given_named, taken_named, OF_TAKERS).misfits(given, taken)


class _Comparison:
    """Compares values with what takes them.

    A schema that names no ``additionalProperties`` admits any, but nobody gives what it does not
    name: an optional field that is new to the taker's schema is no misfit.
    """

    def __init__(
        self, given: Mapping[str, Schema], taken: Mapping[str, Schema], words: Words
    ) -> None:
        self._given = given
        self._taken = taken
        self._words = words
        #: Pairs that fit, as far as is known. Those under way count: a type may hold itself.
        self._fitting: dict[str, None] = {}

    def misfits(self, values: Schema | bool, taker: Schema | bool) -> list[Misfit]:
        """Find out why values of a schema do not fit another; empty if they do."""
        if taker is True or taker == {} or (self._words.is_lenient and _says_nothing(values)):
            return []
        pair = json.dumps([values, taker], sort_keys=True, default=str)
        if pair in self._fitting:
            return []
        known = len(self._fitting)
        self._fitting[pair] = None
        found = self._compared(values, taker)
        if found:  # what was found to fit meanwhile may rest on this
            while len(self._fitting) > known:
                self._fitting.popitem()
        return found

    def _compared(self, values: Schema | bool, taker: Schema | bool) -> list[Misfit]:
        arms, takers = arms_of(values, self._given), arms_of(taker, self._taken)
        if arms and not takers:
            return [Misfit("", self._words.nothing)]
        is_union = len(arms) > 1 or len(takers) > 1
        found: dict[Misfit, None] = {}
        for arm in arms:
            found.update(dict.fromkeys(self._of_arm(arm, takers, is_union=is_union)))
        return list(found)

    def _of_arm(self, arm: Schema, takers: list[Schema], *, is_union: bool) -> list[Misfit]:
        alike = [taker for taker in takers if _is_type_taken(arm, taker)]
        if any(_is_value_taken(arm, taker) for taker in alike):
            return []
        tried: list[tuple[Schema, list[Misfit]]] = []
        for taker in alike:
            if "const" not in taker:
                found = list(self._of_one(arm, taker))
                if not found:
                    return []
                tried.append((taker, found))
        allowed = in_words([_named(taker, []) for taker in takers])
        if "const" not in arm and not tried and (alike or "type" not in arm):
            anything = f"any {arm['type']}" if "type" in arm else "anything"
            return [Misfit("", self._words.only.format(anything, allowed))]
        if "const" in arm or not tried:
            return [Misfit("", self._words.value.format(_named(arm, takers), allowed))]
        title = arm.get("title") if is_union and arm.get("type") == "object" else None
        if title is not None and len(takers) > 1:
            tried = [one for one in tried if one[0].get("title") == title]
            if not tried:
                return [Misfit("", self._words.value.format(title, allowed))]
        return min((found for _, found in tried), key=len)

    def _of_one(self, arm: Schema, taker: Schema) -> Iterator[Misfit]:
        """Compare two arms of one type, of which the taker is not a single value."""
        is_lenient = self._words.is_lenient
        for limit in broken_limits(arm, taker, FORMAT if is_lenient else LIMITS):
            yield Misfit("", self._words.limit.format(limit))
        kind = arm.get("type")
        if kind in (None, "object"):
            yield from self._fields(arm, taker)
        if kind in (None, "array"):
            yield from self._items(arm, taker)
        if "const" not in arm:
            for word in sorted((arm.keys() | taker.keys()) - _KNOWN):
                if arm.get(word) != taker.get(word):
                    yield Misfit("", f"{word!r} has changed")

    def _fields(self, arm: Schema, taker: Schema) -> Iterator[Misfit]:
        given, taken = _properties(arm), _properties(taker)
        more, others = _more(arm), taker.get("additionalProperties", True)
        for name in dict.fromkeys((*taken, *taker.get("required", ()))):
            yield from _under(f".{name}", self._field(name, arm, taker))
        for name in (name for name in given if name not in taken):
            if others is False:
                yield Misfit(f".{name}", self._words.field)
            else:
                yield from _under(f".{name}", self.misfits(given[name], others))
        if more is False:
            return
        if others is False:
            if not (more is True and self._words.is_lenient):
                yield Misfit("", self._words.fields)
        else:
            yield from _under(".*", self.misfits(more, others))
        if "propertyNames" in taker:
            names = {"type": "string", **arm.get("propertyNames", {})}
            needed = {"type": "string", **taker["propertyNames"]}
            yield from _under(" (a key)", self.misfits(names, needed))

    def _field(self, name: str, arm: Schema, taker: Schema) -> list[Misfit]:
        given, taken, more = _properties(arm), _properties(taker), _more(arm)
        is_required = name in taker.get("required", ())
        is_given = name in arm.get("required", ())
        if name not in given and not isinstance(more, dict) and not is_given:
            is_missed = is_required or self._words is TO_TAKERS
            return [Misfit("", self._words.gone)] if is_missed else []
        found = self.misfits(given.get(name, more), taken.get(name, True))
        if is_required and not is_given:
            found = [Misfit("", self._words.missing), *found]
        return found

    def _items(self, arm: Schema, taker: Schema) -> Iterator[Misfit]:
        given, taken = arm.get("items", True), taker.get("items", True)
        if not isinstance(given, list) and not isinstance(taken, list):
            if arm.get("maxItems") != 0:
                yield from _under("[]", self.misfits(given, taken))
            return
        named = max(len(items) for items in (given, taken) if isinstance(items, list))
        for place in range(min(named, arm.get("maxItems", named))):
            item = _item(arm, place)
            if item is not None:
                yield from _under(f"[{place}]", self.misfits(item, _item(taker, place) or {}))


def _says_nothing(schema: Schema | bool) -> bool:
    return schema is True or (isinstance(schema, dict) and schema.keys() <= ANNOTATIONS)


def _properties(schema: Schema) -> dict[str, Schema]:
    found: dict[str, Schema] = schema.get("properties", {})
    return found


def _more(schema: Schema) -> Schema | bool:
    """Return what values give in fields that the schema does not name; True for nothing."""
    more: Schema | bool = schema.get("additionalProperties", True)
    # An object without named fields is a dictionary of anything.
    return {} if more is True and "properties" not in schema else more


def _item(schema: Schema, place: int) -> Schema | bool | None:
    """Return the schema of one item of a list; None where a row does not name it."""
    items: Schema | bool | list[Schema] = schema.get("items", True)
    if not isinstance(items, list):
        return items
    rest: Schema | bool | None = schema.get("additionalItems")
    return items[place] if place < len(items) else rest


def _is_value_taken(arm: Schema, taker: Schema) -> bool:
    return "const" in arm and "const" in taker and is_same(arm["const"], taker["const"])


def _is_type_taken(arm: Schema, taker: Schema) -> bool:
    if "type" not in taker:
        return True
    kinds = {arm.get("type")} | ({"number"} if arm.get("type") == "integer" else set())
    return taker["type"] in kinds


def _named(arm: Schema, takers: list[Schema]) -> str:
    """Return what a message calls an arm."""
    if "const" in arm:
        return json.dumps(arm["const"], ensure_ascii=False)
    kind: Any = arm.get("type")
    if kind == "number" and any(taker.get("type") == "integer" for taker in takers):
        return "a fraction"
    return TYPES.get(kind, "anything")


def _under(path: str, misfits: list[Misfit]) -> Iterator[Misfit]:
    for misfit in misfits:
        yield Misfit(path + misfit.path, misfit.text)
