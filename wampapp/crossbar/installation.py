"""Installs what wampapp does not depend on, such as Crossbar.io, once, into a folder of its own.

Crossbar's dependencies conflict with those of most applications, so it is never installed beside
wampapp: `environment` installs it once into a cache.
"""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

VERSION = "26.10.1"

Progress = Callable[[str], None]


class InstallError(RuntimeError):
    """An installation failed; the message ends with the last lines of the installer's output."""


def environment(progress: Progress | None = None) -> Path:
    """Return the virtual environment that holds Crossbar.io, installing it on first use.

    It lies at ``crossbar-<VERSION>`` in :func:`cache_folder`, or where ``WAMPAPP_CROSSBAR_ENV``
    points, and is shared by every Python version that runs wampapp.

    Args:
        progress: called with one line before and one after an installation.

    Raises:
        InstallError: the installation failed; with pip's last lines.
    """

    def build(path: Path) -> None:
        python = str(path / "bin" / "python")
        run_installer([sys.executable, "-m", "venv", str(path)], path)
        run_installer([python, "-m", "pip", "install", "--no-input", f"crossbar=={VERSION}"], path)

    chosen = os.environ.get("WAMPAPP_CROSSBAR_ENV")
    path = Path(chosen).absolute() if chosen else cache_folder() / f"crossbar-{VERSION}"
    return install_once(path, f"crossbar=={VERSION}", "bin/crossbar", build, progress)


def cache_folder() -> Path:
    """Return the folder of wampapp's caches: in ``$XDG_CACHE_HOME``, by default ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wampapp"


def install_once(
    path: Path, what: str, proof: str, build: Callable[[Path], None], progress: Progress | None
) -> Path:
    """Fill a folder once, however many processes ask at the same time, and return it.

    An interrupted installation is done again. A folder that somebody else filled is used as it is
    if it holds ``proof``, and is never deleted.

    Args:
        path: the folder.
        what: what it holds, with the version.
        proof: a file inside without which the folder is useless.
        build: called with the empty folder; fills it.
        progress: called with one line before and one after.

    Raises:
        InstallError: the folder holds something else. What ``build`` raises is raised, too.
    """
    marker = path / "wampapp-cache.txt"

    def complete() -> bool:
        with contextlib.suppress(FileNotFoundError):
            return marker.read_text() == what and (path / proof).exists()
        return False

    if complete():
        return path
    if not marker.exists() and path.is_dir() and any(path.iterdir()):
        if (path / proof).exists():
            return path
        raise InstallError(f"{path} is neither empty nor an installation of {what}")
    tell = progress or (lambda _: None)
    tell(f"installing {what} into {path} (once; this can take minutes)")
    begun = time.monotonic()
    path.parent.mkdir(parents=True, exist_ok=True)
    # The lock lies beside the folder, which may be deleted. Closing the file releases it.
    with path.with_name(path.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete():
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir()
            marker.write_text("incomplete")
            build(path)
            marker.write_text(what)
    tell(f"installed {what} in {time.monotonic() - begun:.0f} s")
    return path


def run_installer(command: Sequence[str], cwd: Path) -> None:
    """Run a command of an installation until it ends, without this Python's own settings.

    Args:
        command: its words.
        cwd: the folder to run it in.

    Raises:
        InstallError: it failed; with the last lines of its output.
    """
    done = subprocess.run(  # noqa: S603 - the commands are ours
        command, cwd=cwd, env=clean_environ(), check=False, text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    if done.returncode:
        said = "\n".join(done.stdout.splitlines()[-20:])
        raise InstallError(f"{' '.join(command)}: exit code {done.returncode}\n{said}")


def clean_environ() -> dict[str, str]:
    """Return the environment without the variables that would mislead another Python or a node."""
    strange = ("PYTHON", "VIRTUAL_ENV", "CROSSBAR_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(strange)}
    return kept | {"PYTHONUNBUFFERED": "1"}  # else Crossbar holds back its readiness line for ever
