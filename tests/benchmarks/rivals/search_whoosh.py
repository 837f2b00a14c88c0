"""whoosh3: `python -m tests.benchmarks.rivals.search_whoosh FOLDER`."""

import asyncio
import sys
from pathlib import Path
from typing import Any

from whoosh import fields
from whoosh import index as indexes
from whoosh.analysis import StemmingAnalyzer
from whoosh.qparser import MultifieldParser, OrGroup

from tests.benchmarks.rivals.orders import follow
from tests.benchmarks.search_judged import relevance
from tests.benchmarks.search_work import DOCUMENTS, asked, indexed, updated


class Engine:
    def __init__(self, folder: str) -> None:
        schema = fields.Schema(
            id=fields.ID(unique=True, stored=True),
            title=fields.TEXT(stored=True, field_boost=5.0),
            body=fields.TEXT(stored=True),
            kind=fields.ID(stored=True, sortable=True),
        )
        self.index = indexes.create_in(folder, schema)
        self.parser = MultifieldParser(["title", "body"], schema)

    def begin(self) -> None:
        self.writer = self.index.writer()

    def add(self, document: Any) -> None:
        self.writer.add_document(**{**document, "id": str(document["id"])})

    def commit(self) -> None:
        self.writer.commit()
        self.searcher = self.index.searcher()

    async def put(self, document: Any) -> None:
        self.begin()
        self.writer.update_document(**{**document, "id": str(document["id"])})
        self.commit()

    async def ask(self, text: str) -> int:
        found = self.searcher.search(self.parser.parse(text), limit=10)
        for hit in found:
            hit.highlights("title")
            hit.highlights("body")
        return len(found)


def main() -> None:
    root = Path(sys.argv[1])
    engines: list[Engine] = []

    async def index() -> float:
        folder = root / str(len(engines))
        folder.mkdir()
        engine = Engine(str(folder))
        engines.append(engine)
        engine.begin()

        async def add(documents: Any) -> None:
            for document in documents:
                engine.add(document)
            # One commit at the end, which is the quickest.
            if documents[-1]["id"] == DOCUMENTS - 1:
                engine.commit()

        return await indexed(add)

    async def update() -> float:
        return await updated(engines[-1].put)

    async def query() -> list[float]:
        return await asked(engines[-1].ask)

    async def judged() -> float:
        analyzer = StemmingAnalyzer()
        schema = fields.Schema(
            id=fields.ID(unique=True, stored=True),
            title=fields.TEXT(analyzer=analyzer, field_boost=5.0),
            body=fields.TEXT(analyzer=analyzer),
        )
        folder = root / "judged"
        folder.mkdir()
        index = indexes.create_in(str(folder), schema)
        # What has some of the words is an answer too, as with us where nothing has all.
        parser = MultifieldParser(["title", "body"], schema, group=OrGroup.factory(0.9))

        async def put(documents: Any) -> None:
            writer = index.writer()
            for document in documents:
                writer.add_document(**{**document, "id": str(document["id"])})
            writer.commit()

        async def ask(text: str) -> list[int]:
            with index.searcher() as searcher:
                return [int(hit["id"]) for hit in searcher.search(parser.parse(text), limit=10)]

        return await relevance(put, ask)

    asyncio.run(follow(index=index, update=update, query=query, judged=judged))


if __name__ == "__main__":
    main()
