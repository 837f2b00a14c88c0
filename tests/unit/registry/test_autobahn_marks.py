"""Objects, modules and classes with Autobahn's marks, included into an app or a blueprint."""

import functools
import inspect
import re
from types import ModuleType
from typing import Any, Literal, NewType, TypedDict

import pytest
from autobahn import wamp
from autobahn.twisted.wamp import ApplicationSession
from autobahn.wamp.exception import NotAuthorized
from autobahn.wamp.types import RegisterOptions, SubscribeOptions
from autobahn.wamp.uri import Pattern
from hypothesis import assume, given
from hypothesis import strategies as st
from twisted.internet.defer import inlineCallbacks

from wampapp.errors import AppStarted, DuplicateUri, InvalidArgument, InvalidHandler, InvalidUri
from wampapp.registry.blueprint import Blueprint
from wampapp.registry.endpoint import Endpoint, endpoint_for
from wampapp.registry.records import Registration, Subscription


def included(thing: object, prefix: str | None = None, below: str | None = None) -> Blueprint:
    blueprint = Blueprint(below)
    blueprint.include(thing, prefix=prefix)
    return blueprint


def uris(blueprint: Blueprint) -> list[str]:
    return sorted(r.uri for r in (*blueprint.registry.registrations,
                                  *blueprint.registry.subscriptions))  # fmt: skip


def only(blueprint: Blueprint) -> Registration | Subscription:
    [record] = (*blueprint.registry.registrations, *blueprint.registry.subscriptions)
    return record


def endpoint(blueprint: Blueprint) -> Endpoint:
    return endpoint_for(only(blueprint))


class Backend:
    """Has marks of every kind, and what has none."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    @wamp.register("com.backend.add")
    @wamp.register("com.backend.plus")
    def add(self, a: int, b: int) -> int:
        return a + b

    @wamp.register(None)
    async def named(self) -> None:
        pass

    @wamp.register("com.backend.static_below")
    @staticmethod
    def static_below() -> str:
        return "static"

    @staticmethod
    @wamp.register("com.backend.static")
    def static() -> str:
        return "static"

    @classmethod
    @wamp.register("com.backend.of_class")
    def of_class(cls) -> str:
        return cls.__name__

    @wamp.subscribe("com.backend.news")
    def on_news(self, text: str) -> None:
        self.seen.append(text)

    @property
    def expensive(self) -> int:
        raise NotImplementedError

    @wamp.error("com.backend.broken")
    class Broken(Exception):
        pass

    def unmarked(self) -> None:
        pass


BACKEND = [
    "com.backend.add",
    "com.backend.news",
    "com.backend.of_class",
    "com.backend.plus",
    "com.backend.static",
    "com.backend.static_below",
    "named",
]


@pytest.mark.parametrize("thing", [Backend, Backend()], ids=["class", "object"])
def test_a_class_and_an_object_are_included_with_all_their_marks(thing: Any) -> None:
    blueprint = included(thing)
    assert uris(blueprint) == BACKEND
    assert blueprint.scope.defined() == {"com.backend.broken": Backend.Broken}


def test_methods_are_bound_to_the_object() -> None:
    backend = Backend()
    functions = {r.uri: r.endpoint for r in included(backend).registry.registrations}
    assert functions["com.backend.add"](2, 3) == 5
    assert functions["com.backend.static"]() == functions["com.backend.static_below"]() == "static"
    assert functions["com.backend.of_class"]() == "Backend"
    [news] = included(backend).registry.subscriptions
    news.handler("hello")
    assert backend.seen == ["hello"]


def test_a_class_is_made_once_for_all_its_methods() -> None:
    made = {r.endpoint.__self__ for r in included(Counted).registry.registrations}  # type: ignore[attr-defined]
    assert len(made) == Counted.made == 1


class Counted:
    made = 0

    def __init__(self) -> None:
        type(self).made += 1

    @wamp.register("com.counted.a")
    def a(self) -> None:
        pass

    @wamp.register("com.counted.b")
    def b(self) -> None:
        pass


def test_a_method_that_is_written_anew_without_its_mark_is_left_out() -> None:
    class Child(Counted):
        def a(self) -> None:
            pass

    assert uris(included(Child())) == ["com.counted.b"]


def a_module(**names: Any) -> ModuleType:
    module = ModuleType("shop.handlers")
    vars(module).update(names)
    return module


@wamp.error("com.shop.sold_out")
class SoldOut(Exception):
    pass


@wamp.register("com.shop.buy")
def buy() -> None:
    pass


@wamp.subscribe("com.shop.sold")
def on_sold() -> None:
    pass


def test_a_module_is_included() -> None:
    module = a_module(
        buy=buy, again=buy, on_sold=on_sold, SoldOut=SoldOut, inspect=inspect, Backend=Backend,
        wamp=wamp, NotAuthorized=NotAuthorized, text="x", RegisterOptions=RegisterOptions,
    )  # fmt: skip
    blueprint = included(module)
    assert uris(blueprint) == ["com.shop.buy", "com.shop.sold"]
    assert blueprint.scope.defined() == {"com.shop.sold_out": SoldOut}


def test_a_function_and_an_exception_are_included() -> None:
    assert uris(included(buy)) == ["com.shop.buy"]
    assert uris(included(Backend().add)) == ["com.backend.add", "com.backend.plus"]
    assert included(SoldOut).scope.defined() == {"com.shop.sold_out": SoldOut}


def test_a_blueprint_with_marks_is_included_under_another_prefix() -> None:
    inner = Blueprint("com.inner")
    inner.include(Backend, prefix=".deep")
    outer = Blueprint("com.outer")
    outer.include(inner)
    outer.include(inner, prefix=".moved")
    expected = ["com.inner.deep." + uri for uri in BACKEND]
    expected += ["com.outer.moved.deep." + uri for uri in BACKEND]
    assert uris(outer) == sorted(expected)
    assert outer.scope.defined() == {"com.backend.broken": Backend.Broken}


@pytest.mark.parametrize(
    ("uri", "prefix", "below", "expected"),
    [
        ("com.a", None, "org.app", "com.a"),
        ("a", None, "org.app", "a"),
        (".a", None, "org.app", "org.app.a"),
        (".a", None, None, "a"),
        ("com.a", "", "org.app", "com.a"),
        ("a", "com.example.", "org.app", "com.example.a"),
        ("a", "com.example", "org.app", "com.example.a"),
        (".a", "com.example", "org.app", "com.example.a"),
        ("com.a", "com.example.", None, "com.example.com.a"),
        ("a", ".", "org.app", "org.app.a"),
        ("a", ".sub", "org.app", "org.app.sub.a"),
        ("a", ".sub.", "org.app", "org.app.sub.a"),
    ],
)
def test_what_a_prefix_does(uri: str, prefix: str | None, below: str | None, expected: str) -> None:
    assert uris(included(wamp.register(uri)(lambda: None), prefix, below)) == [expected]
    assert uris(included(wamp.subscribe(uri)(lambda: None), prefix, below)) == [expected]


def test_functions_run_on_the_loop_and_get_their_arguments_as_they_come() -> None:
    @wamp.register("com.a")
    def plain(a: int) -> None:
        pass

    @wamp.register("com.b")
    @inlineCallbacks
    def callbacks() -> Any:
        yield

    @wamp.register("com.c")
    async def coroutine() -> None:
        pass

    kinds = [endpoint(included(function)).kind for function in (plain, callbacks, coroutine)]
    assert kinds == ["loop", "loop", "task"]
    assert endpoint(included(plain)).binding.bind(["5"], {}) == (["5"], {})
    with pytest.raises(InvalidArgument, match="expected at most 1 argument, got 2"):
        endpoint(included(plain)).binding.bind([1, 2], {})


def test_events_of_a_marked_handler_may_overlap() -> None:
    assert endpoint(included(on_sold)).concurrency == 1000


def captures(a: "Missing") -> None:  # type: ignore[name-defined]  # noqa: F821
    pass


def test_annotations_that_name_nothing_are_not_looked_at() -> None:
    @wamp.register("com.a")
    def handler(a: "Missing") -> "Missing":  # type: ignore[name-defined]  # noqa: F821
        return a

    assert endpoint(included(handler)).binding.bind([5], {}) == ([5], {})
    assert endpoint(included(wamp.register("com.<a:int>")(captures))).binding.injects
    with pytest.raises(InvalidHandler, match="Missing"):
        included(wamp.register("com.b", check_types=True)(handler))


# Options.


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {}),
        ({"match": "exact"}, {}),
        ({"match": "prefix"}, {"match": "prefix"}),
        ({"invoke": "roundrobin"}, {"invoke": "roundrobin"}),
        ({"invoke": "single"}, {}),
        ({"concurrency": 3}, {"concurrency": 3}),
        ({"force_reregister": True}, {"force_reregister": True}),
        ({"force_reregister": False}, {}),
        ({"details": True}, {"x_disclose": True}),
        ({"details_arg": "details"}, {"x_disclose": True}),
        ({"details": False}, {}),
        ({"correlation_id": "c1", "correlation_is_anchor": True}, {}),
        (
            {"forward_for": [{"session": 1, "authid": "a", "authrole": "b"}]},
            {"forward_for": [{"session": 1, "authid": "a", "authrole": "b"}]},
        ),
    ],
)
def test_what_register_options_send(options: dict[str, Any], expected: dict[str, Any]) -> None:
    @wamp.register("com.a", options=RegisterOptions(**options))
    def handler(details: Any = None) -> None:
        pass

    made = endpoint(included(handler))
    assert made.options == expected
    assert (made.limit.most if made.limit else None) == options.get("concurrency")
    assert made.binding.injects == ("x_disclose" in expected)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {}),
        ({"match": "prefix"}, {"match": "prefix"}),
        ({"get_retained": True}, {"get_retained": True}),
        ({"details": True}, {"x_disclose": True}),
    ],
)
def test_what_subscribe_options_send(options: dict[str, Any], expected: dict[str, Any]) -> None:
    @wamp.subscribe("com.a", options=SubscribeOptions(**options))
    def handler(details: Any = None) -> None:
        pass

    assert endpoint(included(handler)).options == expected


def test_a_handler_must_have_the_parameter_for_its_details() -> None:
    def handler(a: int) -> None:
        pass

    marked = wamp.register("com.a", options=RegisterOptions(details_arg="info"))(handler)
    sentence = "handler has no parameter 'info', which its options ask for; add it: info=None."
    with pytest.raises(InvalidHandler, match=re.escape(sentence)):
        included(marked)


DETAILS = RegisterOptions(details=True)


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (lambda a, details=None: [a, details], [1, "D"]),
        (lambda a, details: [a, details], [1, "D"]),
        (lambda details, a: [a, details], [1, "D"]),
        (lambda a, *, details: [a, details], [1, "D"]),
        (lambda a, **kwargs: [a, kwargs], [1, {"details": "D"}]),
        (lambda a, *details, **kwargs: [a, details, kwargs], [1, (), {"details": "D"}]),
        (lambda a, **details: [a, details], [1, {"details": "D"}]),
    ],
)
def test_details_reach_the_handler_wherever_it_takes_them(handler: Any, expected: Any) -> None:
    binding = endpoint(included(wamp.register("com.a", options=DETAILS)(handler))).binding
    args, kwargs = binding.bind([1], {}, {"details": "D"})
    assert handler(*args, **kwargs) == expected


# Patterns.


@pytest.mark.parametrize(
    ("uri", "wire", "expected"),
    [
        ("com.item.<id:int>.get", "com.item..get", {"id": 7}),
        ("com.item.<id>.get", "com.item..get", {"id": "007"}),
        ("com.item.<id:str>.get", "com.item..get", {"id": "007"}),
        ("com.item.<id:string>.get", "com.item..get", {"id": "007"}),
        ("com.<what>.<id:int>.get", "com...get", {"what": "item", "id": 7}),
        ("com..<id:int>.get", "com...get", {"id": 7}),
        ("com.item.<id:int>.<rest:suffix>", "com.item..", {"id": 7, "rest": "get"}),
        ("com.item..get", "com.item..get", {}),
        ("com..007.get", "com..007.get", {}),
    ],
)
@pytest.mark.parametrize("decorate", [wamp.register, wamp.subscribe])
def test_what_a_pattern_captures(
    decorate: Any, uri: str, wire: str, expected: dict[str, Any]
) -> None:
    made = endpoint(included(decorate(uri)(lambda **kwargs: kwargs)))
    assert (made.pattern.uri, made.options) == (wire, {"match": "wildcard"})
    captured: dict[str, Any] = dict(made.pattern.capture("com.item.007.get"))
    assert made.binding.bind([], {}, captured)[1] == expected


NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,3}", fullmatch=True)
PLAIN = st.from_regex(r"[a-z0-9][a-z0-9_\-]{0,3}", fullmatch=True)
KINDS = st.sampled_from(["", "", ":str", ":string", ":int"])
COMPONENTS = st.one_of(PLAIN, st.just(""), st.builds("<{}{}>".format, NAMES, KINDS))


@given(st.lists(COMPONENTS, min_size=1, max_size=5), st.data())
def test_what_is_captured_is_what_autobahn_captures(
    components: list[str], data: st.DataObject
) -> None:
    names = re.findall(r"<(\w+)", ".".join(components))
    assume(len(set(names)) == len(names) and components[0])
    assume(any(component and component[0] != "<" for component in components))
    uri = ".".join(components)

    def handler(**kwargs: Any) -> None:
        pass

    made = endpoint(included(wamp.register(uri)(handler)))
    actual = ".".join(
        c if c and c[0] != "<" else data.draw(st.integers(0).map(str) if "int" in c else PLAIN)
        for c in components
    )
    captured: dict[str, Any] = dict(made.pattern.capture(actual))
    mine = made.binding.bind([], {}, captured)[1] if made.binding.injects else {}
    theirs = Pattern(uri, Pattern.URI_TARGET_ENDPOINT).match(actual)[1]
    # It numbers the components without a name.
    assert mine == {name: value for name, value in theirs.items() if isinstance(name, str)}


def test_a_component_that_is_not_a_number_is_refused() -> None:
    made = endpoint(included(wamp.register("com.item.<item:int>")(lambda item: None)))
    with pytest.raises(InvalidArgument) as caught:
        made.binding.bind([], {}, dict(made.pattern.capture("com.item.x1")))
    assert caught.value.message == "`item`: expected int, got 'x1'"


@pytest.mark.parametrize("decorate", [wamp.register, wamp.subscribe])
def test_captures_and_another_kind_of_match_do_not_go_together(decorate: Any) -> None:
    options = RegisterOptions if decorate is wamp.register else SubscribeOptions
    with pytest.raises(InvalidUri, match=r"leave match= out of its options\.$"):
        included(decorate("com.<name>", options=options(match="prefix"))(lambda name: None))
    marked = decorate("com.<name>", options=options(match="wildcard"))(lambda name: None)
    made = endpoint(included(marked))
    assert made.pattern.match == "wildcard"


def test_a_handler_must_take_what_its_uri_captures() -> None:
    with pytest.raises(InvalidHandler, match="has no parameter 'id', which its URI captures"):
        included(wamp.register("com.<id:int>")(lambda other: None))


# check_types.


class Typed(TypedDict):
    a: int


Number = NewType("Number", int)


@pytest.mark.parametrize(
    ("kind", "right", "wrong", "expected"),
    [
        (int, 5, "5", "int"),
        (float, 5.0, 5, "float"),
        (str, "a", None, "str"),
        (str | None, None, 5, "str | None"),
        (list[int], ["a"], {}, "list[int]"),
        (dict, {}, [], "dict"),
        (Literal["a"], "a", "b", "Literal['a']"),
        (None, None, 0, "None"),
        (int | list[str], [], "x", "int | list[str]"),
    ],
)
def test_types_are_checked_as_python_does(kind: Any, right: Any, wrong: Any, expected: str) -> None:
    def handler(a: Any, *rest: Any, b: Any = 0) -> None:
        pass

    handler.__annotations__ = {"a": kind, "b": kind}
    binding = endpoint(included(wamp.register("com.a", check_types=True)(handler))).binding
    assert binding.bind([right], {"b": right}) == ([right], {"b": right})
    for args, kwargs, name in (([wrong], {}, "a"), ([right], {"b": wrong}, "b")):
        with pytest.raises(InvalidArgument) as caught:
            binding.bind(args, kwargs)
        assert caught.value.uri == "wamp.error.type_check_error"
        text = f"`{name}`: expected {expected}, got {type(wrong).__name__}"
        assert (caught.value.message, caught.value.kwargs) == (text, {"parameter": name})


@pytest.mark.parametrize("kind", [Any, object, Typed, Number, "Any"])
def test_what_python_cannot_check_is_not(kind: Any) -> None:
    def handler(a: Any) -> None:
        pass

    handler.__annotations__ = {"a": kind}
    binding = endpoint(included(wamp.register("com.a", check_types=True)(handler))).binding
    assert binding.bind(["x"], {}) == (["x"], {})


# What is refused.


class Needs:
    def __init__(self, url: str, *, size: int) -> None:
        pass

    @wamp.register("com.needs")
    def method(self) -> None:
        pass


class OnlyErrors:
    def __init__(self) -> None:
        raise NotImplementedError

    @wamp.error("com.only.errors")
    class Broken(Exception):
        pass


def test_a_class_that_holds_only_exceptions_is_not_made() -> None:
    assert included(OnlyErrors).scope.defined() == {"com.only.errors": OnlyErrors.Broken}


class MySession(ApplicationSession):  # type: ignore[misc]
    @wamp.register("com.session")
    def method(self) -> None:
        pass


NOTHING = (
    "has no function with @wamp.register or @wamp.subscribe, and no exception with @wamp.error"
)
NEEDS = (
    "Needs cannot be made without arguments, its parameters are (url: str, *, size: int); pass an "
    "object: app.include(Needs(...))."
)


@pytest.mark.parametrize(
    ("thing", "sentence"),
    [
        (object(), f"The class object {NOTHING}; include() takes a Blueprint, or what has these."),
        ("com.example", f"'com.example' {NOTHING}"),
        (None, f"The class NoneType {NOTHING}"),
        (dict, f"The class dict {NOTHING}"),
        (KeyError, f"The class KeyError {NOTHING}"),
        (print, f"The function print {NOTHING}"),
        (inspect, f"The module inspect {NOTHING}"),
        (Needs, NEEDS),
        (MySession, "MySession is a session of Autobahn's"),
        (MySession(), "MySession is a session of Autobahn's"),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_what_cannot_be_included_is_said_in_one_sentence(thing: Any, sentence: str) -> None:
    with pytest.raises(InvalidHandler) as caught:
        included(thing)
    assert sentence in str(caught.value)


def test_a_module_whose_class_has_the_marks_is_told_so() -> None:
    backend = type("Backend", (Counted,), {"__module__": "shop.handlers"})
    with pytest.raises(InvalidHandler, match=r"Its class Backend has: app\.include\(Backend\)\.$"):
        included(a_module(Backend=backend))


def test_what_is_included_twice_is_refused() -> None:
    blueprint = included(Counted)
    with pytest.raises(DuplicateUri, match=r"'com\.counted\.a' is registered already"):
        blueprint.include(Counted)


def test_a_registry_that_is_closed_takes_nothing() -> None:
    blueprint = Blueprint()
    blueprint.registry.freeze()
    with pytest.raises(AppStarted):
        blueprint.include(Counted)


def test_a_prefix_that_is_not_a_string_is_refused() -> None:
    with pytest.raises(InvalidUri, match="The prefix 5 is not a string"):
        included(Counted, 5)  # type: ignore[arg-type]


def test_a_partial_of_a_marked_function_is_not_marked() -> None:
    with pytest.raises(InvalidHandler, match="partial"):
        included(functools.partial(buy))
