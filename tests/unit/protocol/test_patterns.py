"""Patterns: what goes over the wire for a declared URI, and what an actual one gives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wampapp.errors import InvalidUri
from wampapp.protocol.patterns import Match, Pattern, is_match, parse

COMPONENTS = st.lists(st.from_regex(r"[a-z_]{1,5}", fullmatch=True), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("text", "match", "wire", "kind", "captured"),
    [
        ("com.example.add", None, "com.example.add", "exact", ()),
        ("com.example.add", "exact", "com.example.add", "exact", ()),
        ("com.example", "prefix", "com.example", "prefix", ()),
        ("com.example.", "prefix", "com.example.", "prefix", ()),
        ("com..add", "wildcard", "com..add", "wildcard", ()),
        ("com.shop.<sku>.price", None, "com.shop..price", "wildcard", ("sku",)),
        ("<a>.shop.<b>", None, ".shop.", "wildcard", ("a", "b")),
        ("com.log.<path:rest>", None, "com.log.", "prefix", ("rest",)),
    ],
)
def test_a_declared_uri_becomes_a_pattern(
    text: str, match: Match | None, wire: str, kind: str, captured: tuple[str, ...]
) -> None:
    pattern = parse(text, "procedure", match)
    assert (pattern.text, pattern.uri, pattern.match) == (text, wire, kind)
    assert pattern.captured == captured
    assert is_match(pattern.match, pattern.uri)


@pytest.mark.parametrize(
    ("text", "match", "sentence"),
    [
        ("com.<sku>", "prefix", "has captured components, which say how it is matched"),
        ("com.x<sku>", None, "has the component 'x<sku>'; a capture is a whole component"),
        ("com.<7>", None, "has the component '<7>'"),
        ("com.<path:>", None, "has the component '<path:>'"),
        ("com.<a>.<a>", None, "captures 'a' twice"),
        ("com.<path:a>.x", None, "<path:a> must stand at the end"),
        ("<path:a>", None, "<path:a> must stand at the end"),
        ("com.<a>.<path:b>", None, "<path:b> must stand at the end"),
        ("<a>.<b>", None, "it would match everything"),
        ("..", "wildcard", "it would match everything"),
        ("com.a b.<c>", None, "valid URI"),
        ("com..x.<path:c>", None, "valid URI"),
        ("com.example", "regex", "match is 'regex'; it can be 'exact', 'prefix' or 'wildcard'."),
    ],
)
def test_what_cannot_be_a_pattern_is_refused(text: str, match: Match | None, sentence: str) -> None:
    with pytest.raises(InvalidUri) as caught:
        parse(text, "procedure", match)
    assert sentence in str(caught.value)


def test_components_are_captured_by_name() -> None:
    pattern = parse("com.shop.<sku>.<colour>.price", "procedure")
    assert pattern.capture("com.shop.s7.red.price") == {"sku": "s7", "colour": "red"}


def test_the_rest_keeps_its_dots() -> None:
    pattern = parse("com.log.<path:rest>", "topic")
    assert pattern.capture("com.log.a") == {"rest": "a"}
    assert pattern.capture("com.log.a.b.c") == {"rest": "a.b.c"}


@given(components=COMPONENTS, data=st.data())
def test_what_fills_a_pattern_is_what_it_captures(
    components: list[str], data: st.DataObject
) -> None:
    captured = data.draw(st.sets(st.integers(0, len(components) - 1), max_size=len(components)))
    if len(captured) == len(components):
        captured.pop()
    names = {place: f"n{place}" for place in sorted(captured)}
    text = ".".join(f"<{names[i]}>" if i in names else c for i, c in enumerate(components))
    pattern: Pattern = parse(text, "procedure")
    assert pattern.capture(".".join(components)) == {
        name: components[place] for place, name in names.items()
    }
