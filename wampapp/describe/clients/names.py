"""What generated code calls things: identifiers out of any text, each given once."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from wampapp.describe.api import Operation, Topic

#: Components of a URI that vary, and so give no name.
_CAPTURE: Final = re.compile(r"<.*>")


def identifier(text: str, otherwise: str) -> str:
    """Return an identifier that looks like a text.

    It does not start with an underscore, which would make it private. It may be a word of the
    language; :class:`Names` knows these.

    Args:
        text: any text.
        otherwise: the identifier for a text that has nothing to make one of.
    """
    # As Python reads identifiers; else two of them could be the same.
    text = unicodedata.normalize("NFKC", text)
    kept = "".join(c if f"a{c}".isidentifier() else "_" for c in text).strip("_")
    if not kept:
        return otherwise
    return kept if kept.isidentifier() else f"n{kept}"


def pascal(text: str, otherwise: str) -> str:
    """Return an identifier as classes have: ``sold_out`` becomes ``SoldOut``."""
    words = identifier(text, otherwise).split("_")
    return "".join(word[:1].upper() + word[1:] for word in words)


def camel(text: str, otherwise: str) -> str:
    """Return an identifier as JavaScript has it: ``get_price`` becomes ``getPrice``."""
    first, *others = filter(None, identifier(text, otherwise).split("_"))
    return first + "".join(word[:1].upper() + word[1:] for word in others)


class Names:
    """The names of one scope.

    Args:
        reserved: those that mean something already.
    """

    def __init__(self, *reserved: Collection[str]) -> None:
        self._taken = {name for names in reserved for name in names}

    def free(self, wanted: str) -> str:
        """Take a name, with an underscore or a number behind it if it is taken already."""
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}_" if number == 2 else f"{wanted}_{number}"
        self._taken.add(name)
        return name


def short_names(operations: Sequence[Operation]) -> list[str]:
    """Return what the operations are called: the end of each one's URI.

    Where the ends are equal, more components make the difference: ``cart.add`` and ``wishes.add``
    instead of ``add``.
    """
    parts = [_plain_components(one.uri) for one in operations]
    lengths = [1] * len(parts)
    while True:
        names = [".".join(some[-n:]) for some, n in zip(parts, lengths, strict=True)]
        again = [
            place
            for place, name in enumerate(names)
            if names.count(name) > 1 and lengths[place] < len(parts[place])
        ]
        if not again:
            return names
        for place in again:
            lengths[place] += 1


def topic_names(topics: Sequence[Topic]) -> list[str]:
    """Return what the methods for topics are called: ``on`` or ``publish``, and the URI's end."""
    found: dict[int, str] = {}
    for is_published, verb in ((True, "on"), (False, "publish")):
        places = [at for at, one in enumerate(topics) if one.is_published is is_published]
        names = short_names([topics[at] for at in places])
        found |= {at: f"{verb}.{name}" for at, name in zip(places, names, strict=True)}
    return [found[at] for at in range(len(topics))]


def _plain_components(uri: str) -> list[str]:
    return [part for part in uri.split(".") if part and not _CAPTURE.fullmatch(part)]
