"""Whether routing costs more as URIs get many: microseconds for one lookup, with no network."""

from functools import partial
from time import perf_counter

from tests.benchmarks.harness import Row, Table, in_turns
from wampapp.router.index import EXACT, PREFIX, WILDCARD, UriIndex

SIZES = (1, 1_000, 100_000)
#: Lookups between two looks at the clock.
BATCH = 1000


def measure(rounds: int, seconds: float) -> Table:
    """Measure lookups in small and large indexes; the ratio is to the smallest."""
    cells = {}
    for match, uri in (
        (EXACT, "com.shop.n0.price"),
        (PREFIX, "com.shop.n0.price.more"),
        (WILDCARD, "com.any.n0.price"),
    ):
        for size in SIZES:
            cells[match, size] = partial(microseconds, filled(match, size), uri, seconds)
    samples = in_turns(cells, rounds, "lookups")
    rows = [
        Row(f"{match}, {size:,} URIs", found, samples[match, SIZES[0]])
        for (match, size), found in samples.items()
    ]
    note = "The router's index in one process; the ratio is to one URI."
    return Table("Microseconds to find a procedure", note, rows, smaller_is_better=True)


def filled(match: str, size: int) -> UriIndex[int]:
    """Make an index of so many patterns of one kind."""
    index: UriIndex[int] = UriIndex()
    form = {EXACT: "com.shop.n{}.price", PREFIX: "com.shop.n{}.", WILDCARD: "com..n{}.price"}[match]
    for number in range(size):
        index.add(match, form.format(number), number)
    return index


def microseconds(index: UriIndex[int], uri: str, seconds: float) -> float:
    """Look a URI up for some seconds, and return what once took."""
    if index.best(uri) != 0:
        raise AssertionError(uri)
    count = 0
    start = perf_counter()
    while (took := perf_counter() - start) < seconds:
        for _ in range(BATCH):
            index.best(uri)
        count += BATCH
    return took / count * 1e6
