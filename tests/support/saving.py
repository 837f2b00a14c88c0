"""Saving a file that a service watches."""

import os
import tempfile
from pathlib import Path


def save(path: Path, text: str) -> None:
    """Put a file in a file's place at once, whole, as a careful editor does.

    To write into it takes two steps, and a service may be started anew for each.
    """
    descriptor, new = tempfile.mkstemp(suffix=".tmp", dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    Path(new).replace(path)
