"""A search, as a user's type checker sees it."""

from dataclasses import dataclass
from typing import Annotated, Any, assert_type

import msgspec

from wampapp import App, connect
from wampapp.components import Search
from wampapp.components.search import Found, Index, facet, text

app = App(prefix="com.shop")
search = Search(app)
Search(app, durable=True)  # wrong


@search.index("posts", language="english")
@dataclass
class Post:
    id: int
    title: str = text(weight=5)
    tag: str = facet(default="none")


@search.index("notes")
class Note(msgspec.Struct):
    id: str
    words: Annotated[str, text()]


text(weight="5")  # wrong
search.index(7)  # wrong


@search.posts.source
def all_posts() -> list[Post]:
    return [Post(1, "title", "tag")]


async def use() -> None:
    posts = search[Post]
    assert_type(posts, Index[Post])
    assert_type(search.posts, Index[Any])
    assert_type(await posts("wamp", filter={"tag": "a"}, facets=["tag"]), Found[Post])
    found = await posts("wamp")
    assert_type(found.hits[0].document, Post)
    assert_type(found.facets["tag"]["python"], int)
    assert_type(await posts.put(Post(1, "a", "b")), bool)
    await posts.put(Note("a", "b"))  # wrong
    assert_type(await posts.put_many([Post(1, "a", "b")]), int)
    assert_type(await posts.delete(1, "a"), int)
    await posts.delete(1.5)  # wrong
    async for now in search[Note].watch("wamp", limit=5):
        assert_type(now.hits[0].document, Note)
    await posts("wamp", limit="5")  # wrong
    assert_type(await posts.rebuild(), int)


def block() -> None:
    assert_type(search.sync[Post]("wamp"), Found[Post])
    assert_type(search[Note].sync.put(Note("a", "b")), bool)
    with connect() as client:
        assert_type(Search(client).sync["posts"]("wamp"), Found[Any])
