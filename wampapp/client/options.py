"""The options of calls and of events, which handles carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from wampapp.config.records import check_seconds
from wampapp.errors import UsageError
from wampapp.registry.options import unknown_option

if TYPE_CHECKING:
    from collections.abc import Sequence


class CallOptions(TypedDict, total=False):
    """How a remote procedure is called ("Remote Procedure Calls", advanced profile).

    Attributes:
        timeout: seconds that a call may take; then it is cancelled. None for no limit, or, with a
            blocking client, for the client's.
        disclose_me: whether the callee learns who calls.
        idempotent: whether carrying a call out twice does no harm: then a call whose answer was
            lost with the link is sent again, three times in all.
    """

    timeout: float | None
    disclose_me: bool
    idempotent: bool


class PublishOptions(TypedDict, total=False):
    """How a :class:`Topic` publishes ("Publish and Subscribe", advanced profile).

    Attributes:
        acknowledge: whether to wait until the router has taken the event.
        exclude_me: False lets the publisher hear its own event.
        exclude: session ids that shall not hear it.
        exclude_authid: who shall not hear it.
        exclude_authrole: which roles shall not hear it.
        eligible: the session ids that alone may hear it.
        eligible_authid: who alone may hear it.
        eligible_authrole: which roles alone may hear it.
        retain: whether the router keeps the event for late subscribers.
        disclose_me: whether subscribers are told the publisher.
    """

    acknowledge: bool
    exclude_me: bool
    exclude: Sequence[int]
    exclude_authid: Sequence[str]
    exclude_authrole: Sequence[str]
    eligible: Sequence[int]
    eligible_authid: Sequence[str]
    eligible_authrole: Sequence[str]
    retain: bool
    disclose_me: bool


def check_call_options(options: CallOptions) -> None:
    """Check the options of a call.

    Raises:
        UsageError: an option does not exist, or the timeout is not valid.
    """
    sentence = unknown_option(options, (*CallOptions.__annotations__, "returns"))
    if sentence is not None:
        raise UsageError(sentence)
    timeout = options.get("timeout")
    if timeout is not None:
        check_seconds(timeout, "timeout")


def check_publish_options(options: PublishOptions) -> None:
    """Check the options of an event.

    Raises:
        UsageError: an option does not exist.
    """
    sentence = unknown_option(options, PublishOptions.__annotations__)
    if sentence is not None:
        raise UsageError(sentence)
