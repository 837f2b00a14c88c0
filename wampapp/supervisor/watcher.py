"""Notices which files of a project are saved."""

from __future__ import annotations

import importlib.util
import logging
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wampapp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

logger = logging.getLogger("wampapp")

#: Folders that hold no code of the project's own, besides hidden ones and virtual environments.
_SKIPPED: Final = frozenset({"__pycache__", "node_modules", "site-packages"})
_TEMPORARY: Final = ("~", ".swp", ".tmp", ".pyc", ".log", "-journal", "-wal", "-shm")

#: Seconds between two scans, without watchfiles and with it. It notices changes by itself, but
#: misses those on some network drives.
_INTERVAL: Final = 0.15
_LONG_INTERVAL: Final = 2.0
#: The least pause after a scan, as a multiple of the time that the scan took.
_SHARE: Final = 20
#: Seconds without another change after which a save is over, and the most waits for such a span.
_QUIET: Final = 0.03
_MAX_WAITS: Final = 20

#: Each file's modification time, size and inode number, by its path.
_State = dict[str, tuple[int, int, int]]


class Watcher:
    """Watches the Python files of a folder, and other files that are named.

    Args:
        folder: the project; its Python files are watched, except in hidden folders, caches and
            virtual environments.
        extras: more files, folders (with everything in them) and patterns such as ``*.html``.

    Raises:
        UsageError: there is no such file or folder.
    """

    def __init__(self, folder: Path, extras: Sequence[str] = ()) -> None:
        self.folder = folder.resolve()
        self._patterns = ["*.py"]
        self._folders: list[Path] = []
        self._files: list[Path] = []
        for extra in extras:
            path = (self.folder / extra).resolve()
            if path.is_dir():
                self._folders.append(path)
            elif path.is_file():
                self._files.append(path)
            elif any(character in extra for character in "*?["):
                self._patterns.append(extra.removeprefix("./").removeprefix("**/"))
            else:
                raise UsageError(
                    f"--watch {extra}: there is no such file or folder; name one, or a pattern "
                    "such as '*.html'."
                )
        self._ignored: frozenset[str] = frozenset()
        self._hint = threading.Event()
        self._stop = threading.Event()
        self._pause = _INTERVAL
        self._lock = threading.Lock()
        self._state = self._scan()

    def ignore(self, files: Iterable[str]) -> None:
        """Ignore some files from now on: those that the service itself writes to."""
        self._ignored = frozenset(os.path.realpath(file) for file in files)

    def watch_also(self, folders: Iterable[str]) -> None:
        """Watch everything in some more folders from now on."""
        wanted = [path for folder in folders if (path := Path(folder).resolve()).is_dir()]
        with self._lock:
            new = [path for path in wanted if path not in self._folders]
            if new:
                self._folders += new
                # What is in them now is not a change.
                self._state = {**self._scan(), **self._state}

    def start(self, on_save: Callable[[list[str]], None]) -> None:
        """Begin to watch, in a thread of its own.

        Args:
            on_save: called in that thread with the paths of what was changed, added or removed;
                those inside the project's folder are relative to it.
        """
        threading.Thread(target=self._run, args=(on_save,), daemon=True).start()

    def stop(self) -> None:
        """Stop watching."""
        self._stop.set()
        self._hint.set()

    def _run(self, on_save: Callable[[list[str]], None]) -> None:
        if importlib.util.find_spec("watchfiles") is not None:
            threading.Thread(target=self._listen, daemon=True).start()
        while not self._stop.is_set():
            began = time.monotonic()
            with self._lock:
                state = self._scan()
                has_changed = state != self._state
                saved = self._settled(state) if has_changed else []
            if has_changed:
                if saved:
                    on_save(saved)
            else:
                self._hint.wait(max(self._pause, _SHARE * (time.monotonic() - began)))
                self._hint.clear()

    def _settled(self, state: _State) -> list[str]:
        """Wait until a save is over, and return its paths.

        An editor writes a file in several steps, and a tool writes several files.
        """
        before = self._state
        for _ in range(_MAX_WAITS):
            seen = state
            self._stop.wait(_QUIET)
            state = self._scan()
            if state == seen:
                break
        self._state = state
        paths = sorted(p for p in before.keys() | state.keys() if before.get(p) != state.get(p))
        return [
            str(Path(p).relative_to(self.folder)) if Path(p).is_relative_to(self.folder) else p
            for p in paths
        ]

    def _listen(self) -> None:
        """Have the operating system say when a scan is worthwhile."""
        logging.getLogger("watchfiles").setLevel(logging.WARNING)
        self._pause = _LONG_INTERVAL
        folders = {self.folder, *self._folders, *(file.parent for file in self._files)}
        try:
            import watchfiles

            for _ in watchfiles.watch(
                *filter(os.path.isdir, folders),
                # A folder may have been moved here with files in it.
                watch_filter=lambda _, path: self._wants(Path(path)) or os.path.isdir(path),  # noqa: PTH112
                step=10,
                stop_event=self._stop,
                raise_interrupt=False,
            ):
                self._hint.set()
        except (ImportError, OSError, RuntimeError) as error:
            self._pause = _INTERVAL
            logger.info("The system does not report saves (%s); scanning for them instead", error)

    def _scan(self) -> _State:
        state: _State = {}
        for entry in self._entries():
            try:
                status = entry.stat()
            except OSError:
                continue  # gone meanwhile
            state[str(entry)] = (status.st_mtime_ns, status.st_size, status.st_ino)
        return state

    def _entries(self) -> Iterator[Path]:
        for path in (*_files_in(self.folder), *(f for d in self._folders for f in _files_in(d))):
            if self._wants(path):
                yield path
        yield from self._files

    def _wants(self, path: Path) -> bool:
        named = any(path.match(pattern) for pattern in self._patterns)
        named = named or path in self._files or any(map(path.is_relative_to, self._folders))
        return named and not path.name.endswith(_TEMPORARY) and str(path) not in self._ignored


def _files_in(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".")
            and name not in _SKIPPED
            # Not Path.exists, which raises where the folder cannot be read.
            and not os.path.exists(os.path.join(place, name, "pyvenv.cfg"))  # noqa: PTH110, PTH118
        ]
        yield from (Path(place, name) for name in files if not name.startswith("."))
