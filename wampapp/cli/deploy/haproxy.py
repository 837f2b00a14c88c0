"""A configuration of HAProxy that puts two routers behind one address, one of them active."""

from __future__ import annotations

import re
from typing import Final

from wampapp.errors import UsageError

_PLACE: Final = re.compile(r"(?P<host>\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]*):(?P<port>\d{1,5})")

_TEXT: Final = """\
# Two routers behind one address. One at a time has all sessions: a realm that is on two routers is
# two realms. When the first one fails, the second takes over; when it comes back, so do they.
# How many sessions there may be follows from the limit of open files, two for each (LimitNOFILE).
defaults
    mode tcp
    timeout connect 1s
    timeout check 500ms
    retries 1
    option redispatch 1
    # A session may be silent for long; clients and routers look after their links by themselves.
    timeout client 1h
    timeout server 1h
    timeout tunnel 1h
    option clitcpka
    option srvtcpka
frontend wamp
    bind {bind}
    default_backend routers
backend routers
    option httpchk GET /readyz
    http-check expect status 200
    # A router that was killed is noticed after two checks, as is one that hangs.
    default-server check inter 500ms fall 2 rise 4 on-marked-down shutdown-sessions
    server first {first} on-marked-up shutdown-backup-sessions
    server second {second} backup
"""


def configuration(first: str, second: str, *, bind: str) -> dict[str, str]:
    """Return the file, by name.

    Args:
        first: the host and port of the router that is active as long as it can be.
        second: those of the one that takes over.
        bind: the host and port at which services and clients find them.

    Raises:
        UsageError: one of them is not a host and a port, or two are the same.
    """
    for place in (first, second, bind):
        found = _PLACE.fullmatch(place)
        if found is None or not 0 < int(found["port"]) < 65536:
            raise UsageError(f"{place!r} is not a host and a port, such as 10.0.0.1:8080.")
    if len({first, second, bind}) < 3:
        raise UsageError("The two routers and the address before them must differ.")
    text = _TEXT.format(first=first, second=second, bind=bind)
    return {"haproxy.cfg": text}
