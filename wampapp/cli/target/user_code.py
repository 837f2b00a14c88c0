"""Import the user's own code, and show what it raises without our frames."""

from __future__ import annotations

import contextlib
import difflib
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wampapp.cli.target.runners import runners_refuse
from wampapp.errors import EXIT_FAILED, BrokenTarget, TargetError, UsageError
from wampapp.loop.reactor_import import reactor_is_ours
from wampapp.runner import script

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


class UserCodeFailed(click.ClickException):
    """The user's own code raised while it was imported; the message is its traceback."""

    exit_code = EXIT_FAILED

    def show(self, file: Any = None) -> None:
        """Write the traceback to standard error."""
        click.echo(self.message, err=True, file=file, nl=False)


def import_guarded(place: str, import_it: Callable[[], ModuleType]) -> ModuleType:
    """Import a module of the user's; ``app.run()`` in it does nothing meanwhile.

    Args:
        place: the module's name or file, for messages.
        import_it: imports it.

    Raises:
        TargetError: there is no such module, it has a syntax error, or it ends the process.
        UsageError: it declares something that is not valid; the message says where.
        UserCodeFailed: it raised.
    """
    try:
        with script.importing(), reactor_is_ours(), runners_refuse():
            return import_it()
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
    except RuntimeError as error:
        if _mixes_flavours(error):
            raise TargetError(
                f"{place} imports both autobahn.twisted and autobahn.asyncio; import all of "
                "Autobahn from one of them, for a process can have one."
            ) from None
        raise UserCodeFailed(users_traceback(error)) from None
    except BaseException as error:  # noqa: BLE001 - anything that the user's module raises is shown
        raise UserCodeFailed(users_traceback(error)) from None


def _mixes_flavours(error: RuntimeError) -> bool:
    """Return whether it is txaio that raised, which knows one framework at a time."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and frames[-1].name in ("use_twisted", "use_asyncio")


def _syntax(error: SyntaxError) -> str:
    """Return where the mistake is, and the line with a mark below it."""
    text = f"{_where(error.filename, error.lineno)}: {error.msg}."
    line = (error.text or "").rstrip()
    if not line:
        return text
    code = line.lstrip()
    mark = " " * max(0, (error.offset or 1) - 1 - (len(line) - len(code))) + "^"
    return f"{text}\n\n    {code}\n    {mark}"


def _no_module(place: str, missing: str) -> str:
    parent, _, last = missing.rpartition(".")
    if last == "py" and Path(f"{parent}.py").is_file():
        rest = place.removeprefix(f"{missing}.") if place != missing else ""
        return f"{place!r} is not a module. Did you mean {missing}{':' if rest else ''}{rest}?"
    holder = sys.modules.get(parent)
    if holder is not None and not hasattr(holder, "__path__"):
        # A module, which has attributes and no modules.
        near = difflib.get_close_matches(last, vars(holder), n=1, cutoff=0.6)
        hint = f" Did you mean {parent}:{near[0]}?" if near else ""
        return f"There is no module {missing!r}, since {parent} is not a package.{hint}"
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


def _where(file: str | None, line: int | None) -> str:
    path = Path(file or "<unknown>")
    with contextlib.suppress(ValueError):
        path = path.relative_to(Path.cwd())
    return f"{path}:{line}"


def _user_frames(error: BaseException) -> list[traceback.FrameSummary]:
    return [frame for frame in traceback.extract_tb(error.__traceback__) if _is_users(frame)]


def _is_users(frame: traceback.FrameSummary) -> bool:
    """Return whether a frame is neither ours nor the import system's."""
    ours = str(Path(__file__).parents[2])
    return not frame.filename.startswith((ours, "<frozen")) and not frame.filename.endswith(
        "/importlib/__init__.py"
    )


def users_traceback(error: BaseException) -> str:
    """Return an exception's traceback with only the user's frames."""
    shown = traceback.TracebackException.from_exception(error)
    _keep_user_frames(shown)
    return "".join(shown.format())


def _keep_user_frames(shown: traceback.TracebackException) -> None:
    """Remove our frames, also from the exceptions that one was raised from or consists of."""
    shown.stack = traceback.StackSummary.from_list(
        [frame for frame in shown.stack if _is_users(frame)]
    )
    for other in (shown.__cause__, shown.__context__, *(shown.exceptions or ())):
        if other is not None:
            _keep_user_frames(other)
