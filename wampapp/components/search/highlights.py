"""What is shown of a document: the part that fits, escaped, with what was found marked."""

from __future__ import annotations

import html
import re
from typing import Final

#: What SQLite puts around what was found. Unicode keeps these for such uses, and says that they are
#: not characters; a text that is put loses them.
BEGIN: Final = "\ufdd0"
END: Final = "\ufdd1"
_FOREIGN: Final = {ord(BEGIN): "\ufffd", ord(END): "\ufffd"}
_SPECIAL: Final = re.compile("[&<>\"']")


def without_marks(text: str) -> str:
    """Return a text in which nothing looks like a mark."""
    if text.isascii() or (BEGIN not in text and END not in text):
        return text
    return text.translate(_FOREIGN)


def marked(text: str) -> str:
    """Return HTML of what SQLite has marked."""
    if _SPECIAL.search(text) is not None:
        text = html.escape(text)
    return text.replace(BEGIN, "<mark>").replace(END, "</mark>")
