"""A process of our search: `python -m tests.benchmarks.our_search KIND WHERE`.

``alone`` has the owner of an index without WAMP, and WHERE is a folder; it gets its orders as the
rivals do. ``owner`` has the router in its process, and WHERE is its store's folder. For the
``user``, WHERE is the router's URL; the parent calls its procedures.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.rivals.orders import follow
from tests.benchmarks.search_judged import relevance
from tests.benchmarks.search_work import DOCUMENTS, UPDATES, asked, indexed, updated
from wampapp import App
from wampapp.components import Search
from wampapp.components.search import facet, tables, text
from wampapp.components.search.finding import Ask
from wampapp.components.search.owner import Owner
from wampapp.components.store import make_store

PREFIX = "com.benchmark.search"


class Text:
    id: int
    title: str = text(weight=5)
    body: str = text()
    kind: str = facet()


class Section:
    id: int
    title: str = text(weight=5)
    body: str = text()


def search_of(app: App | None, prefix: str | None = None, **options: Any) -> Search:
    search = Search(app, prefix, **options)
    search.index("texts")(Text)
    return search


async def alone(where: str) -> None:
    owners: list[Owner] = []

    async def index() -> float:
        store = make_store(f"{where}/{len(owners)}.sqlite", tables.SCHEMA)
        await store.open()
        owner = Owner(store, search_of(None).declared, {})
        await owner.start()
        owners.append(owner)
        return await indexed(lambda documents: owner.put("texts", documents))

    async def update() -> float:
        return await updated(lambda document: owners[-1].put("texts", [document]))

    async def query() -> list[float]:
        async def ask(words: str) -> int:
            return (await owners[-1].find("texts", Ask(text=words))).total

        return await asked(ask)

    async def judged() -> float:
        search = Search(None)
        search.index("sections", language="english")(Section)
        store = make_store(f"{where}/judged.sqlite", tables.SCHEMA)
        await store.open()
        owner = Owner(store, search.declared, {})
        await owner.start()

        async def put(documents: list[dict[str, Any]]) -> None:
            await owner.put("sections", documents)

        async def ask(words: str) -> list[int]:
            found = await owner.find("sections", Ask(text=words))
            return [int(hit.id) for hit in found.hits]

        return await relevance(put, ask)

    await follow(index=index, update=update, query=query, judged=judged)


def owner(where: str) -> None:
    app = App(prefix="com.benchmark", name="owner")
    app.include(search_of(app, store=Path(where) / "search.sqlite"))
    app.run(port=0)


def user(where: str) -> None:
    app = App(prefix="com.benchmark.user", name="user")
    texts = search_of(app, PREFIX)["texts"]

    @app.register
    async def index() -> float:
        await texts.delete(*range(DOCUMENTS + UPDATES))

        async def put(documents: Sequence[dict[str, Any]]) -> None:
            await texts.put_many([Text(**one) for one in documents])  # type: ignore[call-arg]

        return await indexed(put)

    @app.register
    async def update() -> float:
        return await updated(lambda one: texts.put(Text(**one)))  # type: ignore[call-arg]

    @app.register
    async def query() -> list[float]:
        async def ask(words: str) -> int:
            return (await texts(words)).total

        return await asked(ask)

    app.run(where)


if __name__ == "__main__":
    if sys.argv[1] == "alone":
        asyncio.run(alone(sys.argv[2]))
    else:
        {"owner": owner, "user": user}[sys.argv[1]](sys.argv[2])
