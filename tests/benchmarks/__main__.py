"""`python -m tests.benchmarks`: compare wampapp with Autobahn, xconn, NATS, FastStream and others.

Each figure is the median of several rounds, with the smallest and the largest in parentheses. The
rounds alternate between the sides, over loopback; every peer and router is a separate process.
"""

import argparse
import contextlib
import json
import os
import platform
import signal
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests.benchmarks import (
    calls,
    commands,
    crowd,
    describe,
    events,
    failover,
    field,
    growth,
    handlers,
    kinds,
    kv,
    pages,
    rejoin,
    report,
    roles,
    search,
    settings,
    sleepers,
    start,
    tasks,
    telemetry,
    testing,
)
from tests.benchmarks.harness import (
    DEADLINE,
    READY,
    ROOT,
    WAMPAPP_READY,
    Pair,
    Process,
    Side,
    router_url,
)
from wampapp import connect
from wampapp.crossbar import VERSION, Crossbar


def main() -> None:
    options = parse()
    # SIGTERM ends the processes as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    about = surroundings()
    print("\n".join(f"{name:12}{value}" for name, value in about.items()))
    tables: list[report.AnyTable] = []

    def add(*more: report.AnyTable) -> None:
        for table in more:
            print(f"\n{table.text()}", flush=True)
        tables.extend(more)

    if options.only in (None, "calls", "events"):
        with contextlib.ExitStack() as routers:
            pairs = start_routers(routers, options.seconds)
            if options.only in (None, "calls"):
                add(calls.measure(pairs, options.rounds, options.seconds))
            if options.only in (None, "events"):
                add(events.measure(pairs, options.rounds, options.seconds))
    if options.only in (None, "events"):
        add(*events.measure_beside_nats(options.rounds, options.seconds))
    if options.only in (None, "failover"):
        add(failover.measure(options.rounds))
    if options.only in (None, "field"):
        add(*field.measure(options.rounds, options.seconds))
    if options.only in (None, "handlers"):
        add(handlers.measure(options.rounds, options.seconds))
    if options.only in (None, "kinds"):
        add(*kinds.measure(options.rounds, options.seconds))
    if options.only in (None, "growth"):
        add(growth.measure(options.rounds, options.seconds))
        add(growth.measure_calls(options.rounds, options.seconds))
    if options.only in (None, "start"):
        add(*start.measure(options.rounds))
    if options.only in (None, "commands"):
        add(*commands.measure(options.rounds, options.seconds))
    if options.only in (None, "crowd"):
        add(*crowd.measure(options.rounds))
    if options.only in (None, "roles"):
        add(roles.measure(options.rounds, options.seconds))
    if options.only in (None, "pages"):
        add(*pages.measure(options.rounds, options.seconds))
    if options.only in (None, "sleepers"):
        add(*sleepers.measure(options.rounds))
    if options.only in (None, "rejoin"):
        add(rejoin.measure(options.rounds))
    if options.only in (None, "describe"):
        add(describe.measure(options.rounds))
    if options.only in (None, "kv"):
        add(*kv.measure(options.rounds, options.seconds))
    if options.only in (None, "search"):
        add(*search.measure(options.rounds))
    if options.only in (None, "settings"):
        add(*settings.measure(options.rounds))
    if options.only in (None, "telemetry"):
        add(*telemetry.measure(options.rounds, options.seconds))
    if options.only in (None, "tasks"):
        add(*tasks.measure(options.rounds, options.seconds))
    if options.only in (None, "testing"):
        add(testing.measure(options.rounds))
    if options.write:
        report.write(about, tables)
    if options.json:
        found = {"about": about, "tables": [table.json() for table in tables]}
        options.json.write_text(json.dumps(found, indent=1) + "\n")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    parser.add_argument("--seconds", type=float, default=1.0, help="per measurement; default: 1")
    parser.add_argument(
        "--only",
        choices=[
            *(
                "calls",
                "commands",
                "crowd",
                "describe",
                "events",
                "failover",
                "field",
                "growth",
                "handlers",
                "kinds",
                "kv",
                "pages",
                "rejoin",
            ),
            *("roles", "search", "settings", "sleepers", "start", "tasks", "telemetry"),
            "testing",
        ],
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample to FILE")
    parser.add_argument(
        "--write",
        action="store_true",
        help=f"write {report.PAGE.relative_to(ROOT)} and its chart",
    )
    options = parser.parse_args()
    if options.rounds < 1 or not options.seconds > 0:
        parser.error("--rounds and --seconds must be positive")
    return options


def surroundings() -> dict[str, str]:
    """Return the versions and the machine that the figures depend on."""
    try:
        loop = f"uvloop {version('uvloop')}"
    except PackageNotFoundError:
        loop = "asyncio's own"
    return {
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "python": platform.python_version(),
        "wampapp": f"{version('wampapp')} with its own router, loop: {loop}",
        "the peer": f"Component of Autobahn {version('autobahn')}, Crossbar.io {VERSION}",
    }


def start_routers(stack: contextlib.ExitStack, seconds: float) -> list[Pair]:
    """Start both routers, and return the pairs: wampapp's default first, the peer's last."""
    command = [sys.executable, "-m", "wampapp", "router", "--port", "0"]
    ours = stack.enter_context(Process(command, WAMPAPP_READY))
    peer = stack.enter_context(Crossbar(progress=print))
    rs_url = router_url(ours)
    ws_url = f"{rs_url.replace('rs:', 'ws:', 1)}/ws"
    timeout = DEADLINE + seconds
    our_client = stack.enter_context(connect(rs_url, timeout=timeout))
    peer_client = stack.enter_context(connect(peer.rs_url, timeout=timeout))

    def pair(name: str, prefix: str, our_url: str, peer_url: str) -> Pair:
        return Pair(
            name,
            Side("tests.benchmarks.ours", WAMPAPP_READY, our_url, prefix, our_client),
            Side("tests.benchmarks.component", READY, peer_url, prefix, peer_client),
        )

    return [
        pair("RawSocket, MessagePack", "com.benchmark.rs", rs_url, peer.rs_url),
        pair("WebSocket", "com.benchmark.ws", ws_url, peer.ws_url),
    ]


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
