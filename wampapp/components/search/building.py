"""Building an index anew, beside the one that is asked meanwhile."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from wampapp.components.search.documents import checked
from wampapp.components.search.records import Done
from wampapp.errors import HandlerFailed, InvalidArgument, WampappError
from wampapp.protocol.payload import to_plain
from wampapp.registry.conversion import convert

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from wampapp.components.search.declaring import Declared
    from wampapp.components.search.records import Id
    from wampapp.components.search.tables import Generation
    from wampapp.components.store import Store, Transaction

logger = logging.getLogger("wampapp.search")

#: What gives all the documents of an index.
Source = Callable[[], Any]

#: How many documents are put in one transaction.
_PAGE: Final = 250


class Build:
    """An index that is being built.

    What is put and deleted meanwhile is done here, too, and counts more than what the source says.

    Args:
        store: where, open.
        declared: the index.
        former: the tables that are asked meanwhile.
        generation: the new ones, which are not there yet.
        source: gives the documents; None takes those of the former tables.

    Attributes:
        generation: the same.
        touched: the ids of what was put or deleted meanwhile.
        known: words that the new tables have.
        documents: how many it has so far.
    """

    def __init__(
        self,
        store: Store,
        declared: Declared[Any],
        former: Generation,
        generation: Generation,
        source: Source | None,
    ) -> None:
        self._store, self._declared = store, declared
        self._former, self._source = former, source
        self.generation = generation
        self.touched: set[Id] = set()
        self.known: set[str] = set()
        self.documents = 0
        self._began = time.monotonic()
        self._news = asyncio.Event()
        self._outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # It was told, even if nobody asks for it.
        self._outcome.add_done_callback(lambda outcome: outcome.cancelled() or outcome.exception())

    async def fill(self) -> None:
        """Put all documents into the new tables.

        Raises:
            WampappError: the source fails, or what it gives does not fit.
        """
        async for some in self._pages():
            documents = [one for one in some if one["id"] not in self.touched]
            # What is put from here on is done after this.
            changed = await asyncio.ensure_future(
                self._store.do(partial(self._put, documents), durable=False)
            )
            self.known.update(changed)
            self.documents += len(some)
            self._tell()

    def _put(self, documents: list[dict[str, Any]], t: Transaction) -> Iterable[str]:
        return self.generation.put(t, documents, self.known).words

    async def progress(self) -> AsyncIterator[Done]:
        """Give how far it has come, until it is done.

        Raises:
            WampappError: it has failed.
        """
        while not self._outcome.done():
            news = self._news  # of what happens while this is read, too
            yield Done(documents=self.documents)
            await news.wait()
        self._outcome.result()
        seconds = round(time.monotonic() - self._began, 3)
        yield Done(documents=self.documents, is_done=True, seconds=seconds)

    def end(self, error: WampappError | None) -> None:
        """Have those who wait know that it is done, or why it has failed."""
        if error is None:
            self._outcome.set_result(None)
        else:
            self._outcome.set_exception(error)
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    def _pages(self) -> AsyncIterator[list[dict[str, Any]]]:
        return self._kept() if self._source is None else self._given(self._source)

    async def _kept(self) -> AsyncIterator[list[dict[str, Any]]]:
        """Give the documents of the former tables, as the new declaration has them."""
        after = 0
        while True:
            work = partial(self._former.documents, after=after, limit=_PAGE)
            found = await self._store.read(work, is_long=True)
            if not found:
                return
            after = found[-1][0]
            try:
                yield [
                    to_plain(convert(document, self._declared.convertible)) for _, document in found
                ]
            except msgspec.ValidationError as error:
                raise InvalidArgument(
                    f"the documents of {self._declared.name!r} do not fit its new declaration "
                    f"({error}); declare a source for it, or give what is new a default"
                ) from None

    async def _given(self, source: Source) -> AsyncIterator[list[dict[str, Any]]]:
        try:
            async for some in _in_pages(source):
                yield [
                    checked(
                        self._declared,
                        to_plain(one) if isinstance(one, self._declared.kind) else one,
                    )
                    for one in some
                ]
        except (asyncio.CancelledError, WampappError):
            raise
        except Exception as error:
            logger.exception("The source of the index %r has failed.", self._declared.name)
            raise HandlerFailed(
                f"The source of {self._declared.name!r} has failed: {error}."
            ) from None


async def _in_pages(source: Source) -> AsyncIterator[list[Any]]:
    """Give what a source gives, some at a time; one that is not awaited runs in a thread."""
    if not inspect.isasyncgenfunction(source):
        given: Any = await _begun(source)
        if not hasattr(given, "__aiter__"):
            items = iter(given)
            while some := await asyncio.to_thread(lambda: list(itertools.islice(items, _PAGE))):
                yield some
            return
    else:
        given = source()
    page: list[Any] = []
    async for one in given:
        page.append(one)
        if len(page) == _PAGE:
            yield page
            page = []
    if page:
        yield page


async def _begun(source: Source) -> Any:
    if inspect.iscoroutinefunction(source):
        waited: Awaitable[Any] = source()
        return await waited
    found: Iterator[Any] = await asyncio.to_thread(source)
    return found
