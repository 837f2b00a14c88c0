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
    from collections.abc import Callable, Iterator, Sequence

    from wampapp.describe.api import Api, Operation, Schema

#: What Markdown, or the HTML in it, would take for its own.
_MARKUP: Final = re.compile(r"([\\`*_\[\]<>#~&$])")
#: What it would take for the beginning of a list, or for a line.
_BEGINNING: Final = re.compile(r"^(\d*)([-+=.)])(?=[-=\s]|$)")
#: What an author writes as code.
_BLOCK: Final = re.compile(r"(?ms)(^(?: {4}|\t)[^\n]*|^```.*?^```|`[^`\n]+`)")
#: What becomes a link without any markup.
_ADDRESS: Final = re.compile(r"(\S*(?:@|://|www\.)\S*)", re.IGNORECASE)


def to_markdown(api: Api, *, is_strange: bool = False) -> str:
    """Return a description as Markdown, in GitHub's flavour.

    Args:
        api: the description.
        is_strange: whether somebody else wrote its texts, so that no Markdown in them counts.
    """
    paragraphs = _fenced if is_strange else _body
    lines = [f"# {_text(api.title)} {_text(api.version)}", ""]
    if api.description:
        lines += [paragraphs(api.description), ""]
    where = f"Realm {_code(api.realm)}" + (f" at {_code(api.router)}" if api.router else "")
    lines += [f"{where}.", ""]
    for title, operations in (("Procedures", api.procedures), ("Topics", api.topics)):
        if operations:
            lines += [f"## {title}", ""]
        for operation in operations:
            lines += _operation(operation, paragraphs)
    if api.schemas:
        lines += ["## Types", ""]
    for name, schema in api.schemas.items():
        lines += _type(name, schema)
    return "\n".join(lines).rstrip("\n") + "\n"


def _operation(operation: Operation, paragraphs: Callable[[str], str]) -> Iterator[str]:
    kind = "" if isinstance(operation, Procedure) else f" ({direction_text(operation)})"  # type: ignore[arg-type]
    yield from (f"### {_code(operation.uri)}{kind}", "")
    if operation.summary:
        yield from (_text(operation.summary), "")
    if operation.description:
        yield from (paragraphs(operation.description), "")
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
        yield from ("Example:", "", _fenced(example_text(example), "json"), "")


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
        cells = [cell.replace("|", "\\|") for cell in row]
        yield f"| {' | '.join(cells)} |"
    yield ""


def _text(text: str) -> str:
    """Return a text in which nothing is markup or a link, in one line."""
    parts = _ADDRESS.split(clean(" ".join(text.split())))
    parts[::2] = [_MARKUP.sub(r"\\\1", part) for part in parts[::2]]
    parts[1::2] = map(_code, parts[1::2])
    return _BEGINNING.sub(r"\1\\\2", "".join(parts))


def _body(text: str) -> str:
    """Return paragraphs, whose Markdown counts and whose HTML does not."""
    parts = _BLOCK.split(clean(text))
    parts[::2] = [part.replace("<", "&lt;") for part in parts[::2]]
    return "".join(parts)


def _fenced(text: str, kind: str = "text") -> str:
    """Return a text as a block of code, in which nothing counts."""
    ticks = _more_ticks(text, 3)
    return f"{ticks}{kind}\n{clean(text)}\n{ticks}"


def _code(text: str) -> str:
    """Return a text as code, whatever it has of backticks."""
    text = clean(" ".join(text.split()))
    ticks = _more_ticks(text, 1)
    space = " " if len(ticks) > 1 else ""
    return f"{ticks}{space}{text}{space}{ticks}" if text else ""


def _more_ticks(text: str, least: int) -> str:
    """Return more backticks than a text has in a row."""
    return "`" * max(least, *(len(found) + 1 for found in re.findall("`+", text)), 0)
