"""``wampapp new``: a project with a service, its tests and a README."""

from __future__ import annotations

import contextlib
import re
import shlex
import unicodedata
from pathlib import Path
from typing import Final

import click

from wampapp._version import __version__
from wampapp.cli.options import Command
from wampapp.cli.output import styled, table
from wampapp.errors import UsageError

#: The files that are made, and what each is for. Each has a template.
_FILES: Final = {
    "app.py": "the service",
    "test_app.py": "its tests",
    "pyproject.toml": "its name, and what it needs",
    "README.md": "how to install, run, call and test it",
    ".gitignore": "what git ignores",
}
#: What the folder may hold already; nothing is written to it.
_HARMLESS: Final = {".git", ".venv", "venv"}
_NAME: Final = re.compile(r"[a-z0-9]+([-_]+[a-z0-9]+)*")
#: A project of this name could not be installed next to wampapp itself.
_OURS: Final = "wampapp"


@click.command(cls=Command)
@click.argument("name")
def new(name: str) -> None:
    """Make a new project in the folder NAME.

    It is a service with its tests and a README. NAME may be a path, or . for the current folder if
    it is empty. The URIs of the service begin with com.example and the folder's name in lowercase
    ASCII, as WAMP's strict rule for URIs requires: 'my-shop' becomes com.example.my_shop, and
    'Café' com.example.cafe.
    """
    folder = Path(name)
    component = _component(_last(folder) if name else "")
    prefix = f"com.example.{component}"
    _check_empty(folder)
    texts = _filled(project=component.replace("_", "-"), prefix=prefix, wampapp=_requirement())
    _make(folder, texts)
    _print_next_steps(folder, prefix)


def _requirement() -> str:
    """Return the requirement that installs the same wampapp, wherever this one came from.

    pip records it if this one came from a folder or a repository ("Recording the Direct URL Origin
    of installed distributions", PEP 610).
    """
    import json
    from importlib.metadata import distribution

    origin = json.loads(distribution(_OURS).read_text("direct_url.json") or "null")
    if origin is None:
        return f"{_OURS}>={__version__}"
    version = origin.get("vcs_info")
    url = f"{version['vcs']}+{origin['url']}@{version['commit_id']}" if version else origin["url"]
    return f"{_OURS} @ {url}"


def _last(folder: Path) -> str:
    try:
        return folder.resolve().name if folder.name in ("", "..") else folder.name
    except OSError as error:
        raise UsageError(f"{str(folder)!r} cannot be used: {error.strerror}.") from None


def _component(name: str) -> str:
    """Return a folder's name as a component of URIs.

    Args:
        name: the folder's name.

    Raises:
        UsageError: it cannot be one; the message suggests another name.
    """
    plain = _ascii(name)
    if _NAME.fullmatch(plain) and plain != _OURS:
        return plain.replace("-", "_")
    near = "-".join(re.findall("[a-z0-9]+", plain)) or "service"
    if plain == _OURS or near == _OURS:
        raise UsageError(f"A project called {name!r} would hide wampapp itself; try 'my-{_OURS}'.")
    raise UsageError(
        f"{name!r} cannot name a project and its URIs, which consist of the letters a to z, "
        f"digits, '-' and '_'; try {near if near != 'service' else 'my-service'!r}."
    )


def _ascii(name: str) -> str:
    """Return a name in lowercase, its letters without accents."""
    parts = unicodedata.normalize("NFKD", name.casefold())
    return "".join(c for c in parts if not unicodedata.combining(c))


def _check_empty(folder: Path) -> None:
    """Check that a folder does not exist, or is empty.

    Raises:
        UsageError: it is not empty, or cannot be used.
    """
    try:
        there = {path.name for path in folder.iterdir()} - _HARMLESS
    except FileNotFoundError:
        return
    except NotADirectoryError:
        what = "is a file" if folder.exists() else "leads through a file"
        raise UsageError(f"{str(folder)!r} {what}; choose another name.") from None
    except OSError as error:
        raise UsageError(f"{str(folder)!r} cannot be used: {error.strerror}.") from None
    if there:
        raise UsageError(
            f"The folder {str(folder)!r} is not empty: it has {min(there)!r}; choose another "
            "name. Nothing was changed."
        )


def _filled(**values: str) -> dict[str, str]:
    """Return the text of each file."""
    from importlib.resources import files
    from string import Template

    templates = files("wampapp.cli.new") / "templates"
    return {
        name: Template((templates / f"{name.lstrip('.')}.in").read_text("utf-8")).substitute(values)
        for name in _FILES
    }


def _make(folder: Path, texts: dict[str, str]) -> None:
    """Write all files, or none.

    Raises:
        click.ClickException: one cannot be written; those before it have been removed.
    """
    made: list[Path] = []
    path = folder
    try:
        for parent in [*reversed(folder.parents), folder]:
            path = parent
            if not parent.is_dir():
                parent.mkdir()
                made.append(parent)
        for name, text in texts.items():
            path = folder / name
            with path.open("x", encoding="utf-8") as file:
                made.append(path)
                file.write(text)
    except OSError as error:
        _remove(made)
        raise click.ClickException(
            f"{str(path)!r} cannot be made: {error.strerror}. Nothing is left of the project."
        ) from None
    except BaseException:
        _remove(made)
        raise


def _remove(made: list[Path]) -> None:
    for path in reversed(made):
        with contextlib.suppress(OSError):
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink()


def _print_next_steps(folder: Path, prefix: str) -> None:
    """Print what was made, and what to do next."""
    where = "this folder" if folder == Path() else str(folder)
    steps = [
        ("pip install -e '.[dev]'", "installs it, and what its tests need"),
        ("wampapp run", "starts the service, and a router for it"),
        (f"wampapp call {prefix}.add 2 3", "calls it, in a second terminal"),
        ("pytest", "tests it"),
    ]
    if folder != Path():
        steps.insert(0, (f"cd {shlex.quote(str(folder))}", ""))
    files = table([(f"  {name}", about) for name, about in _FILES.items()], ("name", "note"))
    following = table([(f"  {step}", about) for step, about in steps], ("name", "note"))
    lines = [styled(f"Made a service in {where}:", "title"), "", *files]
    lines += ["", styled("Next:", "title"), "", *following]
    click.echo("\n".join(lines))
