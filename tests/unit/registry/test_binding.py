"""A handler's signature as the converter of its arguments."""

import datetime as dt
import functools
import math
import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Reversible, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, IntEnum
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, Optional, TypedDict
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.names import shown
from wampapp.errors import InvalidArgument, InvalidHandler
from wampapp.registry.annotations import signature_of
from wampapp.registry.binding import Binding


@dataclass
class Point:
    x: int
    y: int = 0


@dataclass
class Line:
    points: list[Point]
    names: dict[str, Point] = field(default_factory=dict)


@dataclass
class Loose:
    data: dict[str, object]
    numbers: Iterable[int] = ()


class Struct(msgspec.Struct):
    a: int


class Typed(TypedDict):
    a: int


class Colour(Enum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


Sku = NewType("Sku", str)
WHEN = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
NUMBER = UUID("5e6f4b5e-9f7c-4a43-8d0c-0c7f6f3c9c11")


def taking(kind: Any) -> Callable[..., Any]:
    """Return a function with one parameter of a type."""

    def handler(value: kind) -> Any:
        return value

    return handler


def called(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function with arguments as they come from the wire."""
    args_, kwargs_ = Binding(function).bind(list(args), kwargs)
    return function(*args_, **kwargs_)


def fault(function: Callable[..., Any], *args: Any, **kwargs: Any) -> InvalidArgument:
    with pytest.raises(InvalidArgument) as caught:
        called(function, *args, **kwargs)
    return caught.value


# Kinds of parameters.


def untyped(a, b=2, *rest, c, d=4, **others):
    return a, b, rest, c, d, others


def positional_only(a, b=2, /, c=3):
    return a, b, c


def keyword_only(*, a, b=2):
    return a, b


def typed(a: int, b: int = 2, *rest: int, c: int = 3, **others: int) -> Any:
    return a, b, rest, c, others


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "result"),
    [
        (lambda: "none", (), {}, "none"),
        (untyped, (1,), {"c": 3}, (1, 2, (), 3, 4, {})),
        (untyped, (1, 5, 6, 7), {"c": 3, "x": 8}, (1, 5, (6, 7), 3, 4, {"x": 8})),
        (untyped, (), {"a": 1, "c": 3, "rest": 8}, (1, 2, (), 3, 4, {"rest": 8})),
        (positional_only, (1,), {}, (1, 2, 3)),
        (positional_only, (1, 5), {"c": 6}, (1, 5, 6)),
        (keyword_only, (), {"a": 1}, (1, 2)),
        (typed, (1,), {}, (1, 2, (), 3, {})),
        (typed, (1, 5, 6), {"c": 7, "x": 8}, (1, 5, (6,), 7, {"x": 8})),
        (typed, (), {"a": 1, "b": 5}, (1, 5, (), 3, {})),
    ],
)
def test_arguments_reach_their_parameters(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
) -> None:
    assert called(function, *args, **kwargs) == result


def add(a: int, b: int) -> int:
    return a + b


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "sentence", "details"),
    [
        (add, (), {}, "`a`: missing", {"parameter": "a"}),
        (add, (1,), {}, "`b`: missing", {"parameter": "b"}),
        (add, (), {"b": 1}, "`a`: missing", {"parameter": "a"}),
        (add, (1, 2, 3), {}, "expected at most 2 arguments, got 3", {}),
        (lambda a: a, (1, 2), {}, "expected at most 1 argument, got 2", {}),
        (lambda: 0, (1,), {}, "expected at most 0 arguments, got 1", {}),
        (add, (1, 2), {"c": 3}, "`c`: there is no such parameter", {"parameter": "c"}),
        (add, (1, 2), {"b": 2}, "`b`: given by position and by name", {"parameter": "b"}),
        (
            positional_only,
            (1,),
            {"b": 2},
            "`b`: there is no such parameter",
            {"parameter": "b"},
        ),
        (keyword_only, (), {}, "`a`: missing", {"parameter": "a"}),
        (keyword_only, (1,), {"a": 1}, "expected at most 0 arguments, got 1", {}),
        (untyped, (1,), {}, "`c`: missing", {"parameter": "c"}),
    ],
)
def test_a_call_that_does_not_fit_gives_a_sentence(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    sentence: str,
    details: dict[str, Any],
) -> None:
    error = fault(function, *args, **kwargs)
    assert error.message == sentence
    assert error.kwargs.items() >= details.items()


def test_a_positional_only_parameter_is_missing_even_if_others_has_its_name() -> None:
    def handler(a, /, **others):
        return a, others

    assert called(handler, 1, a=2) == (1, {"a": 2})
    assert fault(handler, a=2).message == "`a`: missing"


def test_a_keyword_that_is_no_string_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="a keyword must be a string, got 1"):
        Binding(lambda **others: others).bind([], {1: 2})


def test_what_is_given_is_not_changed() -> None:
    args, kwargs = [1, {"x": 1}], {"c": 5}
    Binding(lambda a, b: (a, b)).bind(args, {})
    Binding(typed).bind([1, 2], kwargs)
    assert (args, kwargs) == ([1, {"x": 1}], {"c": 5})


@pytest.mark.parametrize("count", [0, 1, 2, 5, 50, 500])
def test_any_number_of_further_arguments_is_converted(count: int) -> None:
    binding = Binding(typed)
    assert list(binding.bind([1] * (count + 2), {})[0]) == [1] * (count + 2)
    with pytest.raises(InvalidArgument, match=rf"^.*`argument {count + 3}`: expected int, got str"):
        binding.bind([1] * (count + 2) + ["x"], {})


# What bind accepts is what Python accepts.

NAMES = ["a", "b", "c", "d", "e"]


@st.composite
def signatures(draw: st.DrawFn) -> str:
    """A parameter list in which every kind may come."""
    names = NAMES[: draw(st.integers(0, 4))]
    kinds = sorted(draw(st.lists(st.integers(0, 2), min_size=len(names), max_size=len(names))))
    rest, others = draw(st.booleans()), draw(st.booleans())
    parts: list[str] = []
    default = False
    for index, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        if kind == 2 and (index == 0 or kinds[index - 1] != 2):
            parts.append("*rest" if rest else "*")
            default = False
        default = draw(st.booleans()) or (default and kind != 2)
        parts.append(f"{name}=0" if default else name)
        if kind == 0 and (index + 1 == len(kinds) or kinds[index + 1] != 0):
            parts.append("/")
    if rest and 2 not in kinds:
        parts.append("*rest")
    if others:
        parts.append("**others")
    return ", ".join(parts)


@given(
    signatures(),
    st.lists(st.integers(), max_size=6),
    st.dictionaries(st.sampled_from([*NAMES, "rest", "others", "self"]), st.integers()),
)
def test_bind_accepts_the_calls_that_python_accepts(
    parameters: str, args: list[int], kwargs: dict[str, int]
) -> None:
    function = eval(f"lambda {parameters}: {{**locals()}}")
    try:
        expected = function(*args, **kwargs)
    except TypeError:
        with pytest.raises(InvalidArgument):
            Binding(function).bind(args, kwargs)
    else:
        bound, named = Binding(function).bind(args, kwargs)
        assert function(*bound, **named) == expected


# Conversions.


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (int, 2, 2),
        (int, 2**70, 2**70),
        (float, 2.5, 2.5),
        (float, 2, 2.0),
        (bool, True, True),
        (str, "x", "x"),
        (bytes, b"x", b"x"),
        (Any, {"any": [1]}, {"any": [1]}),
        (object, 1, 1),
        (None, None, None),
        (Optional[int], None, None),  # noqa: UP045 - users write it so
        (int | None, 3, 3),
        (int | str, "x", "x"),
        (int | Point, {"x": 1}, Point(1)),
        (list, [1, "a"], [1, "a"]),
        (list[int], [1, 2], [1, 2]),
        (list[Point], [{"x": 1}, {"x": 2, "y": 3}], [Point(1), Point(2, 3)]),
        (tuple[int, str], [1, "a"], (1, "a")),
        (set[str], ["a", "b"], {"a", "b"}),
        (Sequence[int], [1], [1]),
        (Mapping[str, int], {"a": 1}, {"a": 1}),
        (dict[str, int], {"a": 1}, {"a": 1}),
        (Point, {"x": 1}, Point(1, 0)),
        (
            Line,
            {"points": [{"x": 1}], "names": {"p": {"x": 2, "y": 3}}},
            Line([Point(1)], {"p": Point(2, 3)}),
        ),
        (Struct, {"a": 1}, Struct(1)),
        (Typed, {"a": 1}, {"a": 1}),
        (Sku, "x1", "x1"),
        (dt.datetime, "2026-01-02T03:04:05Z", WHEN),
        (dt.date, "2026-01-02", dt.date(2026, 1, 2)),
        (dt.timedelta, "PT1.5S", dt.timedelta(seconds=1.5)),
        (UUID, str(NUMBER), NUMBER),
        (Decimal, "1.50", Decimal("1.50")),
        (Colour, "red", Colour.RED),
        (Level, 3, Level.HIGH),
        (Literal["a", "b"], "b", "b"),
        (Annotated[int, msgspec.Meta(gt=0)], 1, 1),
        (dict[str, object], {"a": [1]}, {"a": [1]}),
        (list[object], [1, "a", None], [1, "a", None]),
        (dict[str, list[object] | None], {"a": [1]}, {"a": [1]}),
        (Loose, {"data": {"a": 1}, "numbers": [1]}, Loose({"a": 1}, [1])),
        (Iterable[int], [1, 2], [1, 2]),
        (Iterable, [1, "a"], [1, "a"]),
        (Iterable[Point], [{"x": 1}], [Point(1)]),
        (Reversible[int] | None, [1], [1]),
        (dict[str, Iterable[Iterable[int]]], {"a": [[1]]}, {"a": [[1]]}),
    ],
    ids=lambda value: shown(value)[:40],
)
def test_a_value_becomes_what_the_annotation_says(kind: Any, value: Any, expected: Any) -> None:
    for found in (called(taking(kind), value), called(taking(kind), value=value)):
        assert found == expected
        assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value", "sentence"),
    [
        (int, "2", "expected int, got str"),
        (Iterable[int], "12", "expected array, got str"),
        (int, 2.5, "expected int, got float"),
        (int, 2.0, "expected int, got float"),
        (int, True, "expected int, got bool"),
        (int, None, "expected int, got null"),
        (float, "2.5", "expected float, got str"),
        (float, True, "expected float, got bool"),
        (bool, 1, "expected bool, got int"),
        (bool, "true", "expected bool, got str"),
        (str, 2, "expected str, got int"),
        (str, b"x", "expected str, got bytes"),
        (bytes, "YWJj", "expected bytes, got str"),
        (bytes, 7, "expected bytes, got int"),
        (None, 0, "expected null, got int"),
        (int | None, "x", "expected int | null, got str"),
        (int | str, 1.5, "expected int | str, got float"),
        (list[int], 1, "expected array, got int"),
        (list[int], "12", "expected array, got str"),
        (tuple[int, str], [1], "expected array of length 2, got 1"),
        (Point, 5, "expected object, got int"),
        (Point, {}, "object missing required field x"),
        (dt.datetime, 0, "expected datetime, got int"),
        (dt.datetime, "yesterday", "invalid RFC3339 encoded datetime"),
        (UUID, "x", "invalid UUID"),
        (Decimal, "one", "invalid decimal string"),
        (Colour, "blue", "invalid enum value 'blue'"),
        (Level, "3", "expected int, got str"),
        (Literal["a", "b"], "c", "invalid enum value 'c'"),
        (Annotated[int, msgspec.Meta(gt=0)], 0, "expected int >= 1"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_value_that_does_not_fit_is_refused_by_name_and_by_position(
    kind: Any, value: Any, sentence: str
) -> None:
    for error in (fault(taking(kind), value), fault(taking(kind), value=value)):
        assert error.message == f"`value`: {sentence}"
        assert error.kwargs == {"parameter": "value", "path": "value"}
        assert error.uri == "wamp.error.invalid_argument"


def nested(
    first: str, points: list[Point], line: Line | None = None, *rest: list[int], **others: Point
) -> None:
    """A handler in whose arguments a fault can stand deep."""


@pytest.mark.parametrize(
    ("args", "kwargs", "parameter", "path", "what"),
    [
        (("a", [{"x": 1}, {"x": "2"}]), {}, "points", "points[1].x", "expected int, got str"),
        (
            ("a",),
            {"points": [{"x": 1}, {"x": "2"}]},
            "points",
            "points[1].x",
            "expected int, got str",
        ),
        (
            ("a", [], {"points": [{"y": 1}]}),
            {},
            "line",
            "line.points[0]",
            "object missing required field x",
        ),
        (
            ("a", []),
            {"line": {"points": [], "names": {"p": {"x": None}}}},
            "line",
            "line.names[...].x",
            "expected int, got null",
        ),
        (
            ("a", [], None, [1], [1, "x"]),
            {},
            "argument 5",
            "argument 5[1]",
            "expected int, got str",
        ),
        (("a", []), {"p": {"x": "1"}}, "p", "p.x", "expected int, got str"),
    ],
)
def test_a_deep_fault_is_named_by_its_path(
    args: tuple[Any, ...], kwargs: dict[str, Any], parameter: str, path: str, what: str
) -> None:
    error = fault(nested, *args, **kwargs)
    assert error.message == f"`{path}`: {what}"
    assert error.kwargs == {"parameter": parameter, "path": path}


def test_a_fault_in_a_key_is_of_the_parameter_that_holds_the_dictionary() -> None:
    def handler(a: int, b: dict[str, int]) -> None: ...

    error = fault(handler, 1, {2: 3})
    assert error.kwargs["parameter"] == "b"
    assert error.message.startswith("`b")


def test_the_fault_names_the_very_parameter() -> None:
    assert fault(add, 1, "2").message == "`b`: expected int, got str"
    assert fault(add, 1, b="2").message == "`b`: expected int, got str"


def test_a_default_is_used_as_it_is() -> None:
    def handler(a: int = "not an int") -> Any:
        return a

    assert called(handler) == "not an int"


def test_a_value_without_annotation_comes_as_it_is() -> None:
    value = {"deep": [b"x", 1.5]}
    assert called(lambda a: a, value) is value


@given(
    st.integers(-(2**53), 2**53)
    | st.text()
    | st.booleans()
    | st.floats(allow_nan=False)
    | st.none()
)
@pytest.mark.parametrize("kind", [int, str, bool, float, bytes])
def test_nothing_is_lost_in_a_conversion(kind: type, value: Any) -> None:
    try:
        found = called(taking(kind), value)
    except InvalidArgument:
        return
    assert found == value
    assert type(found) is kind


class Converting(Binding):
    """A binding that converts whatever comes."""

    def _fast_lengths(self) -> dict[int, list[Any] | None]:
        return dict.fromkeys(super()._fast_lengths())


SCALARS = (bool, int, float, str, bytes)
OF_KIND: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: st.integers() | st.sampled_from([2**63, 2**64 - 1, 2**64, -(2**63), -(2**200)]),
    float: st.floats(),
    str: st.text(),
    bytes: st.binary(),
}


@given(st.data())
def test_arguments_of_the_annotated_types_are_what_a_conversion_makes_of_them(
    data: st.DataObject,
) -> None:
    kinds = data.draw(st.lists(st.sampled_from([*SCALARS, Any]), max_size=4))
    least = data.draw(st.integers(0, len(kinds)))
    given_kinds = kinds[: data.draw(st.integers(least, len(kinds)))]
    anything = st.one_of(st.none(), *OF_KIND.values())
    args = [data.draw(OF_KIND.get(kind, anything) | anything) for kind in given_kinds]

    def function(*_args: Any) -> None: ...

    function.__signature__ = Signature(  # type: ignore[attr-defined]
        [
            Parameter(
                f"p{place}",
                Parameter.POSITIONAL_OR_KEYWORD,
                annotation=kind,
                default=Parameter.empty if place < least else None,
            )
            for place, kind in enumerate(kinds)
        ]
    )

    def outcome(binding: Binding) -> Any:
        try:
            bound, named = binding.bind(args, {})
        except InvalidArgument as error:
            return str(error), error.kwargs
        assert named == {}
        return type(bound), [(type(value), repr(value)) for value in bound]

    assert outcome(Binding(function)) == outcome(Converting(function))


@pytest.mark.parametrize("kind", SCALARS)
def test_an_argument_of_the_annotated_type_is_not_converted(
    kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: Any, **_options: Any) -> Any:
        raise AssertionError("converted")

    binding = Binding(taking(kind))
    monkeypatch.setattr("wampapp.registry.binding.convert", refuse)
    assert binding.bind([kind()], {}) == ((kind(),), {})


def test_an_annotation_need_not_be_hashable() -> None:
    assert called(taking(Annotated[int, {}]), 1) == 1


def test_infinities_and_nan_are_floats() -> None:
    assert called(taking(float), math.inf) == math.inf
    assert math.isnan(called(taking(float), math.nan))


# Annotations.


def in_quotes(a: "int", b: "list[Point]") -> Any:
    return a, b


def test_string_annotations_are_resolved() -> None:
    assert called(in_quotes, 1, [{"x": 2}]) == (1, [Point(2)])
    assert fault(in_quotes, "1", []).message == "`a`: expected int, got str"


def missing_name(a: "Missing") -> None: ...  # noqa: F821 - this is what is tested


def missing_result() -> "Missing": ...  # noqa: F821 - this is what is tested


def missing_attribute(a: "dt.Missing") -> None: ...


def no_python(a: "int or") -> None: ...  # noqa: F722 - this is what is tested


def no_union(a: "int | 'x'") -> None: ...  # noqa: F821 - this is what is tested


@dataclass
class Forward:
    a: "Missing"  # noqa: F821 - this is what is tested


def missing_deep(a: Forward) -> None: ...


@pytest.mark.parametrize(
    "function",
    [missing_name, missing_result, missing_attribute, no_python, no_union, missing_deep],
    ids=lambda function: function.__name__,
)
def test_an_annotation_that_cannot_be_resolved_is_refused_at_declaration(
    function: Callable[..., Any],
) -> None:
    with pytest.raises(InvalidHandler, match=function.__name__):
        Binding(function)


def test_a_missing_name_is_named_with_the_remedy() -> None:
    with pytest.raises(InvalidHandler) as caught:
        Binding(missing_name)
    assert str(caught.value) == (
        "An annotation of missing_name names something that is not defined where it stands: name "
        "'Missing' is not defined. Import it at run time, above the function."
    )


@pytest.mark.parametrize(
    "kind",
    [
        socket.socket,
        Path,
        complex,
        type,
        range,
        Iterator[int],
        Callable[[int], int],
        list[socket.socket],
        dict[str, Path | None],
        list[int] | set[int],
        int | socket.socket,
        5,
        ...,
    ],
    ids=str,
)
def test_a_type_that_no_argument_can_become_is_refused_at_declaration(kind: Any) -> None:
    with pytest.raises(InvalidHandler, match="The parameter `value` of .*handler is annotated"):
        Binding(taking(kind))


# What has a signature.


class Adder:
    def __init__(self, more: int) -> None:
        self.more = more

    def method(self, a: int) -> int:
        return a + self.more

    @classmethod
    def of_class(cls, a: int) -> int:
        return a

    @staticmethod
    def static(a: int) -> int:
        return a

    def __call__(self, a: int) -> int:
        return a + self.more


@functools.wraps(add)
def wrapped(*args: Any, **kwargs: Any) -> int:
    return add(*args, **kwargs)


@pytest.mark.parametrize(
    "function",
    [
        Adder(1).method,
        Adder.of_class,
        Adder(1).static,
        Adder(1),
        functools.partial(add, 1),
        functools.partial(add, b=1),
        functools.partial(Adder(1).method),
    ],
    ids=["method", "class method", "static method", "object", "partial", "by name", "of method"],
)
def test_whatever_has_a_signature_can_be_a_handler(function: Callable[..., Any]) -> None:
    assert called(function, 2) in (2, 3)
    assert fault(function, "2").message.endswith(": expected int, got str")


def test_a_wrapped_function_has_the_signature_of_the_function_within() -> None:
    assert called(wrapped, 1, 2) == 3
    assert fault(wrapped, 1, "2").message == "`b`: expected int, got str"


@pytest.mark.parametrize("value", [None, 7, "text", [add], object()], ids=shown)
def test_what_cannot_be_called_is_no_handler(value: Any) -> None:
    with pytest.raises(InvalidHandler, match="cannot be called; put the decorator on a function"):
        signature_of(value)


@pytest.mark.parametrize("function", [max, dict, int, iter], ids=lambda f: f.__name__)
def test_a_builtin_without_a_signature_is_no_handler(function: Callable[..., Any]) -> None:
    with pytest.raises(InvalidHandler, match=r"wrap it in a function of your own\.$"):
        signature_of(function)


def test_a_builtin_with_a_signature_is_a_handler() -> None:
    assert called(len, [1, 2]) == 2


# What msgspec does not convert to by itself.


def test_a_fault_inside_of_an_iterable_has_the_whole_path() -> None:
    error = fault(taking(dict[str, Iterable[list[int]]]), {"a": [[1], [2, "x"]]})
    assert error.message == "`value[...][1][1]`: expected int, got str"
    assert error.kwargs == {"parameter": "value", "path": "value[...][1][1]"}
    error = fault(taking(Iterable[dict[int, int]]), [{"x": 1}])
    assert error.message == "`value[0]`: a key: expected int, got str"
    error = fault(taking(Loose), {"data": {}, "numbers": [1, "x"]})
    assert error.message == "`value.numbers[1]`: expected int, got str"


#: A ``type`` statement is a syntax error before Python 3.12.
ALIASES = """
type Id = int
type Json = dict[str, Json] | list[Json] | str | int | float | bool | None
type Tree = tuple[Id, list[Tree]]
type Even = list[Odd]
type Odd = dict[str, Even]
"""


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the type statement came with Python 3.12")
def test_an_alias_may_hold_itself() -> None:
    aliases: dict[str, Any] = {}
    exec(ALIASES, aliases)
    json, tree = aliases["Json"], aliases["Tree"]
    for value in ({"a": [1, {"b": None}]}, [[[]]], "text", None, 1.5):
        assert called(taking(json), value) == value
    assert called(taking(tree), [1, [[2, []], [3, []]]]) == (1, [(2, []), (3, [])])
    assert called(taking(aliases["Even"]), [{"a": [{}]}]) == [{"a": [{}]}]
    assert called(taking(list[json] | None), [{"a": 1}]) == [{"a": 1}]
    assert called(taking(Annotated[json, "decoration"]), [1]) == [1]
    assert fault(taking(json), {"a": [b"x"]}).kwargs["path"] == "value[...][0]"
    assert fault(taking(tree), [1, [[2, [["x", []]]]]]).kwargs["path"] == "value[1][0][1][0][0]"
    assert fault(taking(aliases["Even"]), [{"a": [1]}]).kwargs["path"] == "value[0][...][0]"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the type statement came with Python 3.12")
def test_an_alias_that_holds_itself_in_a_field_is_refused_with_a_sentence() -> None:
    aliases: dict[str, Any] = {}
    exec(ALIASES, aliases)

    document = msgspec.defstruct("Document", [("content", aliases["Json"])])
    with pytest.raises(InvalidHandler, match="it holds a type alias that holds itself; annotate"):
        Binding(taking(document))
