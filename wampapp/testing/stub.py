"""A procedure of another service, played by a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from wampapp.registry.results import CallResult

if TYPE_CHECKING:
    from wampapp.protocol.patterns import Match


class StubCall(NamedTuple):
    """A call of a stub.

    Attributes:
        args: its positional arguments.
        kwargs: its keyword arguments.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class Stub:
    """A procedure of another service, played by the test.

    Attributes:
        uri: the procedure.
        calls: its calls so far.
        returns: what it returns; a function is called with the arguments.
        raises: what it raises instead; None for nothing.
        match: how its URI is matched, if it does not say that by itself.
    """

    def __init__(self, uri: str, returns: Any, raises: BaseException | type | None) -> None:
        self.uri = uri
        self.calls: list[StubCall] = []
        self.returns = returns
        self.raises = raises
        self.match: Match | None = None

    def __repr__(self) -> str:
        return f"<Stub {self.uri!r}: {len(self.calls)} calls>"

    @property
    def called(self) -> bool:
        """Whether it was called."""
        return bool(self.calls)

    def answer(self, *args: Any, **kwargs: Any) -> Any:
        """Answer a call; the stub's registration calls this."""
        self.calls.append(StubCall(args, kwargs))
        if self.raises is not None:
            raise self.raises
        if callable(self.returns) and not isinstance(self.returns, CallResult):
            return self.returns(*args, **kwargs)
        return self.returns
