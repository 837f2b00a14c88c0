"""How a worker process has ended."""

from __future__ import annotations

import signal


class ServiceEnded(Exception):
    """A worker process has ended.

    Attributes:
        exit_code: the process's exit code; negative for the signal that killed it.
        text: what it printed about its error; may be empty.
        fixable: whether saving a file may help.
    """

    def __init__(self, exit_code: int, text: str = "", *, fixable: bool = True) -> None:
        super().__init__(text)
        self.exit_code = exit_code
        self.text = text
        self.fixable = fixable

    @property
    def how(self) -> str:
        """How it has ended, to follow its name in a sentence."""
        if self.exit_code >= 0:
            return f"ended with exit code {self.exit_code}"
        try:
            return f"was ended by {signal.Signals(-self.exit_code).name}"
        except ValueError:
            return f"was ended by signal {-self.exit_code}"
