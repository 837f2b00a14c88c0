"""The events that a realm retains for later subscribers ("Event Retention"). Sans-I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wampapp.router.index import EXACT, UriIndex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wampapp.router.publication import Publication

#: A realm retains the last event of so many topics at most, and so many bytes of all of them; the
#: oldest goes first.
MAX_RETAINED: Final = 10_000
MAX_RETAINED_BYTES: Final = 64 * 2**20


class RetainedEvents:
    """The last retained event of each topic, within bounds."""

    def __init__(self) -> None:
        #: The events, and how many bytes each takes.
        self._by_topic: dict[str, tuple[Publication, int]] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._by_topic)

    def __iter__(self) -> Iterator[str]:
        """Yield the topics, the oldest event's first."""
        return iter(self._by_topic)

    def retain(self, topic: str, publication: Publication) -> None:
        """Keep an event in place of the topic's earlier one; one of unknown size is not kept."""
        self._forget(topic)
        size = publication.pack()
        if size is None:
            return
        self._by_topic[topic] = publication, size
        self._bytes += size
        while len(self._by_topic) > MAX_RETAINED or self._bytes > MAX_RETAINED_BYTES:
            self._forget(next(iter(self._by_topic)))

    def matching(self, match: str, pattern: str) -> list[Publication]:
        """Return the events whose topics match a pattern.

        Args:
            match: ``exact``, ``prefix`` or ``wildcard``.
            pattern: the topic or pattern.
        """
        if match == EXACT:
            found = self._by_topic.get(pattern)
            return [] if found is None else [found[0]]
        index: UriIndex[bool] = UriIndex()
        index.add(match, pattern, True)
        return [event for topic, (event, _) in self._by_topic.items() if index.best(topic)]

    def _forget(self, topic: str) -> None:
        earlier = self._by_topic.pop(topic, None)
        if earlier is not None:
            self._bytes -= earlier[1]
