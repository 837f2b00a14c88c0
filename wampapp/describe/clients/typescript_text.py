"""Pieces of TypeScript's source text. Nothing gets out of a comment."""

from __future__ import annotations

from textwrap import indent


def comment(*paragraphs: str) -> str:
    """Return a documentation comment, in lines; empty without any text."""
    text = "\n\n".join(part.strip() for part in paragraphs if part.strip())
    if not text:
        return ""
    lines = [_harmless(line).rstrip() for line in text.split("\n")]
    if len(lines) == 1:
        return f"/** {lines[0]} */\n"
    return "".join(["/**\n", *(f" * {line}".rstrip() + "\n" for line in lines), " */\n"])


def _harmless(line: str) -> str:
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
    return line.replace("*/", "*\\/")


def tag(word: str, text: str) -> str:
    """Return a tag of a documentation comment; empty without a text."""
    return f"@{word} {' '.join(text.split())}" if text.strip() else ""


def braced(head: str, *parts: str, tail: str = "") -> str:
    """Return what stands in braces, indented."""
    return f"{head} {{\n{indent(''.join(parts), '  ')}}}{tail}\n"
