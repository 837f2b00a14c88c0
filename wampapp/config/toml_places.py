"""Where each value of a TOML file stands, which Python's own reader does not say."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    #: The keys and, in arrays, the numbers that lead to a value.
    Path = tuple[str | int, ...]

_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE: Final = re.compile(r"[ \t]*")
_BARE_KEY: Final = re.compile(r"[\w-]+")
_STRING: Final = re.compile(
    r"""\"{3}(?:[^\\]|\\.)*?"{3,5}|'{3}.*?'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""", re.DOTALL
)
_SCALAR: Final = re.compile(r"[^,\]}\n#]*")


def places(text: str) -> dict[Path, tuple[int, int]]:
    """Return where the keys and the elements of arrays stand: their line and column, from 1.

    Args:
        text: a valid TOML document.
    """
    scanner = _Scanner(text)
    scanner.document()
    found = {}
    for path, position in scanner.found.items():
        start = text.rfind("\n", 0, position) + 1
        found[path] = text.count("\n", 0, position) + 1, position - start + 1
    return found


class _Scanner:
    """Goes through a document that is known to be valid."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.found: dict[Path, int] = {}
        #: How many tables an array of tables has so far.
        self._counts: dict[Path, int] = {}

    def document(self) -> None:
        base: Path = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                base = self._header()
            else:
                self._pair(base)
            self._skip(_BLANK)

    def _header(self) -> Path:
        start = self._at
        is_array = self._text.startswith("[[", start)
        self._at += 2 if is_array else 1
        path: Path = ()
        keys = self._keys()
        for number, key in enumerate(keys):
            path = (*path, key)
            if is_array and number == len(keys) - 1:
                self._counts[path] = self._counts.get(path, 0) + 1
            self.found.setdefault(path, start)
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
                self.found.setdefault(path, start)
        self._at += 2 if is_array else 1
        return path

    def _pair(self, base: Path) -> None:
        start, path = self._at, base
        for key in self._keys():
            path = (*path, key)
            self.found.setdefault(path, start)
        self._at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(path)

    def _keys(self) -> list[str]:
        keys = []
        while True:
            self._skip(_SPACE)
            quoted = _STRING.match(self._text, self._at)
            if quoted is not None:
                keys.append(tomllib.loads(f"key = {quoted[0]}")["key"])
                self._at = quoted.end()
            else:
                keys.append(self._skip(_BARE_KEY))
            self._skip(_SPACE)
            if self._text[self._at] != ".":
                return keys
            self._at += 1

    def _value(self, path: Path) -> None:
        opening = self._text[self._at]
        if opening in "[{":
            self._at += 1
            self._skip(_BLANK)
            number = 0
            while self._text[self._at] not in "]}":
                if opening == "{":
                    self._pair(path)
                else:
                    self.found[(*path, number)] = self._at
                    self._value((*path, number))
                number += 1
                self._skip(_BLANK)
                if self._text[self._at] == ",":
                    self._at += 1
                    self._skip(_BLANK)
            self._at += 1
        elif opening in "\"'":
            self._skip(_STRING)
        else:
            self._skip(_SCALAR)

    def _skip(self, what: re.Pattern[str]) -> str:
        found = what.match(self._text, self._at)
        if found is None:
            return ""
        self._at = found.end()
        return found[0]
