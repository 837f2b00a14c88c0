"""What it costs that a router asks, for each call and event, whether a role may do that."""

import contextlib
import sys
import tempfile
from functools import partial
from pathlib import Path

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

IN_FLIGHT = (1, 64)
FILE = """\
[realms.realm1]
anonymous = "member"

[realms.realm1.roles.member]
permissions = [
  { uri = "com.roles.", match = "prefix", allow = ["call", "register", "publish", "subscribe"] },
  { uri = "com.roles.<who>.secret", allow = [] },
]
"""


def measure(rounds: int, seconds: float) -> Table:
    """Measure calls over a router with roles, and over one without."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        path = folder / "router.toml"
        path.write_text(FILE)
        cells = {}
        for label, options in (("with", ["--config", str(path)]), ("without", [])):
            command = [sys.executable, "-m", "wampapp", "router", "--port", "0", *options]
            url = router_url(stack.enter_context(Process(command, WAMPAPP_READY)))
            client = stack.enter_context(connect(url, timeout=DEADLINE + seconds))
            side = Side("tests.benchmarks.ours", WAMPAPP_READY, url, "com.roles.b", client)
            stack.enter_context(side.process("callee"))
            stack.enter_context(side.process("caller"))
            for number in IN_FLIGHT:
                add = f"{side.prefix}.add"
                cells[label, number] = partial(side.call, "calls", add, number, seconds)
        samples = in_turns(cells, rounds, "roles")
    rows = [
        Row(f"{number} in flight", samples["with", number], samples["without", number])
        for number in IN_FLIGHT
    ]
    note = "Over RawSocket; the peer is the same router without a file."
    return Table("Calls per second with roles", note, rows)
