"""What is stored and told of settings."""

from __future__ import annotations

from typing import Any, Final

import msgspec

#: The most bytes that all live values of a keeper take, as MessagePack.
MAX_SNAPSHOT: Final = 64 * 1024
#: How many versions are kept in the history.
MAX_HISTORY: Final = 1000
#: Seconds that services have to check a change, and to say what came of it.
PATIENCE: Final = 2.0


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A change.

    Attributes:
        version: its number.
        at: when it was made, in seconds since 1970.
        by: who made it.
        why: the reason.
        changes: by name, the value ``before`` and ``after``; left out where it was, or is, the
            default.
    """

    version: int
    at: float
    by: str
    why: str
    changes: dict[str, dict[str, Any]]


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a change.

    Attributes:
        version: the version since then.
        failed: what handlers of the change raised, a sentence each.
        silent: services that did not answer in time, and so were not waited for.
        dropped: names that a rollback has left out, since nobody has them any longer.
    """

    version: int
    failed: list[str] = []
    silent: list[str] = []
    dropped: list[str] = []


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The live values.

    Attributes:
        store: a text that no other keeper's data has.
        version: their version.
        values: plain values by name; what has only its default is not there.
    """

    store: str
    version: int
    values: dict[str, Any]


class Attached(msgspec.Struct, frozen=True, kw_only=True):
    """A service that uses the settings.

    Attributes:
        service: which: its app, its machine and its process.
        names: the settings that it has.
        pinned: those that its environment pins.
        schema: their JSON Schema.
        defaults: their defaults, plain values.
    """

    service: str
    names: list[str]
    pinned: list[str]
    schema: dict[str, Any]
    defaults: dict[str, Any]
