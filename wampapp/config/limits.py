"""What a router takes from one peer, and holds for all of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

from wampapp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

MIB: Final = 2**20
#: The most that a WAMP message may have, by RawSocket's handshake.
_LARGEST: Final = 16 * MIB
#: A question about past events looks at all of them in one turn.
_MOST_HISTORY: Final = 20_000
_MAY_BE_0: Final = ("rate", "history_events")
_SETTING: Final = re.compile(r"\s*(\w+)\s*=\s*(\d+)\s*(KiB|MiB|GiB|)\s*", re.IGNORECASE)
_UNITS: Final = {"": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30}


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a router. An honest service meets none of the defaults.

    Attributes:
        hello_size: the bytes of a message before a session has joined.
        message_size: the bytes of any other message, from ``hello_size`` to 16 MiB.
        message_values: the values of a message, lists and what they hold each counted. So many
            empty lists keep the router for about a twentieth of a second.
        unsent: the bytes that one peer may leave unread before it is disconnected.
        unsent_total: the bytes that all peers together may leave unread; above, those with the most
            are disconnected. Above half of it, peers that send more are made to wait first.
        connections: the open connections, joined or not. There are fewer where the system lets the
            process open fewer files.
        connections_per_address: those from one address.
        registrations: the registrations of one session.
        subscriptions: the subscriptions of one session.
        pattern_shapes: the shapes of the patterns that one session subscribes to: the lengths of
            its prefixes, and the places of its wildcards. It gets an event at most so often.
        calls: the calls of one session that wait for their answers, and those that it has yet to
            answer.
        sessions_per_authid: the sessions of one principal in a realm.
        rate: the messages that one session may send in a second; what it sends faster is read
            later. 0, the default, is any number.
        retained_events: the events that a realm retains; the oldest goes first.
        retained_size: their bytes.
        history_events: the events that a realm keeps for subscribers who ask for past ones, up to
            20,000; the oldest goes first. 0, the default, is none.
        history_size: their bytes.
    """

    hello_size: int = 2**16
    message_size: int = _LARGEST
    message_values: int = 500_000
    unsent: int = 16 * MIB
    unsent_total: int = 256 * MIB
    connections: int = 100_000
    connections_per_address: int = 50_000
    registrations: int = 200_000
    subscriptions: int = 200_000
    pattern_shapes: int = 500
    calls: int = 100_000
    sessions_per_authid: int = 50_000
    rate: int = 0
    retained_events: int = 10_000
    retained_size: int = 64 * MIB
    history_events: int = 0
    history_size: int = 64 * MIB

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            least = 0 if field.name in _MAY_BE_0 else 1
            if type(value) is not int or value < least:
                raise UsageError(
                    f"The limit {field.name} is {value!r}; give a whole number, {least} or more."
                )
        if not self.hello_size <= self.message_size <= _LARGEST:
            raise UsageError(
                f"The limit message_size is {self.message_size}; give a number of bytes from "
                f"hello_size, which is {self.hello_size}, to {_LARGEST}."
            )
        if self.history_events > _MOST_HISTORY:
            raise UsageError(
                f"The limit history_events is {self.history_events}; give at most {_MOST_HISTORY}."
            )


DEFAULT_LIMITS: Final = Limits()


def parse_limits(words: Iterable[str]) -> Limits:
    """Return the limits that settings such as ``unsent=32MiB`` make; others have their defaults.

    Raises:
        UsageError: a setting has another form, or there is no such limit.
    """
    values: dict[str, int] = {}
    names = [field.name for field in fields(Limits)]
    for word in words:
        found = _SETTING.fullmatch(word)
        if found is None:
            raise UsageError(f"The limit {word!r} is not NAME=NUMBER, such as unsent=32MiB.")
        name, number, unit = found.groups()
        if name not in names:
            raise UsageError(f"There is no limit {name!r}; there are {', '.join(names)}.")
        values[name] = int(number) * _UNITS[unit.lower()]
    return Limits(**values)
