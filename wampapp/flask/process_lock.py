"""A lock by which one process of this machine serves an app."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

#: How often a process tries whether the one that serves has ended.
_RETRY_SECONDS: Final = 0.25

#: The keys that this process has claimed, as it would get the same record lock again and again.
_claimed: set[str] = set()
_claiming = threading.Lock()


def claim(key: str) -> bool:
    """Return whether nothing in this process has claimed the key before."""
    with _claiming:
        first = key not in _claimed
        _claimed.add(key)
    return first


def acquire(key: str, on_wait: Callable[[], None]) -> int:
    """Wait until no other process of this machine serves an app.

    Args:
        key: names the app.
        on_wait: called each time that another process has the lock.

    Returns:
        The lock's file descriptor; closing it releases the lock.

    Raises:
        OSError: the lock file cannot be opened.
    """
    name = f"wampapp-{os.getuid()}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.lock"
    path = Path(tempfile.gettempdir()) / name
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    lock = os.open(path, flags, 0o600)
    # A record lock belongs to the process: it ends with it, and a fork does not inherit it. We try
    # again and again instead of waiting in the kernel, which would refuse that as a deadlock if two
    # processes have two apps each.
    while True:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            on_wait()
            time.sleep(_RETRY_SECONDS)
        else:
            return lock
