"""Annotations as callers read them: which keys a dictionary must have to become an object."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import re
import typing
from typing import Any, Final

import msgspec

#: The modules in front of names, as in ``collections.abc.Iterator``.
_MODULES: Final = re.compile(r"(?:(?:\b[^\W\d]\w*|<locals>)\.)+(?=[^\W\d])")
#: The most characters for the keys of one class; what is left is shown as "...".
_MAX_KEYS: Final = 160


def short(annotation: Any) -> str:
    """Return an annotation as people write it: without the modules of its names."""
    return _MODULES.sub("", inspect.formatannotation(annotation))


def with_keys(annotation: Any, inside: tuple[Any, ...] = ()) -> str:
    """Return an annotation as people write it, with the keys of what is sent as a dictionary.

    Args:
        annotation: the annotation, resolved.
        inside: the classes whose keys are being written.

    Returns:
        For example ``list[Item{sku: str, quantity: int = 1}]``.
    """
    keys = {
        kind.__name__: f"{kind.__name__}{{{_keys(kind, inside)}}}"
        for kind in _classes(annotation)
        if kind not in inside and _fields(kind)
    }
    text = short(annotation)
    if not keys:
        return text
    names = re.compile(rf"\b({'|'.join(map(re.escape, keys))})\b")
    return names.sub(lambda match: keys[match[1]], text)


def _keys(kind: type, inside: tuple[Any, ...]) -> str:
    texts: list[str] = []
    for key, annotation, default in _fields(kind):
        texts.append(f"{key}: {with_keys(annotation, (*inside, kind))}{default}")
        if sum(map(len, texts)) > _MAX_KEYS:
            return ", ".join([*texts[:-1], "..."])
    return ", ".join(texts)


def _classes(annotation: Any) -> list[type]:
    found = [annotation] if isinstance(annotation, type) else []
    for part in typing.get_args(annotation):
        found += _classes(part)
    return found


def _fields(kind: Any) -> list[tuple[str, Any, str]]:
    """Return the keys of a class, each with its annotation and its default as it is written."""
    with contextlib.suppress(Exception):  # it only helps to read, and a class may hold anything
        if hasattr(kind, "__pydantic_fields__"):
            return [
                (f.alias or name, f.annotation, _default(f.default, f.is_required()))
                for name, f in kind.__pydantic_fields__.items()
            ]
        if issubclass(kind, msgspec.Struct):
            return [
                (f.encode_name, f.type, _default(f.default, f.required))
                for f in msgspec.structs.fields(kind)
            ]
        hints = typing.get_type_hints(kind)
        if hasattr(kind, "__required_keys__"):
            written = typing.get_type_hints(kind, include_extras=True)
            # Where annotations are strings, Python takes every key for a required one.
            optional = {k for k, w in written.items() if typing.get_origin(w) is typing.NotRequired}
            required = kind.__required_keys__ - optional
            return [(key, hint, _default(..., key in required)) for key, hint in hints.items()]
        return [
            # Without a default both of them are MISSING.
            (f.name, hints[f.name], _default(f.default, f.default is f.default_factory))
            for f in dataclasses.fields(kind)
            if f.init
        ]
    return []


def _default(value: Any, required: bool) -> str:
    if required:
        return ""
    return f" = {value!r}" if isinstance(value, str | int | float | None) else " = ..."
