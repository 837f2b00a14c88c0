"""The argument TARGET of commands."""

from __future__ import annotations

import os
from typing import Any, Final

import click

from wampapp.cli.pyproject import FILE

_VARIABLE: Final = "WAMPAPP_TARGET"


def require_target(target: str | None) -> str:
    """Return a command's target.

    Raises:
        click.UsageError: it has none.
    """
    if target is None:
        raise click.UsageError(
            "Which app? Write module:app or path/file.py, or set target in [tool.wampapp] of "
            f"{FILE}."
        )
    return target


def _require(ctx: click.Context, _argument: click.Parameter, target: str | None) -> str | None:
    return target if ctx.resilient_parsing else require_target(target)


def _require_some(
    ctx: click.Context, _argument: click.Parameter, targets: tuple[str, ...]
) -> tuple[str, ...]:
    """Return a command's targets; without any, the one that the variable or the project names."""
    if targets or ctx.resilient_parsing:
        return targets
    # Click would split it at its blanks, and a path may have some.
    return (require_target(os.environ.get(_VARIABLE) or ctx.lookup_default("target")),)


def _complete_files(_ctx: click.Context, _argument: click.Parameter, begun: str) -> list[Any]:
    """Leave it to the shell to complete a file's path, which most targets are."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(begun, type="file")]


#: An app that is needed; [tool.wampapp] names it where the command line does not.
target_argument = click.argument(
    "target",
    required=False,
    envvar=_VARIABLE,
    callback=_require,
    shell_complete=_complete_files,
)
#: One app or several.
targets_argument = click.argument(
    "targets",
    nargs=-1,
    metavar="[TARGET]...",
    callback=_require_some,
    shell_complete=_complete_files,
)
#: An app that the command can do without.
optional_target_argument = click.argument(
    "target", required=False, envvar=_VARIABLE, shell_complete=_complete_files
)
