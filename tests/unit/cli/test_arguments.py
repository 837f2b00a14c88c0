"""Words of the command line made a payload."""

import pytest

from wampapp.cli.verbs.arguments import parse_payload


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("5", 5),
        ("-1.5e3", -1500.0),
        ("text", "text"),
        ('"5"', "5"),
        ("null", None),
        ("true", True),
        ("Grüße 🎈", "Grüße 🎈"),
        ('"a=b"', "a=b"),
        ("a b=c", "a b=c"),
        ("", ""),
        ("{not json", "{not json"),
        ("NaN", "NaN"),
        ("\udcff", "\udcff"),
    ],
)
def test_a_word_is_json_where_it_parses_and_else_a_string(word: str, value: object) -> None:
    assert parse_payload([word]) == ([value], {})
    if "=" not in word:
        assert parse_payload([f"key={word}"]) == ([], {"key": value})
