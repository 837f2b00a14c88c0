"""Find which prefixes a text begins with, at a cost that depends on the text only. Sans-I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")


class _Node(Generic[T]):
    """A place in the tree; an edge leads on by its label, and stands under its first character."""

    __slots__ = ("edges", "value")

    def __init__(self) -> None:
        self.edges: dict[str, tuple[str, _Node[T]]] = {}
        self.value: T | None = None


class Prefixes(Generic[T]):
    """Maps prefixes to values: a radix tree.

    However many prefixes there are, of whatever lengths, a lookup goes through at most as many
    nodes as the text has characters.
    """

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def get(self, prefix: str) -> T | None:
        """Return the value of just this prefix; None if there is none."""
        path = self._path(prefix)
        return path[-1].value if path else None

    def add(self, prefix: str, value: T) -> None:
        """Put a value under a prefix that has none yet."""
        node, rest = self._root, prefix
        while rest:
            edge = node.edges.get(rest[0])
            if edge is None:
                child: _Node[T] = _Node()
                node.edges[rest[0]] = rest, child
                node = child
                break
            label, child = edge
            shared = _shared_length(label, rest)
            if shared < len(label):
                fork: _Node[T] = _Node()
                fork.edges[label[shared]] = label[shared:], child
                node.edges[rest[0]] = label[:shared], fork
                child = fork
            node, rest = child, rest[shared:]
        node.value = value
        self._size += 1

    def remove(self, prefix: str) -> None:
        """Take out a prefix that is there."""
        path = self._path(prefix)
        node = path[-1]
        node.value = None
        self._size -= 1
        if len(path) > 1 and not node.edges:
            parent = path[-2]
            first = next(first for first, edge in parent.edges.items() if edge[1] is node)
            del parent.edges[first]
            path.pop()
        if len(path) > 1:
            _join(path[-2], path[-1])

    def matching(self, text: str) -> list[T]:
        """Return the values of all prefixes that a text begins with, the longest first."""
        node, position = self._root, 0
        found = [] if node.value is None else [node.value]
        while position < len(text):
            edge = node.edges.get(text[position])
            if edge is None or not text.startswith(edge[0], position):
                break
            position += len(edge[0])
            node = edge[1]
            if node.value is not None:
                found.append(node.value)
        found.reverse()
        return found

    def values(self) -> Iterator[T]:
        """Yield every value."""
        stack = [self._root]
        while stack:
            node = stack.pop()
            if node.value is not None:
                yield node.value
            stack += [child for _, child in node.edges.values()]

    def _path(self, prefix: str) -> list[_Node[T]]:
        """Return the nodes down to a prefix's own; an empty list if it has none."""
        path = [self._root]
        position = 0
        while position < len(prefix):
            edge = path[-1].edges.get(prefix[position])
            if edge is None or not prefix.startswith(edge[0], position):
                return []
            position += len(edge[0])
            path.append(edge[1])
        return path


def _join(parent: _Node[T], node: _Node[T]) -> None:
    """Take out a node that has become a mere stop on the way to one other."""
    if node.value is None and len(node.edges) == 1:
        ((rest, child),) = node.edges.values()
        for first, (label, found) in parent.edges.items():
            if found is node:
                parent.edges[first] = label + rest, child
                return


def _shared_length(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike."""
    length = min(len(one), len(other))
    if one[:length] == other[:length]:
        return length
    return next(i for i in range(length) if one[i] != other[i])
