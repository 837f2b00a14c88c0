"""Descriptions as Markdown and as a page: what they say, and what hostile text does in them."""

import re
from html.parser import HTMLParser

import pytest

from tests.unit.describe import shop
from wampapp.describe.api import Api, Capture, Failure, Parameter, Procedure, Schema, Topic
from wampapp.describe.describing import describe_app
from wampapp.describe.markdown import to_markdown
from wampapp.describe.page import to_page
from wampapp.describe.schemas import BYTES
from wampapp.describe.words import meaning_text, signature_text, type_text

EVIL = "<script>alert(1)</script>|`x`\n# A\x1b[31m\u202e"


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({}, "anything"),
        ({"type": "integer"}, "integer"),
        ({"$ref": "#/components/schemas/Order"}, "Order"),
        ({"allOf": [{"$ref": "#/components/schemas/Order"}], "default": None}, "Order"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string or null"),
        ({"enum": ["a", 1, None]}, '"a" or 1 or null'),
        ({"type": "array"}, "list"),
        ({"type": "array", "items": {"type": "string"}}, "string[]"),
        ({"type": "array", "items": {"enum": [1, 2]}}, "(1 or 2)[]"),
        ({"type": "array", "items": [{"type": "string"}, {}]}, "[string, anything]"),
        ({"type": "object"}, "object"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "map of string"),
        ({"type": ["string", "null"]}, "string or null"),
        ({"type": "string", "format": "date"}, "date"),
        (BYTES, "bytes"),
    ],
)
def test_types_in_short(schema: Schema, text: str) -> None:
    assert type_text(schema) == text


def test_limits_in_words() -> None:
    schema = {"type": "integer", "minimum": 1, "exclusiveMaximum": 9, "description": "How many."}
    assert meaning_text(schema) == "How many.; at least 1, less than 9"
    assert meaning_text(BYTES) == ""


def test_signatures_in_short() -> None:
    found = {one.name: signature_text(one) for one in describe_app(shop.app).procedures}
    assert found == {
        "order": "order(sku: string, quantity: integer = 1, *, rush: boolean = false) → Order",
        "price": "price(quantity: integer = 1) → number",
        "pack": "pack(first: Order, /, *more: Order, **notes: string) → integer, one by one",
        "follow": "follow() → Order, one by one",
        "log": "log(*lines: anything)",
    }


def test_markdown() -> None:
    pytest.importorskip("docstring_parser")
    text = to_markdown(describe_app(shop.app))
    assert text.startswith("# The shop 1.4\n\nRealm `realm1`.\n\n## Procedures\n")
    for part in (
        "### `com.shop.order`\n\nOrder something.\n\nIt is sent on the same day.\n",
        "| `quantity` | `integer` | `1` | how many |",
        "| `com.shop.out_of_stock` | There is none left. |",
        "### `com.shop.ordered` (published)",
        "Deprecated. Use .ordered.",
        "2 calls run at the same time.\n\nA call may take 5 s.",
        "Several sessions may offer it; calls go to them: roundrobin.",
        "Matched as a prefix.",
        '```json\n{\n  "sku": "apple",\n  "quantity": 2\n}\n```',
        "| `when` | `date-time or null` | `null` |  |",
    ):
        assert part in text
    assert "secret" not in text


class Reader(HTMLParser):
    """Collects the tags and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        self.links.append(found.get("href") or "")
        self.ids.append(found.get("id") or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_needs_nothing_else_and_its_links_lead_somewhere() -> None:
    page = Reader(to_page(describe_app(shop.app)))
    links = {link for link in page.links if link}
    assert links
    assert all(link.startswith("#") and link[1:] in page.ids for link in links)
    assert not {"script", "img", "link", "iframe"} & set(page.tags)
    for part in ("The shop", "com.shop.<sku>.price", "Order something.", "There is none left."):
        assert part in page.text


def saying(text: str) -> Api:
    """Return a description that has a text everywhere."""
    parameter = Parameter(name=text, schema={"type": "string", "description": text})
    procedure = Procedure(
        uri=text,
        name=text,
        summary=text,
        description=text,
        parameters=(parameter,),
        captures=(Capture(name=text, schema={"enum": [text]}),),
        examples=({text: text},),
        deprecated=text,
        result={"$ref": "#/components/schemas/" + text},
        result_description=text,
        errors=(Failure(uri=text, description=text),),
    )
    topic = Topic(uri=text, summary=text, is_described=False)
    return Api(
        title=text,
        version=text,
        description=text,
        realm=text,
        procedures=(procedure,),
        topics=(topic,),
        schemas={text: {"description": text, "properties": {text: {"description": text}}}},
    )


@pytest.fixture
def evil() -> Api:
    return saying(EVIL)


def test_markup_does_nothing_in_the_page(evil: Api) -> None:
    page = to_page(evil)
    assert "script" not in Reader(page).tags
    assert "\x1b" not in page
    assert "\u202e" not in page


def outside_of_code(text: str) -> str:
    """Return Markdown without its blocks and spans of code."""
    text = re.sub(r"^(`{3,})\w+\n.*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"(?<![`\\])(`+)(?!`).+?(?<!`)\1(?!`)", "", text)


@pytest.mark.parametrize("is_strange", [True, False])
def test_markup_does_nothing_in_markdown(evil: Api, is_strange: bool) -> None:
    text = to_markdown(evil, is_strange=is_strange)
    assert "\x1b" not in text
    assert "\u202e" not in text
    for line in text.splitlines():
        if "script" in line and line.startswith("|"):
            assert line.replace("\\|", "").count("|") in (3, 5)  # no cell was ended
    outside = outside_of_code(text)
    assert "script" in outside
    assert "<script>" not in outside.replace("\\<", "")


@pytest.mark.parametrize(
    "text",
    [
        "![x](http://e.example/p.png)",
        "[a](javascript:x) [b]\n\n[b]: //e.example",
        "<img src=x>\n\n<!--",
        "at http://e.example, WWW.e.example or a@e.example",
        "```\n![x](y)\n```",
        "``` ```` ` <b>",
        "~~~\n<b>",
        "- a\n\n1. b\n\n# c\n\n---\n\n    d",
        "&lt;b&gt; $x$ *a* _b_ ~~c~~",
        "| a |\n|---|\n| <b> |",
        "\\",
        "`",
    ],
)
def test_what_a_stranger_says_is_plain_text(text: str) -> None:
    found = to_markdown(saying(text), is_strange=True)
    outside = re.sub(r"\\[!-/:-@\[-`{-~]", "", outside_of_code(found))
    assert not re.search(r"[`\[\]<>*_~&$]|://|@|www\.|\\", outside, re.IGNORECASE)
    for line in outside.splitlines():
        assert not re.match(r"([-+=]|\d+[.)])", line)
        assert re.fullmatch(r"(# .*|### |## \w+|### +\(subscribed\))?", line) or "#" not in line
    # Each text stands for itself: it opens no table and no section.
    assert outside.count("\n|---") == 4
    assert outside.count("\n###") == 3


def test_what_an_author_says_may_have_markdown() -> None:
    text = "See [the shop](https://shop.example):\n\n- `a < b`\n\n    if a < b:\n\n```\n<b>\n```"
    api = Api(title="x", version="1", procedures=(Procedure(uri="x", description=text),))
    assert text in to_markdown(api)
    assert f"````text\n{text}\n````" in to_markdown(api, is_strange=True)
    api = Api(title="x", version="1", description="`a` <b>`c` <d>\n<e>")
    assert "`a` &lt;b>`c` &lt;d>\n&lt;e>" in to_markdown(api)


def test_bars_are_escaped_in_tables_alone() -> None:
    parameter = Parameter(name="a", schema={"default": "a|b", "description": "c | d"})
    found = to_markdown(
        Api(title="x", version="1", procedures=(Procedure(uri="a|b", parameters=(parameter,)),))
    )
    assert "### `a|b`\n" in found
    assert '| `a` | `anything` | `"a\\|b"` | c \\| d |' in found
