"""tantivy: `python -m tests.benchmarks.rivals.search_tantivy FOLDER`."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import tantivy

from tests.benchmarks.rivals.orders import follow
from tests.benchmarks.search_work import asked, indexed, updated


class Engine:
    def __init__(self, folder: str) -> None:
        builder = tantivy.SchemaBuilder()
        builder.add_integer_field("id", stored=True, indexed=True)
        for name in ("title", "body"):
            builder.add_text_field(name, stored=True)
        builder.add_text_field("kind", stored=True, tokenizer_name="raw", fast=True)
        self.index = tantivy.Index(builder.build(), path=folder)
        self.writer = self.index.writer(50_000_000, 1)

    async def add(self, documents: Any) -> None:
        for document in documents:
            self.writer.add_document(tantivy.Document(**document))

    def commit(self) -> None:
        self.writer.commit()
        self.index.reload()
        self.searcher = self.index.searcher()

    async def put(self, document: Any) -> None:
        self.writer.delete_documents_by_term("id", document["id"])
        await self.add([document])
        self.commit()

    async def ask(self, text: str) -> int:
        query = self.index.parse_query(
            text, ["title", "body"], {"title": 5.0}, conjunction_by_default=True
        )
        found = self.searcher.search(query, 10)
        shown = [
            tantivy.SnippetGenerator.create(self.searcher, query, self.index.schema, name)
            for name in ("title", "body")
        ]
        for _, address in found.hits:
            document = self.searcher.doc(address)
            for one in shown:
                one.snippet_from_doc(document).to_html()
        return int(found.count)


def main() -> None:
    root = Path(sys.argv[1])
    engines: list[Engine] = []

    async def index() -> float:
        folder = root / str(len(engines))
        folder.mkdir()
        engine = Engine(str(folder))
        engines.append(engine)

        async def add(documents: Any) -> None:
            # One commit at the end, which is the quickest.
            await engine.add(documents)
            if documents[-1]["id"] == last:
                engine.commit()

        from tests.benchmarks.search_work import DOCUMENTS

        last = DOCUMENTS - 1
        return await indexed(add)

    async def update() -> float:
        return await updated(engines[-1].put)

    async def query() -> list[float]:
        return await asked(engines[-1].ask)

    asyncio.run(follow(index=index, update=update, query=query))


if __name__ == "__main__":
    main()
