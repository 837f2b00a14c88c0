"""What FTS5 is asked: its language, put together of quoted words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wampapp.components.search.query import Part
    from wampapp.components.search.tables import Generation


def quoted(text: str) -> str:
    """Return a text as FTS5 takes it literally."""
    text = text.replace('"', " ").replace("\0", " ")
    return f'"{text}"'


def term(part: Part, texts: Sequence[str], *, prefix_of: int | None = 0) -> str:
    """Return what FTS5 is asked for a part: one of some texts.

    Args:
        part: the part.
        texts: the texts.
        prefix_of: which of them may be the beginning of a word, if the part may; None for none.
    """
    options = [
        quoted(text) + ("*" if part.is_prefix and place == prefix_of else "")
        for place, text in enumerate(texts)
    ]
    found = options[0] if len(options) == 1 else f"({' OR '.join(options)})"
    return found if part.field is None else f"(t_{part.field} : {found})"


def within(generation: Generation, part: Part) -> tuple[str, list[str]]:
    """Return the condition that a text has a part, and its values."""
    pattern = part.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    columns = generation.texts if part.field is None else [f"t_{part.field}"]
    sql = " or ".join(f"coalesce(d.{column}, '') like ? escape '\\'" for column in columns)
    return f"({sql})", [f"%{pattern}%".replace("\0", " ")] * len(columns)
