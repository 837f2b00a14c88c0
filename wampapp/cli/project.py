"""What a project says of its commands: ``[tool.wampapp]`` in ``pyproject.toml``, ``--env-file``."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Any, Final

import click

from wampapp.errors import UsageError

FILE: Final = "pyproject.toml"

#: What the table may hold, and what each is.
_KEYS: Final = {
    "target": "a string",
    "url": "a string",
    "realm": "a string",
    "watch": "a list of strings",
}


def defaults(folder: Path) -> dict[str, Any]:
    """Return what the table ``[tool.wampapp]`` of a project says, for options that say nothing.

    Args:
        folder: where the command runs.

    Raises:
        UsageError: the file is no TOML, or the table holds what it cannot.
    """
    import tomllib

    try:
        with (folder / FILE).open("rb") as file:
            project = tomllib.load(file)
    except OSError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{FILE} is not valid TOML: {error}.") from None
    tools = project.get("tool", {})
    table = tools.get("wampapp", {}) if isinstance(tools, dict) else {}
    if not isinstance(table, dict):
        raise UsageError(f"{FILE}: tool.wampapp is no table; write [tool.wampapp].")
    for key, value in table.items():
        _check(key, value)
    return table


def _check(key: str, value: Any) -> None:
    kind = _KEYS.get(key)
    if kind is None:
        near = difflib.get_close_matches(key, _KEYS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(_KEYS)}."
        raise UsageError(f"{FILE}: [tool.wampapp] cannot hold {key!r}; {hint}")
    texts = value if isinstance(value, list) and key == "watch" else [value]
    if (key == "watch") != isinstance(value, list) or not all(isinstance(t, str) for t in texts):
        raise UsageError(f"{FILE}: in [tool.wampapp], {key} must be {kind}.")


def _read_variables(ctx: click.Context, _option: click.Parameter, file: str | None) -> None:
    if file is None or ctx.resilient_parsing:
        return
    from dotenv import dotenv_values
    from dotenv.parser import parse_stream

    try:
        with Path(file).open(encoding="utf-8") as stream:
            broken = next((found for found in parse_stream(stream) if found.error), None)
        if broken is not None:
            raise UsageError(
                f"The variables' file {file}, line {broken.original.line}: write NAME=value."
            )
        found = dotenv_values(file)
    except OSError as error:
        raise UsageError(f"The variables' file {file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"The variables' file {file} is no text.") from None
    for name, value in found.items():
        if value is not None:
            os.environ.setdefault(name, value)


#: Read before every other option, which then finds its variable.
env_file_option = click.option(
    "--env-file",
    type=click.Path(),
    metavar="FILE",
    is_eager=True,
    expose_value=False,
    callback=_read_variables,
    help="Holds variables that are not set yet: NAME=value.",
)


def _given(ctx: click.Context, _argument: click.Parameter, target: str | None) -> str | None:
    if target is None and not ctx.resilient_parsing:
        raise click.UsageError(
            "Which app? Write module:app or path/file.py, or set target in [tool.wampapp] of "
            f"{FILE}."
        )
    return target


def _files(_ctx: click.Context, _argument: click.Parameter, begun: str) -> list[Any]:
    """Let the shell complete a file's path, which is what most targets are."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(begun, type="file")]


#: The app; from the project where the command line says nothing. The second may do without one.
target_argument = click.argument(
    "target", required=False, envvar="WAMPAPP_TARGET", callback=_given, shell_complete=_files
)
any_target_argument = click.argument(
    "target", required=False, envvar="WAMPAPP_TARGET", shell_complete=_files
)
