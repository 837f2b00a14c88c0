"""The handlers of changes: ``@kv.on_change("user.<id>.cart")``."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Protocol

from wampapp.errors import InvalidUri, WampappError
from wampapp.registry.blueprint import Blueprint
from wampapp.session.events import MAX_WAITING_EVENTS, Backlog, EventQueue

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from wampapp.components.kv.records import Change
    from wampapp.dispatch.dispatcher import Dispatcher
    from wampapp.registry.records import Subscription

logger = logging.getLogger("wampapp.kv")

#: What keys are below where they are taken for topics, so that a pattern has a plain component.
_TOPIC = "key"


class _Watches(Protocol):
    """What is watched for changes."""

    def watch(self, prefix: str, *, initial: bool) -> AsyncGenerator[Change[Any], None]:
        """Watch the keys that begin with a prefix."""


class Handlers:
    """Runs handlers for changes, one change after the other, as those of a subscription.

    Each is declared as a subscription to a topic, so that its captures, its arguments, its errors
    and where it runs are those of any handler; but its events come from a watch.

    Args:
        kv: what is watched.
    """

    def __init__(self, kv: _Watches) -> None:
        self._kv = kv
        self._declared = Blueprint(_TOPIC)
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, function: Callable[..., Any], pattern: str, **options: Any) -> None:
        """Declare a handler.

        Args:
            function: the handler.
            pattern: the keys, as a topic is written: ``user.<id>.cart``.
            options: ``concurrency``, ``run`` and ``every_worker``, as of a subscription.

        Raises:
            InvalidUri: the pattern is not valid.
            InvalidHandler: the function cannot be a handler.
        """
        if not isinstance(pattern, str) or not pattern or pattern.startswith("."):
            raise InvalidUri(f"The keys {pattern!r} are not a pattern such as 'user.<id>.cart'.")
        self._declared.add_subscription(function, f"{_TOPIC}.{pattern}", **options)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._declared.registry.subscriptions)

    def start(self, dispatcher: Dispatcher, *, is_first: bool) -> None:
        """Begin to watch, on the loop's thread.

        Args:
            dispatcher: what runs the handlers.
            is_first: whether this is the first of several processes that run the app.
        """
        for record in self._declared.registry.subscriptions:
            if is_first or record.every_worker:
                task = asyncio.create_task(self._handle(record, dispatcher))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Hand out no more changes."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _handle(self, record: Subscription, dispatcher: Dispatcher) -> None:
        backlog, gate = Backlog(), _Gate()
        backlog.link = gate  # type: ignore[assignment]
        queue = EventQueue(dispatcher, dispatcher.prepare(record), backlog)
        pattern = _Pattern(record)
        changes = self._kv.watch(pattern.prefix, initial=False)
        try:
            async for change in changes:
                topic = f"{_TOPIC}.{change.key}"
                if pattern.matches(topic):
                    queue.put((change.value,), {}, {"topic": topic}, change.revision)
                if backlog.waiting > MAX_WAITING_EVENTS:
                    backlog.pause()
                    await gate.open.wait()
        except WampappError as error:
            logger.error("Changes of %r are not handled any longer: %s", record.uri, error)  # noqa: TRY400
        finally:
            queue.close()
            await changes.aclose()


class _Gate:
    """Stops asking for changes while too many wait for their handler."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()

    def pause(self) -> None:
        """Ask no more."""
        self.open.clear()

    def resume(self) -> None:
        """Ask again."""
        self.open.set()


class _Pattern:
    """The keys that a handler is declared for.

    Attributes:
        prefix: what they all begin with.
    """

    def __init__(self, record: Subscription) -> None:
        uri, match = record.uri, "exact"
        if record.pattern is not None:
            uri, match = record.pattern.uri, record.pattern.match
        self._uri, self._match = uri, match
        self._components = uri.split(".")
        plain = uri
        if match == "wildcard":
            # As far as the first component that is captured.
            plain = ".".join([*self._components[: self._components.index("")], ""])
        self.prefix = plain.removeprefix(f"{_TOPIC}.")

    def matches(self, topic: str) -> bool:
        """Return whether a key, below the topic of all, is one of them."""
        if self._match == "exact":
            return topic == self._uri
        if self._match == "prefix":
            return topic.startswith(self._uri) and topic != self._uri
        components = topic.split(".")
        return len(components) == len(self._components) and all(
            mine in ("", its) for mine, its in zip(self._components, components, strict=True)
        )
