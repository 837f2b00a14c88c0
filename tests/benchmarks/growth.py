"""Whether a message costs more when there are many URIs, registrations and sessions."""

import contextlib
import sys
from dataclasses import replace
from functools import partial
from time import perf_counter

from tests.benchmarks.harness import (
    DEADLINE,
    WAMPAPP_READY,
    Process,
    Row,
    Side,
    Table,
    in_turns,
    router_url,
)
from wampapp import connect
from wampapp.router.index import EXACT, PREFIX, WILDCARD, UriIndex

SIZES = (1, 1_000, 100_000)
#: Registrations of one session, and sessions.
MANY = 1_000
IN_FLIGHT = 64
#: Lookups between two readings of the clock.
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
    note = "The router's index in one process; the ratio compares with one URI."
    return Table("Microseconds to find a procedure", note, rows, smaller_is_better=True)


def measure_calls(rounds: int, seconds: float) -> Table:
    """Measure calls with few and many registrations of the callee, and few and many sessions."""
    with contextlib.ExitStack() as stack:
        enter = stack.enter_context
        command = [sys.executable, "-m", "wampapp", "router", "--port", "0"]
        router = enter(Process(command, WAMPAPP_READY))
        url = router_url(router)
        client = enter(connect(url, timeout=DEADLINE + seconds))
        caller = Side("tests.benchmarks.ours", WAMPAPP_READY, url, "com.growth", client)
        enter(caller.process("caller"))
        cells = {}
        for label, what, more in (
            ("1 registration, few sessions", "register", 0),
            (f"{MANY:,} registrations of the callee", "register", MANY - 1),
        ):
            side = replace(caller, prefix=f"com.growth.n{more}")
            enter(side.process("crowd"))
            side.call(what, more)
            add = f"{side.prefix}.add"
            cells[label] = partial(caller.call, "calls", add, IN_FLIGHT, seconds)
        samples = in_turns(cells, rounds, "growth")
        alone = f"{side.prefix}.add"
        side.call("join", MANY)
        label = f"{MANY:,} other sessions"
        crowded = {label: partial(caller.call, "calls", alone, IN_FLIGHT, seconds)}
        samples |= in_turns(crowded, rounds, "growth")
    first = next(iter(samples.values()))
    rows = [Row(label, found, first) for label, found in samples.items()]
    note = f"{IN_FLIGHT} in flight, over the router; the ratio compares with the first row."
    return Table("Calls per second with many registrations and sessions", note, rows)


def filled(match: str, size: int) -> UriIndex[int]:
    """Make an index of `size` patterns of one kind."""
    index: UriIndex[int] = UriIndex()
    form = {EXACT: "com.shop.n{}.price", PREFIX: "com.shop.n{}.", WILDCARD: "com..n{}.price"}[match]
    for number in range(size):
        index.add(match, form.format(number), number)
    return index


def microseconds(index: UriIndex[int], uri: str, seconds: float) -> float:
    """Look a URI up for some seconds, and return how long a lookup took."""
    if index.best(uri) != 0:
        raise AssertionError(uri)
    count = 0
    start = perf_counter()
    while (took := perf_counter() - start) < seconds:
        for _ in range(BATCH):
            index.best(uri)
        count += BATCH
    return took / count * 1e6
