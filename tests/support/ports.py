"""Ports of the loopback interface for what has to know its port before it listens."""

import os
import socket
from itertools import cycle

# Below the ports that the system gives out by itself (from 32768 on Linux, 49152 on macOS), such
# that nothing takes one between this probe and its use. Each worker of pytest-xdist has a span of
# its own; where in it one begins differs from run to run, for two may run beside each other.
_SPAN = 500
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_first = 12_000 + _worker % 40 * _SPAN
_shift = os.getpid() * 7 % _SPAN
_candidates = cycle(
    [*range(_first + _shift, _first + _SPAN), *range(_first, _first + _shift)],
)


def free_port() -> int:
    """Return a TCP port that nobody listens on, and that no other test will be given soon."""
    for port in _candidates:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError
