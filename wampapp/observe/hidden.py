"""Files of the user's that are named like a module of Python's, or of a library that we need.

Python looks into the folder of a program first, so ``queue.py`` there hides Python's ``queue`` from
everything that imports it, and the first that notices is somewhere inside a library.
"""

# pathlib may be what is hidden, so it is not used here.
# ruff: noqa: PTH119, PTH120, PTH122, PTH109

from __future__ import annotations

import importlib.machinery
import os.path
import sys
from typing import TYPE_CHECKING

from wampapp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator


def explain(error: BaseException | None) -> UsageError | None:
    """Return what is to be raised for an error that comes from a hidden module.

    Args:
        error: what was raised where we, or a library, imported or used a module.

    Returns:
        None if no module is hidden that has to do with it.
    """
    while error is not None:
        for name, file in _involved(error):
            hiding = os.path.dirname(file) if file.endswith("/__init__.py") else file
            folder = os.path.dirname(hiding)
            if name != "wampapp" and _is_users(folder) and _is_elsewhere(name, folder):
                owner = "Python's module" if name in sys.stdlib_module_names else "the library"
                return UsageError(f"{hiding} hides {owner} {name!r}; give it another name.")
        error = error.__cause__ or error.__context__
    return None


def _involved(error: BaseException) -> Iterator[tuple[str, str]]:
    """Yield the modules that an error is about or comes from: each with its file."""
    about = getattr(error, "name" if isinstance(error, ImportError) else "obj", None)
    name = about if isinstance(about, str) else getattr(about, "__name__", None)
    if isinstance(name, str):
        name = name.partition(".")[0]
        file = getattr(sys.modules.get(name), "__file__", None)
        if file:
            yield name, os.path.realpath(file)
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_name == "<module>":  # it was being imported
            path = os.path.realpath(code.co_filename)
            place = os.path.dirname(path) if path.endswith("/__init__.py") else path
            yield os.path.splitext(os.path.basename(place))[0], path
        trace = trace.tb_next


def _is_users(folder: str) -> bool:
    """Return whether Python looks into a folder because the program is there, or runs there."""
    main = getattr(sys.modules.get("__main__"), "__file__", None) or ""
    places = (os.getcwd(), os.path.dirname(os.path.realpath(main)), sys.path[0])
    return folder in map(os.path.realpath, places)


def _is_elsewhere(name: str, folder: str) -> bool:
    """Return whether there is a module of that name further down on Python's path."""
    others = [entry for entry in sys.path if os.path.realpath(entry) != folder]
    return importlib.machinery.PathFinder.find_spec(name, others) is not None
