"""What an index finds, in which order, and what it shows."""

import random
import sys
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.indexed import Indexed
from wampapp import InvalidArgument
from wampapp.components.search import facet, sort, text


class Post:
    id: int
    title: str = text(weight=5)
    body: str | None = text(default=None)
    tags: list[str] = facet(default_factory=list)
    stars: int = facet(default=0)
    draft: bool = facet(default=False)
    day: date | None = facet(default=None)
    written: datetime | None = sort(default=None)
    extra: Any = None


def post(number: int, title: str, **others: Any) -> dict[str, Any]:
    return {
        "id": number,
        "title": title,
        "body": None,
        "tags": [],
        "stars": 0,
        "draft": False,
        "day": None,
        "written": None,
        "extra": None,
    } | others


POSTS = [
    post(1, "Wamp handlers", body="They answer <b>calls</b> & more", tags=["a", "b"], stars=3),
    post(2, "Other things", body="wamp is a protocol", tags=["b"], draft=True, day="2026-02-01"),
    post(3, "Müller's cooking", body='A "multi-agent" café', written="2026-03-01T00:00:00Z"),
    post(4, "Running", body="He runs", written="2026-02-01T00:00:00+01:00", extra={"x": [1, b"b"]}),
]


@pytest.fixture
def posts() -> Iterator[Indexed]:
    posts = Indexed(Post)
    assert posts.put(POSTS) == len(POSTS)
    yield posts
    posts.check()
    posts.close()


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("wamp", [1, 2]),  # the title weighs more
        ("WAMP", [1, 2]),
        ("wamp handlers", [1]),
        ("wamp prot", [2]),
        ("wamp prot ", [1, 2]),  # none has both
        ("title:wamp", [1]),
        ("body:wamp", [2]),
        ("wamp -handlers", [2]),
        ("-wamp", [3, 4]),
        ('"is a protocol"', [2]),
        ('"a is protocol"', []),
        ("multi-agent", [3]),
        ("agent-multi", []),
        ("muller", [3]),
        ("MÜLLER", [3]),
        ("cafe", [3]),
        ("calls</b>", [1]),
        ("tags:b", [2, 1]),
        ("tags:b wamp", [1, 2]),
        ("stars:3", [1]),
        ("stars:many", []),
        ("draft:yes", [2]),
        ("day:2026-02-01", [2]),
        ("day:x", []),
        ("", [3, 4, 2, 1]),  # the newest first
    ],
)
def test_what_is_found(posts: Indexed, query: str, ids: list[int]) -> None:
    found = posts.find(query, typos=False)
    assert [hit.id for hit in found.hits] == ids
    assert found.total == len(ids)


def test_some_words_are_enough_if_no_document_has_all(posts: Indexed) -> None:
    found = posts.find("wamp cooking handlers ")
    assert found.matched == "any"
    assert {hit.id for hit in found.hits} == {1, 2, 3}
    assert posts.find("wamp handlers").matched == "all"


def test_documents_come_back_as_they_were(posts: Indexed) -> None:
    assert sorted((hit.document for hit in posts.find("").hits), key=lambda one: one["id"]) == POSTS


def test_highlights_are_escaped(posts: Indexed) -> None:
    (hit,) = posts.find("answer calls").hits
    assert hit.html == {
        "title": "Wamp handlers",
        "body": "They <mark>answer</mark> &lt;b&gt;<mark>calls</mark>&lt;/b&gt; &amp; more",
    }
    assert (
        posts.find("tags:a").hits[0].html["body"]
        == "They answer &lt;b&gt;calls&lt;/b&gt; &amp; more"
    )
    posts.put([post(5, "\ufdd0<script>\ufdd1 evil", body="word " * 500 + "needle" + " word" * 500)])
    (hit,) = posts.find("evil needle").hits
    assert hit.html["title"] == "\ufffd&lt;script&gt;\ufffd <mark>evil</mark>"
    assert "<mark>needle</mark>" in hit.html["body"]
    assert len(hit.html["body"]) < 250


def test_putting_again_replaces(posts: Indexed) -> None:
    assert posts.put(POSTS) == 0
    assert posts.put([post(1, "Something else"), post(1, "Yet something else")]) == 1
    assert posts.ids("handlers", typos=False) == []
    assert posts.ids("yet") == [1]
    assert posts.delete(1, 7) == 1
    assert posts.ids("yet") == []
    assert posts.find("").total == 3


def test_facets(posts: Indexed) -> None:
    found = posts.find("", facets=("tags", "stars", "draft", "day"))
    assert found.facets == {
        "tags": {"b": 2, "a": 1},
        "stars": {"0": 3, "3": 1},
        "draft": {"false": 3, "true": 1},
        "day": {"2026-02-01": 1},
    }
    assert posts.find("handlers", facets=("tags",)).facets == {"tags": {"a": 1, "b": 1}}
    assert posts.find("nothing at all", facets=("tags",)).facets == {"tags": {}}


def test_facets_have_a_thousand_values_at_most() -> None:
    posts = Indexed(Post)
    posts.put(post(n, "t", tags=[f"t{n}", "all"]) for n in range(1500))
    found = posts.find("", facets=("tags",), limit=0)
    assert len(found.facets["tags"]) == 1000
    assert found.facets["tags"]["all"] == 1500
    assert found.hits == []
    posts.close()


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        ({"tags": "a"}, [1]),
        ({"tags": ["a", "b"]}, [1, 2]),
        ({"stars": 3}, [1]),
        ({"stars": "3"}, [1]),
        ({"stars": {">": 0}}, [1]),
        ({"stars": {">=": 0, "<": 3}}, [2, 3, 4]),
        ({"draft": True}, [2]),
        ({"draft": "no"}, [1, 3, 4]),
        ({"day": "2026-02-01"}, [2]),
        ({"day": None}, [1, 3, 4]),
        ({"written": {">=": "2026-02-01"}}, [3]),  # the other is an hour before that
        ({"written": {"<": "2026-03-01T00:00:00Z"}}, [4]),
        ({"written": "2026-01-31T23:00:00Z"}, [4]),
        ({"tags": "b", "draft": False}, [1]),
        ({"tags": []}, []),
    ],
)
def test_filters(posts: Indexed, wanted: dict[str, Any], ids: list[int]) -> None:
    assert sorted(posts.ids("", filter=wanted)) == ids
    assert posts.find("-zzz", filter=wanted).total == len(ids)
    assert sorted(posts.ids("wamp", filter=wanted)) == [one for one in ids if one in (1, 2)]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"filter": {"title": "x"}}, "'title' is not a facet.. or sort.. of the index; it has day"),
        ({"filter": {"stars": "many"}}, "'many' is not a number, as 'stars' is"),
        ({"filter": {"stars": [1, {}]}}, "{} is not a number"),
        ({"filter": {"draft": 3}}, "3 is not a truth value"),
        ({"filter": {"written": "now"}}, "'now' is not a time such as 2026-01-31T12:00:00Z"),
        ({"filter": {"stars": {"=>": 1}}}, "'=>' does not compare; use one of < <= > >= !="),
        ({"filter": {"tags": {"<": "a"}}}, "'tags' is a list, which cannot be compared"),
        ({"filter": {"stars": list(range(1001))}}, "has 1,001 values; 1,000 is the most"),
        ({"facets": ("title",)}, "'title' is not a facet.. of the index; it has tags, stars"),
        ({"sort": "-stars"}, "'stars' is not a sort.. of the index; it has written"),
    ],
)
def test_what_an_index_does_not_have(posts: Indexed, options: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidArgument, match=why):
        posts.find("wamp", **options)


def test_sorting_and_pages(posts: Indexed) -> None:
    posts.put(post(n, "wamp", written=f"2026-01-{n - 9:02}T00:00:00Z") for n in range(10, 30))
    assert posts.ids("wamp", sort="written", limit=3) == [10, 11, 12]
    assert posts.ids("wamp", sort="-written", limit=3) == [29, 28, 27]
    assert posts.ids("", sort="written", limit=2, offset=1) == [11, 12]
    assert posts.ids("wamp", sort="written", limit=1000)[-2:] == [1, 2]  # what has none is last
    paged = [one for at in range(0, 25, 5) for one in posts.ids("wamp", limit=5, offset=at)]
    assert paged == posts.ids("wamp", limit=1000)
    assert len(set(paged)) == posts.find("wamp").total == 22


def test_of_very_many_documents_the_newest_are_ranked_first() -> None:
    posts = Indexed(Post)
    posts.put(post(n, "wamp" if n % 2 else "wamp and more") for n in range(5000))
    found = posts.find("wamp", limit=1)
    assert found.total == 5000
    assert found.hits[0].id in range(3501, 5000, 2)
    paged = [one for at in range(0, 5000, 1000) for one in posts.ids("wamp", limit=1000, offset=at)]
    assert sorted(paged) == list(range(5000))
    assert set(paged[:750]) == set(range(3501, 5000, 2))
    assert set(paged[1500:]) == set(range(3500))
    posts.put([post(7000, "wamps", tags=["x"])])
    assert posts.ids("wamp ", limit=1, filter={"tags": "x"}) == []
    posts.close()


def test_an_answer_has_a_mebibyte_at_most() -> None:
    posts = Indexed(Post)
    posts.put(post(n, "t", extra="x" * 600_000) for n in range(4))
    assert posts.find("t").total == 4
    assert len(posts.ids("t")) == 1
    assert len(posts.ids("")) == 1
    posts.close()


def test_english_words_are_found_in_all_forms() -> None:
    posts = Indexed(Post, language="english")
    posts.put(POSTS)
    assert sorted(posts.ids("run ")) == [4]
    assert posts.ids("runing") == [4]
    assert posts.find("handling").hits[0].html["title"] == "Wamp <mark>handlers</mark>"
    assert posts.find("handlres").corrected == "handlers"
    posts.check()
    posts.close()


def test_chinese_and_japanese() -> None:
    posts = Indexed(Post, language="cjk")
    posts.put([post(1, "東京都の天気", body="50% _ 晴れ"), post(2, "北京的天气", body="多云")])
    assert posts.ids("東京都") == [1]
    assert posts.ids("天気") == [1]  # shorter than three
    assert posts.ids("北京 -天気") == [2]
    assert posts.ids("title:北京的") == [2]
    assert posts.ids("body:晴れ") == [1]
    assert posts.ids("5_%") == []
    assert "<mark>東京都</mark>" in posts.find("東京都").hits[0].html["title"]
    posts.check()
    posts.close()


ALPHABETS = [
    "abwmp \"-:*()^'",
    "".join(map(chr, range(0x20, 0x250))),
    "日本語テキスト検索한국어العربيةעברית ",
    "".join(map(chr, range(0x300, 0x370))) + "ae ",
    "\0\x01\x7f\u200b\u200d\ufeff\ufffd\ufdd0\ufdd1 a",
    "😀👍🏽🇩🇪a ",
]
WORDS = [
    "title:",
    "tags:",
    "wamp",
    "-",
    '"',
    "AND",
    "OR",
    "NOT",
    "NEAR(",
    "handlres",
    "'",
    "--",
    "body:",
]


def random_query(chance: random.Random) -> str:
    letters = chance.randrange(25)
    if chance.random() < 0.4:
        found = "".join(chr(chance.randrange(sys.maxunicode + 1)) for _ in range(letters))
    else:
        alphabet = chance.choice(ALPHABETS)
        found = "".join(chance.choice(alphabet) for _ in range(letters))
    if chance.random() < 0.5:
        place = chance.randrange(len(found) + 1)
        found = found[:place] + " ".join(chance.choices(WORDS, k=3)) + found[place:]
    return found


def ask_at_random(language: str | None, count: int, seed: int) -> None:
    posts = Indexed(Post, language=language)
    posts.put(POSTS)
    posts.put(post(n, alphabet, body="wamp") for n, alphabet in enumerate(ALPHABETS, start=10))
    chance = random.Random(seed)
    total = 0
    for _ in range(count):
        query = random_query(chance)
        try:
            total += posts.find(query, facets=("tags",)).total
        except Exception as error:
            pytest.fail(f"{query!r} raises {error!r}")
    assert total > count / 10
    posts.close()


@pytest.mark.parametrize("language", [None, "english", "cjk"])
def test_no_query_fails(language: str | None) -> None:
    ask_at_random(language, 1000, seed=1)


@pytest.mark.slow
def test_none_of_a_hundred_thousand_queries_fails() -> None:
    ask_at_random(None, 100_000, seed=2)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=20), max_size=4), st.text(max_size=20))
def test_every_text_can_be_put_and_found(texts: list[str], query: str) -> None:
    posts = Indexed(Post)
    posts.put(post(n, one) for n, one in enumerate(texts))
    posts.find(query)
    for n, one in enumerate(texts):
        word = "".join(letter for letter in one if letter.isascii() and letter.isalnum())
        if word and word == one:
            assert n in posts.ids(f'"{word}"', limit=1000)
    posts.delete(*range(len(texts)))
    posts.check()
    assert posts.find("").total == 0
    posts.close()
