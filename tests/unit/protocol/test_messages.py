"""The shapes of WAMP messages."""

import math
from typing import Any

import pytest

from wampapp.errors import ProtocolViolation
from wampapp.protocol import messages
from wampapp.protocol.messages import MalformedMessage, check, payload_of

# One message of each type, without a payload, as the specification writes it.
HEADS: dict[str, list[Any]] = {
    "HELLO": [1, "realm1", {"roles": {}}],
    "WELCOME": [2, 9129137332, {}],
    "ABORT": [3, {}, "wamp.error.no_such_realm"],
    "CHALLENGE": [4, "wampcra", {}],
    "AUTHENTICATE": [5, "signature", {}],
    "GOODBYE": [6, {}, "wamp.close.normal"],
    "ERROR": [8, 48, 7814135, {}, "com.myapp.error"],
    "PUBLISH": [16, 239714735, {}, "com.myapp.topic"],
    "PUBLISHED": [17, 239714735, 4429313566],
    "SUBSCRIBE": [32, 713845233, {}, "com.myapp.topic"],
    "SUBSCRIBED": [33, 713845233, 5512315355],
    "UNSUBSCRIBE": [34, 85346237, 5512315355],
    "UNSUBSCRIBED": [35, 85346237],
    "EVENT": [36, 5512315355, 4429313566, {}],
    "CALL": [48, 7814135, {}, "com.myapp.procedure"],
    "CANCEL": [49, 7814135, {}],
    "RESULT": [50, 7814135, {}],
    "REGISTER": [64, 25349185, {}, "com.myapp.procedure"],
    "REGISTERED": [65, 25349185, 2103333224],
    "UNREGISTER": [66, 788923562, 2103333224],
    "UNREGISTERED": [67, 788923562],
    "INVOCATION": [68, 6131533, 9823526, {}],
    "INTERRUPT": [69, 6131533, {}],
    "YIELD": [70, 6131533, {}],
}
CARRIES_PAYLOAD = {"ERROR", "PUBLISH", "EVENT", "CALL", "RESULT", "INVOCATION", "YIELD"}
PAYLOADS = [[[]], [[1, "a", None]], [[], {}], [[1], {"k": [2]}]]

WRONG: dict[type, list[Any]] = {
    int: ["1", 1.5, math.inf, None, True, [], {}],
    str: [1, b"text", None, [], {}],
    dict: [[], None, "{}", 1],
}


def breakages() -> list[tuple[str, list[Any]]]:
    """Every message with one element of a wrong type, one too few, or one too many."""
    found = []
    for name, head in HEADS.items():
        for index, element in enumerate(head[1:], 1):
            found += [
                (name, [*head[:index], wrong, *head[index + 1 :]]) for wrong in WRONG[type(element)]
            ]
        if name not in ("UNREGISTERED", "UNSUBSCRIBED"):
            found.append((name, head[:-1]))
        if name in CARRIES_PAYLOAD:
            found += [(name, [*head, wrong]) for wrong in ({}, "text", 1, b"", (1,))]
            found += [(name, [*head, [], wrong]) for wrong in ([], "text", 1)]
            found.append((name, [*head, [], {}, []]))
            found.append((name, [*head, None, None, None]))
        else:
            found.append((name, [*head, 1]))
    return found


def test_every_code_has_a_specimen_here() -> None:
    codes = {
        name: code
        for name, code in vars(messages).items()
        if name.isupper() and name[0] != "_" and type(code) is int and name != "MAX_ID"
    }
    assert codes == {name: head[0] for name, head in HEADS.items()}


@pytest.mark.parametrize("name", HEADS)
def test_a_right_message_is_given_back(name: str) -> None:
    message = list(HEADS[name])
    assert check(message) is message


@pytest.mark.parametrize("payload", PAYLOADS, ids=repr)
@pytest.mark.parametrize("name", sorted(CARRIES_PAYLOAD))
def test_a_message_may_carry_a_payload(name: str, payload: list[Any]) -> None:
    message = [*HEADS[name], *payload]
    assert check(message) is message


@pytest.mark.parametrize(
    ("nulls", "amended"),
    [
        ([None], [[]]),
        ([None, None], [[], {}]),
        ([None, {"k": 1}], [[], {"k": 1}]),
        ([[1], None], [[1], {}]),
    ],
    ids=repr,
)
@pytest.mark.parametrize("name", sorted({*CARRIES_PAYLOAD, "ABORT", "GOODBYE"}))
def test_null_for_arguments_is_none_of_them(
    name: str, nulls: list[Any], amended: list[Any]
) -> None:
    assert check([*HEADS[name], *nulls]) == [*HEADS[name], *amended]


@pytest.mark.parametrize("name", [name for name, head in HEADS.items() if type(head[1]) is int])
def test_a_whole_number_written_as_a_float_is_an_id(name: str) -> None:
    head = HEADS[name]
    places = range(1, 3 if len(head) > 2 and type(head[2]) is int else 2)
    message = [float(part) if place in places else part for place, part in enumerate(head)]
    amended = check(message)
    assert amended == head
    assert [type(part) for part in amended] == [type(part) for part in head]


@pytest.mark.parametrize(
    ("message", "head", "options"),
    [
        ([48, 7, {"k": 1}, "com.x", "encrypted"], [48, 7], {"k": 1}),
        ([48, 7, {}], [48, 7], {}),
        ([48, 7, None, "com.x"], [48, 7], {}),
        ([68, 7.0, 9, {}, [], {1: 2}], [68, 7, 9], {}),
        ([36, 7, 2**60, {}], [36, 7], {}),
        ([8, 48, 7, {}, "com.x", 1], [8, 48, 7], {}),
        ([65, 7, "9"], [65, 7], {}),
    ],
)
def test_a_wrong_message_whose_id_is_right_says_which_it_is(
    message: list[Any], head: list[int], options: dict[str, Any]
) -> None:
    with pytest.raises(MalformedMessage) as caught:
        check(message)
    assert (caught.value.head, caught.value.options) == (head, options)


@pytest.mark.parametrize("message", [[48, "7", {}, "com.x"], [48, 2**60, {}, "com.x"], [48], [99]])
def test_a_wrong_message_without_an_id_is_a_mere_violation(message: list[Any]) -> None:
    with pytest.raises(ProtocolViolation) as caught:
        check(message)
    assert type(caught.value) is ProtocolViolation


@pytest.mark.parametrize("name", ["UNSUBSCRIBED", "UNREGISTERED"])
def test_a_revocation_by_the_router_carries_details(name: str) -> None:
    message = [HEADS[name][0], 0, {"reason": "wamp.error.x"}]
    assert check(message) is message


@pytest.mark.parametrize(
    ("name", "message"), breakages(), ids=lambda value: repr(value) if type(value) is list else ""
)
def test_a_message_with_wrong_elements_is_a_violation(name: str, message: list[Any]) -> None:
    with pytest.raises(ProtocolViolation) as caught:
        check(message)
    assert caught.value.message == f"The {name} message has the wrong elements."


@pytest.mark.parametrize(
    "value",
    [None, 1, "CALL", b"", {}, {48: 1}, (48, 1, {}, "com.x"), [], True, 1.5],
    ids=repr,
)
def test_what_is_no_list_is_no_message(value: Any) -> None:
    with pytest.raises(ProtocolViolation, match="must be a list"):
        check(value)


@pytest.mark.parametrize(
    "code",
    [0, 7, 37, 71, 337, -1, 2**31, 2**200, "48", 48.0, None, True, [], {}, [48]],
    ids=repr,
)
def test_an_unknown_code_is_a_violation(code: Any) -> None:
    with pytest.raises(ProtocolViolation, match="There is no WAMP message with the code"):
        check([code, 1, {}, "com.x"])


def test_a_code_with_more_digits_than_python_writes_is_a_violation() -> None:
    with pytest.raises(ProtocolViolation):
        check([10**5000])


def test_a_code_that_is_a_deep_list_is_a_violation() -> None:
    code: list[Any] = []
    for _ in range(100_000):
        code = [code]
    with pytest.raises(ProtocolViolation):
        check([code])


@pytest.mark.parametrize("key", [1, b"name"], ids=repr)
@pytest.mark.parametrize("name", sorted(CARRIES_PAYLOAD))
def test_a_keyword_that_is_no_string_is_a_violation(name: str, key: Any) -> None:
    with pytest.raises(ProtocolViolation):
        check([*HEADS[name], [], {key: 1}])


@pytest.mark.parametrize(
    ("message", "payload"),
    [
        ([50, 1, {}], ([], {})),
        ([50, 1, {}, [1, 2]], ([1, 2], {})),
        ([50, 1, {}, [1], {"k": 2}], ([1], {"k": 2})),
        ([50, 1, {}, [], {"k": 2}], ([], {"k": 2})),
    ],
)
def test_a_payload_is_split_off(message: list[Any], payload: tuple[Any, Any]) -> None:
    assert payload_of(message, 3) == payload


def test_a_missing_payload_is_new_each_time() -> None:
    args, kwargs = payload_of([50, 1, {}], 3)
    args.append(1)
    kwargs["k"] = 2
    assert payload_of([50, 1, {}], 3) == ([], {})
