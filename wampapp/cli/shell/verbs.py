"""The verbs at the prompt: call, publish, subscribe, stream and describe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from wampapp.errors import NotJoined
from wampapp.registry.context import Event  # noqa: TC001 - a handler's annotation is read

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from wampapp.app import App
    from wampapp.runner.service import Service

T = TypeVar("T")


class Verbs:
    """The prompt's verbs. On the loop they return awaitables; in other threads they wait.

    Args:
        app: the app whose session and prefix they use.
        service: the service that has the session.
        show: shows a line.
    """

    def __init__(self, app: App, service: Service, show: Callable[[str], None]) -> None:
        self.app = app
        self.service = service
        self._show = show

    def call(self, uri: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call a procedure and return its result; in a line with 'await', an awaitable."""
        return self._do(self.app.procedure(uri)(*args, **kwargs))

    def publish(self, uri: str, /, *args: Any, **kwargs: Any) -> Any:
        """Publish an event and wait until the router has taken it; may be awaited."""
        topic = self.app.topic(uri, acknowledge=True)

        async def publish() -> None:
            await topic.publish(*args, **kwargs)

        return self._do(publish())

    def subscribe(
        self, uri: str, handler: Callable[..., Any] | None = None, /, **options: Any
    ) -> Any:
        """Print the events of a topic as they come, or pass them to a handler; may be awaited."""
        from wampapp.registry.blueprint import Blueprint

        record = Blueprint(self.app.prefix).add_subscription(
            handler or self._printer(), uri, **options
        )

        async def subscribe() -> None:
            connection = self.service.connection
            if connection is None:
                raise NotJoined("The prompt has been left.")
            await connection.announce(record, self.service.dispatcher.prepare(record))

        return self._do(subscribe())

    def stream(self, uri: str, /, *args: Any, **kwargs: Any) -> Any:
        """Iterate over the progressive results of a procedure, with 'for' or 'async for'."""
        verbs: Any = self.app if self.service.runtime.in_loop_thread else self.app.sync
        return verbs.stream(uri, *args, **kwargs)

    def describe(self, uri: str, /) -> Any:
        """Print what the apps of the realm say of a procedure or a topic; may be awaited."""
        from wampapp.cli.shell.describing import described
        from wampapp.registry.naming import absolute_uri

        async def describe() -> None:
            connection = self.service.connection
            if connection is None:
                raise NotJoined("The prompt has been left.")
            session, url = await connection.joined(), self.service.url or "this process"
            for line in await described(session, url, absolute_uri(uri, self.app.prefix)):
                self._show(line)

        return self._do(describe())

    def _printer(self) -> Callable[..., None]:
        def show_event(event: Event, /, *args: Any, **kwargs: Any) -> None:
            words = [*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())]
            # A publisher may have chosen the topic, so its control characters are escaped.
            self._show(f"{repr(event.topic)[1:-1]}({', '.join(words)})")

        return show_event

    def _do(self, work: Coroutine[Any, Any, T]) -> Any:
        """Run a coroutine on the loop; in another thread, wait for its result."""
        import asyncio

        from wampapp.loop.threads import blocking_wait

        runtime = self.service.runtime
        if runtime.in_loop_thread:
            return asyncio.ensure_future(work)
        with blocking_wait() as on_answer:
            return runtime.call(work, on_answer)
