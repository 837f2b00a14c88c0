"""What runs the lines of ``wampapp shell``: Python's own prompt, or what is piped in."""

from __future__ import annotations

import ast
import code
import codeop
import contextlib
import inspect
import itertools
import linecache
import os
import sys
import threading
import types
from typing import TYPE_CHECKING, Any, Final, TypeVar

from wampapp.cli.options import sentence
from wampapp.cli.target import users_traceback
from wampapp.cli.terminal import say
from wampapp.errors import WampappError
from wampapp.loop.deferreds import with_deferreds

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import TextIO

    from wampapp.cli.shell.live_uris import LiveUris
    from wampapp.loop.runtime import Runtime

T = TypeVar("T")

#: How long a cancelled ``await`` may take to end, before the prompt comes back without it.
_END_SECONDS: Final = 1.0
_NEW: Final = inspect.CORO_CREATED
_CLEAR_LINE: Final = "\r\x1b[K"


class Driver:
    """Runs the lines that await something on the loop, while the calling thread waits.

    Args:
        runtime: the loop, which turns in another thread.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def __call__(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end; Ctrl-C cancels it.

        Args:
            coroutine: it may await Twisted's Deferreds too.

        Returns:
            What it returns.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed, and it did not return in spite of that.
        """
        results: list[T] = []
        errors: list[BaseException] = []
        ended = threading.Event()

        async def run() -> None:
            try:
                results.append(await with_deferreds(coroutine))
            except BaseException as error:  # noqa: BLE001 - SystemExit would end the loop
                errors.append(error)
            finally:
                ended.set()

        try:
            self._runtime.call(run())
        except KeyboardInterrupt:
            if not ended.wait(_END_SECONDS) and inspect.getcoroutinestate(coroutine) == _NEW:
                coroutine.close()  # Ctrl-C came before its first step
            if not results:
                raise
        if errors:
            raise errors[0]
        return results[0]


class Screen:
    """The terminal: other threads write above the prompt that stands there.

    Attributes:
        prompt: the prompt, while a line is typed; None at other times.
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

    # As the stream of the log.

    def write(self, text: str) -> None:
        """Show what the log says."""
        self.line(text.removesuffix("\n"), sys.stderr)

    def flush(self) -> None:
        """Do nothing: each line goes out at once."""


class Lines:
    """Compiles and runs pieces of Python with ``await`` outside of functions.

    Args:
        names: the variables, as of a module ``__main__``.
        drive: runs the pieces that await something.
    """

    def __init__(self, names: dict[str, Any], drive: Driver) -> None:
        module = types.ModuleType("__main__")
        vars(module).update(names)
        # Classes that are made here are looked up by the name of their module.
        sys.modules["__main__"] = module
        self.names = vars(module)
        self._drive = drive

    def run(self, compiled: types.CodeType) -> None:
        """Run a piece; where it awaits something, on the loop."""
        made = types.FunctionType(compiled, self.names)()
        if inspect.iscoroutine(made):
            self._drive(made)


class Console(code.InteractiveConsole):
    """Python's own prompt.

    Args:
        lines: runs what is typed.
        uris: completes URIs.
        screen: what else writes on the terminal.
    """

    def __init__(self, lines: Lines, uris: LiveUris, screen: Screen) -> None:
        super().__init__(lines.names)
        self.compile.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        self._lines = lines
        self._uris = uris
        self._screen = screen
        self._editing = False

    def talk(self) -> None:
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

            names = rlcompleter.Completer(self._lines.names)

            def all_names(text: str) -> list[str]:
                found = (names.complete(text, state) for state in itertools.count())
                return [str(name) for name in itertools.takewhile(_is_there, found)]

            matches: list[str] = []

            def complete(text: str, state: int) -> str | None:
                if state == 0:
                    line = readline.get_line_buffer()[: readline.get_endidx()]
                    found = self._uris.matching(line)
                    matches[:] = all_names(text) if found is None else _words(text, line, *found)
                return matches[state] if state < len(matches) else None

            readline.set_completer(complete)
            libedit = "libedit" in (readline.__doc__ or "")
            readline.parse_and_bind("bind ^I rl_complete" if libedit else "tab: complete")
            # A prompt that went elsewhere is not drawn again.
            self._editing = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"

    def raw_input(self, prompt: str = "") -> str:
        """Read a line."""
        self._screen.prompt = prompt if self._editing else None
        try:
            return super().raw_input(prompt)
        finally:
            self._screen.prompt = None

    def runcode(self, code: types.CodeType) -> None:
        """Run a statement; what it raises is shown."""
        try:
            self._lines.run(code)
        except SystemExit:
            raise
        except KeyboardInterrupt:
            self.write("\nKeyboardInterrupt\n")
        except BaseException as error:  # noqa: BLE001 - whatever the user's code raises is shown
            show_error(error)


def _is_there(name: object) -> bool:
    return name is not None


def _words(text: str, line: str, begun: str, uris: list[str]) -> list[str]:
    """What the word before the cursor may become.

    A '-' in a URI begins another word of readline's, which then does not close the quotes.
    """
    before = len(begun) - len(text)
    if before and len(uris) == 1:
        return [uris[0][before:] + line[-len(begun) - 1]]
    return [uri[before:] for uri in uris]


def run_script(source: bytes, lines: Lines) -> bool:
    """Run what was piped in, statement by statement, as if each were typed.

    Args:
        source: the script.
        lines: runs it.

    Returns:
        Whether all of it ran; what it raised was shown otherwise.
    """
    name = "<stdin>"
    compiler = codeop.Compile()  # keeps 'from __future__ import …' for what follows
    compiler.flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        tree = compile(source, name, "exec", ast.PyCF_ONLY_AST | compiler.flags, True)
        text = source.decode(errors="replace")
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        for statement in tree.body:
            piece: Any = ast.Module([statement], [])
            lines.run(compiler(piece, name, "exec"))
    except (KeyboardInterrupt, SystemExit, BrokenPipeError):
        raise
    except BaseException as error:  # noqa: BLE001 - whatever the script raises is shown
        show_error(error)
        return False
    return True


def show_error(error: BaseException) -> None:
    """Show what a line raised: a sentence for an error of ours, else the user's own frames.

    Args:
        error: what it raised.
    """
    if isinstance(error, WampappError):
        say(f"Error: {sentence(error)}")
    else:
        say(users_traceback(error).rstrip("\n"))
