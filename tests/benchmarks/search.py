"""Searches: how fast documents are indexed and found, and typos beside what was meant.

whoosh3 and tantivy are libraries, so our owner is measured beside them as a library, and over WAMP
as it is used.
"""

import contextlib
import random
import string
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

from tests.benchmarks.contestants import ask, environment_of
from tests.benchmarks.harness import (
    DEADLINE,
    READY,
    WAMPAPP_READY,
    Process,
    Row,
    Table,
    in_turns,
    router_url,
)
from tests.benchmarks.search_judged import JUDGED, sections
from tests.benchmarks.search_work import BATCH, BODY, DOCUMENTS, TITLE, documents, words
from tests.support.indexed import Indexed
from wampapp import connect
from wampapp.components.search import text

PACKAGES = {
    "whoosh": ("whoosh3==3.54.0",),
    "tantivy": ("tantivy==0.27.0",),
}
PEERS = {"whoosh": "whoosh3", "tantivy": "tantivy"}
JOBS = ("index", "update", "query")
#: How many documents typos are looked for in, and how many typos.
TYPO_DOCUMENTS = 100_000
TYPOS = 1000
_LONG = 300.0

Ask = Callable[..., Any]


def measure(rounds: int) -> list[Table]:
    """Measure the searches in alternating rounds, and typos."""
    with contextlib.ExitStack() as stack:
        users: dict[str, Ask] = {"ours": _alone(stack), "wamp": _over_wamp(stack)}
        for peer in PEERS:
            users[peer] = _rival(stack, peer)
        cells = {(job, name): partial(user, job) for job in JOBS for name, user in users.items()}
        samples = in_turns(cells, rounds, "searches")
        judged = {name: users[name]("judged") for name in ("ours", "whoosh")}
    found = [_table(peer, samples) for peer in PEERS]
    return [*found, _relevance(judged), _typos()]


def _table(peer: str, samples: dict[Any, list[Any]]) -> Table:
    def of(job: str, name: str) -> list[float]:
        taken = samples[job, name]
        if job == "query":
            return [milliseconds for milliseconds, _ in taken]
        # All are times, so that the smaller is the better.
        return [1e6 / one for one in taken] if job == "index" else list(taken)

    labels = {
        "index": "a document indexed, µs",
        "update": "a live update, ms",
        "query": "a query, ms",
    }
    return Table(
        f"Search; the peer: {PEERS[peer]}",
        f"{DOCUMENTS:,} documents of {TITLE} and {BODY} words, put {BATCH} at a time by us, each "
        "time findable afterwards, and with one commit at the end by the peer. A query has two "
        "words, both of which are to be there, and gets ten documents with both fields "
        "highlighted; ours counts all as well. Over WAMP: by another process.",
        [
            Row(f"{label}{', over WAMP' if name == 'wamp' else ''}", of(job, name), of(job, peer))
            for job, label in labels.items()
            for name in ("ours", "wamp")
        ],
        smaller_is_better=True,
    )


def _relevance(judged: dict[str, float]) -> Table:
    return Table(
        "Relevance, beside whoosh3",
        f"nDCG@10, the mean of {len(JUDGED)} queries over the {len(sections())} sections of our "
        "how-tos; 1 would be every answer in the best order. Both stem English words.",
        [Row("nDCG@10", [judged["ours"]], [judged["whoosh"]])],
    )


def _alone(stack: contextlib.ExitStack) -> Ask:
    command = [sys.executable, "-m", "tests.benchmarks.our_search", "alone", _folder(stack)]
    process = stack.enter_context(Process(command, READY, talks=True))
    return lambda *order: ask(process, _LONG, *order)


def _over_wamp(stack: contextlib.ExitStack) -> Ask:
    def process(*words: str) -> Process:
        return Process([sys.executable, "-m", "tests.benchmarks.our_search", *words], WAMPAPP_READY)

    url = router_url(stack.enter_context(process("owner", _folder(stack))))
    stack.enter_context(process("user", url))
    client = stack.enter_context(connect(url, timeout=DEADLINE))
    return lambda job: client.procedure(f"com.benchmark.user.{job}", timeout=_LONG)()


def _rival(stack: contextlib.ExitStack, name: str) -> Ask:
    packages = PACKAGES[name]
    versions = "-".join(package.partition("==")[2] for package in packages)
    python = environment_of(f"rival-search-{name}-{versions}", packages, print) / "bin" / "python"
    command = [str(python), "-m", f"tests.benchmarks.rivals.search_{name}", _folder(stack)]
    process = stack.enter_context(Process(command, READY, talks=True))
    return lambda *order: ask(process, _LONG, *order)


def _folder(stack: contextlib.ExitStack) -> str:
    """Return a folder that goes at the end."""
    return stack.enter_context(tempfile.TemporaryDirectory(prefix="wampapp-search-"))


class Text:
    id: int
    title: str = text(weight=5)
    body: str = text()


def typo(word: str, chance: random.Random) -> str:
    """Return a word with one edit, not of its first letter or last."""
    place = chance.randrange(1, len(word) - 1)
    letter = chance.choice(string.ascii_lowercase)
    before, after = word[:place], word[place:]
    return chance.choice(
        (
            before + letter + after[1:],
            before + after[1:],
            before + letter + after,
            before + after[1] + after[0] + after[2:],
        )
    )


def _typos() -> Table:
    chance = random.Random(4)
    with tempfile.TemporaryDirectory(prefix="wampapp-search-") as folder:
        index = Indexed(Text, file=f"{folder}/typos.sqlite")
        all_of = documents(TYPO_DOCUMENTS)
        for start in range(0, len(all_of), BATCH):
            index.put(all_of[start : start + BATCH])
        used = {word for one in all_of for word in one["body"].split()}
        long = [word for word in words() if len(word) > 5 and word in used]
        times, found = [], 0
        for word in chance.choices(long, k=TYPOS):
            wrong = typo(word, chance)
            began = perf_counter()
            answer = index.find(f"{wrong} ")
            times.append((perf_counter() - began) * 1e3)
            meant = (answer.corrected or "").split()
            shown = [mark for hit in answer.hits for mark in hit.html.values()]
            found += word in meant or any(f"<mark>{word}</mark>" in one for one in shown)
        index.close()
    times.sort()
    return Table(
        f"Words with a typo, among {len(all_of):,} documents",
        f"{TYPOS:,} words of more than 5 letters with one edit. Found: the share for which "
        "documents with the word that was meant are among the first ten.",
        [
            Row("found, percent", [100 * found / TYPOS], []),
            Row("p50, ms", [times[len(times) // 2]], []),
            Row("p99, ms", [times[len(times) * 99 // 100]], []),
        ],
    )
