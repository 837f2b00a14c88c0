"""A description as one HTML page, which needs nothing else: no script, no font, no network."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Final

from wampapp.describe.api import REFERENCE, Procedure
from wampapp.describe.words import (
    Row,
    clean,
    direction_text,
    example_text,
    field_rows,
    notes,
    signature_text,
    type_text,
    variable_rows,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wampapp.describe.api import Api, Operation, Schema

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c1e21; --soft: #5b626b; --line: #dfe3e8; --back: #fff;
  --code: #f4f6f8; --accent: #0b5cad; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ea; --soft: #a3abb4; --line: #32373d;
  --back: #16181b; --code: #212429; --accent: #7db8f0; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink);
  font: 16px/1.55 system-ui, sans-serif; }
main, header, nav { max-width: 56rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.5rem; }
h1 { font-size: 2rem; margin: 0 0 .5rem; }
h1 small, h3 small { color: var(--soft); font-weight: 400; font-size: 1rem; }
h2 { margin: 2.5rem 0 .5rem; border-bottom: 1px solid var(--line); padding-bottom: .25rem; }
h3 { margin: 2rem 0 .25rem; font-size: 1.05rem; overflow-wrap: anywhere; }
p { margin: .5rem 0; overflow-wrap: anywhere; } .soft { color: var(--soft); }
a { color: var(--accent); } nav ul { columns: 18rem; padding-left: 1.1rem; margin: .25rem 0; }
code, pre { font: .9em/1.5 ui-monospace, monospace; } pre { white-space: pre-wrap; }
pre, p > code { background: var(--code); border-radius: 4px; padding: .1em .35em;
  overflow-wrap: anywhere; }
pre { padding: .75rem 1rem; overflow-x: auto; }
.table { overflow-x: auto; } table { border-collapse: collapse; width: 100%; margin: .75rem 0; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0;
  border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 500; }
footer { max-width: 56rem; margin: 3rem auto 2rem; padding: 0 1.25rem; color: var(--soft); }
@media print { nav { display: none; } }
"""


def to_page(api: Api) -> str:
    """Return a description as an HTML page."""
    where = f"Realm {_code(api.realm)}" + (f" at {_code(api.router)}" if api.router else "")
    parts = [
        "<!doctype html>",
        '<html lang="en">',
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{_text(api.title)} {_text(api.version)}</title>",
        f"<style>{_STYLE}</style>",
        f"<header><h1>{_text(api.title)} <small>{_text(api.version)}</small></h1>",
        *_paragraphs(api.description),
        f'<p class="soft">{where}.</p></header>',
        *_contents(api),
        "<main>",
    ]
    for title, operations in (("Procedures", api.procedures), ("Topics", api.topics)):
        if operations:
            parts.append(f"<h2>{title}</h2>")
        for operation in operations:
            parts += _operation(operation)
    if api.schemas:
        parts.append("<h2>Types</h2>")
    for name, schema in api.schemas.items():
        parts += _type(name, schema)
    parts += ["</main>", "<footer>Written by wampapp.</footer>", "</html>", ""]
    return "\n".join(parts)


def _contents(api: Api) -> Iterator[str]:
    yield '<nav aria-label="Contents"><ul>'
    for operation in (*api.procedures, *api.topics):
        yield f'<li><a href="#{_anchor(operation)}">{_text(operation.uri)}</a></li>'
    yield "</ul></nav>"


def _anchor(operation: Operation) -> str:
    if isinstance(operation, Procedure):
        return f"procedure-{_text(operation.uri)}"
    return f"{direction_text(operation)}-{_text(operation.uri)}"  # type: ignore[arg-type]


def _operation(operation: Operation) -> Iterator[str]:
    is_procedure = isinstance(operation, Procedure)
    kind = "" if is_procedure else f" <small>{direction_text(operation)}</small>"  # type: ignore[arg-type]
    yield f'<section><h3 id="{_anchor(operation)}">{_code(operation.uri)}{kind}</h3>'
    yield from _paragraphs(operation.summary)
    yield from _paragraphs(operation.description)
    if operation.is_described:
        yield f"<pre>{_text(signature_text(operation))}</pre>"
    for note in notes(operation):
        yield f'<p class="soft">{_text(note)}</p>'
    yield from _rows("component of the URI", variable_rows(operation.captures))
    yield from _rows("argument", variable_rows(operation.parameters))
    if isinstance(operation, Procedure):
        if operation.result_description:
            yield f"<p>Result: {_text(operation.result_description)}</p>"
        rows = [(_code(error.uri), _text(error.description)) for error in operation.errors]
        yield from _table(("error", "when"), rows)
    for example in operation.examples:
        yield f"<p>Example:</p><pre>{_text(example_text(example))}</pre>"
    yield "</section>"


def _type(name: str, schema: Schema) -> Iterator[str]:
    yield f'<section><h3 id="type-{_text(name)}">{_code(name)}</h3>'
    yield from _paragraphs(str(schema.get("description", "")))
    if "properties" in schema:
        yield from _rows("field", field_rows(schema))
    else:
        yield f"<pre>{_text(type_text(schema))}</pre>"
    yield "</section>"


def _rows(what: str, rows: list[Row]) -> Iterator[str]:
    cells = [
        (
            _code(row.name),
            _linked(row.schema),
            _code(row.default) if row.default else row.absent,
            _text(row.meaning),
        )
        for row in rows
    ]
    return _table((what, "type", "default", "meaning"), cells)


def _linked(schema: Schema) -> str:
    """Return a type; where it is one with a name, or a list of them, it leads there."""
    inner = schema["allOf"][0] if len(schema.get("allOf", ())) == 1 else schema
    inner = inner["items"] if isinstance(inner.get("items"), dict) else inner
    text = _code(type_text(schema))
    if "$ref" not in inner:
        return text
    return f'<a href="#type-{_text(inner["$ref"].removeprefix(REFERENCE))}">{text}</a>'


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if not rows:
        return
    yield '<div class="table"><table>'
    yield "".join(["<tr>", *(f'<th scope="col">{word}</th>' for word in header), "</tr>"])
    for row in rows:
        yield "".join(["<tr>", *(f"<td>{cell}</td>" for cell in row), "</tr>"])
    yield "</table></div>"


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        if paragraph:
            # What is indented, such as an example, keeps its lines.
            tag = "pre" if paragraph.startswith((" ", "\t")) else "p"
            yield f"<{tag}>{_text(paragraph)}</{tag}>"


def _text(text: str) -> str:
    return escape(clean(text))


def _code(text: str) -> str:
    return f"<code>{_text(text)}</code>"
