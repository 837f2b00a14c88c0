"""The shell at IPython's prompt. Importing this module imports IPython."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click
import IPython
from IPython.core.completer import SimpleCompletion, context_matcher
from IPython.terminal.interactiveshell import TerminalInteractiveShell
from IPython.terminal.ipapp import load_default_config

from wampapp.cli.shell.interpreter import show_error
from wampapp.errors import WampappError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from wampapp.cli.shell.interpreter import Interpreter, LoopRunner
    from wampapp.cli.shell.uri_completion import UriCompleter

VERSION = IPython.__version__


def interact(interpreter: Interpreter, loop_runner: LoopRunner, completer: UriCompleter) -> None:
    """Read and run lines at IPython's prompt until Ctrl-D or ``exit``.

    Args:
        interpreter: has the variables.
        loop_runner: runs the lines that await something.
        completer: completes URIs.
    """
    shell = TerminalInteractiveShell.instance(
        config=load_default_config(), user_ns=interpreter.names
    )
    shell.confirm_exit = False
    shell.autoawait = True

    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        try:
            return loop_runner(coroutine)
        except KeyboardInterrupt as error:
            # A handler that blocks the loop goes on; IPython would show where we waited for it.
            error._render_traceback_ = lambda: ["\nKeyboardInterrupt"]  # type: ignore[attr-defined]
            raise

    shell.loop_runner = run

    def show(_shell: Any, _kind: Any, error: BaseException, _trace: Any, **_others: Any) -> None:
        # It is Ctrl-C that cancels an await.
        if isinstance(error, WampappError):
            show_error(error)
        else:
            click.echo("\nKeyboardInterrupt", err=True)

    shell.set_custom_exc((WampappError, KeyboardInterrupt, asyncio.CancelledError), show)

    @context_matcher()  # type: ignore[untyped-decorator]
    def complete_uris(context: Any) -> dict[str, Any]:
        begun, found = completer.matching(context.text_until_cursor) or ("", [])
        return {
            "completions": [SimpleCompletion(uri, type="uri") for uri in found],
            "matched_fragment": begun,
            "suppress": bool(found),
        }

    shell.Completer.custom_matchers.append(complete_uris)
    shell.mainloop()
