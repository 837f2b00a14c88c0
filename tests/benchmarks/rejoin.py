"""How soon a service answers again after an outage of its router."""

import re
import sys
import time
from functools import partial

from tests.benchmarks.harness import READY, WAMPAPP_READY, Process, Row, Table, in_turns
from tests.support.proxy import Wire
from wampapp import ConnectedClient, WampError, connect

#: Long enough for the delays between attempts to have grown.
OUTAGE = 6.0  # seconds


def measure(rounds: int) -> Table:
    """Measure an outage of some seconds for both sides."""
    command = [sys.executable, "-m", "wampapp", "router", "--port", "0"]
    with Process(command, WAMPAPP_READY) as router:
        found = re.search(r"rs://\S+:(\d+)", "\n".join(router.output))
        if found is None:
            raise RuntimeError("wampapp's router did not print its URL")
        with connect(found[0], timeout=60) as client:
            cells = {
                "ours": partial(answered, int(found[1]), client, "tests.benchmarks.ours"),
                "peer": partial(answered, int(found[1]), client, "tests.benchmarks.component"),
            }
            samples = in_turns(cells, rounds, "rejoin")
    row = Row(f"an outage of {OUTAGE:g} s", samples["ours"], samples["peer"])
    note = "Both on wampapp's router, over RawSocket, behind a proxy that refuses connections."
    title = "Seconds from the router's return to the first answered call"
    return Table(title, note, [row], smaller_is_better=True)


def answered(port: int, client: ConnectedClient, module: str) -> float:
    """Start a service behind a proxy, break the connection for a while, and wait for an answer."""
    ready = WAMPAPP_READY if module.endswith("ours") else READY
    prefix = f"com.rejoin.{module.rpartition('.')[2]}"
    with Wire(port) as wire:
        command = [sys.executable, "-m", module, "callee", wire.rs_url, prefix]
        with Process(command, ready):
            client.call(f"{prefix}.add", 2, 3)
            wire.refuse()
            time.sleep(OUTAGE)
            wire.allow()
            begun = time.perf_counter()
            while True:
                try:
                    client.call(f"{prefix}.add", 2, 3)
                except WampError:
                    continue  # it is not registered again yet
                return time.perf_counter() - begun
