"""How a TARGET is written: ``module:app`` or ``path/file.py``. Nothing here imports it."""

from __future__ import annotations

from pathlib import Path


def split(target: str) -> tuple[str, str, str]:
    """Split ``place:attribute``; colon and attribute are empty where there are none."""
    head, colon, tail = target.rpartition(":")
    return (head, colon, tail) if colon else (target, "", "")


def is_file(place: str) -> bool:
    """Return whether a place is meant as a file's path, not as a module's name."""
    return place.endswith(".py") or "/" in place


def import_folder(file: Path) -> Path:
    """Return the folder from which Python imports a file: above the packages that it is in."""
    folder = file.parent
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder


def folder_of(target: str) -> Path:
    """Return the folder of the project that a target belongs to."""
    place, _, _ = split(target)
    return import_folder(Path(place).resolve()) if is_file(place) else Path.cwd()
