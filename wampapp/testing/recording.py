"""What a test sees of a realm: events that were published, calls of procedures that it stubbed."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any, Final, NamedTuple, overload

from wampapp.errors import UsageError
from wampapp.protocol import uris
from wampapp.registry.results import CallResult

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


class StubCall(NamedTuple):
    """A call of a stub.

    Attributes:
        args: its positional arguments.
        kwargs: its keyword arguments.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class TopicFilter:
    """Which topics are recorded.

    Args:
        text: a topic; ``*`` or ``<name>`` in it stands for one component, ``**`` or
            ``<path:name>`` at its end for any number of them.

    Attributes:
        text: the same.
        prefix: what all of the topics begin with; None where ``text`` is a topic itself.

    Raises:
        InvalidUri: it is no topic.
        UsageError: a ``**`` stands before its end.
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
        """Whether a topic is one of them; one of the router's own only where the text names it."""
        if topic.startswith(uris.RESERVED) and not self.text.startswith(uris.RESERVED):
            return False
        return self._pattern.fullmatch(topic) is not None


class Events:
    """The events of some topics, in the order in which they were published. A sequence.

    Get one from ``client.events("com.shop.**")``; it records from then on.

    Args:
        topics: which; see :class:`TopicFilter`.

    Attributes:
        topics: the same.
    """

    def __init__(self, topics: str) -> None:
        self.topics = TopicFilter(topics)
        #: Waits until what was published has arrived; set when the recorder is put to work.
        self.settle: Callable[[], None] = lambda: None
        #: The first failure that nobody got as an answer.
        self.failure: Callable[[], BaseException | None] = lambda: None
        self._seen: list[Published] = []
        self._news = threading.Condition()

    def __repr__(self) -> str:
        return f"<Events {self.topics.text!r}: {self._seen!r}>"

    def record(self, *args: Any, event: Event, **kwargs: Any) -> None:
        """Take an event; what the recorder's subscription calls."""
        if self.topics.matches(event.topic):
            with self._news:
                self._seen.append(Published(event.topic, args, kwargs))
                self._news.notify_all()

    def wake(self) -> None:
        """Let :meth:`wait_for` look again: a handler has failed."""
        with self._news:
            self._news.notify_all()

    def wait_for(self, count: int, timeout: float = 5.0) -> list[Published]:
        """Wait until so many events were recorded.

        Args:
            count: how many.
            timeout: the seconds after which the test has failed.

        Returns:
            All that were recorded; at least ``count``.

        Raises:
            AssertionError: they did not come; if a handler failed meanwhile, at once, and with
                its traceback.
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
        # What was published before this is asked for is on its way through the router.
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


class Stub:
    """A procedure of another service, played by the test.

    Attributes:
        uri: the procedure.
        calls: its calls so far.
        returns: what it returns; a function is called with the arguments.
        raises: what it raises instead; None for nothing.
    """

    def __init__(self, uri: str, returns: Any, raises: BaseException | type | None) -> None:
        self.uri = uri
        self.calls: list[StubCall] = []
        self.returns = returns
        self.raises = raises

    def __repr__(self) -> str:
        return f"<Stub {self.uri!r}: {len(self.calls)} calls>"

    @property
    def called(self) -> bool:
        """Whether it was called."""
        return bool(self.calls)

    def answer(self, *args: Any, **kwargs: Any) -> Any:
        """Answer a call; what the stub's registration calls."""
        self.calls.append(StubCall(args, kwargs))
        if self.raises is not None:
            raise self.raises
        if callable(self.returns) and not isinstance(self.returns, CallResult):
            return self.returns(*args, **kwargs)
        return self.returns
