"""Find what matches a URI: exactly, by prefix, or by wildcard. Sans-I/O.

The cost of a lookup depends on the URI, not on how many patterns there are
("Pattern-based Subscriptions", "Pattern-based Registrations").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from wampapp.router.prefixes import Prefixes

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")

EXACT = "exact"
PREFIX = "prefix"
WILDCARD = "wildcard"


class _Node(Generic[T]):
    """A component of wildcard patterns; the empty string is the child for any component."""

    __slots__ = ("children", "value")

    def __init__(self) -> None:
        self.children: dict[str, _Node[T]] = {}
        self.value: T | None = None


class UriIndex(Generic[T]):
    """Maps patterns to values, and URIs to the values whose patterns match."""

    def __init__(self) -> None:
        self._exact: dict[str, T] = {}
        self._prefixes: Prefixes[T] = Prefixes()
        self._wild: _Node[T] = _Node()
        self._wildcards = 0
        #: How many patterns there are besides the exact ones.
        self._inexact = 0

    def __len__(self) -> int:
        return len(self._exact) + self._inexact

    def get(self, match: str, pattern: str) -> T | None:
        """Return the value that stands under just this pattern; None if there is none."""
        if match == EXACT:
            return self._exact.get(pattern)
        if match == PREFIX:
            return self._prefixes.get(pattern)
        node: _Node[T] | None = self._wild
        for component in pattern.split("."):
            node = node.children.get(component) if node is not None else None
        return node.value if node is not None else None

    def add(self, match: str, pattern: str, value: T) -> None:
        """Put a value under a pattern that has none yet.

        Args:
            match: ``exact``, ``prefix`` or ``wildcard``.
            pattern: the pattern; with ``wildcard``, an empty component matches any.
            value: what is found by it.
        """
        if match == EXACT:
            self._exact[pattern] = value
            return
        self._inexact += 1
        if match == PREFIX:
            self._prefixes.add(pattern, value)
        else:
            node = self._wild
            for component in pattern.split("."):
                node = node.children.setdefault(component, _Node())
            node.value = value
            self._wildcards += 1

    def remove(self, match: str, pattern: str) -> None:
        """Take out a pattern that is there."""
        if match == EXACT:
            del self._exact[pattern]
            return
        self._inexact -= 1
        if match == PREFIX:
            self._prefixes.remove(pattern)
        else:
            self._remove_wildcard(pattern)

    def _remove_wildcard(self, pattern: str) -> None:
        self._wildcards -= 1
        components = pattern.split(".")
        path = [self._wild]
        for component in components:
            path.append(path[-1].children[component])
        path[-1].value = None
        while components and path[-1].value is None and not path[-1].children:
            path.pop()
            del path[-1].children[components.pop()]

    def best(self, uri: str) -> T | None:
        """Return the value of the pattern that comes first for a call.

        That is the exact one, else the longest prefix, else the wildcard pattern with the most
        components before its first wildcard, and so on to the right.
        """
        found = self._exact.get(uri)
        if found is not None or not self._inexact:
            return found
        return next(self._patterns(uri), None)

    def all(self, uri: str) -> list[T]:
        """Return the values of every pattern that matches, as for an event."""
        found = self._exact.get(uri)
        values = [] if found is None else [found]
        if self._inexact:
            values += self._patterns(uri)
        return values

    def _patterns(self, uri: str) -> Iterator[T]:
        yield from self._prefixes.matching(uri)
        if self._wildcards:
            yield from self._wild_matches(uri.split("."))

    def _wild_matches(self, components: list[str]) -> Iterator[T]:
        # Depth first, a literal component before the wildcard: that is the order of precedence.
        # A stack of our own instead of recursion: the sender chooses the depth.
        depth = len(components)
        stack = [(self._wild, 0)]
        while stack:
            node, level = stack.pop()
            if level == depth:
                if node.value is not None:
                    yield node.value
                continue
            component = components[level]
            # An empty component is not valid in a URI, and would go down the same way twice.
            for key in ("", component) if component else ():
                child = node.children.get(key)
                if child is not None:
                    stack.append((child, level + 1))

    def values(self) -> Iterator[T]:
        """Return every value."""
        yield from self._exact.values()
        yield from self._prefixes.values()
        stack = [self._wild]
        while stack:
            node = stack.pop()
            if node.value is not None:
                yield node.value
            stack += node.children.values()
