"""``wampapp shell`` at IPython's prompt. Importing this module imports IPython."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click
import IPython
from IPython.core.completer import SimpleCompletion, context_matcher
from IPython.terminal.interactiveshell import TerminalInteractiveShell
from IPython.terminal.ipapp import load_default_config

from wampapp.cli.shell.prompt import show_error
from wampapp.errors import WampappError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from wampapp.cli.shell.live_uris import LiveUris
    from wampapp.cli.shell.prompt import Driver, Lines

VERSION = IPython.__version__


def talk(lines: Lines, drive: Driver, uris: LiveUris) -> None:
    """Read and run lines at IPython's prompt until Ctrl-D or ``exit``.

    Args:
        lines: has the variables.
        drive: runs the lines that await something.
        uris: completes URIs.
    """
    shell = TerminalInteractiveShell.instance(config=load_default_config(), user_ns=lines.names)
    shell.confirm_exit = False
    shell.autoawait = True

    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        try:
            return drive(coroutine)
        except KeyboardInterrupt as error:
            # What holds up the loop goes on; IPython would show where we waited for it.
            error._render_traceback_ = lambda: ["\nKeyboardInterrupt"]  # type: ignore[attr-defined]
            raise

    shell.loop_runner = run

    def show(_shell: Any, _kind: Any, error: BaseException, _trace: Any, **_others: Any) -> None:
        # A cancelled await is one that Ctrl-C ended.
        if isinstance(error, WampappError):
            show_error(error)
        else:
            click.echo("\nKeyboardInterrupt", err=True)

    shell.set_custom_exc((WampappError, KeyboardInterrupt, asyncio.CancelledError), show)

    @context_matcher()  # type: ignore[untyped-decorator]
    def complete_uris(context: Any) -> dict[str, Any]:
        begun, found = uris.matching(context.text_until_cursor) or ("", [])
        return {
            "completions": [SimpleCompletion(uri, type="uri") for uri in found],
            "matched_fragment": begun,
            "suppress": bool(found),
        }

    shell.Completer.custom_matchers.append(complete_uris)
    shell.mainloop()
