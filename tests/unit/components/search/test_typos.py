"""Which words may stand for which others."""

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks.search_work import documents, words
from tests.support.indexed import Indexed
from wampapp.components.search import text
from wampapp.components.search.typos import deletions, distance, edits_allowed, nearest

LETTERS = string.ascii_lowercase


class Thing:
    id: int
    words: str = text()


@pytest.mark.parametrize(
    ("word", "edits"),
    [("abc", 0), ("abcde", 1), ("abcdefgh", 1), ("abcdefghi", 2), ("a" * 32, 2), ("a" * 33, 0)],
)
def test_how_many_edits_a_word_may_have(word: str, edits: int) -> None:
    assert edits_allowed(word) == edits


@pytest.mark.parametrize(
    ("a", "b", "edits"),
    [
        ("same", "same", 0),
        ("handler", "handlre", 1),
        ("handler", "hadler", 1),
        ("handler", "handdler", 1),
        ("handler", "hamdler", 1),
        ("handler", "andler", 2),
        ("handler", "bandler", 2),
        ("ab", "ba", 2),
        ("handlers", "hnadlres", 2),
    ],
)
def test_edits(a: str, b: str, edits: int) -> None:
    assert distance(a, b, 3) == distance(b, a, 3) == edits
    if edits:
        assert distance(a, b, edits - 1) > edits - 1


def edited(word: str, chance: random.Random) -> str:
    place = chance.randrange(1, len(word) - 1)
    letter = chance.choice(LETTERS)
    before, after = word[:place], word[place:]
    return chance.choice(
        [
            before + letter + after[1:],
            before + after[1:],
            before + letter + after,
            before + after[1] + after[0] + after[2:],
        ]
    )


@given(st.text(alphabet="abcdé日", min_size=4, max_size=12), st.randoms(use_true_random=False))
def test_one_edit_leaves_a_deletion_in_common(word: str, chance: random.Random) -> None:
    other = edited(word, chance)
    assert deletions(word) & deletions(other)
    assert distance(word, other, 2) <= 1


def test_four_letters_may_be_swapped() -> None:
    assert list(nearest("wmap", ["wamp", "wrap", "map"], 1)) == [(1, "wamp")]


@pytest.fixture
def things() -> Indexed:
    things = Indexed(Thing)
    things.put(
        [
            {"id": 1, "words": "Wamp handlers answer calls"},
            {"id": 2, "words": "Subscriptions handle events"},
            {"id": 3, "words": "Crème brûlée"},
            {"id": 4, "words": "abcdefg1 12345 aGent"},
        ]
    )
    return things


@pytest.mark.parametrize(
    ("query", "corrected", "ids"),
    [
        ("wmap handlres", "wamp handlers", [1]),
        ("subscirptoins", "Subscriptions", [2]),  # two edits
        ("subs", None, [2]),
        ("creme brulle", "creme brulee", [3]),
        ("anser", "answer", [1]),
        ("bnswer", None, []),  # the first letter counts as two
        ("12346", None, []),  # numbers are not corrected
        ("-handlres answer", None, [1]),
        ('"wamp handlres"', None, []),
        ("words:handlres", "words:handlers", [1]),
        ("zzzzzzzzzzzz", None, []),
        ("hndlers, really", "handlers, really", [1]),
    ],
)
def test_what_is_corrected(
    things: Indexed, query: str, corrected: str | None, ids: list[int]
) -> None:
    found = things.find(query)
    if corrected is not None:
        assert found.corrected is not None
        assert found.corrected.replace(",", "").lower() == corrected.replace(",", "").lower()
    else:
        assert found.corrected is None
    assert [hit.id for hit in found.hits] == ids
    things.close()


@pytest.mark.slow
def test_words_with_a_typo_are_found() -> None:
    things = Indexed(Thing)
    texts = [one["body"] for one in documents(10_000)]
    for start in range(0, len(texts), 1000):
        some = enumerate(texts[start : start + 1000], start)
        things.put({"id": n, "words": one} for n, one in some)
    used = {word for one in texts for word in one.split()}
    chance = random.Random(7)
    long = [word for word in words() if len(word) > 5 and word in used]
    found = 0
    for word in chance.choices(long, k=1000):
        hits = things.find(f"{edited(word, chance)} ").hits
        found += any(f"<mark>{word}</mark>" in hit.html["words"] for hit in hits)
    assert found >= 980
    things.close()


def test_nothing_is_corrected_if_that_is_not_wanted(things: Indexed) -> None:
    assert things.find("handlres", typos=False).total == 0
    things.close()


def test_words_of_documents_that_have_gone_are_not_meant(things: Indexed) -> None:
    things.delete(1)
    found = things.find("handlres")
    assert (found.total, found.corrected) == (0, None)
    things.close()


def test_what_was_written_comes_before_what_is_near() -> None:
    things = Indexed(Thing)
    things.put({"id": n, "words": "handlers " * n} for n in range(1, 4))
    things.put([{"id": 9, "words": "a much longer text that has only one handler in it"}])
    assert things.ids("handler ")[0] == 9
    assert things.find("handler ").total == 4
    assert things.ids("handler ", limit=2, offset=1) == things.ids("handler ")[1:3]
    things.close()
