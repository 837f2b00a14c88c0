"""Find the app that a TARGET names: import its module, and pick the app in it."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from wampapp.app import App
from wampapp.autobahn.guests import is_component, is_session_class
from wampapp.cli.target.components import is_component_class, own_components
from wampapp.cli.target.notation import import_folder, is_file, split
from wampapp.cli.target.user_code import UserCodeFailed, import_guarded, users_traceback
from wampapp.cli.target.web_apps import how_to_run, is_web_app
from wampapp.errors import TargetError, UsageError
from wampapp.registry.blueprint import Blueprint
from wampapp.runner import script

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from wampapp.components.component import Component

_MODULE: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_ATTRIBUTE: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*(\(\))?")


def load(target: str) -> App:
    """Import a target and return its app.

    Args:
        target: ``module:app``, ``module``, ``path/file.py``, ``path/file.py:app`` or
            ``module:create_app()``.

    Raises:
        TargetError: it does not name an app; the message suggests what may be meant.
        UsageError: the module declares something that is not valid; the message says where.
        UserCodeFailed: the module's own code raised.
    """
    found = find(target)
    if isinstance(found, App):
        return found
    raise TargetError(
        f"{target} is a component, not an app; an app has it by app.include(…), or it is served "
        f"alone, with 'wampapp run {target} --prefix com.example.{found.NAME}'."
    )


def find(target: str) -> App | type[Component]:
    """Import a target and return its app, or the component that it is.

    Args:
        target: as for :func:`load`; or ``module`` or ``module:Class`` of a component.

    Raises:
        TargetError: it names neither; the message suggests what may be meant.
        UsageError: the module declares something that is not valid; the message says where.
        UserCodeFailed: the module's own code raised.
    """
    place, colon, attribute = split(target)
    if not place or (colon and not _ATTRIBUTE.fullmatch(attribute)):
        raise TargetError(
            f"{target!r} is not a target; write module:app, path/file.py or module:create_app()."
        )
    module = _import(place)
    return _app_in(module, place, attribute) if colon else _only_app(module, place)


def _import(place: str) -> ModuleType:
    if is_file(place):
        path = Path(place)
        if path.is_dir():
            raise _is_folder(place, path)
        if not path.is_file():
            files = [name for name in _files_near(path) if name != str(path)]
            near = difflib.get_close_matches(str(path), files, n=1, cutoff=0.6)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise TargetError(f"There is no file {place!r}.{hint}")
        return import_guarded(place, lambda: _import_file(path))
    if not _MODULE.fullmatch(place):
        if Path(place).is_dir():
            raise _is_folder(place, Path(place))
        raise TargetError(
            f"{place!r} is neither a module's name nor a Python file; write module:app or "
            "path/file.py."
        )
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    module = import_guarded(place, lambda: importlib.import_module(place))
    if module.__file__ is None:  # a folder without __init__.py, which Python takes for a package
        raise _is_folder(place, Path(next(iter(module.__path__))))
    return module


def _is_folder(place: str, path: Path) -> TargetError:
    """Return the error for a folder, which says which of its files may be meant."""
    if (path / "__init__.py").is_file():
        return TargetError(
            f"{place!r} is a folder; to run the package, write {path.resolve().name}, or name a "
            "file in it."
        )
    names = [file.name for file in sorted(path.glob("*.py"))]
    likely = [name for name in ("app.py", "main.py", f"{path.resolve().name}.py") if name in names]
    found = next(iter([*likely, *names]), None)
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    hint = f"name a file in it, such as {shown / found}" if found else "it has no Python file"
    return TargetError(f"{place!r} is a folder; {hint}.")


def _files_near(path: Path) -> list[str]:
    """Return the Python files that a mistyped path may mean."""
    around = path.parent if path.parent.is_dir() else path.parent.parent
    if not around.is_dir():
        return []
    return [str(p) for pattern in ("*.py", "*/*.py") for p in sorted(around.glob(pattern))]


def _import_file(path: Path) -> ModuleType:
    """Import a file under the name that its package, if it is in one, gives it."""
    path = path.resolve()
    folder = import_folder(path)
    names = list(path.parent.relative_to(folder).parts)
    names += [path.stem] if path.stem != "__init__" else []
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    name = ".".join(names)
    known = sys.modules.get(name)
    if known is None or getattr(known, "__file__", None) == str(path):
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin == str(path):
            return importlib.import_module(name)
    # The name belongs to another module, as random.py's does, or is not one, as my-app.py's.
    name = "__wampapp_target_" + re.sub(r"\W", "_", path.stem)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise TargetError(f"{str(path)!r} cannot be imported; a Python file is expected.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _app_in(module: ModuleType, place: str, attribute: str) -> App | type[Component]:
    name = attribute.removesuffix("()")
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise TargetError(
                f"{place} has no {name!r}.{_inside(module, name) or _near(name, vars(module))}"
            )
        found = getattr(found, part)
    if attribute.endswith("()"):
        if isinstance(found, App) or not callable(found):
            raise TargetError(f"{name!r} in {place} is not a function; write {place}:{name}.")
        if inspect.iscoroutinefunction(found):
            raise TargetError(f"{name}() in {place} is 'async def'; a factory is a plain function.")
        found = _call_factory(found, place, name)
        found = _hosted(found)
        if is_web_app(found):
            raise TargetError(how_to_run(module, place, attribute, found))
        if not isinstance(found, App):
            raise TargetError(
                f"{name}() in {place} returns {_a(found)}, not an App; return an App from it."
            )
    found = _hosted(found)
    if isinstance(found, App) or is_component_class(found):
        return found
    if is_web_app(found):
        raise _web_app(module, place, name, found)
    if isinstance(found, Blueprint):
        raise TargetError(
            f"{name!r} in {place} is a Blueprint; include it in an App, and run that: "
            f"app.include({name})."
        )
    if inspect.isroutine(found):
        raise TargetError(
            f"{name!r} in {place} is a function; to call it as a factory, write {place}:{name}()."
        )
    raise TargetError(f"{name!r} in {place} is {_a(found)}, not an App.{_apps_hint(module)}")


def _call_factory(factory: Any, place: str, name: str) -> object:
    try:
        with script.importing():
            return factory()
    except TypeError as error:
        if error.__traceback__ is not None and error.__traceback__.tb_next is None:
            # The factory did not run: it was we who called it with the wrong arguments.
            raise TargetError(
                f"{name}() in {place} needs arguments; a factory is called without any."
            ) from None
        raise UserCodeFailed(users_traceback(error)) from None
    except UsageError as error:
        raise UsageError(f"{name}() in {place}: {error}") from None
    except Exception as error:  # noqa: BLE001 - anything that the user's factory raises is shown
        raise UserCodeFailed(users_traceback(error)) from None


def _only_app(module: ModuleType, place: str) -> App | type[Component]:
    app = getattr(module, "app", None)
    if isinstance(app, App):
        return app
    if is_web_app(app):
        # Not one of its parts, which would not be what is meant.
        raise _web_app(module, place, "app", app)
    apps = _apps(module)
    if len({id(found) for found in apps.values()}) == 1:
        return next(iter(apps.values()))
    if apps:
        raise TargetError(
            f"{place} has several apps: {', '.join(apps)}; say which: {place}:{next(iter(apps))}."
        )
    guests = _guests(module)
    if len({id(guest) for guest in guests.values()}) == 1:
        return App.from_session(next(iter(guests.values())))
    if guests:
        raise TargetError(
            f"{place} has several sessions of Autobahn's: {', '.join(guests)}; say which: "
            f"{place}:{next(iter(guests))}."
        )
    components = own_components(module)
    if len(set(components.values())) == 1:
        return next(iter(components.values()))
    if components:
        raise TargetError(
            f"{place} has several components: {', '.join(components)}; say which: "
            f"{place}:{next(iter(components))}."
        )
    if "app" in vars(module):
        raise TargetError(f"'app' in {place} is {_a(app)}, not an App; write app = App().")
    for name, value in vars(module).items():
        if is_web_app(value):
            raise _web_app(module, place, name, value)
    factory = next((n for n in ("create_app", "make_app") if callable(vars(module).get(n))), None)
    hint = f" To call its factory, write {place}:{factory}()." if factory else ""
    hint = hint or _inside(module, "app")
    raise TargetError(f"{place} has no App; write 'app = App()' in it.{hint}")


def _inside(module: ModuleType, name: str) -> str:
    """Return the hint for the module of a package that is named like one of its attributes."""
    inner = f"{module.__name__}.{name.partition('.')[0]}"
    found = hasattr(module, "__path__") and importlib.util.find_spec(inner) is not None
    return f" Did you mean {inner}?" if found else ""


def _web_app(module: ModuleType, place: str, name: str, found: object) -> TargetError:
    text = how_to_run(module, place, name, found)
    part = next(iter(_apps(module)), None)
    return TargetError(f"{text} To run only its WAMP app, write {place}:{part}." if part else text)


def _apps(module: ModuleType) -> dict[str, App]:
    return {name: value for name, value in vars(module).items() if isinstance(value, App)}


def _guests(module: ModuleType) -> dict[str, Any]:
    """Return a module's own sessions and components of Autobahn's, by their names."""
    return {
        name: value
        for name, value in vars(module).items()
        if is_component(value) or (is_session_class(value) and value.__module__ == module.__name__)
    }


def _hosted(found: Any) -> Any:
    """Return the app of a session or component of Autobahn's; anything else as it is."""
    if is_session_class(found) or is_component(found):
        return App.from_session(found)
    return found


def _apps_hint(module: ModuleType) -> str:
    apps = _apps(module)
    return f" Its apps: {', '.join(apps)}." if apps else ""


def _near(name: str, names: Iterable[str]) -> str:
    public = [n for n in names if not n.startswith("_")]
    near = difflib.get_close_matches(name, public, n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(near)}?" if near else ""


def _a(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
