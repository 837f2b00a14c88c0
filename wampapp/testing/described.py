"""Stubs of procedures that a document describes."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping  # an answer's annotation is looked up
from typing import TYPE_CHECKING, Any

from wampapp.describe import files
from wampapp.describe.reading import from_document
from wampapp.describe.stubs.fitting import Fitting
from wampapp.describe.stubs.sampling import Sampler
from wampapp.describe.stubs.standing_in import StandIn
from wampapp.errors import ProcedureExists, UsageError
from wampapp.registry.endpoint import endpoint_for
from wampapp.testing.stub import Stub

if TYPE_CHECKING:
    from collections.abc import Sequence

    from _typeshed import StrPath

    from wampapp.describe.api import Api, Procedure
    from wampapp.protocol.patterns import Pattern
    from wampapp.registry.endpoint import Endpoint
    from wampapp.registry.records import Registration
    from wampapp.session.connection import Connection


class DescribedStub(Stub):
    """A procedure that is played by its description.

    Args:
        procedure: the description.
        stand_in: what checks its calls and makes its results.
    """

    def __init__(self, procedure: Procedure, stand_in: StandIn) -> None:
        super().__init__(procedure.uri, lambda *_, **__: self._made(), None)
        self._stand_in = stand_in
        # A URI that captures says by itself how it is matched.
        self.match = None if procedure.captures else procedure.match

    def _made(self) -> Any:
        return self._stand_in.result()

    def answer(self, *args: Any, **kwargs: Any) -> Any:
        """Answer a call that fits; one that is refused is not among the calls."""
        self._stand_in.check(args, kwargs)
        return super().answer(*args, **kwargs)


class ProgressiveStub(DescribedStub):
    """One that sends a progressive result first."""

    def _made(self) -> Any:
        made = self._stand_in
        return made.progress() if made.collects else made.result()

    def answer(self, *args: Any, **kwargs: Any) -> Generator[Any, None, Any]:
        """Answer a call that fits, in a thread."""
        result = super().answer(*args, **kwargs)
        if self._stand_in.collects and isinstance(result, list):
            yield from result
            return None
        yield from self._stand_in.progress()
        return result


class Described:
    """The procedures that are played as documents describe them, as long as nobody else plays them.

    Args:
        own: the session in which they are registered.
    """

    def __init__(self, own: Connection) -> None:
        self._own = own
        self._played: dict[tuple[str, str], Endpoint] = {}

    async def add(self, record: Registration, declared: Sequence[Pattern]) -> None:
        """Register a stub, unless its procedure is there.

        Args:
            record: the stub's registration.
            declared: what others will register, or have registered.
        """
        endpoint = endpoint_for(record)
        if any(_is_same(endpoint.pattern, other) for other in declared):
            return
        with contextlib.suppress(ProcedureExists):
            await self._own.announce(record, endpoint)
            self._played[endpoint.pattern.match, endpoint.pattern.uri] = endpoint

    async def make_way(self, pattern: Pattern) -> None:
        """Take a stub back, if there is one: somebody else is about to play its procedure."""
        endpoint = self._played.pop((pattern.match, pattern.uri), None)
        if endpoint is not None:
            await self._own.withdraw(endpoint)


def _is_same(one: Pattern, other: Pattern) -> bool:
    return (one.match, one.uri) == (other.match, other.uri)


def stubs_from(document: StrPath | Mapping[str, Any]) -> dict[str, DescribedStub]:
    """Make a stub of each procedure of a document, by their URIs.

    Args:
        document: an AsyncAPI document that ``wampapp docs`` wrote, or the file that holds it.

    Raises:
        UsageError: there is no such file, or it is something else; or jsonschema is not installed.
    """
    api = _read(document)
    fitting = Fitting(api.schemas, "stub_from")
    sampler = Sampler(api.schemas, fitting.fits)
    return {one.uri: _stub(one, StandIn(one, fitting, sampler)) for one in api.procedures}


def _read(document: StrPath | Mapping[str, Any]) -> Api:
    if not isinstance(document, Mapping):
        return files.read(document)
    try:
        return from_document(dict(document))
    except UsageError as error:
        raise UsageError(f"The document cannot be used: {error}.") from None


def _stub(procedure: Procedure, stand_in: StandIn) -> DescribedStub:
    kind = DescribedStub if procedure.progress is None else ProgressiveStub
    return kind(procedure, stand_in)
