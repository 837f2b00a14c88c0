"""Claims tasks for workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from wampapp.components.tasks import tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wampapp.components.store import Transaction
    from wampapp.components.tasks.links import Link


class Claim(NamedTuple):
    """What a worker may be given.

    Attributes:
        queue: of which queue.
        names: of which names.
        most: how many at most; None for as many as it can take.
    """

    queue: str
    names: Sequence[str]
    most: int | None = None


def claim_for(
    do: Transaction,
    places: dict[Link, int],
    claims: Sequence[Claim],
    now: float,
) -> list[tuple[Link, str, tables.Claimed]]:
    """Claim tasks for workers that take the same; the one with the most free places is next.

    Args:
        do: the transaction.
        places: how many each of them can take.
        claims: what they may be given.
        now: the time.
    """
    left = dict(places)
    first = next(iter(left))
    found: list[tuple[Link, str, tables.Claimed]] = []
    for queue, names, most in claims:
        total = sum(left.values())
        count = total if most is None else min(most, total)
        if count <= 0:
            continue
        for task in tables.claim(do, queue, names, first.worker, count, now):
            link = max(left, key=left.__getitem__)
            left[link] -= 1
            found.append((link, queue, task))
    tables.reassign(do, [(link.worker, task.id) for link, _, task in found if link is not first])
    return found
