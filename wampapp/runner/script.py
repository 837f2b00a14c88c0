"""A script's own entry: ``app.run()``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from wampapp.config.settle import RUNNING, RunOptions, check_run_options, settle
from wampapp.errors import WampappError
from wampapp.runner import foreground

if TYPE_CHECKING:
    from wampapp.runner.servable import Servable

#: Set while the command line imports a target, when app.run() must not run.
_importing = False


class importing:  # noqa: N801 - a context manager, used like a function
    """While it is open, ``app.run()`` does nothing: the command line imports the module."""

    def __enter__(self) -> None:
        global _importing  # noqa: PLW0603 - a module's import is global, and so is this
        _importing = True

    def __exit__(self, *_exception: object) -> None:
        global _importing  # noqa: PLW0603
        _importing = False


def run_from_script(app: Servable, url: str | None, options: RunOptions) -> None:
    """Run an app for ``app.run()``; an error ends the process with a sentence and an exit code.

    Args:
        app: the app.
        url: the router.
        options: what else was given.

    Raises:
        SystemExit: on an error.
        TypeError: an option is not known.
    """
    check_run_options("run", options)
    if _importing:
        return
    try:
        foreground.run(app, settle(app.config, variables=RUNNING, url=url, **options))
    except WampappError as error:
        sys.stderr.write(f"Error: {error}\n")
        raise SystemExit(error.exit_code) from None
