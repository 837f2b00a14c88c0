"""A script's own entry: ``app.run()``."""

from __future__ import annotations

import os.path
import sys
from typing import TYPE_CHECKING

from wampapp.errors import UsageError, WampappError
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
        if _importing:
            return
        _check_imported_once(app)
        foreground.run(app, settle(app.config, variables=RUNNING, url=url, **options))
    except (WampappError, ImportError, AttributeError) as error:
        told = error if isinstance(error, WampappError) else explain(error)
        if told is None:
            raise
        sys.stderr.write(f"Error: {told}\n")
        raise SystemExit(told.exit_code) from None


def _check_imported_once(app: Servable) -> None:
    """Check that the script is not two modules, each with an app of its own.

    ``python main.py`` runs it as ``__main__``. A module with handlers that imports the app from
    ``main`` runs it a second time, and declares them on the app of that one.

    Raises:
        UsageError: it is.
    """
    from wampapp.registry.registry import Registry

    main = sys.modules["__main__"]
    script = getattr(main, "__file__", None)
    for name, module in list(sys.modules.items()):
        if module is main or name == "__mp_main__" or script is None:
            continue
        if getattr(module, "__file__", None) != script:
            continue
        held = list(vars(module).values())
        if any(value is app for value in held):
            # It is being imported, and app.run() at the end of the script runs it there.
            raise UsageError(_twice(script, name, "a module with handlers"))
        registries = (getattr(value, "registry", None) for value in held)
        modules = {m for r in registries if isinstance(r, Registry) for m in r.modules}
        for importer in sorted(modules - {name, "__main__"}):
            raise UsageError(_twice(script, name, importer))


def _twice(script: str, name: str, importer: str) -> str:
    file = os.path.basename(script)  # noqa: PTH119 - a file of the user's may hide pathlib
    return (
        f"{file} runs twice, as the script and as the module {name!r}, which {importer} imports "
        "for its app; so the handlers are declared on another app than the one that runs. Start it "
        f"with 'wampapp run {file}', or make the app in a module of its own."
    )
