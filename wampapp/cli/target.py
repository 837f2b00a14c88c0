"""Find the app that ``wampapp run TARGET`` names."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import importlib.util
import inspect
import re
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from wampapp.app import App
from wampapp.cli.places import import_folder, is_file, split
from wampapp.errors import EXIT_FAILED, BrokenTarget, TargetError, UsageError
from wampapp.runner import script

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

_MODULE: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_ATTRIBUTE: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*(\(\))?")


class UserCodeFailed(click.ClickException):
    """The user's own code raised while it was imported; shows its traceback, ours left out."""

    exit_code = EXIT_FAILED

    def show(self, file: Any = None) -> None:
        """Write the traceback to standard error."""
        click.echo(self.message, err=True, file=file, nl=False)


def load(target: str) -> App:
    """Import a target and return its app.

    Args:
        target: ``module:app``, ``module``, ``path/file.py``, ``path/file.py:app`` or
            ``module:create_app()``.

    Raises:
        TargetError: it names nothing that runs; the message says what is near.
        UsageError: the module declares something that is not valid; the message says where.
        UserCodeFailed: the module's own code raised.
    """
    place, colon, attribute = split(target)
    if not place or (colon and not _ATTRIBUTE.fullmatch(attribute)):
        raise TargetError(
            f"{target!r} is no target; write module:app, path/file.py or module:create_app()."
        )
    module = _import(place)
    return _app_in(module, place, attribute) if colon else _only_app(module, place)


def _import(place: str) -> ModuleType:
    if is_file(place):
        path = Path(place)
        if not path.is_file():
            files = [name for name in _files_near(path) if name != str(path)]
            near = difflib.get_close_matches(str(path), files, n=1, cutoff=0.6)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise TargetError(f"There is no file {place!r}.{hint}")
        return _guarded(place, lambda: _import_file(path))
    if not _MODULE.fullmatch(place):
        raise TargetError(
            f"{place!r} is neither a module's name nor a Python file; write module:app or "
            "path/file.py."
        )
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    return _guarded(place, lambda: importlib.import_module(place))


def _files_near(path: Path) -> list[str]:
    """The Python files where a mistyped path may have meant to go."""
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
    # The name is another module's already, as 'random.py' or 'my-app.py' would have it.
    name = "__wampapp_target_" + re.sub(r"\W", "_", path.stem)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise TargetError(f"{str(path)!r} cannot be imported; a Python file is expected.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _guarded(place: str, import_it: Any) -> ModuleType:
    try:
        with script.importing():
            return import_it()  # type: ignore[no-any-return]
    except SyntaxError as error:
        raise BrokenTarget(_syntax(error)) from None
    except UsageError as error:
        if isinstance(error, TargetError):
            raise
        frame = _user_frames(error)[-1:]
        where = f"{_where(frame[0].filename, frame[0].lineno)}: " if frame else ""
        raise UsageError(f"{where}{error}") from None
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if place == missing or place.startswith(f"{missing}."):
            raise TargetError(_no_module(place, missing)) from None
        raise UserCodeFailed(users_traceback(error)) from None
    except SystemExit as error:
        raise TargetError(
            f"{place} ends the process while it is imported (SystemExit {error.code}); guard "
            "that with: if __name__ == '__main__'."
        ) from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever the user's module raises is shown
        raise UserCodeFailed(users_traceback(error)) from None


def _syntax(error: SyntaxError) -> str:
    """Say where the mistake is, and show the line with a mark below it."""
    text = f"{_where(error.filename, error.lineno)}: {error.msg}."
    line = (error.text or "").rstrip()
    if not line:
        return text
    code = line.lstrip()
    mark = " " * max(0, (error.offset or 1) - 1 - (len(line) - len(code))) + "^"
    return f"{text}\n\n    {code}\n    {mark}"


def _no_module(place: str, missing: str) -> str:
    parent, _, last = missing.rpartition(".")
    folder = Path(*parent.split(".")) if parent else Path()
    names = [p.stem for p in sorted(folder.glob("*.py"))]
    names += [p.parent.name for p in sorted(folder.glob("*/__init__.py"))]
    near = difflib.get_close_matches(last, names, n=1, cutoff=0.5)
    hint = ""
    if near:
        hint = f" Did you mean {f'{parent}.' if parent else ''}{near[0]}?"
    elif Path(f"{place.replace('.', '/')}.py").is_file():
        hint = f" To run a file, write {place.replace('.', '/')}.py."
    return f"There is no module {missing!r} here or on Python's path.{hint}"


def _app_in(module: ModuleType, place: str, attribute: str) -> App:
    name = attribute.removesuffix("()")
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise TargetError(f"{place} has no {name!r}.{_near(name, vars(module))}")
        found = getattr(found, part)
    if attribute.endswith("()"):
        if isinstance(found, App) or not callable(found):
            raise TargetError(f"{name!r} in {place} is no function; write {place}:{name}.")
        if inspect.iscoroutinefunction(found):
            raise TargetError(f"{name}() in {place} is 'async def'; a factory is a plain function.")
        found = _call_factory(found, place, name)
        if not isinstance(found, App):
            raise TargetError(
                f"{name}() in {place} returns {_a(found)}, not an App; let it return one."
            )
    if isinstance(found, App):
        return found
    if callable(found) and not isinstance(found, type):
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
            # Nothing of the factory ran: it was called with the wrong arguments, by us.
            raise TargetError(
                f"{name}() in {place} needs arguments; a factory is called with none."
            ) from None
        raise UserCodeFailed(users_traceback(error)) from None
    except UsageError as error:
        raise UsageError(f"{name}() in {place}: {error}") from None
    except Exception as error:  # noqa: BLE001 - whatever the user's factory raises is shown
        raise UserCodeFailed(users_traceback(error)) from None


def _only_app(module: ModuleType, place: str) -> App:
    app = getattr(module, "app", None)
    if isinstance(app, App):
        return app
    apps = _apps(module)
    if len({id(found) for found in apps.values()}) == 1:
        return next(iter(apps.values()))
    if apps:
        raise TargetError(
            f"{place} has several apps: {', '.join(apps)}; say which: {place}:{next(iter(apps))}."
        )
    if "app" in vars(module):
        raise TargetError(f"'app' in {place} is {_a(app)}, not an App; write app = App().")
    factory = next((n for n in ("create_app", "make_app") if callable(vars(module).get(n))), None)
    hint = f" To call its factory, write {place}:{factory}()." if factory else ""
    raise TargetError(f"{place} has no App; write 'app = App()' in it.{hint}")


def _apps(module: ModuleType) -> dict[str, App]:
    return {name: value for name, value in vars(module).items() if isinstance(value, App)}


def _apps_hint(module: ModuleType) -> str:
    apps = _apps(module)
    return f" There is: {', '.join(apps)}." if apps else ""


def _near(name: str, names: Iterable[str]) -> str:
    public = [n for n in names if not n.startswith("_")]
    near = difflib.get_close_matches(name, public, n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(near)}?" if near else ""


def _a(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def _where(file: str | None, line: int | None) -> str:
    path = Path(file or "<unknown>")
    with contextlib.suppress(ValueError):
        path = path.relative_to(Path.cwd())
    return f"{path}:{line}"


def _user_frames(error: BaseException) -> list[traceback.FrameSummary]:
    return [frame for frame in traceback.extract_tb(error.__traceback__) if _is_users(frame)]


def _is_users(frame: traceback.FrameSummary) -> bool:
    """Tell whether a frame is neither ours nor the import machinery's."""
    ours = str(Path(__file__).parent.parent)
    return not frame.filename.startswith((ours, "<frozen")) and not frame.filename.endswith(
        "/importlib/__init__.py"
    )


def users_traceback(error: BaseException) -> str:
    """Return an exception's traceback with the user's frames alone."""
    told = traceback.TracebackException.from_exception(error)
    _cut(told)
    return "".join(told.format())


def _cut(told: traceback.TracebackException) -> None:
    """Leave the user's frames alone, also in what an exception was raised from or consists of."""
    told.stack = traceback.StackSummary.from_list(
        [frame for frame in told.stack if _is_users(frame)]
    )
    for other in (told.__cause__, told.__context__, *(told.exceptions or ())):
        if other is not None:
            _cut(other)
