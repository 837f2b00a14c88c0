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
        timeout: seconds after which a call is cancelled; None for no limit, or for the limit of a
            blocking client.
        disclose_me: whether the callee learns who calls.
        idempotent: whether carrying out a call twice does no harm. If so, a call whose answer was
            lost with the link is sent again, up to three times in all.
    """

    timeout: float | None
    disclose_me: bool
    idempotent: bool


class PublishOptions(TypedDict, total=False):
    """How a :class:`Topic` publishes ("Publish and Subscribe", advanced profile).

    Attributes:
        acknowledge: whether to wait until the router has taken the event.
        exclude_me: False delivers the event to the publisher too, if it is subscribed.
        exclude: ids of the sessions that do not get the event.
        exclude_authid: authids that do not get it.
        exclude_authrole: roles that do not get it.
        eligible: ids of the sessions that may get it; no others do.
        eligible_authid: authids that may get it; no others do.
        eligible_authrole: roles that may get it; no others do.
        retain: whether the router keeps the event for late subscribers.
        disclose_me: whether subscribers learn who publishes.
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
