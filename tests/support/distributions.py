"""What users install: our wheel and sdist, and a virtual environment with the wheel in it."""

import os
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.process import ROOT
from wampapp.crossbar import Progress, install_once, run_installer


class Installed(NamedTuple):
    """Our distributions, and the Python of a virtual environment that has the wheel, with Flask."""

    sdist: Path
    wheel: Path
    python: Path


def outside() -> dict[str, str]:
    """An environment in which no Python and no type checker finds the checkout."""
    strange = ("PYTHON", "MYPY", "VIRTUAL_ENV", "WAMPAPP_")
    return {name: value for name, value in os.environ.items() if not name.startswith(strange)}


def install(factory: pytest.TempPathFactory, progress: Progress | None = None) -> Installed:
    """Build both distributions, install the wheel; once in a run, whatever xdist's workers ask.

    The wheel is built from the sdist, as `python -m build` does by itself: so the sdist is whole.
    """

    def build(path: Path) -> None:
        builder = _environment(path / "builder", "build")
        run_installer([str(builder), "-m", "build", "--outdir", "dist", str(ROOT)], path)
        (wheel,) = path.glob("dist/*.whl")
        _environment(path / "user", f"{wheel}[flask]", "pytest")

    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    python = "user/bin/python"
    path = install_once(base / "installed", "our wheel", python, build, progress)
    (wheel,), (sdist,) = path.glob("dist/*.whl"), path.glob("dist/*.tar.gz")
    return Installed(sdist, wheel, path / python)


def _environment(folder: Path, *packages: str) -> Path:
    """Make a virtual environment with these packages; return its Python."""
    run_installer([sys.executable, "-m", "venv", "--without-pip", str(folder)], folder.parent)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    run_installer([*pip, "--python", str(python), "install", *packages], folder.parent)
    return python
