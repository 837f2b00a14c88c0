"""The blocking verbs of an index, for plain functions, other threads and scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, Unpack

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        Callable,
        Coroutine,
        Iterable,
        Iterator,
    )

    from wampapp.client.blocking import Client
    from wampapp.components.search.records import FindOptions, Found, Id

T = TypeVar("T")
R = TypeVar("R")


class _Verbs(Protocol[T]):
    """The verbs that are awaited."""

    name: str

    @property
    def client_here(self) -> Client:
        """The blocking client."""

    async def __call__(self, text: str = "", **options: Unpack[FindOptions]) -> Found[T]:
        """Find documents."""

    def watch(
        self, text: str = "", **options: Unpack[FindOptions]
    ) -> AsyncGenerator[Found[T], None]:
        """Find documents again and again."""

    async def put(self, document: T) -> bool:
        """Put a document."""

    async def put_many(self, documents: Iterable[T]) -> int:
        """Put documents."""

    async def delete(self, *ids: Id) -> int:
        """Remove documents."""

    async def rebuild(self) -> int:
        """Build the index anew."""

    async def check(self) -> None:
        """Compare the index with its documents."""


class BlockingIndex(Generic[T]):
    """The blocking verbs of an index: ``search.posts.sync``.

    Each takes, returns and raises what the verb of its name of
    :class:`~wampapp.components.search.Index` does, and :class:`~wampapp.WrongThread` on the event
    loop's thread.

    Args:
        index: the index.
    """

    def __init__(self, index: _Verbs[T]) -> None:
        self._index = index

    def _wait(self, work: Callable[[], Coroutine[Any, Any, R]]) -> R:
        return self._index.client_here.on_loop(lambda _: work())

    def __call__(self, text: str = "", **options: Unpack[FindOptions]) -> Found[T]:
        """Find documents."""
        return self._wait(lambda: self._index(text, **options))

    def watch(self, text: str = "", **options: Unpack[FindOptions]) -> Iterator[Found[T]]:
        """Find documents, and again whenever others are found, without an end."""
        answers = self._index.watch(text, **options)
        return self._index.client_here.iterate_on_loop(answers, f"the index {self._index.name}")

    def put(self, document: T) -> bool:
        """Put a document, and return whether it is other than before."""
        return self._wait(lambda: self._index.put(document))

    def put_many(self, documents: Iterable[T]) -> int:
        """Put documents, and return how many are other than before."""
        # The caller's own iterable is used in the caller's thread.
        given = list(documents)
        return self._wait(lambda: self._index.put_many(given))

    def delete(self, *ids: Id) -> int:
        """Remove documents, and return how many there were."""
        return self._wait(lambda: self._index.delete(*ids))

    def rebuild(self) -> int:
        """Build the index anew, and return how many documents there are."""
        return self._wait(self._index.rebuild)

    def check(self) -> None:
        """Compare what the index finds with its documents."""
        self._wait(self._index.check)
