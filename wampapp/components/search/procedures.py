"""The procedures of the search, for peers in every language."""

from __future__ import annotations

from collections.abc import AsyncIterator  # noqa: TC003 - annotations are read at run time
from typing import TYPE_CHECKING, Annotated, Any, Final

from msgspec import Meta

from wampapp.components.search.finding import Ask
from wampapp.components.search.records import (
    MAX_BATCH,
    MAX_HITS,
    MAX_OFFSET,
    Done,
    Found,
    Version,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.components.search.owner import Owner
    from wampapp.registry.blueprint import Blueprint

_Names = Annotated[list[str], Meta(max_length=32)]
_Limit = Annotated[int, Meta(ge=0, le=MAX_HITS)]
_Offset = Annotated[int, Meta(ge=0, le=MAX_OFFSET)]
_Documents = Annotated[list[dict[str, Any]], Meta(max_length=MAX_BATCH)]
_Ids = Annotated[list[int | str], Meta(max_length=MAX_BATCH)]


class Procedures:
    """What peers may call. Each method is the procedure of its name, below the search's prefix.

    Args:
        owner: returns what owns the indexes; it is there once the app has started.
    """

    def __init__(self, owner: Callable[[], Owner]) -> None:
        self._get_owner = owner

    @property
    def _owner(self) -> Owner:
        return self._get_owner()

    async def query(
        self,
        index: str,
        text: str = "",
        *,
        filter: dict[str, Any] | None = None,
        facets: _Names | None = None,
        sort: str | None = None,
        limit: _Limit = 10,
        offset: _Offset = 0,
        prefix: bool = True,
        typos: bool = True,
    ) -> Found[Any]:
        """Find documents. Every text is a query; an empty one finds all.

        Args:
            index: the index.
            text: words, ``"phrases"``, ``-unwanted`` words, and ``field:words``.
            filter: of facets and sorted fields a value, a list of values, or comparisons such as
                ``{">=": 10}``.
            facets: the facets whose values are counted.
            sort: the field that is sorted by, with a minus for the largest first; the best first,
                by default.
            limit: how many documents at most. There are fewer if they take more than 1 MiB.
            offset: how many are skipped.
            prefix: whether the last word may be the beginning of one.
            typos: whether words may be written wrongly.

        Returns:
            The ``hits``, the ``total``, the ``facets``, and the query ``corrected``.

        Raises:
            InvalidArgument: there is no such index, or it has no such field.
        """
        ask = _ask(text, filter, facets, sort, limit, offset, prefix=prefix, typos=typos)
        return await self._owner.find(index, ask)

    async def live(
        self,
        index: str,
        text: str = "",
        *,
        version: str | None = None,
        wait: Annotated[float, Meta(ge=0, le=60)] = 25.0,
        filter: dict[str, Any] | None = None,
        facets: _Names | None = None,
        sort: str | None = None,
        limit: _Limit = 10,
        offset: _Offset = 0,
        prefix: bool = True,
        typos: bool = True,
    ) -> Version[Any]:
        """Find documents once others are found than before; see ``query``.

        Ask again and again with what the last answer says of ``version``.

        Args:
            index: the index.
            text: as in ``query``.
            version: stands for what is known; nothing, by default.
            wait: the seconds to wait at most.
            filter: as in ``query``.
            facets: as there.
            sort: as there.
            limit: as there.
            offset: as there.
            prefix: as there.
            typos: as there.
        """
        ask = _ask(text, filter, facets, sort, limit, offset, prefix=prefix, typos=typos)
        return await self._owner.live(index, ask, version, wait)

    async def watch(
        self,
        index: str,
        text: str = "",
        *,
        filter: dict[str, Any] | None = None,
        facets: _Names | None = None,
        sort: str | None = None,
        limit: _Limit = 10,
        offset: _Offset = 0,
        prefix: bool = True,
        typos: bool = True,
    ) -> AsyncIterator[Found[Any]]:
        """Find documents, and again whenever others are found; see ``query``.

        Args:
            index: the index.
            text: as in ``query``.
            filter: as there.
            facets: as there.
            sort: as there.
            limit: as there.
            offset: as there.
            prefix: as there.
            typos: as there.
        """
        ask = _ask(text, filter, facets, sort, limit, offset, prefix=prefix, typos=typos)
        answers = self._owner.watch(index, ask)
        try:
            async for found in answers:
                yield found
        finally:
            await answers.aclose()  # type: ignore[attr-defined]

    async def put(self, index: str, documents: _Documents) -> int:
        """Put documents, all or none. They can be found when this returns.

        Args:
            index: the index.
            documents: the documents, 1,000 at most; those of an id that is there are replaced.

        Returns:
            How many are other than before.

        Raises:
            InvalidArgument: there is no such index, or a document does not fit it.
            PayloadTooLarge: a document takes more than 1 MiB.
            StorageFailed: they could not be stored.
        """
        return await self._owner.put(index, documents)

    async def delete(self, index: str, ids: _Ids) -> int:
        """Remove documents.

        Args:
            index: the index.
            ids: their ids, 1,000 at most.

        Returns:
            How many there were.

        Raises:
            InvalidArgument: there is no such index, or an id is not valid.
            StorageFailed: they could not be removed.
        """
        return await self._owner.delete(index, ids)

    async def rebuild(self, index: str) -> AsyncIterator[Done]:
        """Build an index anew from its source, or from its own documents if it has none.

        Queries find what the index had until it is done.

        Args:
            index: the index.

        Returns:
            How many documents it has so far, and at the end ``is_done``.

        Raises:
            InvalidArgument: there is no such index, or a document does not fit it.
            wampapp.error.handler_failed: the source has failed.
        """
        progress = self._owner.rebuild(index)
        try:
            async for done in progress:
                yield done
        finally:
            await progress.aclose()  # type: ignore[attr-defined]

    async def check(self, index: str) -> None:
        """Compare what an index finds with its documents.

        Args:
            index: the index.

        Raises:
            StorageFailed: they differ, so it is to be rebuilt.
        """
        await self._owner.check(index)

    async def stats(self) -> dict[str, Any]:
        """Return which ``indexes`` there are, what they have, and where they are kept."""
        return await self._owner.stats()


def _ask(
    text: str,
    filter: dict[str, Any] | None,
    facets: list[str] | None,
    sort: str | None,
    limit: int,
    offset: int,
    *,
    prefix: bool,
    typos: bool,
) -> Ask:
    return Ask(
        text=text,
        filter=filter or {},
        facets=tuple(facets or ()),
        sort=sort,
        limit=limit,
        offset=offset,
        prefix=prefix,
        typos=typos,
    )


_NAMES: Final = ("query", "live", "watch", "put", "delete", "rebuild", "check", "stats")


def offer_procedures(blueprint: Blueprint, owner: Callable[[], Owner]) -> None:
    """Declare the procedures of a search.

    Args:
        blueprint: where.
        owner: as in :class:`Procedures`.
    """
    procedures = Procedures(owner)
    for name in _NAMES:
        blueprint.add_registration(getattr(procedures, name), f".{name}", invoke="single")
