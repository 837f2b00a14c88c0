"""The shell at Python's own prompt."""

from __future__ import annotations

import ast
import code
import contextlib
import itertools
import os
import sys
from typing import TYPE_CHECKING, Final

from wampapp.cli.shell.interpreter import show_error

if TYPE_CHECKING:
    import types
    from typing import TextIO

    from wampapp.cli.shell.interpreter import Interpreter
    from wampapp.cli.shell.uri_completion import UriCompleter

_CLEAR_LINE: Final = "\r\x1b[K"


class Screen:
    """The terminal. Other threads write above the prompt that is shown.

    Attributes:
        prompt: the prompt while a line is typed; None at other times.
    """

    def __init__(self) -> None:
        self.prompt: str | None = None

    def line(self, text: str, stream: TextIO | None = None) -> None:
        """Show a line.

        Args:
            text: the line.
            stream: where to; standard output by default.
        """
        stream = stream or sys.stdout
        prompt = self.prompt
        if prompt is None or not stream.isatty():
            stream.write(f"{text}\n")
        else:
            import readline

            stream.write(f"{_CLEAR_LINE}{text}\n{prompt}{readline.get_line_buffer()}")
        stream.flush()

    # The log writes to it as to a stream.

    def write(self, text: str) -> None:
        """Show a line of the log."""
        self.line(text.removesuffix("\n"), sys.stderr)

    def flush(self) -> None:
        """Do nothing: each line is written at once."""


class Console(code.InteractiveConsole):
    """Python's own prompt.

    Args:
        interpreter: runs what is typed.
        completer: completes URIs.
        screen: the terminal.
    """

    def __init__(self, interpreter: Interpreter, completer: UriCompleter, screen: Screen) -> None:
        super().__init__(interpreter.names)
        self.compile.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        self._interpreter = interpreter
        self._completer = completer
        self._screen = screen
        self._editing = False

    def run(self) -> None:
        """Read and run lines until Ctrl-D or ``exit()``.

        Raises:
            SystemExit: a line ended the process.
        """
        self._edit()
        self.interact(banner="", exitmsg="")

    def _edit(self) -> None:
        with contextlib.suppress(ImportError):
            import readline
            import rlcompleter

            names = rlcompleter.Completer(self._interpreter.names)

            def all_names(text: str) -> list[str]:
                found = (names.complete(text, state) for state in itertools.count())
                return [str(name) for name in itertools.takewhile(_is_there, found)]

            matches: list[str] = []

            def complete(text: str, state: int) -> str | None:
                if state == 0:
                    line = readline.get_line_buffer()[: readline.get_endidx()]
                    found = self._completer.matching(line)
                    matches[:] = all_names(text) if found is None else _words(text, line, *found)
                return matches[state] if state < len(matches) else None

            readline.set_completer(complete)
            libedit = "libedit" in (readline.__doc__ or "")
            readline.parse_and_bind("bind ^I rl_complete" if libedit else "tab: complete")
            # A prompt is redrawn only if it went to a terminal that can do so.
            self._editing = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"

    def raw_input(self, prompt: str = "") -> str:
        """Read a line."""
        self._screen.prompt = prompt if self._editing else None
        try:
            return super().raw_input(prompt)
        finally:
            self._screen.prompt = None

    def runcode(self, code: types.CodeType) -> None:
        """Run a statement, and show what it raises."""
        try:
            self._interpreter.run(code)
        except SystemExit:
            raise
        except KeyboardInterrupt:
            self.write("\nKeyboardInterrupt\n")
        except BaseException as error:  # noqa: BLE001 - anything that the user's code raises is shown
            show_error(error)


def _is_there(name: object) -> bool:
    return name is not None


def _words(text: str, line: str, begun: str, uris: list[str]) -> list[str]:
    """Return what the word before the cursor may become.

    To readline a '-' in a URI begins another word, whose quotes it then does not close.
    """
    before = len(begun) - len(text)
    if before and len(uris) == 1:
        return [uris[0][before:] + line[-len(begun) - 1]]
    return [uri[before:] for uri in uris]
