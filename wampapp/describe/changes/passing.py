"""Whether arguments that are passed by one signature can be taken by another, and if not, why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wampapp.describe.changes.arms import in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wampapp.describe.api import Parameter, Schema
    from wampapp.describe.changes.misfits import Misfit

    Parameters = tuple[Parameter, ...]
    #: Why values of the first schema do not fit the second.
    Compare = Callable[[Schema, Schema], list[Misfit]]

_BY_PLACE: Final = ("any", "positional")
_BY_NAME: Final = ("any", "keyword")


@dataclass(frozen=True)
class Sentences:
    """What is said of an argument, {0}."""

    refused: str
    lacking: str
    optional: str
    by_name: str
    by_place: str
    more: str
    order: str = "by place, the arguments are now in the order {0}"


#: To those who pass the arguments: less is taken than before.
TO_PASSERS: Final = Sentences(
    refused="the argument {0!r} is gone",
    lacking="the argument {0!r} is new and required",
    optional="the argument {0!r} is now required",
    by_name="the argument {0!r} can no longer be given by name",
    by_place="the argument {0!r} can no longer be given by place",
    more="further arguments by {0} are no longer taken",
)
#: To those who take the arguments: more is passed than before.
TO_TAKERS: Final = Sentences(
    refused="the argument {0!r} is new, and handlers that do not take it refuse the event",
    lacking="the argument {0!r} is gone",
    optional="the argument {0!r} may now be missing",
    by_name="the argument {0!r} may now be given by name",
    by_place="the argument {0!r} may now be given by place",
    more="further arguments may now be given by {0}",
)
#: To somebody who has written down which arguments they pass: others are taken.
OF_PASSERS: Final = Sentences(
    refused="the argument {0!r} is not taken",
    lacking="the argument {0!r} is required",
    optional="the argument {0!r} is required, and must not have a default",
    by_name="the argument {0!r} cannot be given by name",
    by_place="the argument {0!r} cannot be given by place",
    more="further arguments by {0} are not taken",
    order="by place, the arguments are in the order {0}",
)


class Passing:
    """Compares the arguments that are passed with those that are taken.

    Args:
        passed: the parameters by which arguments are passed.
        taken: the parameters by which they are taken.
        compare: why values of a passed argument do not fit the taken one.
        say: what is said of the differences.
    """

    def __init__(
        self, passed: Parameters, taken: Parameters, compare: Compare, say: Sentences
    ) -> None:
        self._passed = passed
        self._taken = taken
        self._compare = compare
        self._say = say
        self._row = [one for one in passed if one.kind in _BY_PLACE]
        self._taken_row = [one for one in taken if one.kind in _BY_PLACE]
        self._rest = next((one for one in taken if one.kind == "rest"), None)
        self._others = next((one for one in taken if one.kind == "others"), None)

    def faults(self) -> Iterator[str]:
        """Find what is refused of what is passed, a line for each reason."""
        met: set[str] = set()
        for one in self._passed:
            if one.kind in ("rest", "others"):
                yield from self._more(one)
                continue
            partner = self._partner(one)
            if partner is None:
                yield from self._alone(one)
            else:
                met.add(partner.name)
                yield from self._pair(one, partner)
        yield from self._unmet(met)
        yield from self._order()

    def _partner(self, one: Parameter) -> Parameter | None:
        """Return the parameter that takes a passed argument."""
        if one.kind == "positional":  # its name is nothing to those who pass it
            place = self._row.index(one)
            return self._taken_row[place] if place < len(self._taken_row) else None
        named = {other.name: other for other in self._taken if other.kind not in ("rest", "others")}
        return named.get(one.name)

    def _alone(self, one: Parameter) -> Iterator[str]:
        by_place = one.kind in _BY_PLACE and not self._goes_to_rest(one)
        by_name = one.kind in _BY_NAME and self._others is None
        if one.kind == "any" and by_place != by_name:
            yield (self._say.by_place if by_place else self._say.by_name).format(one.name)
        elif by_place or by_name:
            yield self._say.refused.format(one.name)
        if one.kind in _BY_NAME and self._others is not None:
            yield from self._values(one, self._others, one.name)
        elif one.kind in _BY_PLACE and self._rest is not None and self._goes_to_rest(one):
            yield from self._values(one, self._rest, one.name)

    def _goes_to_rest(self, one: Parameter) -> bool:
        return self._rest is not None and self._row.index(one) >= len(self._taken_row)

    def _pair(self, one: Parameter, partner: Parameter) -> Iterator[str]:
        if one.kind in _BY_NAME and partner.kind not in _BY_NAME:
            yield self._say.by_name.format(one.name)
        if one.kind in _BY_PLACE and partner.kind not in _BY_PLACE:
            yield self._say.by_place.format(one.name)
        if partner.required and not one.required:
            yield self._say.optional.format(one.name)
        yield from self._values(one, partner, one.name)

    def _more(self, one: Parameter) -> Iterator[str]:
        is_rest = one.kind == "rest"
        partner = self._rest if is_rest else self._others
        if partner is None:
            yield self._say.more.format("place" if is_rest else "name")
            return
        stars = "*" if is_rest else "**"
        yield from self._values(one, partner, f"{stars}{one.name}")
        for taker in self._taken_row[len(self._row) :] if is_rest else self._new_names():
            yield from self._values(one, taker, f"{stars}{one.name}, as {taker.name}")

    def _new_names(self) -> list[Parameter]:
        """Return the parameters that take by name what no parameter of its own passes."""
        known = {one.name for one in self._passed if one.kind in _BY_NAME}
        return [one for one in self._taken if one.kind in _BY_NAME and one.name not in known]

    def _unmet(self, met: set[str]) -> Iterator[str]:
        # Those who take events rely on an optional argument too: it was said to be there.
        is_event = self._say is TO_TAKERS
        for taker in self._taken:
            is_named = taker.kind not in ("rest", "others")
            if is_named and taker.name not in met and (taker.required or is_event):
                yield self._say.lacking.format(taker.name)

    def _order(self) -> Iterator[str]:
        """Find out whether an argument that is passed by place arrives in another's."""
        rows = [[one.name for one in row] for row in (self._row, self._taken_row)]
        before, now = reversed(rows) if self._say is TO_TAKERS else rows
        common = [one.name for one in self._row if one.kind == "any" and one.name in rows[1]]
        # One that moves forward only fills the gap that another has left, which is said already.
        is_moved = any(now.index(name) > before.index(name) for name in common)
        if is_moved or sorted(common, key=rows[1].index) != common:
            yield self._say.order.format(in_words(now, "and"))

    def _values(self, one: Parameter, taker: Parameter, path: str) -> Iterator[str]:
        for misfit in self._compare(one.schema, taker.schema):
            yield f"{path}{misfit.path}: {misfit.text}"
