"""What a docstring says: of the whole, of each argument, of the result and of the errors."""

from __future__ import annotations

import contextlib
import inspect
import re
from dataclasses import dataclass, field
from typing import Final

#: What a docstring has that says more than paragraphs do, in one of the usual styles: Google's,
#: Sphinx's, NumPy's and Epydoc's.
_SECTIONS: Final = re.compile(
    r"^\s*(?:(?:Args|Arguments|Parameters|Params|Returns|Yields|Raises|Attributes|Examples?)\s*(?::|\n\s*-{3,})"
    r"|[:@](?:param|parameter|arg|argument|return|returns|rtype|type|raise|raises|yields?)\b)",
    re.MULTILINE,
)


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
    if not text:
        return Doc()
    if _SECTIONS.search(text):
        with contextlib.suppress(ImportError):
            return _parsed(text)
    first, _, rest = text.partition("\n\n")
    return Doc(" ".join(first.split()), rest.strip())


def _own_docstring(thing: object) -> str:
    text = getattr(thing, "__doc__", None)
    if not isinstance(text, str):
        return ""
    if isinstance(thing, type) and text.startswith(f"{thing.__name__}("):
        return ""  # what @dataclass writes where the author wrote nothing
    return text


def _parsed(text: str) -> Doc:
    import docstring_parser

    try:
        found = docstring_parser.parse(text)
    except Exception:  # noqa: BLE001 - a text that looks like a style may be none
        first, _, rest = text.partition("\n\n")
        return Doc(" ".join(first.split()), rest.strip())
    result = found.returns or (found.many_returns[0] if found.many_returns else None)
    return Doc(
        " ".join((found.short_description or "").split()),
        (found.long_description or "").strip(),
        {p.arg_name.lstrip("*"): _line(p.description) for p in found.params},
        _line(result.description) if result else "",
        {e.type_name: _line(e.description) for e in found.raises if e.type_name},
    )


def _line(text: str | None) -> str:
    return " ".join((text or "").split())
