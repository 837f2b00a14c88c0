"""What owns the indexes: documents that are put and found, live queries, and rebuilds."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from wampapp.components.search import finding, tables
from wampapp.components.search.building import Build
from wampapp.components.search.documents import check_id, checked
from wampapp.components.search.records import Version
from wampapp.components.search.tables import Generation
from wampapp.errors import Canceled, InvalidArgument, StorageFailed, WampappError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from wampapp.components.search.building import Source
    from wampapp.components.search.declaring import Declared
    from wampapp.components.search.finding import Ask
    from wampapp.components.search.records import Done, Found, Id
    from wampapp.components.search.tables import Changed, Stored
    from wampapp.components.store import Store, Transaction

logger = logging.getLogger("wampapp.search")

#: From how many documents on a query is answered by a thread, as it may take milliseconds: one that
#: has to look at all that it finds, and any other.
_LARGE: Final = 2000
_VERY_LARGE: Final = 30_000
#: How many words of an index are remembered, so as not to look them up.
_WORDS: Final = 300_000
#: Seconds between two looks at what a live query finds, at least.
_PACE: Final = 0.05
#: How many answers to live queries are remembered until the index changes.
_ANSWERS: Final = 256
#: Seconds after which a live query is asked again in any case.
_LOOK: Final = 60.0


class Shelf:
    """An index that is served.

    Args:
        declared: the index.
        stored: its tables.

    Attributes:
        declared: the same.
        generation: the tables that are asked.
        is_filled: whether it has what its source has.
        build: what builds it anew; None if nothing does.
        known: words that the tables have.
        documents: about how many documents there are.
        revision: grows with each change.
    """

    def __init__(self, declared: Declared[Any], stored: Stored) -> None:
        self.declared = declared
        self.generation = stored.generation
        self.is_filled = stored.is_filled
        self.build: Build | None = None
        self.known: set[str] = set()
        self.documents = 0
        self.revision = 0
        self.answers: dict[bytes, Version[Any]] = {}
        self._news = asyncio.Event()

    @property
    def is_old(self) -> bool:
        """Whether it is to be built anew: it was declared otherwise, or never filled."""
        mine = self.generation.declaration.fingerprint
        return not self.is_filled or mine != self.declared.declaration.fingerprint

    def changed(self) -> None:
        """Take note that something else may be found from now on."""
        self.revision += 1
        self.answers.clear()
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def news(self, since: int) -> None:
        """Wait until there is a change after a revision."""
        if self.revision == since:
            await self._news.wait()


class Owner:
    """Does what peers ask for. It runs on the loop's thread.

    Args:
        store: where the indexes are kept, open.
        declared: the indexes by name.
        sources: what gives all documents of an index, by name.
    """

    def __init__(
        self,
        store: Store,
        declared: Mapping[str, Declared[Any]],
        sources: Mapping[str, Source],
    ) -> None:
        self._store = store
        self._declared, self._sources = declared, sources
        self._shelves: dict[str, Shelf] = {}
        self._newest = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()

    async def start(self) -> None:
        """Make the indexes that are new, and find out about the others."""
        found, self._newest = await self._store.do(self._begin, durable=False)
        for name, declared in self._declared.items():
            shelf = self._shelves[name] = Shelf(declared, found[name])
            shelf.documents = await self._store.read(shelf.generation.count, is_long=True)

    def _begin(self, t: Transaction) -> tuple[dict[str, Stored], int]:
        tables.prepare(t)
        found = tables.indexes(t)
        for name, declared in self._declared.items():
            if name not in found:
                found[name] = tables.add_index(
                    t, name, declared.declaration, is_filled=name not in self._sources
                )
        return found, max(one.generation.number for one in found.values())

    def renew(self) -> None:
        """Begin to build what has to be built anew."""
        for shelf in self._shelves.values():
            if shelf.is_old and shelf.build is None:
                self._build(shelf)

    def stop(self) -> None:
        """End the calls that wait, and what is being built."""
        self._ended.set()
        for task in self._tasks:
            task.cancel()
        for shelf in self._shelves.values():
            shelf.changed()

    async def close(self) -> None:
        """Do what was begun, and no more."""
        self.stop()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _shelf(self, name: str) -> Shelf:
        try:
            return self._shelves[name]
        except KeyError:
            known = ", ".join(sorted(self._shelves))
            raise InvalidArgument(
                f"there is no index {name!r} (known: {known}); declare it by @search.index in the "
                "service that includes the search",
                parameter="index",
            ) from None

    # Finding.

    async def find(self, name: str, ask: Ask) -> Found[Any]:
        """Answer a query.

        Raises:
            InvalidArgument: something is asked for that the index does not have.
            StorageFailed: it cannot be read.
        """
        shelf = self._shelf(name)
        while True:
            generation = shelf.generation
            finding.check(generation, ask)
            work = partial(finding.find, generation=generation, ask=ask)
            try:
                return await self._store.read(work, is_long=_is_long(shelf.documents, ask))
            except StorageFailed:
                if shelf.generation is generation:
                    raise  # otherwise, it was built anew, and what was asked has gone

    async def live(self, name: str, ask: Ask, version: str | None, wait: float) -> Version[Any]:
        """Answer a query once it finds something else.

        Args:
            name: the index.
            ask: the query.
            version: what stands for the answer that is known; None for none.
            wait: the seconds to wait at most.
        """
        shelf = self._shelf(name)
        loop = asyncio.get_running_loop()
        end = loop.time() + wait
        while not self._ended.is_set():
            looked, revision = loop.time(), shelf.revision
            now = await self._now(shelf, ask)
            if now.version != version:
                return now
            try:
                async with asyncio.timeout_at(end):
                    await shelf.news(revision)
                    # A flood of changes is looked at now and then.
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout_at(looked + _PACE):
                            await self._ended.wait()
            except TimeoutError:
                return Version(found=None, version=now.version)
        raise Canceled("The owner of the search stops.")

    async def _now(self, shelf: Shelf, ask: Ask) -> Version[Any]:
        key = msgspec.msgpack.encode(ask)
        if (known := shelf.answers.get(key)) is not None:
            return known
        revision = shelf.revision
        found = await self.find(shelf.declared.name, ask)
        digest = hashlib.blake2b(msgspec.msgpack.encode(found), digest_size=12).hexdigest()
        answer = Version(found=found, version=digest)
        if shelf.revision == revision and len(shelf.answers) < _ANSWERS:
            shelf.answers[key] = answer
        return answer

    async def watch(self, name: str, ask: Ask) -> AsyncIterator[Found[Any]]:
        """Answer a query, and again whenever it finds something else."""
        version: str | None = None
        while not self._ended.is_set():
            now = await self.live(name, ask, version, _LOOK)
            version = now.version
            if now.found is not None:
                yield now.found

    # Changing.

    async def put(self, name: str, documents: Sequence[Any]) -> int:
        """Put documents, and return how many are other than before.

        Raises:
            InvalidArgument: one does not fit; none was put.
            PayloadTooLarge: one is too large.
            StorageFailed: they could not be stored.
        """
        shelf = self._shelf(name)
        fit = [checked(shelf.declared, document) for document in documents]
        return await self._change(shelf, [one["id"] for one in fit], partial(_put, fit))

    async def delete(self, name: str, ids: Sequence[Id]) -> int:
        """Remove documents, and return how many there were.

        Raises:
            InvalidArgument: an id is not valid.
            StorageFailed: they could not be removed.
        """
        shelf = self._shelf(name)
        mine = [check_id(one) for one in dict.fromkeys(ids)]
        return await self._change(shelf, mine, partial(_delete, mine))

    async def _change(self, shelf: Shelf, ids: Sequence[Id], work: Any) -> int:
        places = [(shelf.generation, shelf.known)]
        if shelf.build is not None:
            shelf.build.touched.update(ids)
            places.append((shelf.build.generation, shelf.build.known))

        def change(t: Transaction) -> list[Changed]:
            return [work(t, generation, known) for generation, known in places]

        # What was committed is told even if whoever has asked has gone meanwhile.
        doing = asyncio.ensure_future(self._store.do(change, durable=False))
        doing.add_done_callback(partial(self._changed, shelf, places))
        done: list[Changed] = await asyncio.shield(doing)
        return done[0].number

    def _changed(
        self,
        shelf: Shelf,
        places: list[tuple[Generation, set[str]]],
        doing: asyncio.Future[list[Changed]],
    ) -> None:
        if doing.cancelled() or doing.exception() is not None:
            return
        done = doing.result()
        for (_, known), one in zip(places, done, strict=True):
            if len(known) < _WORDS:
                known.update(one.words)
        shelf.documents += done[0].number
        if any(one.number for one in done):
            shelf.changed()

    # Building.

    def rebuild(self, name: str) -> AsyncIterator[Done]:
        """Build an index anew, and give how far that has come.

        Raises:
            WampappError: the source fails, or the documents do not fit.
        """
        shelf = self._shelf(name)
        build = shelf.build if shelf.build is not None else self._build(shelf)
        return build.progress()

    def _build(self, shelf: Shelf) -> Build:
        self._newest += 1
        declared = shelf.declared
        shelf.build = build = Build(
            self._store,
            declared,
            shelf.generation,
            Generation(self._newest, declared.declaration),
            self._sources.get(declared.name),
        )
        # Asked for at this instant, so that what is put from now on finds the tables.
        making = asyncio.ensure_future(self._store.do(build.generation.add, durable=False))
        task = asyncio.get_running_loop().create_task(self._run(shelf, build, making))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return build

    async def _run(self, shelf: Shelf, build: Build, making: asyncio.Future[None]) -> None:
        name, former = shelf.declared.name, shelf.generation
        error: WampappError | None = None
        try:
            await making
            await build.fill()
            await self._store.do(
                partial(tables.swap, name=name, generation=build.generation), durable=False
            )
            shelf.generation, shelf.known, shelf.is_filled = build.generation, build.known, True
            shelf.documents = build.documents + len(build.touched)
        except WampappError as failure:
            error, former = failure, build.generation
            logger.error("The index %r was not built anew: %s", name, _message(failure))  # noqa: TRY400
        except asyncio.CancelledError:
            error = Canceled("The owner of the search stops.")
            raise
        finally:
            shelf.build = None
            build.end(error)
            shelf.changed()
        with contextlib.suppress(StorageFailed):  # it is dropped at the next start
            await self._store.do(former.drop, durable=False)

    # Looking.

    async def stats(self) -> dict[str, Any]:
        """Return what indexes there are, and what they have."""
        found = []
        for name, shelf in self._shelves.items():
            totals = await self._store.read(shelf.generation.totals, is_long=True)
            declaration = shelf.generation.declaration
            found.append(
                {
                    "name": name,
                    **totals,
                    "language": declaration.language,
                    "fields": {field.name: field.role for field in declaration.fields},
                    "has_source": name in self._sources,
                    "building": None if shelf.build is None else shelf.build.documents,
                }
            )
        return {"indexes": found, "store": self._store.where}

    async def check(self, name: str) -> None:
        """Compare what an index finds with its documents.

        Raises:
            StorageFailed: they differ; it is to be built anew.
        """
        shelf = self._shelf(name)
        try:
            await self._store.do(shelf.generation.check, durable=False)
        except StorageFailed as error:
            raise StorageFailed(
                f"The index {name!r} is damaged ({_message(error)}); rebuild it."
            ) from None


def _is_long(documents: int, ask: Ask) -> bool:
    looks_at_all = bool(ask.facets or ask.sort or ask.filter or not ask.text.strip())
    return documents > (_LARGE if looks_at_all else _VERY_LARGE)


def _put(
    documents: Sequence[dict[str, Any]], t: Transaction, generation: Generation, known: set[str]
) -> Changed:
    return generation.put(t, documents, known)


def _delete(ids: Sequence[Id], t: Transaction, generation: Generation, known: set[str]) -> Changed:
    del known
    return tables.Changed(generation.delete(t, ids))


def _message(error: WampappError) -> str:
    return str(getattr(error, "message", error)).rstrip(".")
