"""What the store holds, what is told of its changes, and what a key may be."""

from __future__ import annotations

from typing import Any, Final, Generic, Literal, TypeVar

import msgspec

from wampapp.errors import InvalidArgument

T = TypeVar("T")

#: The most bytes of a key, in UTF-8, and of a value, as MessagePack.
MAX_KEY: Final = 512
MAX_VALUE: Final = 1024 * 1024
#: How many keys a store has at most, and bytes of values, unless it says otherwise.
MAX_KEYS: Final = 1_000_000
MAX_BYTES: Final = 1024 * 1024 * 1024
#: How many deletions are remembered, for those who watch and were away.
MAX_GONE: Final = 10_000
#: Seconds in which whoever held a key may claim it again after its owner was away.
GRACE: Final = 10.0

#: ``reset``: what was known is to be forgotten; the entries that there are follow.
Kind = Literal["set", "deleted", "expired", "reset"]


class Entry(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A key with its value.

    Attributes:
        key: the key.
        value: the value.
        revision: the store's revision at which it was set.
        expires: when it goes, in seconds since 1970; None for never.
        held: whether it goes with somebody's session.
    """

    key: str
    value: T
    revision: int
    expires: float | None = None
    held: bool = False


class Change(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A change of a key.

    Attributes:
        kind: what happened.
        key: the key; empty for ``reset``.
        value: its value now; None unless it was set.
        revision: the store's revision at which it happened.
        expires: when it goes, in seconds since 1970; None for never.
    """

    kind: Kind
    key: str = ""
    value: T | None = None
    revision: int = 0
    expires: float | None = None


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What has changed since a revision.

    Attributes:
        changes: the changes, the oldest first; of each key only the last.
        revision: the revision up to which they are complete.
        began: the store's revision when they began to be asked for.
        store: the store's name.
        reset: whether that revision is too old, so that this is all that there is.
        more: whether there are more at once.
    """

    changes: list[Change[Any]]
    revision: int
    began: int
    store: str
    reset: bool
    more: bool


class Row(msgspec.Struct, frozen=True, array_like=True):
    """A change as it is stored.

    Attributes:
        kind: what happened.
        key: the key.
        value: its value now, as MessagePack; None unless it was set.
        revision: the revision at which it happened.
        expires: when it goes; None for never.
    """

    kind: Kind
    key: str
    value: bytes | None
    revision: int
    expires: float | None


def check_key(key: str, *, is_prefix: bool = False) -> str:
    """Return a key that is valid.

    Args:
        key: the key.
        is_prefix: whether it is the beginning of keys, which may be empty.

    Raises:
        InvalidArgument: it is not valid.
    """
    if not isinstance(key, str):
        raise InvalidArgument(
            f"a key is a text, and {key!r} is not", parameter="prefix" if is_prefix else "key"
        )
    # A character takes at most four bytes.
    if (key or is_prefix) and (len(key) * 4 <= MAX_KEY or len(key.encode()) <= MAX_KEY):
        if "\0" not in key:
            return key
        why = "may not contain NUL"
    else:
        why = f"has 1 to {MAX_KEY} bytes"
    raise InvalidArgument(f"a key {why}", parameter="prefix" if is_prefix else "key")


def after_prefix(prefix: str) -> str | None:
    """Return the least text that is greater than all that begin with a prefix; None for none."""
    while prefix:
        code = ord(prefix[-1])
        if code < 0x10FFFF:
            # Surrogates are not characters.
            return prefix[:-1] + chr(0xE000 if code == 0xD7FF else code + 1)
        prefix = prefix[:-1]
    return None
