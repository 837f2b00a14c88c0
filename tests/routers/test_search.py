"""A search between real sessions: who finds what, and what an index becomes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.company import BaseCompany, cut
from tests.support.process import EmbeddedRouter
from wampapp import App, InvalidArgument, NoSuchProcedure, StoreError
from wampapp.components import Search
from wampapp.components.search import facet, text
from wampapp.crossbar import Crossbar


@dataclass
class Post:
    id: int
    title: str = text(weight=5)
    tag: str = facet(default="none")


@dataclass
class NewPost:
    id: int
    title: str = text(weight=2)
    tag: str = facet(default="none")
    body: str = text(default="nothing yet")


@dataclass
class OtherPost:
    id: int
    headline: str = text()


class Company(BaseCompany):
    """Who has a search: an owner, and others that use it. Each has its session."""

    def owner(
        self, kind: type[Any] = Post, source: Callable[[], Any] | None = None
    ) -> tuple[Search, ExitStack]:
        """Start the owner, and return its search and what ends it."""
        app = App(prefix=self.prefix, name="owner")
        search = Search(app, store=self.file)
        search.index("posts")(kind)
        if source is not None:
            search.posts.source(source)
        app.include(search)
        return search, self.running(app)

    def user(self, name: str = "user") -> Search:
        app = App(prefix=self.prefix, name=name)
        search = Search(app)
        search.index("posts")(Post)
        self.running(app)
        return search

    def follow(self, search: Search, query: str) -> None:
        """Say the ids that a live query finds, until it finds ``end``."""

        def work() -> None:
            for found in search.posts.sync.watch(query, prefix=False):
                self.said.put(sorted(hit.id for hit in found.hits))
                if any("end" in hit.document.title for hit in found.hits):
                    return

        self.beside(work)


@pytest.fixture
def company(
    router: EmbeddedRouter | Crossbar, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Company]:
    with Company(router.rs_url, tmp_path, request) as company:
        yield company


def test_everybody_finds_what_was_put(company: Company) -> None:
    company.owner()
    user = company.user()
    script = Search(company.client(), f"{company.prefix}.search")
    assert user.posts.sync.put(Post(1, "Wamp handlers", "a")) is True
    found = script.sync["posts"]("wmap", facets=["tag"])
    assert found.hits[0].document == {"id": 1, "title": "Wamp handlers", "tag": "a"}
    assert found.hits[0].html == {"title": "<mark>Wamp</mark> handlers"}
    assert (found.corrected, found.facets) == ("wamp", {"tag": {"a": 1}})
    assert script.sync["posts"].put({"id": 2, "title": "From a script"}) is True
    assert user.posts.sync("script").hits[0].document == Post(2, "From a script")
    many = [Post(n, f"post {n} " + "x" * 2000) for n in range(10, 3010)]
    assert user.posts.sync.put_many(many) == 3000
    found = user.posts.sync("post", limit=1000)
    assert found.total == 3000
    assert found.hits[0].document in many
    assert script.sync["posts"].delete(1, 2, 3) == 2
    with pytest.raises(
        InvalidArgument, match=r"there is no index 'others' \(known: posts\); declare"
    ):
        script.sync["others"]("x")
    user.posts.sync.check()


def test_nobody_serves_it(company: Company) -> None:
    with pytest.raises(NoSuchProcedure, match=r"Nobody serves \S+; call app\.include"):
        company.user().posts.sync("a")


def test_a_live_query_misses_nothing(company: Company) -> None:
    _, owner = company.owner()
    writer, watcher = company.user("writer"), company.user("watcher")
    company.follow(watcher, "wamp")
    assert company.heard() == []
    writer.posts.sync.put(Post(1, "wamp"))
    assert company.heard() == [1]
    cut(watcher.host)
    writer.posts.sync.put(Post(2, "wamp"))
    assert company.heard() == [1, 2]
    # The owner is away for a while, and comes back in another process, with the same file.
    owner.close()
    company.owner()
    writer.posts.sync.delete(1)
    assert company.heard() == [2]
    writer.posts.sync.put(Post(3, "the end of wamp"))
    assert company.heard() == [2, 3]


def test_a_changed_declaration_is_built_of_what_there_is(company: Company) -> None:
    search, owner = company.owner()
    search.posts.sync.put_many(Post(n, f"wamp {n}", "a") for n in range(700))
    owner.close()
    search, owner = company.owner(NewPost)
    assert search.posts.sync.rebuild() == 700
    found = search.posts.sync("nothing yet", facets=["tag"], limit=1)
    assert (found.total, found.facets) == (700, {"tag": {"a": 700}})
    assert found.hits[0].document.body == "nothing yet"
    search.posts.sync.check()
    owner.close()
    # Nothing has changed, so nothing is built.
    search, owner = company.owner(NewPost)
    assert company.client().call(f"{company.prefix}.search.stats")["indexes"][0]["building"] is None
    assert search.posts.sync("nothing yet").total == 700


def test_a_declaration_that_does_not_fit_needs_a_source(
    company: Company, caplog: pytest.LogCaptureFixture
) -> None:
    search, owner = company.owner()
    search.posts.sync.put(Post(1, "wamp"))
    owner.close()
    search, owner = company.owner(OtherPost)
    with pytest.raises(InvalidArgument, match="do not fit its new declaration .* declare a source"):
        search.posts.sync.rebuild()
    # What there was is still found.
    client = company.client()
    assert client.call(f"{company.prefix}.search.query", "posts", "wamp")["total"] == 1
    owner.close()
    assert "The index 'posts' was not built anew" in caplog.text

    def source() -> Iterator[OtherPost]:
        yield OtherPost(5, "from the source")

    search, owner = company.owner(OtherPost, source)
    assert search.posts.sync.rebuild() == 1
    assert search.posts.sync("source").hits[0].document == OtherPost(5, "from the source")


def test_a_lost_file_costs_a_rebuild(company: Company) -> None:
    def source() -> list[Post]:
        return [Post(n, "from the source") for n in range(300)]

    search, owner = company.owner(Post, source)
    assert search.posts.sync.rebuild() == 300
    owner.close()
    for file in company.file.parent.glob("search.sqlite*"):
        file.unlink()
    search, owner = company.owner(Post, source)
    assert search.posts.sync.rebuild() == 300
    assert search.posts.sync("source").total == 300


def test_what_cannot_be_served(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAMPAPP_SEARCH_STORE", "postgresql://127.0.0.1/none")
    with pytest.raises(
        StoreError, match="Search keeps its data in a SQLite file; name one in place"
    ):
        company.owner()
    monkeypatch.delenv("WAMPAPP_SEARCH_STORE")
    monkeypatch.setenv("WAMPAPP_STORE", "postgresql://127.0.0.1/none")  # of other components
    company.owner()
    assert company.file.exists()
