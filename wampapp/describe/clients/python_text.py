"""Pieces of Python's source text. Nothing gets out of a string or a docstring."""

from __future__ import annotations

import re
from textwrap import indent
from typing import Any, Final

_HALF: Final = re.compile(r"[\ud800-\udfff]")


def literal(value: Any) -> str:
    """Return the source of a plain value: None, a truth value, a number or a text."""
    return f'"{escaped(value)}"' if isinstance(value, str) else repr(value)


def escaped(text: str) -> str:
    """Return a text as it stands between double quotes; line breaks are escaped too."""
    # Half of a surrogate pair cannot be sent, and not every place takes it.
    text = _HALF.sub("\N{REPLACEMENT CHARACTER}", text)
    return "".join(
        f"\\{c}" if c in '\\"' else c if c.isprintable() else ascii(c)[1:-1] for c in text
    )


def docstring(text: str) -> str:
    """Return the source of a docstring, in lines; empty for an empty text.

    Characters that do something to a terminal are shown instead.
    """
    text = "\n".join(map(_shown, text.strip().split("\n"))).rstrip()
    # A quote that stands by itself, inside of the text, needs no backslash.
    parts = re.split(r'("{2,}|"\Z)', text.replace("\\", "\\\\"))
    body = "".join('\\"' * len(part) if at % 2 else part for at, part in enumerate(parts))
    end = "\n" if "\n" in body else ""
    return f'"""{body}{end}"""\n' if body else ""


def _shown(line: str) -> str:
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line).rstrip()


def block(head: str, *parts: str) -> str:
    """Return a compound statement, whose parts are statements."""
    return f"{head}\n{indent(''.join(parts), '    ')}"


def sections(text: str, entries: dict[str, list[tuple[str, str]]]) -> str:
    """Return a docstring's text with its sections, such as ``Args``, where they have entries."""
    parts = [text.strip()]
    for title, found in entries.items():
        lines = [
            f"    {name}: {said}" if name else f"    {said}"
            for name, said in ((name, " ".join(said.split())) for name, said in found)
            if said
        ]
        if lines:
            parts.append("\n".join([f"{title}:", *lines]))
    return "\n\n".join(part for part in parts if part)
