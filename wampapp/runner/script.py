"""A script's own entry: ``app.run()``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from wampapp.errors import WampappError
from wampapp.observe.hidden import explain

if TYPE_CHECKING:
    from wampapp.config.settle import RunOptions
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
    try:
        # Here, so that a module that a file of the user's hides is told like any other mistake.
        from wampapp.config.settle import RUNNING, check_run_options, settle
        from wampapp.runner import foreground

        check_run_options("run", options)
        if not _importing:
            foreground.run(app, settle(app.config, variables=RUNNING, url=url, **options))
    except (WampappError, ImportError, AttributeError) as error:
        told = error if isinstance(error, WampappError) else explain(error)
        if told is None:
            raise
        sys.stderr.write(f"Error: {told}\n")
        raise SystemExit(told.exit_code) from None
