"""The JSON in session cookies, which knows more types than JSON does.

A value that JSON has no form for is a dictionary with one key, the tag of its type. The tags, and
so the cookies, are Flask's (its ``flask.json.tag``), for a Flask app that is mounted beside.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from typing import Any, Final
from uuid import UUID

from markupsafe import Markup
from werkzeug.http import http_date, parse_date

_TAGS: Final = frozenset({" di", " t", " b", " m", " u", " d"})


def dumps(value: Any) -> str:
    """Return a value as text.

    Raises:
        TypeError: it holds something that cookies do not carry.
    """
    return json.dumps(_tagged(value), separators=(",", ":"))


def loads(text: str) -> Any:
    """Return the value of a text.

    Raises:
        ValueError: it is not one that :func:`dumps` has made.
    """
    return json.loads(text, object_hook=_untagged)


def _tagged(value: Any) -> Any:
    match value:
        case dict() if len(value) == 1 and (tag := next(iter(value))) in _TAGS:
            return {" di": {f"{tag}__": _tagged(value[tag])}}
        case dict():
            return {key: _tagged(item) for key, item in value.items()}
        case tuple():
            return {" t": [*map(_tagged, value)]}
        case list():
            return [*map(_tagged, value)]
        case bytes():
            return {" b": base64.b64encode(value).decode()}
        case UUID():
            return {" u": value.hex}
        case dt.datetime():
            return {" d": http_date(value)}
        case _ if hasattr(value, "__html__"):
            return {" m": value.__html__()}
    return value


def _untagged(value: dict[str, Any]) -> Any:
    if len(value) != 1:
        return value
    [(tag, inner)] = value.items()
    match tag:
        case " di":
            [(key, item)] = inner.items()
            return {key[:-2]: item}
        case " t":
            return tuple(inner)
        case " b":
            return base64.b64decode(inner)
        case " u":
            return UUID(inner)
        case " d":
            return parse_date(inner)
        case " m":
            return Markup(inner)  # noqa: S704 - the cookie is signed, so it is ours
    return value
