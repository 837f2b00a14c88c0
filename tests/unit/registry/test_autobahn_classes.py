"""Autobahn's classes are recognised without importing Autobahn."""

import importlib
import subprocess
import sys

import pytest

from tests.support.process import run
from tests.support.programs import FOLDER
from wampapp.registry.autobahn_classes import _HOMES, autobahn_class, is_a


def test_an_app_without_them_imports_nothing_of_autobahn() -> None:
    done = run(sys.executable, FOLDER / "without_autobahn.py")
    assert (done.returncode, done.stdout) == (0, "\n"), done.stderr


def test_the_program_would_find_them() -> None:
    text = (FOLDER / "without_autobahn.py").read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", "import autobahn.wamp.types\n" + text],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "autobahn.wamp.types" in done.stdout.split(), done.stderr


@pytest.mark.parametrize("name", _HOMES)
def test_each_class_is_where_it_is_looked_for(name: str) -> None:
    importlib.import_module(_HOMES[name])
    assert autobahn_class(name).__name__ == name
    assert not is_a(object(), name)


def test_nobody_has_imported_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in set(_HOMES.values()):
        monkeypatch.delitem(sys.modules, module, raising=False)
    for name in _HOMES:
        assert autobahn_class(name) is None
        assert not is_a(None, name)
