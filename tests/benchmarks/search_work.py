"""What is measured of a search: ours and its rivals run this code, each in its environment.

It imports nothing of wampapp, which is not installed in theirs.
"""

import random
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice, product
from time import perf_counter
from typing import Any

#: How many documents are indexed, in how large batches, and how many words one has.
DOCUMENTS = 20_000
BATCH = 1000
TITLE, BODY = 5, 60
#: How many documents are put one by one, and how many queries are asked.
UPDATES = 50
QUERIES = 300

_SYLLABLES = [a + b for a, b in product("bdfgklmnprstvz", "aeiou")]


def words(count: int = 20_000) -> list[str]:
    """Return words of two to four syllables, in the order of how often they are used."""
    chance = random.Random(1)
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(chance.choices(_SYLLABLES, k=chance.choice((2, 3, 3, 4))))] = None
    return list(found)


def documents(count: int = DOCUMENTS) -> list[dict[str, Any]]:
    """Return documents whose words are as unevenly frequent as those of a language."""
    chance = random.Random(2)
    all_words = words()
    weights = [1 / (rank + 10) for rank in range(len(all_words))]
    drawn = iter(chance.choices(all_words, weights, k=count * (TITLE + BODY)))
    return [
        {
            "id": number,
            "title": " ".join(islice(drawn, TITLE)),
            "body": " ".join(islice(drawn, BODY)),
            "kind": chance.choice(("news", "blog", "wiki")),
        }
        for number in range(count)
    ]


def queries() -> list[str]:
    """Return queries of two words that many documents have."""
    chance = random.Random(3)
    frequent = words()[10:300]
    return [" ".join(chance.sample(frequent, 2)) + " " for _ in range(QUERIES)]


async def indexed(put_many: Callable[[Sequence[dict[str, Any]]], Awaitable[Any]]) -> float:
    """Return how many documents a second are put, in batches; each can be found afterwards."""
    all_of = documents()
    began = perf_counter()
    for start in range(0, len(all_of), BATCH):
        await put_many(all_of[start : start + BATCH])
    return len(all_of) / (perf_counter() - began)


async def updated(put: Callable[[dict[str, Any]], Awaitable[Any]]) -> float:
    """Return the milliseconds until a document that is put can be found."""
    some = documents(UPDATES)
    for number, document in enumerate(some):
        document["id"] = DOCUMENTS + number
    began = perf_counter()
    for document in some:
        await put(document)
    return (perf_counter() - began) / len(some) * 1e3


async def asked(ask: Callable[[str], Awaitable[int]]) -> list[float]:
    """Return the mean milliseconds of a query for ten documents with highlights, and their sum."""
    all_of = queries()
    total = 0
    began = perf_counter()
    for query in all_of:
        total += await ask(query)
    return [(perf_counter() - began) / len(all_of) * 1e3, total]
