"""The events that a test records."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any, Final, NamedTuple, overload

from wampapp.errors import UsageError
from wampapp.protocol import uris

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wampapp.registry.context import Event

_ANY: Final = re.compile(r"\*\*|\*|<path:\w+>|<\w+>")


class Published(NamedTuple):
    """An event that was published.

    Attributes:
        topic: its topic.
        args: its positional arguments.
        kwargs: its keyword arguments.
    """

    topic: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class TopicFilter:
    """Which topics are recorded.

    Args:
        text: a topic; ``*`` or ``<name>`` in it stands for one component, ``**`` or
            ``<path:name>`` at its end for one or more.

    Attributes:
        text: the text.
        prefix: what all of the topics begin with; None if ``text`` is a topic itself.

    Raises:
        InvalidUri: it is not a topic.
        UsageError: a ``**`` stands before the end.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        parts = uris.check_string(text, "topic").split(".")
        plain = [part for part in parts if not _ANY.fullmatch(part)]
        if len(plain) == len(parts):
            uris.check(text, "topic")
            self.prefix: str | None = None
            self._pattern = re.compile(re.escape(text))
            return
        for part in plain:
            uris.check(part, "topic")
        first = next(n for n, part in enumerate(parts) if _ANY.fullmatch(part))
        self.prefix = "".join(f"{part}." for part in parts[:first])
        rest = [n for n, part in enumerate(parts) if part == "**" or part.startswith("<path:")]
        if rest and rest != [len(parts) - 1]:
            raise UsageError(f"In {text!r} the part for any number of components must be the last.")
        self._pattern = re.compile(
            r"\.".join(
                r".+" if n in rest else r"[^.]+" if _ANY.fullmatch(part) else re.escape(part)
                for n, part in enumerate(parts)
            )
        )

    def matches(self, topic: str) -> bool:
        """Return whether a topic is recorded; the router's own only if the text names them."""
        if topic.startswith(uris.RESERVED) and not self.text.startswith(uris.RESERVED):
            return False
        return self._pattern.fullmatch(topic) is not None


class Events:
    """The events of some topics, in the order in which they were published. A sequence.

    Get one from ``client.events("com.shop.**")``; it records from then on.

    Args:
        topics: which topics; see :class:`TopicFilter`.

    Attributes:
        topics: the filter.
    """

    def __init__(self, topics: str) -> None:
        self.topics = TopicFilter(topics)
        #: Waits until what was published has arrived; set when recording begins.
        self.settle: Callable[[], None] = lambda: None
        #: Returns the first failure that no caller got.
        self.failure: Callable[[], BaseException | None] = lambda: None
        self._seen: list[Published] = []
        self._news = threading.Condition()

    def __repr__(self) -> str:
        return f"<Events {self.topics.text!r}: {self._seen!r}>"

    def record(self, *args: Any, event: Event, **kwargs: Any) -> None:
        """Record an event; the recorder's subscription calls this."""
        if self.topics.matches(event.topic):
            with self._news:
                self._seen.append(Published(event.topic, args, kwargs))
                self._news.notify_all()

    def wake(self) -> None:
        """Make :meth:`wait_for` check again: a handler has failed."""
        with self._news:
            self._news.notify_all()

    def wait_for(self, count: int, timeout: float = 5.0) -> list[Published]:
        """Wait until a number of events has been recorded.

        Args:
            count: how many.
            timeout: seconds after which the test fails.

        Returns:
            All events recorded so far; at least ``count``.

        Raises:
            AssertionError: they did not come. When a handler fails meanwhile, it is raised at
                once, with the handler's exception as its cause.
        """
        with self._news:
            self._news.wait_for(
                lambda: len(self._seen) >= count or self.failure() is not None, timeout
            )
            seen = list(self._seen)
        if len(seen) < count:
            failure = self.failure()
            why = "a handler failed" if failure else f"no more came within {timeout:g} s"
            raise AssertionError(
                f"{len(seen)} of {count} events of {self.topics.text!r} were published, and "
                f"{why}; recorded: {seen!r}"
            ) from failure
        return seen

    def clear(self) -> None:
        """Forget what was recorded so far."""
        self.settle()
        with self._news:
            self._seen.clear()

    def _now(self) -> list[Published]:
        # What was published before this call may still be on its way through the router.
        self.settle()
        with self._news:
            return list(self._seen)

    def __len__(self) -> int:
        return len(self._now())

    def __eq__(self, other: object) -> bool:
        return self._now() == list(other) if isinstance(other, Events | list) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it grows

    def __iter__(self) -> Iterator[Published]:
        return iter(self._now())

    @overload
    def __getitem__(self, index: int) -> Published: ...

    @overload
    def __getitem__(self, index: slice) -> list[Published]: ...

    def __getitem__(self, index: int | slice) -> Published | list[Published]:
        return self._now()[index]
