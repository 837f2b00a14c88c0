"""Which keys are valid, and what begins with what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wampapp import InvalidArgument
from wampapp.components.kv.records import MAX_KEY, after_prefix, check_key

texts = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize("key", ["a", "user.7.cart", "ß 🎈", ".", "a..b", " ", "k" * MAX_KEY])
def test_valid_keys(key: str) -> None:
    assert check_key(key) == key
    assert check_key(key, is_prefix=True) == key


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("", "has 1 to 512 bytes"),
        ("k" * (MAX_KEY + 1), "has 1 to 512 bytes"),
        ("ß" * (MAX_KEY // 2 + 1), "has 1 to 512 bytes"),
        ("a\0b", "may not contain NUL"),
        (7, "is a text"),
    ],
)
def test_keys_that_are_not_valid(key: str, why: str) -> None:
    with pytest.raises(InvalidArgument, match=why) as caught:
        check_key(key)
    assert caught.value.kwargs == {"parameter": "key"}
    if key:
        with pytest.raises(InvalidArgument, match=why):
            check_key(key, is_prefix=True)


def test_every_key_has_the_empty_prefix() -> None:
    assert check_key("", is_prefix=True) == ""
    assert after_prefix("") is None


@given(texts, texts)
def test_what_begins_with_a_prefix_is_before_its_end(prefix: str, rest: str) -> None:
    end = after_prefix(prefix)
    assert end is None or prefix <= prefix + rest < end
    # As databases compare them.
    assert end is None or (prefix + rest).encode() < end.encode()


@given(texts.filter(bool), texts)
def test_what_does_not_is_not(prefix: str, other: str) -> None:
    end = after_prefix(prefix)
    inside = other >= prefix and (end is None or other < end)
    assert inside is other.startswith(prefix)
