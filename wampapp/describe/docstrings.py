"""What a docstring says: of the whole, of each argument, of the result and of the errors."""

from __future__ import annotations

import inspect
import re
import textwrap
from dataclasses import dataclass, field
from typing import Any, Final

#: The sections that say more than paragraphs do, in Google's style and NumPy's.
_SECTIONS: Final = frozenset(
    {
        *("Args", "Arguments", "Params", "Parameters", "Other Parameters", "Attributes"),
        *("Returns", "Return", "Yields", "Yield", "Raises", "Exceptions", "Except"),
    }
)
#: Those that are paragraphs of the description, or examples.
_REMARKS: Final = frozenset(
    {
        *("Example", "Examples", "Note", "Notes", "Warning", "Warnings", "Caution", "Important"),
        *("See Also", "References", "Hint", "Tip", "Todo"),
    }
)
_HEADING: Final = re.compile(r"(\w+(?: \w+)*)\s*:\s*")
_UNDERLINE: Final = re.compile(r"-{3,}\s*")
#: The same in the style of Sphinx and Epydoc: ``:param sku: what to send``.
_FIELD: Final = re.compile(
    r"[:@](?:param|parameter|arg|argument|return|returns|rtype|type|raise|raises|yields?)\b"
)
_GAP: Final = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True)
class Doc:
    """What a docstring says.

    Attributes:
        summary: its first paragraph, in one line.
        description: the paragraphs that follow.
        parameters: what it says of each argument, by name.
        result: what it says of the result.
        errors: what it says of each exception, by the exception's name.
    """

    summary: str = ""
    description: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    result: str = ""
    errors: dict[str, str] = field(default_factory=dict)


def read_docstring(thing: object) -> Doc:
    """Read a function's or a class's own docstring.

    Arguments and the like are understood where docstring-parser is installed; else they stay in the
    description.
    """
    text = inspect.cleandoc(_own_docstring(thing))
    body, fields = _parted(text.splitlines())
    said: dict[str, Any] = {}
    if fields:
        try:
            said = _parsed("\n".join(fields))
        except Exception:  # noqa: BLE001 - not installed; or it is none of the styles after all
            body = [text]
    first, _, rest = "\n".join(body).strip().partition("\n\n")
    return Doc(" ".join(first.split()), _GAP.sub("\n\n", rest).strip("\n"), **said)


def _own_docstring(thing: object) -> str:
    text = getattr(thing, "__doc__", None)
    if not isinstance(text, str):
        return ""
    if isinstance(thing, type) and text.startswith(f"{thing.__name__}("):
        return ""  # what @dataclass writes where the author wrote nothing
    return text


def _parted(lines: list[str]) -> tuple[list[str], list[str]]:
    """Return the lines of a docstring's paragraphs, and those that a style gives a meaning."""
    body: list[str] = []
    fields: list[str] = []
    while lines:
        title, content, lines = _next(lines)
        if title in _SECTIONS or _FIELD.match(content[0]):
            fields += content
        elif title:
            inner = textwrap.dedent("\n".join(content[1:])).strip("\n").split("\n")
            # What is indented keeps its lines, which an example needs.
            indent = "    " if title.startswith("Example") else ""
            body += [f"{title}:", "", *(f"{indent}{line}".rstrip() for line in inner), ""]
        else:
            body += content
    return body, fields


def _next(lines: list[str]) -> tuple[str, list[str], list[str]]:
    """Take a section, or a line, from the beginning of a docstring.

    Returns:
        Its title; its lines, of which the first has the title if it has one; and what follows.
    """
    first, rest = lines[0], lines[1:]
    if rest and _UNDERLINE.fullmatch(rest[0]) and first.strip():  # NumPy's
        at = range(2, len(lines) - 1)
        end = next((i for i in at if _UNDERLINE.fullmatch(lines[i + 1])), len(lines))
        content = lines[:end]
        if first.strip() not in _SECTIONS:
            del content[1]
        return first.strip(), content, lines[end:]
    if _FIELD.match(first):
        # Without an indent, only what follows at once belongs to it.
        end = next((i for i, line in enumerate(rest) if not line), len(rest))
        end += next((i for i, line in enumerate(rest[end:]) if line[:1].strip()), len(rest) - end)
        end = min(end, next((i for i, line in enumerate(rest) if _FIELD.match(line)), end))
        return "", lines[: end + 1], lines[end + 1 :]
    heading = _HEADING.fullmatch(first)
    is_known = heading is not None and heading[1] in _SECTIONS | _REMARKS
    if heading and is_known and rest and rest[0].startswith((" ", "\t")):  # Google's
        end = next((i for i, line in enumerate(rest) if line[:1].strip()), len(rest))
        return heading[1], lines[: end + 1], rest[end:]
    return "", [first], rest


def _parsed(fields: str) -> dict[str, Any]:
    import docstring_parser

    # It would take the indent away of what follows the first line.
    found = docstring_parser.parse(f"Summary.\n\n{fields}")
    result = found.returns or (found.many_returns[0] if found.many_returns else None)
    return {
        "parameters": {p.arg_name.lstrip("*"): _line(p.description) for p in found.params},
        "result": _line(result.description) if result else "",
        "errors": {e.type_name: _line(e.description) for e in found.raises if e.type_name},
    }


def _line(text: str | None) -> str:
    return " ".join((text or "").split())
