"""Whether a history of operations on one key could have happened one after the other.

Each operation takes effect at one instant between its start and its end. One without an answer may
take effect at any time after its start, or never. The search is Lowe's: at each end of an
operation, all orders of the open ones are tried that have it done by then.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

#: How many orders are tried at most at one instant.
MAX_ORDERS: Final = 200_000
#: Where an operation has no answer.
UNKNOWN: Final = object()


@dataclass(frozen=True, eq=False)
class Operation:
    """What somebody did.

    Attributes:
        name: which operation.
        given: what it was given.
        answer: what it answered; UNKNOWN if it did not.
        start: when it began.
        end: when it answered.
    """

    name: str
    given: Any
    answer: Any
    start: float
    end: float


#: Returns the state after an operation on a state, if it could have answered so; else nothing.
Model = Callable[[Any, Operation], Iterable[Hashable]]


def is_linearizable(history: Iterable[Operation], model: Model, initial: Hashable) -> bool:
    """Return whether a history could have happened one after the other.

    Args:
        history: the operations.
        model: what each does.
        initial: the state before the first.
    """
    operations = list(history)
    events = sorted(
        [(one.start, 0, index) for index, one in enumerate(operations)]
        + [(one.end, 1, index) for index, one in enumerate(operations) if one.answer is not UNKNOWN]
    )
    #: A configuration: which of the open operations are done, and the state.
    possible: set[tuple[frozenset[int], Hashable]] = {(frozenset(), initial)}
    is_open: set[int] = set()
    for _, is_end, index in events:
        if not is_end:
            is_open.add(index)
            continue
        found = set()
        for done, state in _orders(possible, operations, is_open, model):
            if index in done:
                found.add((done - {index}, state))
        if not found:
            return False
        possible = found
        is_open.discard(index)
    return True


def _orders(
    possible: set[tuple[frozenset[int], Hashable]],
    operations: list[Operation],
    is_open: set[int],
    model: Model,
) -> Iterator[tuple[frozenset[int], Hashable]]:
    seen = set(possible)
    todo = list(possible)
    while todo:
        done, state = todo.pop()
        yield done, state
        for index in is_open - done:
            for after in model(state, operations[index]):
                following = done | {index}, after
                if following not in seen:
                    assert len(seen) < MAX_ORDERS, "too much is open at the same time"
                    seen.add(following)
                    todo.append(following)


def register(state: Any, operation: Operation) -> Iterator[Hashable]:
    """A key with its revision: a state is a value and a revision, or None for no such key.

    After an operation without an answer, the revision is 0: it is not known.
    """
    answer, given = operation.answer, operation.given
    is_known = answer is not UNKNOWN
    if operation.name == "entry":
        if state is None:
            if answer is None:
                yield state
        elif answer is not None and answer[0] == state[0] and state[1] in (0, answer[1]):
            yield answer
    elif operation.name == "set":
        yield given, answer if is_known else 0
    elif operation.name == "cas":  # given the new value and the revision that is expected
        value, expected = given
        fits = (0 if state is None else state[1]) == expected or (
            state is not None and not state[1] and expected != 0
        )
        if is_known and answer is None:  # a conflict
            if state is None or state[1] != expected:
                yield state
        elif fits:
            yield value, answer if is_known else 0
    elif operation.name == "delete":
        if not is_known or answer is (state is not None):
            yield None
    elif operation.name == "incr":
        total = (0 if state is None else state[0]) + given
        if not is_known or answer == total:
            yield total, 0
