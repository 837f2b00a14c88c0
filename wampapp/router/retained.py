"""The events that a realm retains for later subscribers ("Event Retention"). Sans-I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wampapp.router.index import EXACT, UriIndex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wampapp.config.limits import Limits
    from wampapp.router.publication import Publication


class RetainedEvents:
    """The last retained event of each topic; the oldest goes first.

    Args:
        limits: how many are kept, and how many bytes of all of them.
    """

    def __init__(self, limits: Limits) -> None:
        self._most = limits.retained_events
        self._most_bytes = limits.retained_size
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
        while len(self._by_topic) > self._most or self._bytes > self._most_bytes:
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
