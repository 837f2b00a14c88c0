"""A description as Markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from wampapp.describe.api import Procedure
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

#: What Markdown, or the HTML in it, would take for its own.
_MARKUP: Final = re.compile(r"([\\`*_\[\]<>|#~])")


def to_markdown(api: Api) -> str:
    """Return a description as Markdown, in GitHub's flavour."""
    lines = [f"# {_text(api.title)} {_text(api.version)}", ""]
    if api.description:
        lines += [_body(api.description), ""]
    where = f"Realm {_code(api.realm)}" + (f" at {_code(api.router)}" if api.router else "")
    lines += [f"{where}.", ""]
    for title, operations in (("Procedures", api.procedures), ("Topics", api.topics)):
        if operations:
            lines += [f"## {title}", ""]
        for operation in operations:
            lines += _operation(operation)
    if api.schemas:
        lines += ["## Types", ""]
    for name, schema in api.schemas.items():
        lines += _type(name, schema)
    return "\n".join(lines).rstrip("\n") + "\n"


def _operation(operation: Operation) -> Iterator[str]:
    kind = "" if isinstance(operation, Procedure) else f" ({direction_text(operation)})"  # type: ignore[arg-type]
    yield from (f"### {_code(operation.uri)}{kind}", "")
    for paragraph in (_text(operation.summary), _body(operation.description)):
        if paragraph:
            yield from (paragraph, "")
    if operation.is_described:
        yield from (_code(signature_text(operation)), "")
    for note in notes(operation):
        yield from (_text(note), "")
    yield from _rows("component of the URI", variable_rows(operation.captures))
    yield from _rows("argument", variable_rows(operation.parameters))
    if isinstance(operation, Procedure):
        if operation.result_description:
            yield from (f"Result: {_text(operation.result_description)}", "")
        rows = [(_code(error.uri), _text(error.description)) for error in operation.errors]
        yield from _table(("error", "when"), rows)
    for example in operation.examples:
        yield from ("Example:", "", "```json", clean(example_text(example)), "```", "")


def _type(name: str, schema: Schema) -> Iterator[str]:
    yield from (f"### {_code(name)}", "")
    if schema.get("description"):
        yield from (_text(str(schema["description"])), "")
    if "properties" not in schema:
        yield from (_code(type_text(schema)), "")
        return
    yield from _rows("field", field_rows(schema))


def _rows(what: str, rows: list[Row]) -> Iterator[str]:
    cells = [
        (
            _code(row.name),
            _code(type_text(row.schema)),
            _code(row.default) if row.default else row.absent,
            _text(row.meaning),
        )
        for row in rows
    ]
    return _table((what, "type", "default", "meaning"), cells)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if not rows:
        return
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _text(text: str) -> str:
    """Return a text in which nothing is markup, in one line."""
    return _MARKUP.sub(r"\\\1", clean(" ".join(text.split())))


def _body(text: str) -> str:
    """Return paragraphs, whose Markdown counts and whose HTML does not."""
    return clean(text).replace("<", "&lt;")


def _code(text: str) -> str:
    """Return a text as code, whatever it has of backticks; a bar would end the cell of a table."""
    text = clean(" ".join(text.split())).replace("|", "\\|")
    ticks = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    space = " " if len(ticks) > 1 else ""
    return f"{ticks}{space}{text}{space}{ticks}"
