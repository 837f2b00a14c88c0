"""Autobahn's option objects at our own declarations and verbs."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from autobahn.wamp.types import CallOptions, PublishOptions, RegisterOptions, SubscribeOptions

from wampapp.errors import InvalidArgument, InvalidHandler, UsageError
from wampapp.registry import autobahn_options
from wampapp.registry.blueprint import Blueprint
from wampapp.registry.context import Invocation
from wampapp.registry.endpoint import Endpoint, endpoint_for


def registered(function: Callable[..., Any], **options: Any) -> Endpoint:
    return endpoint_for(Blueprint().add_registration(function, "com.a", **options))


def handler(a: int, details: Any = None) -> int:
    return a


@pytest.mark.parametrize(
    ("theirs", "beside", "expected"),
    [
        ({}, {}, {}),
        ({"match": "prefix", "invoke": "last"}, {}, {"match": "prefix", "invoke": "last"}),
        ({"match": "prefix"}, {"match": "wildcard"}, {"match": "wildcard"}),
        ({"invoke": "last"}, {"invoke": "first"}, {"invoke": "first"}),
        ({"force_reregister": True}, {"force_reregister": False}, {}),
        ({"concurrency": 3}, {"timeout": 5}, {"concurrency": 3}),
        ({"concurrency": 3}, {"concurrency": 5}, {}),
        ({"details": True}, {}, {"x_disclose": True}),
    ],
)
def test_what_stands_beside_the_object_counts_more(
    theirs: dict[str, Any], beside: dict[str, Any], expected: dict[str, Any]
) -> None:
    made = registered(handler, options=RegisterOptions(**theirs), **beside)
    assert made.options == expected
    assert made.timeout == beside.get("timeout")
    most = beside.get("concurrency", theirs.get("concurrency"))
    assert (made.limit.most if made.limit else None) == most


def test_a_handler_of_ours_stays_one_of_ours() -> None:
    made = registered(handler, options=RegisterOptions(details=True))
    assert made.kind == "thread"
    with pytest.raises(InvalidArgument, match="expected int, got str"):
        made.binding.bind(["5"], {}, {"details": "D"})
    args, kwargs = made.binding.bind([5], {}, {"details": "D"})
    assert (list(args), kwargs) == ([5, "D"], {})


def test_a_capture_of_ours_is_converted_by_its_annotation() -> None:
    def item(number: int, details: Any) -> None:
        pass

    blueprint = Blueprint()
    options = RegisterOptions(details=True)
    made = endpoint_for(blueprint.add_registration(item, "com.<number>.get", options=options))
    args, kwargs = made.binding.bind([], {}, {"number": "7", "details": "D"})
    assert (list(args), kwargs) == ([7, "D"], {})


def test_no_object_is_no_object() -> None:
    assert registered(handler, options=None).options == {}


def test_a_decorator_takes_them() -> None:
    blueprint = Blueprint("com.example")

    @blueprint.register(options=RegisterOptions(invoke="random"))
    def a() -> None:
        pass

    @blueprint.subscribe(".news.", SubscribeOptions(match="prefix", get_retained=True))
    def b() -> None:
        pass

    [first] = blueprint.registry.registrations
    [second] = blueprint.registry.subscriptions
    assert (first.uri, first.invoke) == ("com.example.a", "random")
    assert (second.uri, second.get_retained) == ("com.example.news.", True)
    assert second.concurrency is None  # in order, as any of ours


def test_a_blueprint_s_options_move_with_it() -> None:
    inner, outer = Blueprint("com.inner"), Blueprint("com.outer")
    inner.register(".x.", options=RegisterOptions(match="prefix", details_arg="info"))(
        lambda info: None
    )
    outer.include(inner, prefix=".moved")
    [record] = outer.registry.registrations
    made = endpoint_for(record)
    assert (made.uri, made.binding.context) == ("com.outer.moved.x.", "info")


def wrong(theirs: str, verb: str, wanted: str) -> str:
    return f"A {theirs} of Autobahn's goes with {verb}; here it can be a {wanted}."


@pytest.mark.parametrize(
    ("verb", "options", "sentence"),
    [
        ("register", SubscribeOptions(), wrong("SubscribeOptions", "subscribe", "RegisterOptions")),
        ("register", CallOptions(), wrong("CallOptions", "call", "RegisterOptions")),
        ("subscribe", RegisterOptions(), wrong("RegisterOptions", "register", "SubscribeOptions")),
        ("register", {"a": 1}, "options is {'a': 1}; it can be Autobahn's RegisterOptions."),
        ("subscribe", 5, "options is 5; it can be Autobahn's SubscribeOptions."),
    ],
    ids=str,
)
def test_an_object_in_the_wrong_place(verb: str, options: Any, sentence: str) -> None:
    with pytest.raises(InvalidHandler, match=f"^{re.escape(sentence)}$"):
        getattr(Blueprint(), verb)("com.a", options)(handler)
    with pytest.raises(InvalidHandler, match=f"^{re.escape(sentence)}$"):
        getattr(Blueprint(), verb)("com.a", options=options)(handler)


def test_a_handler_without_the_parameter_for_its_details() -> None:
    with pytest.raises(InvalidHandler, match="has no parameter 'details'"):
        registered(lambda a: a, options=RegisterOptions(details=True))


def asks_before(call: Invocation, details: Any) -> None:
    """A handler that wants both."""


def asks_after(details: Any, call: Invocation) -> None:
    """The other way round."""


def asks_by_name(call: Invocation, **kwargs: Any) -> None:
    """It takes any name."""


@pytest.mark.parametrize("function", [asks_before, asks_after, asks_by_name])
def test_a_handler_has_one_context(function: Callable[..., Any]) -> None:
    with pytest.raises(InvalidHandler, match="asks twice for its context; once is enough"):
        registered(function, options=RegisterOptions(details=True))


# The options of verbs.


@pytest.mark.parametrize("value", [{"a": 1}, None, 5, "x", [CallOptions()]])
def test_any_other_argument_of_that_name_stays(value: Any) -> None:
    kwargs = {"options": value, "a": 1}
    assert autobahn_options.taken(kwargs, "CallOptions") is None
    assert kwargs == {"options": value, "a": 1}


def test_an_object_is_taken_out_of_the_arguments() -> None:
    options = CallOptions(timeout=5)
    kwargs = {"options": options, "a": 1}
    assert autobahn_options.taken(kwargs, "CallOptions") is options
    assert kwargs == {"a": 1}


def test_the_object_of_another_verb_is_refused() -> None:
    with pytest.raises(UsageError, match=r"A PublishOptions .* goes with publish; here .* Call"):
        autobahn_options.taken({"options": PublishOptions()}, "CallOptions")


def test_what_a_call_sends() -> None:
    peer = {"session": 1, "authid": "a", "authrole": "b"}
    options = CallOptions(timeout=5, on_progress=print, transaction_hash="x", forward_for=[peer],
                          correlation_id="c", details=True)  # fmt: skip
    sent = {"transaction_hash": "x", "forward_for": [peer]}
    assert autobahn_options.sent_with_call(options) == sent
    assert autobahn_options.call_timeout(options) == {"timeout": 5}
    assert autobahn_options.call_timeout(CallOptions()) == {}


def test_what_an_event_sends() -> None:
    options = PublishOptions(acknowledge=True, exclude_me=False, exclude=5, eligible_authrole=["a"],
                             retain=True, correlation_id="c")  # fmt: skip
    assert autobahn_options.sent_with_event(options) == {
        "acknowledge": True, "exclude_me": False, "exclude": [5], "eligible_authrole": ["a"],
        "retain": True,
    }  # fmt: skip
