"""Runs Python with ``await`` outside of functions: typed lines, or a script that is piped in."""

from __future__ import annotations

import ast
import codeop
import inspect
import linecache
import sys
import threading
import types
from typing import TYPE_CHECKING, Any, Final, TypeVar

from wampapp.cli.output import say, sentence
from wampapp.cli.target.user_code import users_traceback
from wampapp.errors import WampappError
from wampapp.loop.deferreds import with_deferreds

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from wampapp.loop.runtime import Runtime

T = TypeVar("T")

#: How long a cancelled ``await`` may take to end before the prompt comes back without it.
_CANCEL_SECONDS: Final = 1.0
_NEW: Final = inspect.CORO_CREATED


class LoopRunner:
    """Runs coroutines on the loop while the calling thread waits.

    Args:
        runtime: the loop, which runs in another thread.
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
            KeyboardInterrupt: Ctrl-C was pressed, and the coroutine did not return after that.
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
            if not ended.wait(_CANCEL_SECONDS) and inspect.getcoroutinestate(coroutine) == _NEW:
                coroutine.close()  # Ctrl-C came before its first step
            if not results:
                raise
        if errors:
            raise errors[0]
        return results[0]


class Interpreter:
    """Runs compiled Python with ``await`` outside of functions.

    Args:
        names: the variables that a module ``__main__`` has.
        loop_runner: runs the code that awaits something.
    """

    def __init__(self, names: dict[str, Any], loop_runner: LoopRunner) -> None:
        module = types.ModuleType("__main__")
        vars(module).update(names)
        # Classes that are defined here are looked up by the name of their module.
        sys.modules["__main__"] = module
        self.names = vars(module)
        self._loop_runner = loop_runner

    def run(self, compiled: types.CodeType) -> None:
        """Run compiled code; on the loop, if it awaits something."""
        made = types.FunctionType(compiled, self.names)()
        if inspect.iscoroutine(made):
            self._loop_runner(made)


def run_script(source: bytes, interpreter: Interpreter) -> bool:
    """Run a script, statement by statement, as if each were typed.

    Args:
        source: the script.
        interpreter: runs it.

    Returns:
        Whether all of it ran; if not, what it raised has been shown.
    """
    name = "<stdin>"
    compiler = codeop.Compile()  # keeps 'from __future__ import …' for the next statements
    compiler.flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        tree = compile(source, name, "exec", ast.PyCF_ONLY_AST | compiler.flags, True)
        text = source.decode(errors="replace")
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        for statement in tree.body:
            module: Any = ast.Module([statement], [])
            interpreter.run(compiler(module, name, "exec"))
    except (KeyboardInterrupt, SystemExit, BrokenPipeError):
        raise
    except BaseException as error:  # noqa: BLE001 - anything that the script raises is shown
        show_error(error)
        return False
    return True


def show_error(error: BaseException) -> None:
    """Show an exception: a sentence for an error of ours, else a traceback of the user's frames.

    Args:
        error: the exception.
    """
    if isinstance(error, WampappError):
        say(f"Error: {sentence(error)}")
    else:
        say(users_traceback(error).rstrip("\n"))
