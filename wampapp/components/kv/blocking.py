"""The blocking verbs of the store, for plain functions, other threads and scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

from wampapp.components.kv.lock import BlockingLock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator

    from wampapp.client.blocking import Client
    from wampapp.components.kv.holding import Holding
    from wampapp.components.kv.records import Change, Entry

T = TypeVar("T")
D = TypeVar("D")


class _Verbs(Protocol):
    """The verbs that are awaited."""

    @property
    def client_here(self) -> Client:
        """The blocking client."""

    @property
    def prefix(self) -> str | None:
        """What the procedures are below."""

    async def get(self, key: str, *, type: Any = None, default: Any = None) -> Any:
        """Return a key's value."""

    async def entry(self, key: str, *, type: Any = None) -> Entry[Any] | None:
        """Return a key's entry."""

    def scan(self, prefix: str = "", *, type: Any = None) -> AsyncGenerator[Entry[Any], None]:
        """Iterate over entries."""

    def watch(
        self, prefix: str = "", *, type: Any = None, initial: bool = True
    ) -> AsyncGenerator[Change[Any], None]:
        """Iterate over changes."""

    async def set(
        self,
        key: str,
        value: Any,
        *,
        ttl: float | None = None,
        expect: int | None = None,
        keep_ttl: bool = False,
        session: bool = False,
    ) -> int:
        """Set a key."""

    async def delete(self, key: str, *, expect: int | None = None) -> bool:
        """Remove a key."""

    async def incr(self, key: str, by: float = 1, *, ttl: float | None = None) -> Any:
        """Add to a number."""

    async def touch(self, key: str, ttl: float | None) -> bool:
        """Say when a key goes."""

    def lock_holding(self, name: str, ttl: float | None) -> Holding:
        """Return the hold of a lock's key."""


class BlockingKV:
    """The blocking verbs of a store: ``kv.sync``.

    Each takes, returns and raises what the verb of its name of
    :class:`~wampapp.components.kv.KV` does, and :class:`~wampapp.WrongThread` on the event loop's
    thread.

    Args:
        kv: the store.
    """

    def __init__(self, kv: _Verbs) -> None:
        self._kv = kv

    def _wait(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return self._kv.client_here.on_loop(lambda _: work())

    def _iterate(self, items: AsyncGenerator[T, None]) -> Iterator[T]:
        return self._kv.client_here.iterate_on_loop(items, f"{self._kv.prefix}")

    @overload
    def get(self, key: str, *, type: Callable[..., T]) -> T | None: ...
    @overload
    def get(self, key: str, *, type: Callable[..., T], default: D) -> T | D: ...
    @overload
    def get(self, key: str, *, type: None = None, default: Any = None) -> Any: ...
    def get(self, key: str, *, type: Any = None, default: Any = None) -> Any:
        """Return a key's value."""
        return self._wait(lambda: self._kv.get(key, type=type, default=default))

    @overload
    def entry(self, key: str, *, type: Callable[..., T]) -> Entry[T] | None: ...
    @overload
    def entry(self, key: str, *, type: None = None) -> Entry[Any] | None: ...
    def entry(self, key: str, *, type: Any = None) -> Entry[Any] | None:
        """Return a key's value with its revision and its time; None if there is no such key."""
        return self._wait(lambda: self._kv.entry(key, type=type))

    @overload
    def scan(self, prefix: str = "", *, type: Callable[..., T]) -> Iterator[Entry[T]]: ...
    @overload
    def scan(self, prefix: str = "", *, type: None = None) -> Iterator[Entry[Any]]: ...
    def scan(self, prefix: str = "", *, type: Any = None) -> Iterator[Entry[Any]]:
        """Iterate over entries in the order of their keys."""
        return self._iterate(self._kv.scan(prefix, type=type))

    @overload
    def watch(
        self, prefix: str = "", *, type: Callable[..., T], initial: bool = True
    ) -> Iterator[Change[T]]: ...
    @overload
    def watch(
        self, prefix: str = "", *, type: None = None, initial: bool = True
    ) -> Iterator[Change[Any]]: ...
    def watch(
        self, prefix: str = "", *, type: Any = None, initial: bool = True
    ) -> Iterator[Change[Any]]:
        """Iterate over the entries that there are, and then over every change, without an end."""
        return self._iterate(self._kv.watch(prefix, type=type, initial=initial))

    def set(
        self,
        key: str,
        value: Any,
        *,
        ttl: float | None = None,
        expect: int | None = None,
        keep_ttl: bool = False,
        session: bool = False,
    ) -> int:
        """Set a key, and return the revision."""
        return self._wait(
            lambda: self._kv.set(
                key, value, ttl=ttl, expect=expect, keep_ttl=keep_ttl, session=session
            )
        )

    def create(
        self, key: str, value: Any, *, ttl: float | None = None, session: bool = False
    ) -> int:
        """Set a key that is not there yet."""
        return self.set(key, value, ttl=ttl, expect=0, session=session)

    def delete(self, key: str, *, expect: int | None = None) -> bool:
        """Remove a key, and return whether there was such a key."""
        return self._wait(lambda: self._kv.delete(key, expect=expect))

    def incr(self, key: str, by: float = 1, *, ttl: float | None = None) -> Any:
        """Add to a number, and return the sum."""
        return self._wait(lambda: self._kv.incr(key, by, ttl=ttl))

    def touch(self, key: str, ttl: float | None) -> bool:
        """Say when a key goes, and return whether there is such a key."""
        return self._wait(lambda: self._kv.touch(key, ttl))

    def lock(
        self, name: str, *, ttl: float | None = None, timeout: float | None = None
    ) -> BlockingLock:
        """Return a lock, for ``with``."""
        return BlockingLock(
            self._kv.client_here, lambda: self._kv.lock_holding(name, ttl), name, timeout
        )
