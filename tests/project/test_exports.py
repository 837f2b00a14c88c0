"""What users import from `wampapp`, and that all of it is documented."""

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import wampapp
from wampapp import errors


def modules() -> Iterator[ModuleType]:
    """Every module of wampapp, but the one that runs when it is imported."""
    yield wampapp
    for found in pkgutil.walk_packages(wampapp.__path__, "wampapp."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


MODULES = list(modules())


def imported_names() -> set[str]:
    """What the package's own file imports."""
    tree = ast.parse(Path(wampapp.__file__).read_text())
    (typed,) = (node for node in tree.body if isinstance(node, ast.If))
    return {"__version__"} | {
        alias.asname or alias.name
        for node in typed.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_the_exports_are_sorted_and_unique() -> None:
    assert wampapp.__all__ == sorted(set(wampapp.__all__))


def test_the_exports_are_what_is_imported() -> None:
    assert set(wampapp.__all__) == imported_names()


def test_every_public_exception_is_exported() -> None:
    assert set(errors.__all__) <= set(wampapp.__all__)


@pytest.mark.parametrize("name", wampapp.__all__)
def test_an_export_is_there(name: str) -> None:
    assert getattr(wampapp, name) is not None


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_the_exports_of_a_module_are_there(module: ModuleType) -> None:
    for name in getattr(module, "__all__", []):
        assert hasattr(module, name), name


def test_a_star_import_gives_the_exports() -> None:
    names: dict[str, Any] = {}
    exec("from wampapp import *", names)
    assert set(names) - {"__builtins__"} == set(wampapp.__all__)


def test_the_version_is_one() -> None:
    parts = wampapp.__version__.split(".")
    assert len(parts) >= 2
    assert parts[0].isdigit()


# Docstrings.


def public_things() -> Iterator[tuple[str, Any]]:
    """Every public module, class, function, method and property, by its full name."""
    for module in MODULES:
        yield module.__name__, module
        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
                continue
            if inspect.isclass(value):
                yield f"{module.__name__}.{name}", value
                yield from public_members(f"{module.__name__}.{name}", value)
            elif inspect.isroutine(value) or callable(getattr(value, "callback", None)):
                yield f"{module.__name__}.{name}", value


def public_members(prefix: str, cls: type) -> Iterator[tuple[str, Any]]:
    for name, value in vars(cls).items():
        if name.startswith("_") or is_inherited_contract(cls, name):
            continue
        inner = value.fget if isinstance(value, property) else inspect.unwrap(value)
        if isinstance(value, staticmethod | classmethod):
            inner = value.__func__
        if inspect.isfunction(inner):
            yield f"{prefix}.{name}", inner


def is_inherited_contract(cls: type, name: str) -> bool:
    """Tell whether a method fulfils what a library's base class documents or calls."""
    return any(
        name in vars(base) and not base.__module__.startswith("wampapp") for base in cls.__mro__[1:]
    )


PUBLIC = dict(public_things())


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_thing_has_a_docstring_whose_first_paragraph_is_whole(name: str) -> None:
    first, _, _ = inspect.cleandoc(PUBLIC[name].__doc__ or "").partition("\n\n")
    assert first, f"{name} has no docstring"
    assert first.endswith((".", "``", "``.", "::")), first
