"""The verbs of an index, as an app and its tests use them: in memory, and without waiting."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import pytest

from wampapp import (
    App,
    DeclarationError,
    HandlerFailed,
    InvalidArgument,
    NoSuchProcedure,
    PayloadTooLarge,
    StoreError,
    UsageError,
)
from wampapp.components import Search
from wampapp.components.search import BlockingIndex, BlockingSearch, facet, sort, text
from wampapp.testing import TestClient

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@dataclass
class Post:
    id: int
    title: str = text(weight=5)
    body: str = text(default="")
    tag: str = facet(default="none")
    written: datetime = sort(default=NOON)  # noqa: RUF009


class Note(msgspec.Struct):
    id: str
    words: Annotated[str, text()]


class Shop:
    """An app with a search."""

    def __init__(self) -> None:
        self.app = App(prefix="com.shop")
        self.search = Search(self.app)
        self.app.include(self.search)
        self.search.index("posts")(Post)
        self.search.index("notes", language="english")(Note)


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def client(shop: Shop) -> Iterator[TestClient]:
    with shop.app.test_client() as client:
        yield client


@pytest.fixture
def posts(client: TestClient) -> BlockingIndex[Post]:
    search: BlockingSearch = client.search
    return search[Post]


def test_documents_are_found_as_they_were_put(posts: BlockingIndex[Post]) -> None:
    post = Post(7, "Wamp handlers", "They <answer>", "python")
    assert posts.put(post) is True
    assert posts.put(post) is False
    found = posts("wmap handlres", filter={"written": {">=": NOON}}, facets=["tag"])
    assert (found.total, found.corrected) == (1, "wamp handlers")
    assert found.hits[0].document == post
    assert found.hits[0].html["title"] == "<mark>Wamp</mark> <mark>handlers</mark>"
    assert found.facets["tag"]["python"] == 1
    assert posts.delete(7, 8) == 1
    assert posts("wamp").hits == []


def test_many_documents(posts: BlockingIndex[Post]) -> None:
    many = [Post(n, f"post {n}", "x" * 5000, tag=f"t{n % 3}") for n in range(600)]
    assert posts.put_many(iter(many)) == 600
    assert posts.put_many(many) == 0
    found = posts("post", limit=1000, facets=["tag"])
    assert found.total == 600
    assert found.facets == {"tag": {"t0": 200, "t1": 200, "t2": 200}}
    assert 0 < len(found.hits) < 600  # no more than fit into an answer
    assert posts.delete(*range(600)) == 600
    assert posts.put_many([]) == 0


def test_asynchronous_verbs(shop: Shop, client: TestClient) -> None:
    index = shop.search.notes

    async def notes() -> AsyncIterator[Note]:
        for n in range(3):
            yield Note(f"n{n}", "running")

    async def work() -> None:
        assert await index.put(Note("a", "runs")) is True
        assert await index.put_many(notes()) == 3
        assert (await index("run")).total == 4
        assert await index.delete("a") == 1
        answers = index.watch("run")
        assert (await anext(answers)).total == 3
        await index.put(Note("b", "does not fit"))  # is not told
        await index.put(Note("c", "ran and runs"))
        assert (await anext(answers)).total == 4
        await answers.aclose()
        await index.check()

    shop.search.client_here.on_loop(lambda _: work())


def test_a_live_query(posts: BlockingIndex[Post]) -> None:
    answers = posts.watch("wamp", facets=["tag"])
    assert next(answers).total == 0
    posts.put(Post(1, "wamp"))
    assert [hit.id for hit in next(answers).hits] == [1]
    posts.put(Post(1, "wamp", tag="other"))
    assert next(answers).facets == {"tag": {"other": 1}}
    posts.delete(1)
    assert next(answers).total == 0


def test_indexes_by_name_and_class(shop: Shop, client: TestClient) -> None:
    search: BlockingSearch = client.search
    search.notes.put(Note("a", "x"))
    assert search["notes"]("x").hits[0].document == Note("a", "x")
    assert search[Note]("x").total == 1
    assert repr(shop.search.posts) == "<Index com.shop.search.posts>"
    with pytest.raises(AttributeError, match="declares no index 'others'; write sync"):
        search.others  # noqa: B018
    with pytest.raises(UsageError, match="is not the class of an index; declare it by"):
        shop.search[int]
    with pytest.raises(DeclarationError, match="An index cannot be called 'No'"):
        shop.search["No"]


@pytest.mark.parametrize(
    ("document", "error", "why"),
    [
        (Note("a", "b"), InvalidArgument, "a document of 'posts' is a Post, and Note"),
        (Post("a", "b"), InvalidArgument, "the document 'a' does not fit 'posts': Expected `int`"),  # type: ignore[arg-type]
        (Post(2**63, "b"), InvalidArgument, "the id 9223372036854775808 has more than 64 bits"),
        (
            Post(1, "x" * 1_100_000),
            PayloadTooLarge,
            r"the document 1 has 1,100,\d+ bytes; 1,048,576",
        ),
    ],
)
def test_what_cannot_be_put(
    posts: BlockingIndex[Post], document: Any, error: type[Exception], why: str
) -> None:
    with pytest.raises(error, match=why):
        posts.put(document)
    with pytest.raises(error, match=why):
        posts.put_many([document])
    assert posts("").total == 0


def test_wrong_ids(client: TestClient) -> None:
    for wrong in ("", "x" * 513, "a\0b"):
        with pytest.raises(InvalidArgument, match="an id has 1 to 512 bytes, and no NUL"):
            client.search.notes.put(Note(wrong, "words"))
        with pytest.raises(InvalidArgument, match="an id has 1 to 512 bytes, and no NUL"):
            client.search.notes.delete(wrong)
    with pytest.raises(InvalidArgument):
        client.search.posts.delete(True)


def test_numbers_for_telemetry(shop: Shop, client: TestClient) -> None:
    client.search.posts.put(Post(1, "wamp"))
    found = shop.search.client_here.on_loop(lambda _: shop.search.measure())
    assert [(one.name, one.value, one.labels) for one in found] == [
        ("search_documents", 1, {"index": "posts"}),
        ("search_documents", 0, {"index": "notes"}),
    ]


def test_peers_in_other_languages(client: TestClient) -> None:
    put = {"id": 1, "title": "wamp", "unknown": 1}
    assert client.call("com.shop.search.put", "posts", [put]) == 1
    found = client.call("com.shop.search.query", "posts", "wamp", facets=["tag"])
    assert found["hits"][0]["document"] == {
        "id": 1,
        "title": "wamp",
        "body": "",
        "tag": "none",
        "written": "2026-05-01T12:00:00Z",
    }
    assert found["facets"] == {"tag": {"none": 1}}
    stream = client.stream("com.shop.search.watch", "posts", "wamp")
    assert next(stream)["total"] == 1
    assert client.call("com.shop.search.delete", "posts", [1]) == 1
    assert next(stream)["total"] == 0
    stats = client.call("com.shop.search.stats")
    assert [one["name"] for one in stats["indexes"]] == ["posts", "notes"]
    assert stats["indexes"][0]["fields"] == {
        "title": "text",
        "body": "text",
        "tag": "facet",
        "written": "sort",
    }
    assert client.call("com.shop.search.query", "notes", "a" * 100_000)["total"] == 0
    for wrong in ({"limit": 1001}, {"offset": -1}, {"facets": ["x"] * 33}, {"filter": {"x": 1}}):
        with pytest.raises(InvalidArgument):
            client.call("com.shop.search.query", "posts", "wamp", **wrong)
    with pytest.raises(InvalidArgument):
        client.call("com.shop.search.put", "posts", [put] * 1001)
    with pytest.raises(InvalidArgument, match=r"no index 'others' \(known: notes, posts\)"):
        client.call("com.shop.search.query", "others", "wamp")


def test_names_of_indexes(shop: Shop) -> None:
    with pytest.raises(DeclarationError, match="The index 'posts' is declared already"):
        shop.search.index("posts")(Post)
    with pytest.raises(DeclarationError, match="cannot be called 'store', as Search has something"):
        shop.search.index("store")


def test_a_search_without_an_index_is_not_served() -> None:
    app = App(prefix="com.shop")
    app.include(Search(app))
    with pytest.raises(StoreError, match="has no index, so there is nothing to serve; declare one"):
        app.test_client().__enter__()


def test_nobody_serves_it() -> None:
    app = App(prefix="com.shop")
    search = Search(app)
    search.index("posts")(Post)
    with app.test_client():
        for verb in (
            lambda: search.posts.sync("x"),
            lambda: search.posts.sync.put(Post(1, "x")),
            search.posts.sync.rebuild,
        ):
            with pytest.raises(
                NoSuchProcedure, match="Nobody serves com.shop.search; call app.incl"
            ):
                verb()


# Building anew.


def test_a_new_index_is_filled_from_its_source(shop: Shop) -> None:
    @shop.search.posts.source
    async def all_posts() -> AsyncIterator[Post]:
        for n in range(1000):
            yield Post(n, "from the source")

    with shop.app.test_client() as client:
        assert client.search.posts.rebuild() == 1000  # goes on with what has begun
        assert client.search.posts("source").total == 1000


@pytest.mark.parametrize("kind", ["list", "generator", "coroutine"])
def test_sources_of_all_kinds(shop: Shop, kind: str) -> None:
    threads = []

    def generated() -> Iterator[Post]:
        threads.append(threading.current_thread())
        yield from (Post(n, "given") for n in range(300))

    async def listed() -> list[Post]:
        return [Post(n, "given") for n in range(300)]

    sources = {"list": lambda: list(generated()), "generator": generated, "coroutine": listed}
    shop.search.posts.source(sources[kind])
    with pytest.raises(DeclarationError, match="The index 'posts' has a source already"):
        shop.search.posts.source(listed)
    with shop.app.test_client() as client:
        assert client.search.posts.rebuild() == 300
        assert client.search.posts("given").total == 300
    assert threading.main_thread() not in threads


def test_what_is_put_while_an_index_is_built(shop: Shop) -> None:
    held, may_go_on = asyncio.Event(), asyncio.Event()
    holds = False

    @shop.search.posts.source
    async def all_posts() -> AsyncIterator[Post]:
        for n in range(250):
            yield Post(n, "from the source")
        if holds:
            held.set()
            await may_go_on.wait()
        for n in range(250, 500):
            yield Post(n, "from the source")

    with shop.app.test_client() as client:
        client.search.posts.rebuild()
        holds = True

        async def work() -> None:
            index = shop.search.posts
            await index.put(Post(1000, "a former one"))
            rebuild = asyncio.ensure_future(index.rebuild())
            await held.wait()
            assert (await index("former")).total == 1
            await index.put(Post(1, "newer"))
            await index.put(Post(300, "newer"))
            await index.delete(2, 301)
            await index.put(Post(2000, "newer"))
            assert (await index("newer ")).total == 3  # found at once
            may_go_on.set()
            assert await rebuild == 500
            assert (await index("former")).total == 0
            assert sorted(hit.id for hit in (await index("newer ")).hits) == [1, 300, 2000]
            assert (await index("source ")).total == 496
            await index.check()

        shop.search.client_here.on_loop(lambda _: work())


def test_a_source_that_fails(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    works = True

    @shop.search.posts.source
    def all_posts() -> Iterator[Post]:
        yield Post(1, "good")
        if not works:
            raise RuntimeError("the database is away")

    with shop.app.test_client() as client:
        posts = client.search.posts
        assert posts.rebuild() == 1
        works = False
        with pytest.raises(
            HandlerFailed, match="The source of 'posts' has failed: the database is"
        ):
            posts.rebuild()
        assert posts("good").total == 1
        works = True
        assert posts.rebuild() == 1
        posts.check()
    assert "The index 'posts' was not built anew: The source of 'posts' has failed" in caplog.text


def test_without_a_source_it_is_built_of_its_own_documents(client: TestClient) -> None:
    posts = client.search.posts
    posts.put_many(Post(n, "kept") for n in range(600))
    assert posts.rebuild() == 600
    assert posts("kept").total == 600
    assert posts.rebuild() == 600
