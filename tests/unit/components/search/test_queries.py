"""What a query means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wampapp.components.search.query import Part, Query, fold, parse, words_of
from wampapp.components.search.records import MAX_QUERY, MAX_WORDS


def parsed(text: str) -> Query:
    return parse(text, fields=("title", "body"), facets=("tag",))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ()),
        ("   ", ()),
        ("wamp", (Part("wamp", is_prefix=True),)),
        ("wamp ", (Part("wamp"),)),
        ("a", (Part("a"),)),
        ("two words", (Part("two"), Part("words", is_prefix=True))),
        ('"two words"', (Part("two words", is_phrase=True),)),
        ("“two words”", (Part("two words", is_phrase=True),)),
        ('"never closed', (Part("never closed", is_phrase=True),)),
        ('wo"rds', (Part("wo"), Part("rds", is_phrase=True))),
        ("title:wamp", (Part("wamp", "title", is_prefix=True),)),
        ('title:"a b"', (Part("a b", "title", is_phrase=True),)),
        ("nofield:wamp", (Part("nofield:wamp", is_prefix=True),)),
        ('nofield:"a b"', (Part("nofield a b", is_phrase=True),)),
        ("title:", (Part("title:"),)),
        ("multi-agent", (Part("multi-agent", is_prefix=True),)),
        ("C++", (Part("C++"),)),
        (
            "AND OR NOT NEAR(a b)",
            (Part("AND"), Part("OR"), Part("NOT"), Part("NEAR(a"), Part("b)")),
        ),
        ("* ^ ( ) : ' ; --", ()),
        ("日本", (Part("日本", is_prefix=True),)),
    ],
)
def test_what_is_wanted(text: str, wanted: tuple[Part, ...]) -> None:
    assert parsed(text) == Query(wanted)


def test_what_is_not_wanted_and_filters() -> None:
    assert parsed('a -b -"c d" -title:e tag:x tag:"y z"') == Query(
        (Part("a"),),
        (
            Part("b", is_negative=True),
            Part("c d", is_phrase=True, is_negative=True),
            Part("e", "title", is_negative=True),
        ),
        (("tag", "x"), ("tag", "y z")),
    )


def test_what_is_too_long_is_left_out() -> None:
    assert len(parsed("word " * 1000).wanted) == MAX_WORDS
    assert len(parsed("w" * 5000).wanted[0].text) == MAX_QUERY


@given(st.text(alphabet=st.sampled_from('ab:"- *()\0\ud800é日title')) | st.text())
def test_every_text_is_a_query(text: str) -> None:
    query = parsed(text)
    assert len(query.wanted) + len(query.unwanted) + len(query.filters) <= MAX_WORDS
    str(query).encode()


@given(st.lists(st.from_regex(r"-?(title:)?[a-z]{2,5}", fullmatch=True), max_size=8))
def test_a_query_is_written_as_it_was(words: list[str]) -> None:
    query = parsed(" ".join(words))
    assert sorted(str(query).split()) == sorted(words)


def test_words_are_folded() -> None:
    assert fold("Crème BRÛLÉE") == "creme brulee"
    assert words_of("It's a multi-agent café_2") == ["it", "s", "a", "multi", "agent", "cafe", "2"]
