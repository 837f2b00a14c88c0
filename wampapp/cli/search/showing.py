"""What was found, as people read it."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, Final

from wampapp.cli.output import counted, json_line, printable, styled

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER: Final = ("index", "documents", "words", "language", "searched", "facets", "sorted by", "")
#: How many values of a facet are shown.
_VALUES: Final = 10


def found_lines(found: dict[str, Any]) -> Iterator[str]:
    """Give the lines of an answer.

    Args:
        found: the answer to a query.
    """
    if found.get("corrected"):
        yield styled(f"Showing what {printable(found['corrected'])} finds.", "doubtful")
    if found.get("matched") == "any":
        yield styled("No document has all the words; these have some.", "doubtful")
    for hit in found["hits"]:
        shown = [_marked(one) for one in hit["html"].values() if one]
        head = styled(json_line(hit["id"]), "name")
        yield f"{head}  {shown[0]}" if shown else head
        for text in shown[1:]:
            yield f"    {text}"
    for name, values in found["facets"].items():
        counts = [f"{printable(value)} {count:,}" for value, count in list(values.items())]
        more = f", and {len(counts) - _VALUES} more" if len(counts) > _VALUES else ""
        yield f"{styled(printable(name), 'title')}: {', '.join(counts[:_VALUES]) or '-'}{more}"
    total, here = found["total"], len(found["hits"])
    what = counted(total, "document")
    yield styled(what if here == total else f"{here:,} of {what}", "note")


def _marked(text: str) -> str:
    """Return HTML of a hit as a line, with what was found in bold."""
    parts = []
    for part in text.split("<mark>"):
        marked, is_marked, plain = part.partition("</mark>")
        if is_marked:
            parts += [styled(_plain(marked), "good"), _plain(plain)]
        else:
            parts.append(_plain(marked))
    return "".join(parts)


def _plain(text: str) -> str:
    return printable(" ".join(html.unescape(text).split(" ")).replace("\n", " "))


def index_row(index: dict[str, Any]) -> tuple[str, ...]:
    """Return the cells of an index.

    Args:
        index: as ``stats`` gives it.
    """
    fields: dict[str, list[str]] = {"text": [], "facet": [], "sort": []}
    for name, role in index["fields"].items():
        fields[role].append(name)
    building = index["building"]
    return (
        printable(index["name"]),
        f"{index['documents']:,}",
        f"{index['words']:,}",
        index["language"] or "",
        " ".join(fields["text"]),
        " ".join(fields["facet"]),
        " ".join(fields["sort"]),
        "" if building is None else f"being rebuilt, {counted(building, 'document')} so far",
    )
