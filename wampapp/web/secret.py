"""The key with which session cookies are signed: from the environment, or made once and kept."""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import TYPE_CHECKING, Final

from wampapp.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE: Final = "WAMPAPP_SECRET_KEY"
_FOLDER: Final = "instance"
_FILE: Final = "secret"


def secret_key(root: Path) -> str:
    """Return the secret key of an app.

    Args:
        root: the app's folder; a key that has to be made is kept in ``instance/secret`` in it,
            which only the user may read.

    Raises:
        UsageError: there is none, and none can be kept.
    """
    given = os.environ.get(VARIABLE)
    if given:
        return given
    folder = root / _FOLDER
    path = folder / _FILE
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if not path.exists():
            _make(path)
        found = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"Sessions need a secret key, which cannot be kept in {path}: "
            f"{getattr(error, 'strerror', None) or error}; set {VARIABLE}."
        ) from None
    if not found:
        raise UsageError(f"The secret key in {path} is empty; remove the file, or set {VARIABLE}.")
    return found


def _make(path: Path) -> None:
    """Write a new key, unless another process is first."""
    ignore = path.with_name(".gitignore")
    if not ignore.exists():
        ignore.write_text("*\n", encoding="ascii")  # a secret does not belong into a repository
    new = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{secrets.token_hex(32)}\n")
        with contextlib.suppress(FileExistsError):
            os.link(new, path)  # all or nothing: nobody reads half a key
    finally:
        new.unlink()
