"""The records of an app, and the registry that holds them."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.names import shown
from wampapp.errors import AppStarted, DuplicateUri
from wampapp.registry.records import Registration, Source, Subscription, name_of
from wampapp.registry.registry import Registry


def one() -> None: ...


def two() -> None: ...


class Thing:
    def method(self) -> None: ...

    def __call__(self) -> None: ...

    def __repr__(self) -> str:
        return "<Thing>"


def test_records_are_kept_in_the_order_of_their_declaration() -> None:
    registry = Registry()
    procedures = [Registration(f"com.x.{name}", one) for name in "cab"]
    topics = [Subscription(f"com.x.{name}", one) for name in "zxy"]
    for record in procedures:
        registry.add_registration(record)
    for topic in topics:
        registry.add_subscription(topic)
    assert registry.registrations == tuple(procedures)
    assert registry.subscriptions == tuple(topics)


def test_an_empty_registry_lists_nothing() -> None:
    assert (Registry().registrations, Registry().subscriptions) == ((), ())


def test_a_procedure_is_registered_once_and_the_sentence_names_the_first() -> None:
    registry = Registry()
    registry.add_registration(Registration("com.x.add", one, source=Source("/app.py", 12)))
    with pytest.raises(DuplicateUri) as caught:
        registry.add_registration(Registration("com.x.add", two))
    assert str(caught.value) == (
        "The procedure 'com.x.add' is registered already, by one (/app.py:12); give one of them "
        "another URI, with @app.register('another.uri')."
    )
    assert [record.endpoint for record in registry.registrations] == [one]


def test_the_same_function_is_not_registered_twice_under_one_uri() -> None:
    registry = Registry()
    registry.add_registration(Registration("com.x.add", one))
    with pytest.raises(DuplicateUri):
        registry.add_registration(Registration("com.x.add", one))


def test_one_function_may_serve_several_procedures() -> None:
    registry = Registry()
    registry.add_registration(Registration("com.x.a", one))
    registry.add_registration(Registration("com.x.b", one))
    assert [record.uri for record in registry.registrations] == ["com.x.a", "com.x.b"]


def test_a_topic_may_have_several_handlers_but_each_once() -> None:
    registry = Registry()
    registry.add_subscription(Subscription("com.x.topic", one))
    registry.add_subscription(Subscription("com.x.topic", two))
    with pytest.raises(DuplicateUri, match="one is subscribed to 'com.x.topic' already"):
        registry.add_subscription(Subscription("com.x.topic", one))
    assert [record.handler for record in registry.subscriptions] == [one, two]


def test_the_same_method_of_two_objects_is_two_handlers() -> None:
    registry = Registry()
    first, second = Thing(), Thing()
    registry.add_subscription(Subscription("com.x.topic", first.method))
    registry.add_subscription(Subscription("com.x.topic", second.method))
    with pytest.raises(DuplicateUri):
        registry.add_subscription(Subscription("com.x.topic", first.method))


def test_a_procedure_and_a_topic_may_have_one_uri() -> None:
    registry = Registry()
    registry.add_registration(Registration("com.x.same", one))
    registry.add_subscription(Subscription("com.x.same", one))
    assert len(registry.registrations) == len(registry.subscriptions) == 1


@pytest.mark.parametrize(
    ("add", "instead"),
    [
        (lambda registry: registry.add_registration(Registration("com.x.late", one)), "register"),
        (lambda registry: registry.add_subscription(Subscription("com.x.late", one)), "subscribe"),
    ],
    ids=["registration", "subscription"],
)
def test_a_frozen_registry_takes_nothing_more(
    add: Callable[[Registry], None], instead: str
) -> None:
    registry = Registry()
    registry.freeze()
    registry.freeze()
    with pytest.raises(AppStarted) as caught:
        add(registry)
    assert str(caught.value) == (
        "The app was started already, so 'com.x.late' would never be announced; declare it at "
        f"module level, before app.run() or app.start(), or use app.{instead}_now()."
    )
    assert (registry.registrations, registry.subscriptions) == ((), ())


def test_what_is_listed_cannot_change_the_registry() -> None:
    registry = Registry()
    registry.add_registration(Registration("com.x.add", one))
    assert isinstance(registry.registrations, tuple)
    assert isinstance(registry.subscriptions, tuple)


@pytest.mark.parametrize(
    "record",
    [Registration("com.x", one), Subscription("com.x", one), Source("a.py", 1)],
    ids=lambda record: type(record).__name__,
)
def test_a_record_is_frozen(record: Any) -> None:
    name = dataclasses.fields(record)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(record, name, "other")


def test_records_are_equal_wherever_they_were_declared() -> None:
    assert Registration("com.x", one, source=Source("a.py", 1)) == Registration("com.x", one)
    assert Registration("com.x", one) != Registration("com.x", one, "loop")


def test_a_source_is_written_as_an_editor_opens_it() -> None:
    assert str(Source("/srv/app.py", 12)) == "/srv/app.py:12"


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (one, "one"),
        (Thing.method, "Thing.method"),
        (Thing().method, "Thing.method"),
        (Thing(), "<Thing>"),
        (len, "len"),
    ],
    ids=shown,
)
def test_a_function_is_called_what_its_author_calls_it(function: object, name: str) -> None:
    assert name_of(function) == name


def test_a_partial_is_named_after_its_function() -> None:
    assert "one" in name_of(functools.partial(one))
