"""What the apps of a realm say of a procedure or a topic, for the prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wampapp.describe.live.asking import ask_on
from wampapp.describe.words import clean, meaning_text, notes, signature_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wampapp.describe.api import Operation
    from wampapp.session.session import Session


async def described(session: Session, url: str, uri: str) -> list[str]:
    """Return what the apps say of a procedure or a topic, in lines.

    Args:
        session: the session to ask on.
        url: the router's URL, for messages.
        uri: the URI, as it was declared or as it is registered.
    """
    lines: list[str] = []
    _, told = await ask_on(session, url, with_own=True)
    for api in told.apis:
        for operation in (*api.procedures, *api.topics):
            if uri in (operation.uri, operation.on_wire[1]):
                lines += map(clean, _lines(operation))
    return lines or [f"No app that tells what it offers has {clean(uri)}."]


def _lines(operation: Operation) -> Iterator[str]:
    yield signature_text(operation)
    for paragraph in (operation.summary, operation.description):
        yield from paragraph.splitlines()
    yield from notes(operation)
    for one in (*operation.captures, *operation.parameters):
        if meaning := meaning_text(one.schema):
            yield f"  {one.name}: {meaning}"
