"""Clients in TypeScript: what is written. tests/foreign has the compiler read it, and runs it."""

import re

import msgspec
import pytest

from tests.unit.describe import odd, shop
from tests.unit.describe.generated import evil
from wampapp import App
from wampapp.describe.api import Api, Procedure, Schema, Topic
from wampapp.describe.asyncapi import to_document
from wampapp.describe.clients.typescript import typescript_client
from wampapp.describe.describing import describe_app
from wampapp.describe.reading import from_document


def method(text: str, name: str) -> str:
    """The lines of a method."""
    found = re.search(rf"^  {name}\(.*?^  \}}$", text, re.DOTALL | re.MULTILINE)
    assert found is not None, text
    return found[0]


@pytest.fixture(scope="module")
def text() -> str:
    return typescript_client(describe_app(odd.app))


def test_the_same_description_gives_the_same_text() -> None:
    for app in (shop.app, odd.app):
        api = describe_app(app)
        read = from_document(msgspec.json.decode(msgspec.json.encode(to_document(api))))
        text = typescript_client(api)
        assert text == typescript_client(read) == typescript_client(describe_app(app))
        assert text.startswith("// Made by 'wampapp generate typescript'")


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("square", "square(number: number, name: string, times?: number): Answer<number> {\n"),
        ("square", "`com.odd.${component(number)}.${component(name)}.square`,\n"),
        ("files", "call(`com.odd.files.${component(rest, true)}`);\n"),
        ("count", "count(n: number, until?: string | null): AsyncGenerator<number, void, void>"),
        ("ended", "AsyncGenerator<Point | string, void, void>"),
        ("fail", "fail(): Answer<void> {\n"),
        ("coloursAdd", 'call("com.odd.colours.add", ...placed([colour, days]), {});\n'),
        ("placesAdd", 'call("com.odd.places.add", point, ...more, { self, result });\n'),
        ("list", "list(list?: boolean, options?: Options | null): Answer<Odd[]> {\n"),
        ("anything", "{ value, ...others_ });\n"),
        ("onTold", "handler: (sku: string, when: string, handler_?: number) => unknown"),
        ("onLeft", "return handler(Number(topic[2]), items);\n"),
        ("onLeft", '}, { match: "wildcard" });\n'),
        ("publishRooms", "publish(`com.odd.rooms.${component(room)}`, { who });\n"),
    ],
)
def test_methods(text: str, name: str, written: str) -> None:
    assert written in method(text, name)


@pytest.mark.parametrize(
    ("schema", "written"),
    [
        ({}, "unknown"),
        ({"type": "integer"}, "number"),
        ({"type": "string", "contentEncoding": "base64"}, "Uint8Array"),
        (
            {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
            "(string | null)[]",
        ),
        ({"type": "array"}, "unknown[]"),
        (
            {"type": "array", "items": [{"type": "string"}], "minItems": 0, "maxItems": 1},
            "[string?]",
        ),
        ({"type": "array", "items": [{"type": "string"}], "minItems": 1}, "[string, ...unknown[]]"),
        ({"type": "object"}, "Record<string, unknown>"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "Record<string, number>"),
        ({"enum": ["a", 1, None, True]}, '"a" | 1 | null | true'),
        ({"const": "a"}, '"a"'),
        ({"type": ["string", "null"]}, "string | null"),
        ({"oneOf": [{"type": "string"}, {}]}, "unknown"),
        ({"allOf": [{"type": "string"}], "default": "a"}, "string"),
        ({"$ref": "#/components/schemas/nowhere"}, "unknown"),
    ],
)
def test_types(schema: Schema, written: str) -> None:
    api = Api(title="t", version="1", procedures=(Procedure(uri="com.one", result=schema),))
    assert f"one(): Answer<{written}> {{\n" in typescript_client(api)


def test_no_text_gets_out_of_its_place() -> None:
    text = typescript_client(evil())
    assert all(c.isprintable() or c == "\n" for c in text)
    code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    code = re.sub(r'"(\\.|[^"\\\n])*"|`(\\.|[^`\\])*`', "", code)
    assert "throw 1" not in code
    assert "SystemExit(" not in code


def test_only_what_is_used_is_imported() -> None:
    def imported(app: App) -> str:
        [line] = re.findall("^import.*$", typescript_client(describe_app(app)), re.MULTILINE)
        return str(line)

    assert imported(App()) == 'import type { Client } from "wampapp";'
    api = Api(title="", version="", topics=(Topic(uri="com.x", is_published=True),))
    assert "import type { Client, Withdraw } from" in typescript_client(api)
    assert "export class WampClient {" in typescript_client(api)
