"""An index as users see it: ``search.posts``."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterable, Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar, Unpack

import msgspec

from wampapp.components.patience import Pause, is_away
from wampapp.components.search.blocking import BlockingIndex
from wampapp.components.search.records import Done, FindOptions, Found, Hit, Version
from wampapp.errors import (
    CallTimeout,
    ConnectionLost,
    DeclarationError,
    InvalidArgument,
    InvalidResult,
    NoSuchProcedure,
    WampError,
)
from wampapp.protocol.payload import to_plain
from wampapp.registry.conversion import convert
from wampapp.registry.options import unknown_option

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Iterable

    from wampapp.client.blocking import Client
    from wampapp.client.handles import Procedure
    from wampapp.components.search.building import Source
    from wampapp.components.search.declaring import Declared
    from wampapp.components.search.records import Id

logger = logging.getLogger("wampapp.search")

T = TypeVar("T")
S = TypeVar("S", bound=Callable[..., Any])

#: How many documents are sent at once, and about how many letters of them.
_CHUNK: Final = 500
_LETTERS: Final = 512 * 1024


class Searches(Protocol):
    """What an index asks: :class:`~wampapp.components.search.Search`."""

    sources: dict[str, Source]

    @property
    def client_here(self) -> Client:
        """The blocking client."""

    @property
    def prefix(self) -> str | None:
        """What the procedures are below."""

    def procedure_of_mine(self, name: str, *, idempotent: bool = False) -> Procedure[Any]:
        """Return the handle to a procedure."""

    def nobody_serves(self) -> NoSuchProcedure:
        """Return the error that nobody serves the search."""


class Index(Generic[T]):
    """An index: what puts documents into it, and finds them.

    ::

        await search.posts.put(post)
        found = await search.posts("wmap handlres", facets=["tag"])

    Args:
        search: what it belongs to.
        name: its name.
        declared: how it is declared; None to take documents as they are, as dictionaries.

    Attributes:
        name: the same.
    """

    def __init__(self, search: Searches, name: str, declared: Declared[T] | None) -> None:
        self.name = name
        self._search, self._declared = search, declared

    def __repr__(self) -> str:
        return f"<Index {self._search.prefix}.{self.name}>"

    @cached_property
    def sync(self) -> BlockingIndex[T]:
        """The blocking verbs, for plain functions, other threads and scripts."""
        return BlockingIndex(self)

    @property
    def client_here(self) -> Client:
        """The blocking client."""
        return self._search.client_here

    # Finding.

    async def __call__(self, text: str = "", **options: Unpack[FindOptions]) -> Found[T]:
        """Find documents. Every text is a query; an empty one finds all.

        All words are to be there; if no document has all, those that have some are found. ``"words
        in quotation marks"`` are to follow each other, ``-word`` is not to be there, ``title:word``
        is to be in that field, and ``tag:python`` is a filter.

        Args:
            text: what somebody has written.
            options: see :class:`FindOptions`.

        Raises:
            InvalidArgument: the index has no such field, or a value does not fit.
            InvalidResult: a document does not fit its class here.
            NoSuchProcedure: nobody serves the search.
            StorageFailed: it cannot be read.
        """
        ask = self._search.procedure_of_mine("query", idempotent=True)
        return self._found(await self._ask(ask(self.name, text, **_plain_options(options))))

    async def watch(
        self, text: str = "", **options: Unpack[FindOptions]
    ) -> AsyncGenerator[Found[T], None]:
        """Find documents, and again whenever others are found, without an end.

        After an interruption it goes on. Of what changes faster than this is read, only the last
        is told.

        Args:
            text: as in a call of the index.
            options: as there.

        Raises:
            InvalidArgument: the index has no such field, or a value does not fit.
            NotJoined: the session does not come back.
        """
        given = _plain_options(options)
        ask = self._search.procedure_of_mine("live")
        version: str | None = None
        pause, has_complained = Pause(), False
        while True:
            try:
                told = await ask(self.name, text, version=version, **given)
            except CallTimeout:
                continue  # nothing has changed in the time that the client has for a call
            except (WampError, ConnectionLost) as error:
                if not is_away(error):
                    raise
                if isinstance(error, NoSuchProcedure) and not has_complained:
                    has_complained = True
                    logger.warning("%s Waiting for that.", self._search.nobody_serves().message)
                await pause.wait()
                continue
            pause.reset()
            version = msgspec.convert(told, Version).version
            if told["found"] is not None:
                yield self._found(told["found"])

    def _found(self, told: Any) -> Found[T]:
        found: Found[Any] = msgspec.convert(told, Found)
        if self._declared is None:
            return found
        return msgspec.structs.replace(found, hits=[self._hit(hit) for hit in found.hits])

    def _hit(self, hit: Hit[Any]) -> Hit[T]:
        assert self._declared is not None  # noqa: S101
        try:
            document = convert(hit.document, self._declared.convertible)
        except msgspec.ValidationError as error:
            raise InvalidResult(
                f"The document {hit.id!r} of {self.name!r} does not fit: {error}."
            ) from None
        return Hit(id=hit.id, document=document, score=hit.score, html=hit.html)

    # Changing.

    async def put(self, document: T) -> bool:
        """Put a document; one of the same id is replaced. It can be found when this returns.

        Args:
            document: the document.

        Returns:
            Whether it is other than before.

        Raises:
            InvalidArgument: it does not fit the index.
            PayloadTooLarge: it takes more than 1 MiB.
            NoSuchProcedure: nobody serves the search.
            StorageFailed: it could not be stored.
        """
        return bool(await self._change("put", [self._plain(document)]))

    async def put_many(self, documents: Iterable[T] | AsyncIterable[T]) -> int:
        """Put documents, some hundred at a time; each time all of them or none.

        Args:
            documents: the documents.

        Returns:
            How many are other than before.

        Raises:
            InvalidArgument: one does not fit the index; those before may have been put.
            PayloadTooLarge: one takes more than 1 MiB.
            NoSuchProcedure: nobody serves the search.
            StorageFailed: some could not be stored.
        """
        count, size = 0, 0
        chunk: list[Any] = []
        async for document in _each(documents):
            plain = self._plain(document)
            letters = sum(len(one) for one in plain.values() if isinstance(one, str))
            if chunk and (len(chunk) == _CHUNK or size + letters > _LETTERS):
                count += await self._change("put", chunk)
                chunk, size = [], 0
            chunk.append(plain)
            size += letters
        return count + (await self._change("put", chunk) if chunk else 0)

    async def delete(self, *ids: Id) -> int:
        """Remove documents.

        Args:
            ids: their ids.

        Returns:
            How many there were.

        Raises:
            InvalidArgument: an id is not valid.
            NoSuchProcedure: nobody serves the search.
            StorageFailed: they could not be removed.
        """
        count = 0
        for start in range(0, len(ids), _CHUNK):
            count += await self._change("delete", list(ids[start : start + _CHUNK]))
        return count

    async def rebuild(self) -> int:
        """Build the index anew from its source, or from its own documents if it has none.

        Queries find what it had until it is done. What is put meanwhile is in both.

        Returns:
            How many documents there are.

        Raises:
            InvalidArgument: a document does not fit.
            HandlerFailed: the source has failed.
            NoSuchProcedure: nobody serves the search.
        """
        documents = 0
        stream = self._search.procedure_of_mine("rebuild").stream(self.name)
        try:
            async for told in stream:
                documents = msgspec.convert(told, Done).documents
        except NoSuchProcedure:
            raise self._search.nobody_serves() from None
        return documents

    async def check(self) -> None:
        """Compare what the index finds with its documents.

        Raises:
            StorageFailed: they differ, so it is to be rebuilt.
        """
        await self._ask(self._search.procedure_of_mine("check")(self.name))

    def source(self, function: S) -> S:
        """Have a function give all documents when the index is built anew; a decorator.

        It is called in the process that serves the search: once for an index that is new, or that
        is declared otherwise than before, and for each :meth:`rebuild`.

        Args:
            function: an asynchronous generator, or a function that returns documents; a plain one
                runs in a thread.

        Raises:
            DeclarationError: there is one already.
        """
        if self.name in self._search.sources:
            raise DeclarationError(f"The index {self.name!r} has a source already.")
        self._search.sources[self.name] = function
        return function

    def _plain(self, document: T) -> dict[str, Any]:
        if self._declared is not None and not isinstance(document, self._declared.kind):
            raise InvalidArgument(
                f"a document of {self.name!r} is a {self._declared.kind.__name__}, and "
                f"{document!r} is not",
                parameter="document",
            )
        plain: dict[str, Any] = to_plain(document)
        return plain

    async def _change(self, name: str, what: list[Any]) -> int:
        count: int = await self._ask(self._search.procedure_of_mine(name)(self.name, what))
        return count

    async def _ask(self, answer: Awaitable[Any]) -> Any:
        try:
            return await answer
        except NoSuchProcedure:
            raise self._search.nobody_serves() from None


def _plain_options(options: FindOptions) -> dict[str, Any]:
    """Return the options that were given, as they are sent.

    Raises:
        TypeError: an option is unknown.
    """
    unknown = unknown_option(options, FindOptions.__annotations__)
    if unknown is not None:
        raise TypeError(unknown)
    return {name: to_plain(one) for name, one in options.items() if one is not None}


async def _each(items: Iterable[T] | AsyncIterable[T]) -> AsyncGenerator[T, None]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item
