"""Matching URIs against many patterns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wampapp.protocol.patterns import is_match
from wampapp.router.index import EXACT, PREFIX, WILDCARD, UriIndex

component = st.sampled_from(["a", "b", "c"])
uris = st.lists(component, min_size=1, max_size=4).map(".".join)
wildcards = st.lists(st.one_of(component, st.just("")), min_size=1, max_size=4).map(".".join)
patterns = st.one_of(
    st.tuples(st.just(EXACT), uris),
    st.tuples(st.just(PREFIX), uris),
    st.tuples(st.just(WILDCARD), wildcards.filter(lambda p: any(p.split(".")))),
)


def matches(match: str, pattern: str, uri: str) -> bool:
    """The specification's rule, written down plainly."""
    if match == EXACT:
        return pattern == uri
    if match == PREFIX:
        return uri.startswith(pattern)
    left, right = pattern.split("."), uri.split(".")
    return len(left) == len(right) and all(p in ("", c) for p, c in zip(left, right, strict=True))


@given(st.lists(patterns, unique=True), uris)
def test_what_matches_is_what_the_rule_says(made: list[tuple[str, str]], uri: str) -> None:
    index: UriIndex[tuple[str, str]] = UriIndex()
    for pattern in made:
        index.add(*pattern, pattern)
    assert len(index) == len(made)
    assert sorted(index.values()) == sorted(made)
    found = index.all(uri)
    assert sorted(found) == sorted(p for p in made if matches(*p, uri))
    assert index.best(uri) == (found[0] if found else None)


@given(st.lists(patterns, unique=True), st.data())
def test_what_is_removed_leaves_no_trace(made: list[tuple[str, str]], data: st.DataObject) -> None:
    index: UriIndex[str] = UriIndex()
    for pattern in made:
        index.add(*pattern, ".".join(pattern))
        assert index.get(*pattern) == ".".join(pattern)
    for pattern in data.draw(st.permutations(made)):
        index.remove(*pattern)
        assert index.get(*pattern) is None
    assert len(index) == 0
    assert list(index.values()) == []
    assert (index._prefixes._root.edges, index._wild.children) == ({}, {})


@pytest.mark.parametrize(
    ("made", "uri", "expected"),
    [
        (
            [
                (EXACT, "a1.b2.c3.d4.e55"),
                (PREFIX, "a1.b2.c3"),
                (PREFIX, "a1.b2.c3.d4"),
                (WILDCARD, "a1.b2..d4.e5"),
                (WILDCARD, "a1.b2.c33..e5"),
                (WILDCARD, "a1.b2..d4.e5..g7"),
                (WILDCARD, "a1.b2..d4..f6.g7"),
            ],
            uri,
            expected,
        )
        for uri, expected in [
            ("a1.b2.c3.d4.e55", (EXACT, "a1.b2.c3.d4.e55")),
            ("a1.b2.c3.d98.e74", (PREFIX, "a1.b2.c3")),
            ("a1.b2.c3.d4.e325", (PREFIX, "a1.b2.c3.d4")),
            ("a1.b2.c55.d4.e5", (WILDCARD, "a1.b2..d4.e5")),
            ("a1.b2.c33.d4.e5", (PREFIX, "a1.b2.c3")),
            ("a1.b2.x33.d4.e5", (WILDCARD, "a1.b2..d4.e5")),
            ("a1.b2.c88.d4.e5.f6.g7", (WILDCARD, "a1.b2..d4.e5..g7")),
            ("a2.b2.c2.d2.e2", None),
        ]
    ],
)
def test_precedence(
    made: list[tuple[str, str]], uri: str, expected: tuple[str, str] | None
) -> None:
    index: UriIndex[tuple[str, str]] = UriIndex()
    for pattern in made:
        index.add(*pattern, pattern)
    assert index.best(uri) == expected


def test_a_very_deep_pattern_is_no_trouble() -> None:
    index: UriIndex[int] = UriIndex()
    deep = ".".join(["a", ""] * 1000)
    index.add(WILDCARD, deep, 1)
    assert index.best(".".join(["a"] * 2000)) == 1
    index.remove(WILDCARD, deep)
    assert len(index) == 0


@pytest.mark.parametrize(
    ("match", "pattern", "valid"),
    [
        (EXACT, "a.b", True),
        (EXACT, "a..b", False),
        (EXACT, "", False),
        (PREFIX, "a.b", True),
        (PREFIX, "a.b.", True),
        (PREFIX, "a.b..", False),
        (PREFIX, "a b", False),
        (WILDCARD, "a..b", True),
        (WILDCARD, "..b", True),
        (WILDCARD, "a.", True),
        (WILDCARD, "", False),
        (WILDCARD, "..", False),
        (WILDCARD, "a. .b", False),
    ],
)
def test_which_patterns_are_valid(match: str, pattern: str, valid: bool) -> None:
    assert is_match(match, pattern) is valid
