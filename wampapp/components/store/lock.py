"""Keeps a second process from opening a store's file."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Final

from wampapp.errors import StoreError

#: File systems on which SQLite's shared memory, or the lock, does not work between machines.
_REMOTE: Final = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "glusterfs", "fuse", "lustre")
_MOUNTS: Final = Path("/proc/self/mounts")


class FileLock:
    """A lock that ends with its process, however that ends.

    Args:
        file: the file that carries it; it stays when the lock is given up.
        mounts: the list of what is mounted, as Linux has it.
    """

    def __init__(self, file: Path, mounts: Path = _MOUNTS) -> None:
        self._file = file
        self._mounts = mounts
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            StoreError: another process has it, or it would not hold on this file system.
            OSError: the file cannot be made.
        """
        store = str(self._file).removesuffix(".lock")
        kind = file_system_of(self._file.parent, self._mounts)
        if kind is not None and kind.startswith(_REMOTE):
            raise StoreError(
                f"{store} is on a network file system ({kind}), where its data would not be safe; "
                "name a file on a disk of this machine, or a PostgreSQL database."
            )
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip()
            os.close(descriptor)
            raise StoreError(
                f"{store} is in use by process {holder or 'unknown'}; stop that one first, or name "
                "another file."
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock up, if it is held."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None


def file_system_of(folder: Path, mounts: Path) -> str | None:
    """Return the kind of the file system that a folder is on; None where that is not known.

    Args:
        folder: the folder.
        mounts: the list of what is mounted, as Linux has it.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    path = folder.resolve()
    best, kind = -1, None
    for line in lines:
        words = line.split()
        if len(words) < 3:
            continue
        # Blanks in a path are written as octal numbers.
        place = Path(words[1].encode().decode("unicode_escape", errors="replace"))
        if path.is_relative_to(place) and len(place.parts) >= best:
            best, kind = len(place.parts), words[2]
    return kind
