"""Owns a search, and does nothing else."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from wampapp import App
from wampapp.components import Search
from wampapp.components.search import facet, sort, text

app = App(prefix="com.mill")
search = Search(app)
START = datetime(2026, 1, 1, tzinfo=UTC)


@search.index("posts", language="english")
class Post:
    id: int
    title: str = text(weight=5)
    body: str = text(default="")
    tag: str = facet(default="none")
    written: datetime = sort(default=START)


@search.index("grains")
class Grain:
    id: int
    words: str = text()
    mill: int = facet()


@search.posts.source
def all_posts() -> Iterator[Post]:
    yield Post(1, "Wamp handlers", "They answer <calls>", "python")
    yield Post(2, "Other things", "nothing of interest", "other", START + timedelta(days=1))
    for n in range(3, 300):
        yield Post(n, f"Filler {n}", tag=f"t{n % 20:02}", written=START + timedelta(days=n))


app.include(search)
