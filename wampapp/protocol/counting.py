"""Count the values of an encoded message before they are made.

A byte on the wire can become a list of 56 bytes in memory, and takes a hundred times as long to
decode, check and encode again as a byte of a string. So the values of a message count, not only its
bytes. They are counted by regular expressions, which run in C.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: So many values are matched at a time.
_MANY: Final = 1000
#: Strings of fewer bytes are matched, by alternatives of which so many stand side by side.
_SHORT: Final = 256
_LEAF: Final = 16
#: What a short string counts whose length takes more bytes than it needs: nobody writes it so, and
#: it would take as long to count as so many others.
_ODD: Final = 16


class BinaryCounter:
    """Counts the values of a binary serializer: what begins with an octet that tells its length.

    Args:
        fixed: for each octet that begins a value of a fixed length, how many bytes follow it; a
            list or dictionary is counted without what it holds.
        strings: for each octet that begins a long string, how many bytes of a length follow it,
            and how many besides the length.
    """

    def __init__(self, fixed: Mapping[int, int], strings: Mapping[int, tuple[int, int]]) -> None:
        kinds: dict[int, list[int]] = {}
        for octet, following in fixed.items():
            kinds.setdefault(following, []).append(octet)
        # What is tried first is found soonest: what nothing follows, and then strings whose length
        # is an octet of its own.
        most, *others = (
            b"[%b].{%d}" % (re.escape(bytes(octets)), following)
            for following, octets in sorted(kinds.items())
        )
        heads = bytes(octet for octet, kind in strings.items() if kind == (1, 0))
        short = b"[%b]%b" % (re.escape(heads), _sized(0, _SHORT))
        value = b"|".join((most, short, *others))
        self._one = re.compile(b"(?:%b)" % value, re.DOTALL)
        self._many = re.compile(b"(?:%b){0,%d}+" % (value, _MANY), re.DOTALL)
        self._strings = strings

    def exceeds(self, payload: bytes, maximum: int) -> bool:
        """Return whether a payload has more values than a maximum, keys included.

        Args:
            payload: a frame's payload; anything a peer may have sent. What stands behind its first
                fault is not counted.
            maximum: the most values.
        """
        match, strings, end = self._many.match, self._strings, len(payload)
        at = count = 0
        while at < end and count <= maximum:
            start = at
            at = match(payload, start).end()  # type: ignore[union-attr]  # it matches nothing, too
            if at - start >= _MANY and at < end and payload[at] not in strings:
                count += _MANY
                continue
            count += len(self._one.findall(payload, start, at)) if at - start > 1 else at - start
            if at == end or payload[at] not in strings:
                break
            size, more = strings[payload[at]]
            at += 1 + size
            length = int.from_bytes(payload[at - size : at], "big")
            at += more + length
            count += 1 if length >= _SHORT or size == 1 else _ODD
        return count > maximum


def _sized(first: int, last: int) -> bytes:
    """Return the pattern of an octet, from ``first`` to below ``last``, and of so many bytes.

    It is a tree, for a regular expression tries alternatives one after the other.
    """
    if last - first <= _LEAF:
        sizes = (b"%b.{%d}" % (re.escape(bytes([n])), n) for n in range(first, last))
        return b"(?:%b)" % b"|".join(sizes)
    middle = (first + last) // 2
    low = re.escape(bytes([first])) + b"-" + re.escape(bytes([middle - 1]))
    return b"(?:(?=[%b])%b|%b)" % (low, _sized(first, middle), _sized(middle, last))


def _octets(*ranges: tuple[int, int]) -> Iterable[int]:
    for first, last in ranges:
        yield from range(first, last + 1)


MSGPACK: Final = BinaryCounter(
    fixed=dict.fromkeys(_octets((0x00, 0xA0), (0xC0, 0xC0), (0xC2, 0xC3), (0xE0, 0xFF)), 0)
    | {0xA0 + size: size for size in range(1, 32)}
    | {0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8}
    | {0xD4: 2, 0xD5: 3, 0xD6: 5, 0xD7: 9, 0xD8: 17, 0xDC: 2, 0xDD: 4, 0xDE: 2, 0xDF: 4},
    strings={
        0xC4: (1, 0),
        0xC5: (2, 0),
        0xC6: (4, 0),
        0xC7: (1, 1),
        0xC8: (2, 1),
        0xC9: (4, 1),
        0xD9: (1, 0),
        0xDA: (2, 0),
        0xDB: (4, 0),
    },
)

#: The major types of CBOR that are not strings.
_PLAIN: Final = (0x00, 0x20, 0x80, 0xA0, 0xC0, 0xE0)
_STRINGS: Final = (0x40, 0x60)
CBOR: Final = BinaryCounter(
    fixed={major + number: 0 for major in _PLAIN for number in range(24)}
    | {major + 24 + power: 2**power for major in _PLAIN for power in range(4)}
    | {major + size: size for major in _STRINGS for size in range(24)}
    # Of unknown length, and the end of what is.
    | dict.fromkeys((0x5F, 0x7F, 0x9F, 0xBF, 0xFF), 0),
    strings={major + 24 + power: (2**power, 0) for major in _STRINGS for power in range(4)},
)


class JsonCounter:
    """Counts the values of JSON text by the signs that stand between and around them."""

    #: A string, or the beginning of one that does not end.
    _STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?+', re.DOTALL)

    def exceeds(self, payload: bytes, maximum: int) -> bool:
        """Return whether a payload has more values than a maximum; see :class:`BinaryCounter`."""
        if _signs(payload) < maximum:
            return False
        # Some of them may stand in strings. Each string is a value, so that no more need be read.
        without, strings = self._STRING.subn(b"", payload, count=maximum + 1)
        return strings > maximum or _signs(without) >= maximum


def _signs(payload: bytes) -> int:
    return len(payload) - len(payload.translate(None, b",:[{"))


JSON: Final = JsonCounter()
