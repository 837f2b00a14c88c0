"""Which documents can be put."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from wampapp.components.search.records import MAX_DOCUMENT, MAX_ID
from wampapp.errors import InvalidArgument, PayloadTooLarge
from wampapp.protocol.payload import to_plain
from wampapp.registry.conversion import convert

if TYPE_CHECKING:
    from wampapp.components.search.declaring import Declared
    from wampapp.components.search.records import Id

_encode = msgspec.msgpack.Encoder().encode


def checked(declared: Declared[Any], given: Any) -> dict[str, Any]:
    """Return a document that fits an index.

    Args:
        declared: the index.
        given: the document, as plain values.

    Raises:
        InvalidArgument: it does not fit.
        PayloadTooLarge: it is too large.
    """
    if not isinstance(given, dict):
        raise InvalidArgument(
            f"a document of {declared.name!r} is a {declared.kind.__name__}, and "
            f"{given!r:.100} is not",
            parameter="document",
        )
    document: dict[str, Any] = given
    try:
        fit = convert(document, declared.convertible)
        if document.keys() != declared.names:
            document = to_plain(fit)  # with its defaults, and without what the index does not know
        size = len(_encode(document))
    except msgspec.ValidationError as error:
        raise InvalidArgument(
            f"the document {document.get('id')!r} does not fit {declared.name!r}: {error}",
            parameter="document",
        ) from None
    except (TypeError, OverflowError, ValueError) as error:
        raise InvalidArgument(
            f"the document {document.get('id')!r} cannot be stored: {error}", parameter="document"
        ) from None
    check_id(document["id"])
    if size > MAX_DOCUMENT:
        raise PayloadTooLarge(
            f"the document {document['id']!r} has {size:,} bytes; {MAX_DOCUMENT:,} is the most"
        )
    return document


def check_id(id: Id) -> Id:
    """Return an id that is valid.

    Raises:
        InvalidArgument: it is not.
    """
    if isinstance(id, bool) or not isinstance(id, int | str):
        raise InvalidArgument(f"an id is an int or a str, and {id!r} is not", parameter="id")
    if isinstance(id, int):
        if not -(2**63) <= id < 2**63:
            raise InvalidArgument(f"the id {id} has more than 64 bits", parameter="id")
        return id
    if not id or "\0" in id or len(id.encode("utf-8", "replace")) > MAX_ID:
        raise InvalidArgument(f"an id has 1 to {MAX_ID} bytes, and no NUL", parameter="id")
    return id
