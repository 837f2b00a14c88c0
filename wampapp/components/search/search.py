"""The search as users see it: indexes that are declared, put into and asked."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, dataclass_transform, overload

from wampapp.components.measured import Measured
from wampapp.components.owned import Owned
from wampapp.components.search import tables
from wampapp.components.search.declaring import Declared, check_name, facet, sort, text
from wampapp.components.search.index import Index
from wampapp.components.search.owner import Owner
from wampapp.components.search.procedures import offer_procedures
from wampapp.errors import DeclarationError, NoSuchProcedure, StoreError, UsageError
from wampapp.registry.records import Hook

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from wampapp.client.blocking import Client
    from wampapp.components.component import Host
    from wampapp.components.search.blocking import BlockingIndex
    from wampapp.components.search.building import Source

T = TypeVar("T")


class Search(Owned[Owner]):
    """A search for development: typos, facets, highlights, and answers that follow what is written.

    ::

        search = Search(app)
        app.include(search)         # the indexes live here

        @search.index("posts")
        class Post:
            id: int
            title: str = text(weight=5)
            body: str = text()
            tag: str = facet()

        await search.posts.put(post)
        found = await search.posts("wmap handlres", facets=["tag"])

    One process owns the indexes, and each is made of documents that others can be made of again:
    losing the file costs a rebuild. ``search.sync.posts`` has the verbs for plain functions.

    Args:
        app: as in :class:`~wampapp.components.component.Component`.
        prefix: as there; by default the app's prefix and ``search``.
        store: a file; by default ``instance/search.sqlite``.

    Attributes:
        declared: the indexes that are declared here, by name.
        sources: what gives all documents of an index, by name.
    """

    NAME = "search"
    SCHEMA = tables.SCHEMA
    COMMANDS: ClassVar[str | None] = "wampapp.cli.search.search:search"
    CONSOLE: ClassVar[Path | None] = Path(__file__).parent / "console"
    FILE_ONLY: ClassVar[bool] = True

    def __init__(
        self,
        app: Host | Client | None = None,
        prefix: str | None = None,
        *,
        store: str | os.PathLike[str] | None = None,
    ) -> None:
        self.declared: dict[str, Declared[Any]] = {}
        self.sources: dict[str, Source] = {}
        super().__init__(app, prefix, store=store)
        self.registry.add_hook(Hook("join", self._joined))
        offer_procedures(self, lambda: self.owner)

    # Declaring.

    @dataclass_transform(field_specifiers=(text, facet, sort))
    def index(self, name: str, *, language: str | None = None) -> Callable[[type[T]], type[T]]:
        """Declare an index by the class of its documents; a decorator.

        The class has an ``id``, an int or a str, and fields that are declared by :func:`text`,
        :func:`facet` and :func:`sort`. Others are kept with the document. It becomes a dataclass,
        unless it is one, or a Struct, already; a Struct says ``Annotated[str, text()]``.

        Args:
            name: its name, by which ``search.<name>`` is the index.
            language: ``english`` to find words in all their forms; ``cjk`` for Chinese, Japanese
                and Korean, which finds parts of words; None for any other.

        Raises:
            DeclarationError: it cannot be declared so.
        """
        check_name(name)
        if name in self.declared:
            raise DeclarationError(f"The index {name!r} is declared already.")
        if name in {*dir(type(self)), *vars(self)}:
            raise DeclarationError(
                f"An index cannot be called {name!r}, as Search has something of that name; "
                f"call it {name}_index."
            )

        def decorate(kind: type[T]) -> type[T]:
            declared = self.declared[name] = Declared(name, kind, language=language)
            self.__dict__[name] = Index(self, name, declared)
            return declared.kind

        return decorate

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Index[Any]:
            """Return an index that is declared here."""

    @overload
    def __getitem__(self, which: type[T]) -> Index[T]: ...
    @overload
    def __getitem__(self, which: str) -> Index[Any]: ...
    def __getitem__(self, which: Any) -> Index[Any]:
        """Return an index.

        Args:
            which: its name, also if it is declared elsewhere; its documents are dictionaries then.
                Or its class, so that type checkers know the documents.

        Raises:
            UsageError: the class is not that of an index.
        """
        if isinstance(which, str):
            declared = self.declared.get(check_name(which))
            return Index(self, which, None) if declared is None else self.__dict__[which]
        for name, declared in self.declared.items():
            if declared.kind is which:
                found: Index[Any] = self.__dict__[name]
                return found
        raise UsageError(f"{which!r} is not the class of an index; declare it by @search.index.")

    @cached_property
    def sync(self) -> BlockingSearch:
        """The indexes with blocking verbs, for plain functions, other threads and scripts."""
        return BlockingSearch(self)

    # Owning.

    def make_owner(self) -> Owner:
        """Return what owns the indexes.

        Raises:
            StoreError: none is declared.
        """
        if not self.declared:
            raise StoreError(
                f"The search {self.prefix} has no index, so there is nothing to serve; declare one "
                "by @search.index, or leave app.include(search) to the service that does."
            )
        return Owner(self.store, self.declared, self.sources)

    async def _joined(self) -> None:
        if self._owner is not None:
            self._owner.renew()  # a source may call others

    def nobody_serves(self) -> NoSuchProcedure:
        """Return the error that says what to do where nobody serves the search."""
        return NoSuchProcedure(
            f"Nobody serves {self.prefix}; call app.include(search) in the service that declares "
            "its indexes, and run that."
        )

    def summary(self) -> str:
        """Return what it does in this process, for the banner."""
        count = len(self.declared)
        parts = [f"{count} index{'' if count == 1 else 'es'}"] if count else []
        return ", ".join([*parts, super().summary()])

    async def measure(self) -> list[Measured]:
        """Return how many documents there are, for telemetry."""
        if self._owner is None:
            return []
        return [
            Measured("search_documents", "Documents", one["documents"], {"index": one["name"]})
            for one in (await self._owner.stats())["indexes"]
        ]

    def tester(self, client: Any) -> Any:
        """Return what tests ask of the search, as ``client.search``: its blocking indexes."""
        del client
        return self.sync


class BlockingSearch:
    """The indexes of a search with blocking verbs: ``search.sync``.

    Args:
        search: the search.
    """

    def __init__(self, search: Search) -> None:
        self._search = search

    def __getattr__(self, name: str) -> BlockingIndex[Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._search.declared:
            raise AttributeError(
                f"{self._search!r} declares no index {name!r}; write sync[{name!r}] for one that "
                "is declared elsewhere"
            )
        return self._search[name].sync

    @overload
    def __getitem__(self, which: type[T]) -> BlockingIndex[T]: ...
    @overload
    def __getitem__(self, which: str) -> BlockingIndex[Any]: ...
    def __getitem__(self, which: Any) -> BlockingIndex[Any]:
        """Return an index by its name or class; see :class:`Search`."""
        found: BlockingIndex[Any] = self._search[which].sync
        return found
