"""A TARGET that names an app of a web framework: how that is run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from wampapp.cli.target.notation import import_folder

if TYPE_CHECKING:
    from types import ModuleType

#: The classes of web apps, each with its package; ours is the Flask extension.
_KINDS: Final = {
    ("flask", "Flask"): "flask",
    ("wampapp", "WAMP"): "wamp",
    ("fastapi", "FastAPI"): "asgi",
    ("starlette", "Starlette"): "asgi",
    ("quart", "Quart"): "asgi",
    ("litestar", "Litestar"): "asgi",
}


def is_web_app(value: object) -> bool:
    """Return whether a value is an app of a web framework, or the WAMP side of a Flask app."""
    return _kind(value) is not None


def how_to_run(module: ModuleType, place: str, attribute: str, value: Any) -> str:
    """Return the sentence that says how a web app is run.

    Args:
        module: where it was found.
        place: the module's name or file, as the user wrote it.
        attribute: its name in there, with parentheses for a factory.
        value: the app.
    """
    kind = _kind(value)
    if kind == "wamp":
        command = f"{_flask(place, 'app')} wamp run"
        return f"{attribute!r} in {place} is the WAMP side of a Flask app; run '{command}'."
    factory = attribute.endswith(")")
    name = type(value).__name__
    what = f"{attribute} in {place} returns" if factory else f"{attribute!r} in {place} is"
    what += f" {'an' if name[0] in 'aeiouAEIOU' else 'a'} {name} app"
    if kind == "asgi":
        words = ["uvicorn", *(["--factory"] if factory else []), *_folder(module)]
        target = f"{module.__name__}:{attribute.removesuffix('()')}"
        return f"{what}; run it with '{' '.join([*words, target])}'."
    flask = _flask(place, attribute)
    if "wamp" not in value.extensions:
        return f"{what} without WAMP; run it with '{flask} run'."
    return (
        f"{what}; run it with '{flask} run', and what it serves over WAMP with '{flask} wamp run'."
    )


def _kind(value: object) -> str | None:
    for cls in type(value).__mro__:
        kind = _KINDS.get((cls.__module__.partition(".")[0], cls.__name__))
        if kind is not None:
            return kind
    return None


def _flask(place: str, attribute: str) -> str:
    """Return the command line of ``flask`` for an app, which it finds by itself as ``app``."""
    if attribute == "app":
        return f"flask --app {place}"
    quote = '"' if attribute.endswith(")") else ""
    return f"flask --app {quote}{place}:{attribute}{quote}"


def _folder(module: ModuleType) -> list[str]:
    """Return how ``uvicorn`` is told where a module is, unless it is here."""
    folder = import_folder(Path(str(module.__file__)).resolve())
    here = Path.cwd()
    if folder == here:
        return []
    return ["--app-dir", str(folder.relative_to(here) if folder.is_relative_to(here) else folder)]
