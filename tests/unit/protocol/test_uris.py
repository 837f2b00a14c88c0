"""Which URIs are valid, and what a relative one stands for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.names import shown
from wampapp.errors import InvalidUri
from wampapp.protocol import uris

VALID = [
    "a",
    "com.example.add",
    "com.example.add2",
    "COM.Example",
    "com.my-app.x_y",
    "com.example.größe",
    "东.京",
    "com.example.a/b?c=d&e:f@g",
    "wamp.session.on_join",
    "x" * 4096,
]
INVALID = [
    "",
    ".",
    "..",
    ".add",
    "com.",
    "com..add",
    "com.example add",
    " com",
    "com\n",
    "com.\tadd",
    "com.example#1",
    "#",
    "com.\u00a0add",
    "com.\u2003add",
    "x" * 4097,
    "com.\ud83d",  # half of a surrogate pair, which cannot be sent
]
COMPONENT = st.text(
    st.characters(exclude_characters=".#", exclude_categories=["Zs", "Zl", "Zp", "Cc", "Cs"]),
    min_size=1,
    max_size=10,
)


@pytest.mark.parametrize("text", VALID, ids=lambda text: ascii(text[:20]))
def test_a_valid_uri_is_accepted_and_given_back(text: str) -> None:
    assert uris.is_valid(text)
    assert uris.check(text) is text


@pytest.mark.parametrize("text", INVALID, ids=lambda text: ascii(text[:20]))
def test_an_invalid_uri_is_refused(text: str) -> None:
    assert not uris.is_valid(text)
    with pytest.raises(InvalidUri, match="is not a valid URI"):
        uris.check(text)


@given(st.lists(COMPONENT, min_size=1, max_size=6))
def test_components_joined_by_dots_are_valid(components: list[str]) -> None:
    assert uris.is_valid(".".join(components))


@given(st.text(max_size=30))
def test_validity_is_what_the_specification_says(text: str) -> None:
    components = text.split(".")
    expected = all(
        component and "#" not in component and not any(c.isspace() for c in component)
        for component in components
    )
    assert uris.is_valid(text) == expected


def test_the_sentence_names_what_it_is_and_shows_how_to_write_it() -> None:
    with pytest.raises(InvalidUri) as caught:
        uris.check("no way", "procedure")
    assert str(caught.value) == (
        "The procedure 'no way' is not a valid URI; write components joined by single dots, with "
        "no white space and no '#', such as 'com.example.add'."
    )


def test_a_very_long_uri_is_cut_in_the_sentence() -> None:
    with pytest.raises(InvalidUri) as caught:
        uris.check("x" * 100_000)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("value", [None, 7, b"com.example", ["com"], object()], ids=shown)
def test_what_is_no_string_is_no_uri(value: object) -> None:
    with pytest.raises(InvalidUri, match="is not a string"):
        uris.check(value, "topic")
    with pytest.raises(InvalidUri, match="is not a string"):
        uris.resolve(value, "com.example", "topic")


@pytest.mark.parametrize("text", ["wamp.x", "wamp.session.count", "wamp.error.timeout"])
def test_nobody_declares_a_uri_of_the_protocol(text: str) -> None:
    with pytest.raises(InvalidUri, match="reserved for the protocol"):
        uris.check_declared(text, "procedure")


@pytest.mark.parametrize("text", ["wampum.x", "com.wamp.x", "Wamp.x", "wamp"])
def test_a_uri_that_only_resembles_the_protocol_s_can_be_declared(text: str) -> None:
    assert uris.check_declared(text, "procedure") == text


def test_a_declared_uri_must_be_valid_too() -> None:
    with pytest.raises(InvalidUri, match="is not a valid URI"):
        uris.check_declared("a b", "procedure")


@pytest.mark.parametrize(
    ("text", "prefix", "absolute"),
    [
        (".add", "com.example", "com.example.add"),
        (".math.add", "com.example", "com.example.math.add"),
        (".add", None, "add"),
        (".add", "", "add"),
        ("add", "com.example", "add"),
        ("org.other.add", "com.example", "org.other.add"),
        ("org.other.add", None, "org.other.add"),
    ],
)
def test_a_leading_dot_stands_for_the_prefix(text: str, prefix: str | None, absolute: str) -> None:
    assert uris.resolve(text, prefix) == absolute


@pytest.mark.parametrize("prefix", [None, "com.example"])
@pytest.mark.parametrize("text", ["", ".", "..", "..add", ".add.", ".a b"])
def test_a_relative_uri_must_be_valid_once_it_is_absolute(text: str, prefix: str | None) -> None:
    with pytest.raises(InvalidUri):
        uris.resolve(text, prefix)


@given(st.lists(COMPONENT, min_size=1, max_size=4), st.lists(COMPONENT, min_size=1, max_size=4))
def test_resolving_twice_changes_nothing(prefix: list[str], rest: list[str]) -> None:
    once = uris.resolve("." + ".".join(rest), ".".join(prefix))
    assert uris.resolve(once, ".".join(prefix)) == once == ".".join(prefix + rest)
