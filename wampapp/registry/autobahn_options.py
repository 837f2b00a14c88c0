"""Autobahn's option objects, read as what our own options say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import UsageError
from wampapp.registry.autobahn_classes import is_a
from wampapp.registry.records import AutobahnOptions

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

#: The verbs that Autobahn's option classes belong to.
_VERBS: Final = {
    "RegisterOptions": "register",
    "SubscribeOptions": "subscribe",
    "CallOptions": "call",
    "PublishOptions": "publish",
}
#: What our own fields send, or do not.
_DECLARED: Final = frozenset({"match", "invoke", "force_reregister", "get_retained"})
#: What a handle does itself: Autobahn gives the timeout in seconds, and the wire has milliseconds.
_CALLED: Final = frozenset({"timeout", "receive_progress"})
_NOTHING: Final[dict[str, Any]] = {}


def check(options: object, name: str) -> None:
    """Check that an object is of the class of Autobahn's that belongs where it stands.

    Args:
        options: the object.
        name: the class's name.

    Raises:
        UsageError: it is not.
    """
    if is_a(options, name):
        return
    theirs = next((other for other in _VERBS if is_a(options, other)), None)
    if theirs is None:
        raise UsageError(f"options is {options!r}; it can be Autobahn's {name}.")
    raise UsageError(
        f"A {theirs} of Autobahn's goes with {_VERBS[theirs]}; here it can be a {name}."
    )


def taken(kwargs: dict[str, Any], name: str) -> Any:
    """Take Autobahn's object out of the keyword arguments of a verb, as Autobahn does.

    Args:
        kwargs: the keyword arguments, with ``options`` among them.
        name: the class that belongs there.

    Returns:
        The object; None where ``options`` is an argument like any other.

    Raises:
        UsageError: it is an object of another of Autobahn's classes.
    """
    options = kwargs["options"]
    if not any(is_a(options, theirs) for theirs in _VERBS):
        return None
    check(options, name)
    del kwargs["options"]
    return options


def declared_fields(options: Any, beside: Mapping[str, Any] = _NOTHING) -> dict[str, Any]:
    """Return the fields of a record that a ``RegisterOptions`` or ``SubscribeOptions`` stands for.

    Args:
        options: the object. What only Autobahn's routers read, such as ``correlation_id``, is
            left out.
        beside: the fields that stand beside it, which count more.

    Returns:
        The fields that both set, with ``match`` and ``autobahn`` among them.
    """
    names = ("match", "invoke", "concurrency", "force_reregister", "get_retained")
    values = ((name, getattr(options, name, None)) for name in names)
    fields = {name: value for name, value in values if value is not None}
    if fields.get("match") == "exact":
        del fields["match"]
    # With the limit of calls, which the router keeps; we do as well, for one that does not know it.
    sent = _without(options.message_attr(), _DECLARED | beside.keys())
    fields["autobahn"] = AutobahnOptions(details=options.details_arg, sent=sent)
    return {**fields, **beside}


def call_timeout(options: Any) -> dict[str, Any]:
    """Return the option of a handle that a ``CallOptions`` stands for: its timeout, if it has one.

    Raises:
        UsageError: it is not a ``CallOptions``.
    """
    if options is None:
        return {}
    check(options, "CallOptions")
    return {} if options.timeout is None else {"timeout": options.timeout}


def sent_with_call(options: Any) -> dict[str, Any]:
    """Return the further options of CALL in a ``CallOptions``."""
    return _without(options.message_attr(), _CALLED)


def sent_with_event(options: Any) -> dict[str, Any]:
    """Return the options of PUBLISH in a ``PublishOptions``.

    Raises:
        UsageError: it is not one.
    """
    if options is None:
        return {}
    check(options, "PublishOptions")
    return dict(options.message_attr())


def _without(sent: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in sent.items() if name not in names}
