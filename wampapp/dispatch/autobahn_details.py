"""Autobahn's ``CallDetails`` and ``EventDetails``, for handlers whose options ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wampapp.loop.deferreds import done
from wampapp.registry.autobahn_classes import autobahn_class

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wampapp.registry.endpoint import Endpoint


class _Session:
    """What stands behind the registration or the subscription of the details."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def _unregister(self, registration: Any) -> Any:
        """Do what ``details.registration.unregister()`` asks for."""
        registration.active = False
        self._endpoint.withdraw()
        return done()

    _unsubscribe = _unregister


def call_details(
    endpoint: Endpoint,
    procedure: str,
    details: dict[str, Any],
    progress: Callable[[Sequence[Any], dict[str, Any]], None] | None,
) -> Any:
    """Make a ``CallDetails``.

    Args:
        endpoint: the handler.
        procedure: the actual URI.
        details: the details of INVOCATION.
        progress: sends a progressive result; None where the caller takes none.
    """

    def send(*args: Any, **kwargs: Any) -> None:
        if progress is not None:
            progress(args, kwargs)

    handler = autobahn_class("Endpoint")(endpoint.function, None, endpoint.binding.context)
    registration = autobahn_class("Registration")(
        _Session(endpoint), endpoint.id, endpoint.pattern.uri, handler
    )
    return autobahn_class("CallDetails")(
        registration,
        progress=None if progress is None else send,
        procedure=procedure,
        **_of_type(details, int, "caller"),
        **_of_type(details, str, "caller_authid", "caller_authrole"),
        **_of_type(details, str, "transaction_hash", "enc_algo"),
    )


def event_details(endpoint: Endpoint, topic: str, publication: int, details: dict[str, Any]) -> Any:
    """Make an ``EventDetails``.

    Args:
        endpoint: the handler.
        topic: the actual URI.
        publication: the publication's id.
        details: the details of EVENT.
    """
    handler = autobahn_class("Handler")(endpoint.function, None, endpoint.binding.context)
    subscription = autobahn_class("Subscription")(
        endpoint.id, endpoint.pattern.uri, _Session(endpoint), handler
    )
    return autobahn_class("EventDetails")(
        subscription,
        publication,
        topic=topic,
        **_of_type(details, int, "publisher"),
        **_of_type(details, str, "publisher_authid", "publisher_authrole"),
        **_of_type(details, str, "transaction_hash", "enc_algo"),
        **_of_type(details, bool, "retained"),
    )


def _of_type(details: dict[str, Any], kind: type, *names: str) -> dict[str, Any]:
    """Return the details of some names that are of the type which Autobahn insists on."""
    return {name: details[name] for name in names if type(details.get(name)) is kind}
