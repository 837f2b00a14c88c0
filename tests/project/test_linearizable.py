"""The checker of histories finds what could not have happened."""

from typing import Any

import pytest

from tests.support.linearizable import UNKNOWN, Operation, is_linearizable, register


def history(*operations: tuple[str, Any, Any, float, float]) -> list[Operation]:
    return [Operation(*operation) for operation in operations]


GOOD = [
    history(("set", "a", 1, 0, 1), ("entry", None, ("a", 1), 2, 3)),
    # Both orders of what overlaps are possible.
    history(("set", "a", 1, 0, 4), ("entry", None, None, 1, 2), ("entry", None, ("a", 1), 2.5, 3)),
    history(("set", "a", 1, 0, 9), ("set", "b", 2, 0, 9), ("entry", None, ("b", 2), 10, 11)),
    # What had no answer may have happened, or not, or happen later.
    history(("set", "a", UNKNOWN, 0, 0), ("entry", None, None, 1, 2)),
    history(("set", "a", UNKNOWN, 0, 0), ("entry", None, ("a", 3), 1, 2)),
    history(
        ("set", "a", UNKNOWN, 0, 0), ("entry", None, None, 1, 2), ("entry", None, ("a", 3), 3, 4)
    ),
    history(("set", "a", 1, 0, 1), ("cas", ("b", 1), 2, 2, 3), ("cas", ("c", 1), None, 4, 5)),
    history(("incr", 1, 1, 0, 5), ("incr", 1, 2, 0, 5), ("incr", 2, UNKNOWN, 1, 1)),
    history(("delete", None, False, 0, 1), ("set", "a", 1, 1, 2), ("delete", None, True, 3, 4)),
]

BAD = [
    # A value that is gone again, a write that is lost, a value from nowhere.
    history(("set", "a", 1, 0, 1), ("entry", None, None, 2, 3)),
    history(("set", "a", 1, 0, 1), ("set", "b", 2, 2, 3), ("entry", None, ("a", 1), 4, 5)),
    history(("entry", None, ("a", 1), 0, 1)),
    # A read goes back behind another one.
    history(
        ("set", "a", 1, 0, 1),
        ("set", "b", 2, 2, 9),
        ("entry", None, ("b", 2), 3, 4),
        ("entry", None, ("a", 1), 5, 6),
    ),
    # Two that expect the same revision both succeed.
    history(("set", "a", 1, 0, 1), ("cas", ("b", 1), 2, 2, 5), ("cas", ("c", 1), 3, 2, 5)),
    history(("set", "a", 1, 0, 1), ("cas", ("b", 1), None, 2, 3)),
    # An increment is lost, or counted twice.
    history(("incr", 1, 1, 0, 1), ("incr", 1, 1, 2, 3)),
    history(("incr", 1, 1, 0, 1), ("incr", 1, 3, 2, 3)),
    history(("set", "a", 1, 0, 1), ("delete", None, False, 2, 3)),
]


@pytest.mark.parametrize("operations", GOOD)
def test_what_can_have_happened(operations: list[Operation]) -> None:
    assert is_linearizable(operations, register, None)


@pytest.mark.parametrize("operations", BAD)
def test_what_cannot(operations: list[Operation]) -> None:
    assert not is_linearizable(operations, register, None)
