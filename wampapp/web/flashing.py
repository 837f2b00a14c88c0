"""Messages that a visitor sees once, on the next page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wampapp.web.current import current

if TYPE_CHECKING:
    from collections.abc import Iterable

_FLASHES: Final = "_flashes"


def flash(message: str, category: str = "message") -> None:
    """Keep a message for the next page that the visitor sees.

    Args:
        message: the message.
        category: what kind of message it is, such as ``"error"``.
    """
    session = current().session
    session[_FLASHES] = [*session.get(_FLASHES, []), (category, message)]


def get_flashed_messages(
    with_categories: bool = False,
    category_filter: Iterable[str] = (),
) -> list[Any]:
    """Return the messages that were kept, each once.

    Args:
        with_categories: whether to return pairs of a category and a message.
        category_filter: the categories to return; empty for all.
    """
    here = current()
    if here.flashes is None:
        here.flashes = [*map(tuple, here.session.pop(_FLASHES, []))]
    chosen = set(category_filter)
    found = [entry for entry in here.flashes if not chosen or entry[0] in chosen]
    return found if with_categories else [message for _, message in found]
