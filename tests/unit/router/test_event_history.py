"""Event history: past events, for those who subscribe to their topics."""

import itertools
from typing import Any

import pytest

from tests.support.links import Client, subscribe
from wampapp.config.access import Permission, RealmConfig, Role, RouterConfig
from wampapp.config.limits import Limits
from wampapp.protocol.messages import CALL, ERROR, PUBLISH, PUBLISHED, RESULT
from wampapp.router.event_history import MAX_SIZE
from wampapp.router.history_query import MAX_EVENTS
from wampapp.router.router import Router

GET = "wamp.subscription.get_events"


@pytest.fixture
def router() -> Router:
    seconds = itertools.count(1_000_000_000)
    return Router("test", now=lambda: next(seconds), limits=Limits(history_events=5))


@pytest.fixture
def publisher(router: Router) -> Client:
    return Client(router)


@pytest.fixture
def late(router: Router, publisher: Client) -> Client:
    return Client(router)


def past(client: Client, *args: Any, **kwargs: Any) -> list[dict[str, Any]]:
    """Return the events that a client is given."""
    answer = client.ask(CALL, {}, GET, list(args), kwargs)
    assert answer[0] == RESULT, answer
    events: list[dict[str, Any]] = answer[3][0]
    return events


def test_they_come_in_their_order_also_from_before_the_subscription(
    publisher: Client, late: Client
) -> None:
    ids = []
    for payload in ([], [["a", b"\0"]], [[], {"k": "v"}]):
        answer = publisher.ask(PUBLISH, {"acknowledge": True}, "com.a", *payload)
        assert answer[0] == PUBLISHED
        ids.append(answer[2])
    number = subscribe(late, "com.a")
    events = past(late, number)
    assert [event["publication"] for event in events] == ids
    assert [(event["args"], event["kwargs"]) for event in events] == [
        ([], {}),
        (["a", b"\0"], {}),
        ([], {"k": "v"}),
    ]
    times = [event["timestamp"] for event in events]
    assert times == sorted(times)
    assert times[0].startswith("2001-09-09T01:46:")
    assert events[0].keys() == {
        "timestamp",
        "subscription",
        "publication",
        "topic",
        "details",
        "args",
        "kwargs",
    }


@pytest.mark.parametrize(
    ("match", "uri", "topics"),
    [
        ("exact", "com.a.x", ["com.a.x"]),
        ("prefix", "com.a", ["com.a.x", "com.a.y"]),
        ("wildcard", "com..x", ["com.a.x", "com.b.x"]),
    ],
)
def test_they_are_those_of_the_subscription(
    match: str, uri: str, topics: list[str], publisher: Client, late: Client
) -> None:
    for topic in ("com.a.x", "com.b.x", "com.a.y"):
        publisher.say(PUBLISH, 1, {}, topic)
    number = subscribe(late, uri, match=match)
    events = past(late, number)
    assert [event["topic"] for event in events] == topics
    assert {event["subscription"] for event in events} == {number}


def test_as_many_are_returned_as_are_asked_for(publisher: Client, late: Client) -> None:
    for number in range(4):
        publisher.say(PUBLISH, 1, {}, "com.a", [number])
    subscription = subscribe(late, "com.a")
    assert [event["args"] for event in past(late, subscription, limit=2)] == [[0], [1]]
    newest = past(late, subscription, limit=2, reverse=True)
    # As in Crossbar.io, where the limit stands second.
    assert past(late, subscription, 2) == newest
    assert [event["args"] for event in newest] == [[3], [2]]
    assert len(past(late, float(subscription), 2.0)) == 2


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        (("from", 1), [1, 2, 3]),
        (("after", 1), [2, 3]),
        (("before", 2), [0, 1]),
        (("until", 2), [0, 1, 2]),
        (("after", 0, "before", 3), [1, 2]),
        (("from", 2, "until", 2), [2]),
        (("after", 2, "before", 1), []),
    ],
)
@pytest.mark.parametrize("kind", ["time", "publication"])
def test_they_are_bounded_by_time_or_by_other_events(
    kind: str, bounds: tuple[Any, ...], expected: list[int], publisher: Client, late: Client
) -> None:
    for number in range(4):
        publisher.say(PUBLISH, 1, {}, "com.a", [number])
    subscription = subscribe(late, "com.a")
    told = past(late, subscription)
    key = "timestamp" if kind == "time" else kind
    words = zip(bounds[::2], bounds[1::2], strict=True)
    filters = {f"{word}_{kind}": told[place][key] for word, place in words}
    assert [event["args"][0] for event in past(late, subscription, **filters)] == expected
    newest_first = past(late, subscription, reverse=True, **filters)
    assert [event["args"][0] for event in newest_first] == expected[::-1]


def test_a_time_has_an_offset_and_any_precision(publisher: Client, late: Client) -> None:
    publisher.say(PUBLISH, 1, {}, "com.a", [0])
    subscription = subscribe(late, "com.a")
    for time in ("2001-09-09T01:46:40Z", "2001-09-09T03:46:39.999999+02:00", "2001-09-09T00:00Z"):
        assert past(late, subscription, from_time=time), time
    assert not past(late, subscription, before_time="2001-09-09T03:46:40+02:00")


def test_a_time_that_was_told_bounds_its_own_event(publisher: Client) -> None:
    times = iter([0, 0, *(1_000_000_000.0019 + n / 1000 for n in range(3))])
    router = Router("test", now=lambda: next(times, 0), limits=Limits(history_events=5))
    client = Client(router)
    subscription = subscribe(client, "com.a")
    for number in range(3):
        client.say(PUBLISH, 1, {}, "com.a", [number])
    told = past(client, subscription)[0]["timestamp"]
    later = past(client, subscription, after_time=told)
    assert [event["args"] for event in later] == [[1], [2]]


def test_they_are_of_one_topic_only(publisher: Client, late: Client) -> None:
    for topic in ("com.a.x", "com.a.y", "com.a.x"):
        publisher.say(PUBLISH, 1, {}, topic)
    subscription = subscribe(late, "com.a", match="prefix")
    assert len(past(late, subscription, topic="com.a.x")) == 2
    assert past(late, subscription, topic="com.b") == []


def test_an_event_that_is_not_there_bounds_nothing(publisher: Client, late: Client) -> None:
    """Not even one that exists, of a topic that the subscription does not have."""
    publisher.say(PUBLISH, 1, {}, "com.a", [0])
    other = publisher.ask(PUBLISH, {"acknowledge": True}, "com.other")[2]
    subscription = subscribe(late, "com.a")
    answer = late.ask(CALL, {}, GET, [subscription], {"after_publication": other})
    assert (answer[0], answer[4]) == (ERROR, "wamp.error.invalid_argument")
    assert str(other) in answer[5][0]


def test_only_a_subscriber_is_answered(publisher: Client, late: Client) -> None:
    number = subscribe(late, "com.a")
    for client, asked in ((publisher, number), (late, number + 1)):
        answer = client.ask(CALL, {}, GET, [asked])
        assert (answer[0], answer[4]) == (ERROR, "wamp.error.no_such_subscription")


def test_only_the_audience_is_given_an_event(
    router: Router, publisher: Client, late: Client
) -> None:
    publisher.say(PUBLISH, 1, {"exclude_authid": [late.details["authid"]]}, "com.a", [1])
    publisher.say(PUBLISH, 2, {"eligible_authrole": ["admin"]}, "com.a", [2])
    publisher.say(PUBLISH, 3, {}, "com.a", [3])
    # Whose session ids these will be is not known, so it is not kept.
    publisher.say(PUBLISH, 4, {"exclude": [12345]}, "com.a", [4])
    publisher.say(PUBLISH, 5, {"eligible": [late.id]}, "com.a", [5])
    number = subscribe(late, "com.a")
    assert [event["args"] for event in past(late, number, 1)] == [[3]]
    assert [event["args"] for event in past(late, number)] == [[3]]
    other = Client(router)
    subscribe(other, "com.a")
    assert [event["args"] for event in past(other, number)] == [[1], [3]]


def test_the_publisher_is_named_where_it_is_disclosed(publisher: Client, late: Client) -> None:
    publisher.say(PUBLISH, 1, {}, "com.a")
    publisher.say(PUBLISH, 2, {"disclose_me": True, "transaction_hash": "t"}, "com.a")
    number = subscribe(late, "com.a")
    first, last = (event["details"] for event in past(late, number))
    assert (last["publisher"], last["transaction_hash"]) == (publisher.id, "t")
    assert first == {}
    subscribe(publisher, "com.a", x_disclose=True)
    assert [event["details"]["publisher"] for event in past(publisher, number)] == [
        publisher.id
    ] * 2


def test_an_event_is_kept_also_if_it_is_retained_and_was_heard(
    publisher: Client, late: Client
) -> None:
    number = subscribe(late, "com.a")
    publisher.say(PUBLISH, 1, {"retain": True}, "com.a", [1])
    assert late.heard()[4:] == [[1]]
    subscribe(late, "com.a", get_retained=True)
    assert late.heard()[4:] == [[1]]
    assert [event["args"] for event in past(late, number)] == [[1]]


def test_what_is_refused_is_not_kept(publisher: Client, late: Client) -> None:
    publisher.say(PUBLISH, 1, {"exclude": 1}, "com.a")
    assert past(late, subscribe(late, "com.a")) == []


def test_so_many_are_kept(publisher: Client, late: Client) -> None:
    for number in range(7):
        publisher.say(PUBLISH, 1, {}, "com.a", [number])
    events = past(late, subscribe(late, "com.a"))
    assert [event["args"] for event in events] == [[2], [3], [4], [5], [6]]


def test_so_many_bytes_are_kept() -> None:
    router = Router("test", limits=Limits(history_events=100, history_size=1000))
    client = Client(router)
    number = subscribe(client, "com.a")
    for _ in range(5):
        client.say(PUBLISH, 1, {}, "com.a", [b"x" * 300])
    assert len(past(client, number)) == 3
    client.say(PUBLISH, 1, {}, "com.a", [b"x" * 1000])
    assert past(client, number) == []


def test_an_answer_has_about_so_many_bytes(publisher: Client) -> None:
    number = subscribe(publisher, "com.a")
    for _ in range(4):
        publisher.say(PUBLISH, 1, {}, "com.a", [b"x" * (MAX_SIZE // 2)])
    assert len(past(publisher, number)) == 2


@pytest.mark.parametrize(
    "payload",
    [
        [],
        [["1"]],
        [[True]],
        [[1, 0]],
        [[1, MAX_EVENTS + 1]],
        [[1, None]],
        [[1, 1, 1]],
        [[1, 1], {"limit": 1}],
        [[1], {"limit": "1"}],
        [[1], {"limit": 0}],
        [[1], {"reverse": 1}],
        [[1], {"topic": 1}],
        [[1], {"from_time": 1}],
        [[1], {"from_time": "2001-09-09T01:46:40"}],
        [[1], {"until_time": "yesterday"}],
        [[1], {"after_publication": "1"}],
        [[1], {"since": 1}],
        [[1], {"subscription": 1}],
    ],
)
def test_a_mistake_is_an_error(payload: list[Any], late: Client) -> None:
    answer = late.ask(CALL, {}, GET, *payload)
    assert (answer[0], answer[4]) == (ERROR, "wamp.error.invalid_argument")
    assert answer[5][0].startswith("The arguments do not fit: ")


def test_it_is_announced_only_where_there_is_one(router: Router, late: Client) -> None:
    assert late.details["roles"]["broker"]["features"]["event_history"] is True
    plain = Client(Router("test"))
    assert "event_history" not in plain.details["roles"]["broker"]["features"]
    assert plain.ask(CALL, {}, GET, [1])[4] == "wamp.error.no_such_procedure"


def test_a_role_needs_the_permission() -> None:
    heard = Permission("com.", match="prefix", allow=["publish", "subscribe"])
    roles = [Role("plain", [heard]), Role("able", [heard, Permission(GET, allow=["call"])])]
    configs = [
        RealmConfig(name, roles, anonymous=role) for name, role in (("a", "plain"), ("b", "able"))
    ]
    router = Router("test", config=RouterConfig(configs), limits=Limits(history_events=5))
    for realm, count in (("a", None), ("b", 1)):
        client = Client(router, realm=realm)
        client.say(PUBLISH, 1, {}, "com.a")
        number = subscribe(client, "com.a")
        if count is None:
            answer = client.ask(CALL, {}, GET, [number])
            assert (answer[0], answer[4]) == (ERROR, "wamp.error.not_authorized")
        else:
            assert len(past(client, number)) == count
