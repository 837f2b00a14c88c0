"""The verbs as flask-wamp spells them: ``g.wampy``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wampapp.errors import (
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.client.blocking import Client


class Wampy:
    """The verbs as flask-wamp spells them: ``g.wampy``.

    Attributes:
        rpc: has each procedure as a method: ``g.wampy.rpc.get_date()`` calls ``get_date``.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self.rpc = _Rpc(client)

    def call(self, procedure: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call a procedure, as ``g.wamp.call`` does."""
        return self._client.call(procedure, *args, **kwargs)

    def publish(self, *, topic: str, **kwargs: Any) -> None:
        """Publish an event, whose payload is the keyword arguments.

        Args:
            topic: the topic.
            kwargs: the event's keyword arguments; at least one, such as ``message``.

        Raises:
            UsageError: there is nothing to publish.
        """
        if not kwargs:
            raise UsageError(
                "g.wampy.publish needs something to publish: publish(topic=…, message=…)."
            )
        self._client.publish(topic, **kwargs)


class _Rpc:
    def __init__(self, client: Client) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)  # Python itself asks for these, as copy does
        return lambda *args, **kwargs: self._client.call(name, *args, **kwargs)
