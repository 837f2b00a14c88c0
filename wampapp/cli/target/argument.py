"""The argument TARGET of commands."""

from __future__ import annotations

from typing import Any

import click

from wampapp.cli.pyproject import FILE


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


def _complete_files(_ctx: click.Context, _argument: click.Parameter, begun: str) -> list[Any]:
    """Leave it to the shell to complete a file's path, which most targets are."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(begun, type="file")]


#: An app that is needed; [tool.wampapp] names it where the command line does not.
target_argument = click.argument(
    "target",
    required=False,
    envvar="WAMPAPP_TARGET",
    callback=_require,
    shell_complete=_complete_files,
)
#: An app that the command can do without.
optional_target_argument = click.argument(
    "target", required=False, envvar="WAMPAPP_TARGET", shell_complete=_complete_files
)
