"""Handles to remote procedures and topics for threads: as in :mod:`wampapp.client.handles`."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from wampapp.client.handles import refuse_decorating

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wampapp.client.handles import Procedure, Topic
    from wampapp.client.waiting import Waiter


T = TypeVar("T")


class BlockingProcedure(Generic[T]):
    """A remote procedure; get one by ``client.procedure(uri)``.

    Attributes:
        uri: the procedure's absolute URI.
    """

    def __init__(self, waiter: Waiter, procedure: Procedure[T]) -> None:
        self.uri = procedure.uri
        self._waiter = waiter
        self._procedure = procedure

    def __repr__(self) -> str:
        return repr(self._procedure)

    def __call__(self, /, *args: Any, **kwargs: Any) -> T:
        """Call the procedure and wait for its result.

        Takes, returns and raises what :meth:`wampapp.client.handles.Procedure.__call__` does, and
        :class:`WrongThread` on the event loop's thread.
        """
        if len(args) == 1 and type(args[0]) is FunctionType:
            refuse_decorating(self.uri)
        return self._waiter._run(lambda: self._procedure(*args, **kwargs))

    @property
    def awaitable(self) -> Procedure[T]:
        """The handle of the same procedure for coroutines on the event loop."""
        return self._procedure

    def stream(self, /, *args: Any, **kwargs: Any) -> Iterator[T]:
        """Call the procedure and iterate over its progressive results.

        Takes, yields and raises what :meth:`wampapp.client.handles.Procedure.stream` does, and
        :class:`WrongThread` on the event loop's thread.
        """
        return self._waiter._iterate(self._procedure.stream(*args, **kwargs), self.uri)


class BlockingTopic:
    """A topic to publish to; get one by ``client.topic(uri)``.

    Attributes:
        uri: the topic's absolute URI.
    """

    def __init__(self, waiter: Waiter, topic: Topic) -> None:
        self.uri = topic.uri
        self._waiter = waiter
        self._topic = topic

    def __repr__(self) -> str:
        return repr(self._topic)

    if not TYPE_CHECKING:  # a type checker knows that it cannot be called

        def __call__(self, *_args: object, **_kwargs: object) -> NoReturn:
            """Refuse to be called, as by ``@client.topic(uri)``.

            Raises:
                InvalidHandler: always.
            """
            self._topic()

    def publish(self, /, *args: Any, **kwargs: Any) -> int | None:
        """Publish an event and wait until the router has taken it.

        Args:
            args: positional arguments.
            kwargs: keyword arguments.

        Returns:
            The publication's id; None with ``acknowledge=False``, which does not wait.

        Raises:
            WampError: the router refuses the event.
            CallTimeout: the router did not answer in time.
            NotJoined: there is no session, and none came back in time.
            ConnectionLost: the link broke before the answer came.
            WrongThread: called on the event loop's thread.
        """
        answer = self._waiter._wait(
            lambda _: self._topic.publish(*args, **kwargs), f"acknowledgement for {self.uri}"
        )
        return None if answer is None else int(answer)
