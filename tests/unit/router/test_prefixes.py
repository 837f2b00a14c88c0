"""The prefixes that a text begins with, among many."""

import sys
from types import FrameType

from hypothesis import given
from hypothesis import strategies as st

from wampapp.router.prefixes import Prefixes

texts = st.text("ab.", max_size=8)


@given(st.lists(texts, unique=True), texts)
def test_every_prefix_is_found_the_longest_first(made: list[str], text: str) -> None:
    prefixes: Prefixes[str] = Prefixes()
    for prefix in made:
        prefixes.add(prefix, prefix)
    assert len(prefixes) == len(made)
    assert sorted(prefixes.values()) == sorted(made)
    expected = sorted((p for p in made if text.startswith(p)), key=len, reverse=True)
    assert prefixes.matching(text) == expected
    assert prefixes.get(text) == (text if text in made else None)


@given(st.lists(texts, unique=True, min_size=1), st.data())
def test_what_is_left_is_as_if_the_others_had_never_been_there(
    made: list[str], data: st.DataObject
) -> None:
    left = data.draw(st.lists(st.sampled_from(made), unique=True))
    prefixes: Prefixes[str] = Prefixes()
    fresh: Prefixes[str] = Prefixes()
    for prefix in made:
        prefixes.add(prefix, prefix)
    for prefix in data.draw(st.permutations([p for p in made if p not in left])):
        prefixes.remove(prefix)
    for prefix in left:
        fresh.add(prefix, prefix)
    assert shape(prefixes._root) == shape(fresh._root)
    assert len(prefixes) == len(left)


def shape(node: object) -> object:
    """A node and all below it, to be compared."""
    edges = {label: shape(child) for label, child in node.edges.values()}  # type: ignore[attr-defined]
    return (node.value, edges)  # type: ignore[attr-defined]


def test_a_lookup_costs_the_same_however_many_prefixes_of_other_lengths_there_are() -> None:
    text = "com.shop.price"

    def steps(others: int) -> int:
        prefixes: Prefixes[int] = Prefixes()
        prefixes.add("com.shop", 0)
        for length in range(1, others + 1):
            prefixes.add("x" * length, length)
        count = 0

        def step(_frame: FrameType, event: str, _what: object) -> None:
            nonlocal count
            count += event == "c_call"

        sys.setprofile(step)
        try:
            found = prefixes.matching(text)
        finally:
            sys.setprofile(None)
        assert found == [0]
        return count

    assert steps(4000) == steps(1)
