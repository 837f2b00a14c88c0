"""`wampapp search`: what is typed about indexes, and what is answered."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.process import ROOT, Wampapp, environment, wampapp

pytestmark = pytest.mark.processes

OWNER = ROOT / "tests" / "programs" / "search" / "owner.py"


class Engine:
    """A service with a search, and what is typed about it."""

    def __init__(self, folder: Path) -> None:
        self.service = Wampapp("run", OWNER, "--port", "0", cwd=folder, env=environment())
        self.url = self.service.until(r"rs://\S+")[0]
        self.service.until("Press Ctrl-C")

    def typed(self, *words: str | Path, code: int = 0, **options: Any) -> str:
        done = wampapp("search", words[0], *words[1:], "--url", self.url, **options)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr if code else done.stdout


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path)
    with engine.service:
        yield engine
        engine.service.stop()


def test_documents_are_found(engine: Engine) -> None:
    assert re.fullmatch(
        r"The index 'posts' has 299 documents, built in \d+\.\d\d s\.\n",
        engine.typed("rebuild", "posts"),
    )
    assert engine.typed("posts", "wmap", "--facet", "tag") == (
        "Showing what wamp finds.\n"
        "1  Wamp handlers\n"
        "    They answer <calls>\n"
        "tag: python 1\n"
        "1 document\n"
    )
    assert engine.typed("posts", "interest wamp ") == (
        "No document has all the words; these have some.\n"
        "1  Wamp handlers\n"
        "    They answer <calls>\n"
        "2  Other things\n"
        "    nothing of interest\n"
        "2 documents\n"
    )
    assert engine.typed("posts", "filler", "--sort=-written", "--limit", "2", "--offset", "1") == (
        "298  Filler 298\n297  Filler 297\n2 of 297 documents\n"
    )
    assert engine.typed(
        "query", "posts", "--filter", "tag=python", "--filter", "tag=other"
    ).endswith("\n2 documents\n")
    assert engine.typed("posts", "--filter", "written<2026-01-02", "--limit", "0") == (
        "0 of 1 document\n"
    )
    assert "t03 15, t04 15" in engine.typed("posts", "--facet", "tag", "--limit", "0")
    assert ", and 12 more\n" in engine.typed("posts", "--facet", "tag", "--limit", "0")
    assert engine.typed("posts", "handlres", "--no-typos") == "0 documents\n"
    found = json.loads(engine.typed("posts", "handlres", "--json"))
    assert found["corrected"] == "handlers"
    assert found["hits"][0]["document"]["tag"] == "python"
    assert found["hits"][0]["html"]["title"] == "Wamp <mark>handlers</mark>"


def test_stats_and_checks(engine: Engine) -> None:
    assert json.loads(engine.typed("rebuild", "posts", "--json"))["documents"] == 299
    lines = engine.typed("stats").splitlines()
    assert lines[0].startswith("com.mill.search, kept in instance/search.sqlite")
    assert lines[2].split()[:4] == ["posts", "299", lines[2].split()[2], "english"]
    assert lines[3].split()[:2] == ["grains", "0"]
    stats = json.loads(engine.typed("stats", "--json"))
    assert stats["prefix"] == "com.mill.search"
    assert stats["indexes"][0]["has_source"] is True
    assert engine.typed("check", "posts") == "The index 'posts' finds what it has.\n"
    assert json.loads(engine.typed("check", "grains", "--json")) == {
        "index": "grains",
        "good": True,
    }


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("others", "x"), 5, "there is no index 'others' (known: grains, posts); declare it by"),
        (("posts", "x", "--filter", "tag"), 2, "The filter 'tag' is not a condition such as tag="),
        (
            ("posts", "--filter", "tag=a", "--filter", "tag>b"),
            2,
            "The filter of tag has a value and",
        ),
        (("posts", "--filter", "title=x"), 5, "'title' is not a facet() or sort() of the index"),
        (("posts", "--filter", "written=soon"), 5, "'soon' is not a time such as 2026-01-31T"),
        (("posts", "--facet", "title"), 5, "'title' is not a facet() of the index; it has tag"),
        (("posts", "--sort", "tag"), 5, "'tag' is not a sort() of the index; it has written"),
        (("posts", "--limit", "1001"), 2, "1001 is not in the range 0<=x<=1000"),
        (("rebuild", "others"), 5, "there is no index 'others' (known: "),
        (("posts", "--prefix", "com.none"), 3, ""),
    ],
)
def test_mistakes(engine: Engine, words: tuple[str, ...], code: int, why: str) -> None:
    if not why:
        code, why = 5, "Nobody serves a search engine below com.none"
    assert why in engine.typed(*words, code=code)
