"""The decorators, and the records that they make."""

import asyncio
import functools
import inspect
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.names import shown
from wampapp.app import App
from wampapp.errors import AppStarted, DuplicateUri, InvalidHandler, InvalidUri, UsageError
from wampapp.registry.blueprint import Blueprint
from wampapp.registry.naming import source_of
from wampapp.registry.records import Registration, Subscription

DECORATORS = pytest.mark.parametrize("decorator", ["register", "subscribe"])


def records(blueprint: Blueprint, decorator: str) -> list[tuple[str, Any]]:
    """Return the URIs and functions that a decorator left in the registry."""
    if decorator == "register":
        return [(r.uri, r.endpoint) for r in blueprint.registry.registrations]
    return [(s.uri, s.handler) for s in blueprint.registry.subscriptions]


def named(*_args: object) -> None:
    """A function with a name."""


class Thing:
    def method(self, a: int) -> int:
        return a

    @classmethod
    def of_class(cls, a: int) -> int:
        return a

    @staticmethod
    def static(a: int) -> int:
        return a

    def __call__(self, a: int) -> int:
        return a


# With and without parentheses.


@DECORATORS
@pytest.mark.parametrize(
    ("decorate", "uri"),
    [
        (lambda decorator: decorator, "com.example.named"),
        (lambda decorator: decorator(), "com.example.named"),
        (lambda decorator: decorator(None), "com.example.named"),
        (lambda decorator: decorator(run="loop"), "com.example.named"),
        (lambda decorator: decorator(".other"), "com.example.other"),
        (lambda decorator: decorator(uri=".other"), "com.example.other"),
        (lambda decorator: decorator(uri=".other", run="loop"), "com.example.other"),
        (lambda decorator: decorator(".deep.er"), "com.example.deep.er"),
        (lambda decorator: decorator("org.other"), "org.other"),
    ],
    ids=[
        "bare",
        "()",
        "(None)",
        "(run=…)",
        "relative",
        "by name",
        "by name, run=…",
        "deep",
        "absolute",
    ],
)
def test_a_decorator_makes_a_record_and_returns_the_very_function(
    decorator: str, decorate: Callable[[Any], Any], uri: str
) -> None:
    blueprint = Blueprint("com.example")
    before = dict(vars(named))
    assert decorate(getattr(blueprint, decorator))(named) is named
    assert records(blueprint, decorator) == [(uri, named)]
    assert vars(named) == before


@DECORATORS
def test_decorators_can_be_stacked(decorator: str) -> None:
    blueprint = Blueprint("com.example")
    decorate = getattr(blueprint, decorator)

    @decorate
    @decorate("org.other")
    @decorate(".third")
    def function() -> None: ...

    assert records(blueprint, decorator) == [
        ("com.example.third", function),
        ("org.other", function),
        ("com.example.function", function),
    ]


def test_one_function_may_be_a_procedure_and_a_handler() -> None:
    blueprint = Blueprint("com.example")
    blueprint.register(blueprint.subscribe(named))
    assert records(blueprint, "register") == records(blueprint, "subscribe")


@DECORATORS
def test_without_a_prefix_a_relative_uri_stands_alone(decorator: str) -> None:
    blueprint = Blueprint()
    getattr(blueprint, decorator)(named)
    getattr(blueprint, decorator)(".other")(named)
    assert [uri for uri, _ in records(blueprint, decorator)] == ["named", "other"]


def test_the_plain_methods_return_their_records() -> None:
    blueprint = Blueprint("com.example")
    registration = blueprint.add_registration(named, ".a", run="loop")
    subscription = blueprint.add_subscription(named)
    assert registration == Registration("com.example.a", named, "loop")
    assert subscription == Subscription("com.example.named", named, None)
    assert blueprint.registry.registrations == (registration,)
    assert blueprint.registry.subscriptions == (subscription,)


def test_the_type_of_the_decorated_function_stays() -> None:
    blueprint = Blueprint()

    @blueprint.register
    async def function(a: int, b: int = 2) -> int:
        """Return a sum."""
        return a + b

    assert asyncio.run(function(1)) == 3
    assert function.__doc__ == "Return a sum."


# Where it was declared.


def test_a_record_knows_its_line() -> None:
    blueprint = Blueprint()

    @blueprint.register
    def function() -> None: ...

    [record] = blueprint.registry.registrations
    assert record.source is not None
    assert Path(record.source.file).name == Path(__file__).name
    assert record.source.line == inspect.getsourcelines(function)[1]


def test_a_wrapped_function_stands_where_the_function_within_stands() -> None:
    @functools.wraps(named)
    def wrapper() -> None: ...

    assert source_of(wrapper) == source_of(named)


@pytest.mark.parametrize("function", [len, Thing(), functools.partial(named)], ids=shown)
def test_what_has_no_line_has_no_source(function: Any) -> None:
    assert source_of(function) is None


# Mistakes.


@DECORATORS
@pytest.mark.parametrize("uri", ["", ".", "..x", "a b", "a..b", "a.", "a#b", "x" * 5000])
def test_an_invalid_uri_is_refused_at_its_line(decorator: str, uri: str) -> None:
    blueprint = Blueprint("com.example")
    what = "procedure" if decorator == "register" else "topic"
    with pytest.raises(InvalidUri, match=f"The {what} "):
        getattr(blueprint, decorator)(uri)(named)
    assert records(blueprint, decorator) == []


@pytest.mark.parametrize("prefix", ["", "..com", ".", "com.", "a b", "wamp.x", 7])
def test_an_invalid_prefix_is_refused(prefix: Any) -> None:
    with pytest.raises(InvalidUri, match="The prefix "):
        Blueprint(prefix)


@pytest.mark.parametrize(
    ("uri", "match"),
    [
        ("wamp.x", None),
        ("wamp.<name>.x", None),
        ("wamp.x.<path:rest>", None),
        ("wamp.", "prefix"),
        ("wamp..x", "wildcard"),
    ],
)
def test_what_belongs_to_the_protocol_is_listened_to_and_not_registered(
    uri: str, match: Any
) -> None:
    def listen(*args: Any, **captured: Any) -> None:
        """Take anything."""

    blueprint = Blueprint("com.example")
    with pytest.raises(InvalidUri, match="reserved"):
        blueprint.add_registration(listen, uri, match=match)
    assert blueprint.registry.registrations == ()
    assert blueprint.add_subscription(listen, uri, match=match).uri == uri


def test_a_relative_uri_cannot_reach_into_the_protocol_s() -> None:
    with pytest.raises(InvalidUri, match="reserved"):
        Blueprint("wamp").register(".x")(named)


@DECORATORS
@pytest.mark.parametrize("value", [7, b"com.example.add", ["a"], 1.5, True], ids=repr)
def test_what_is_neither_a_uri_nor_a_function_is_refused(decorator: str, value: Any) -> None:
    with pytest.raises(InvalidUri, match="is neither a URI nor a function"):
        getattr(Blueprint(), decorator)(value)


@DECORATORS
@pytest.mark.parametrize("value", [None, 7, "text", object()], ids=shown)
def test_what_cannot_be_called_is_refused(decorator: str, value: Any) -> None:
    blueprint = Blueprint()
    with pytest.raises(InvalidHandler, match="cannot be called"):
        getattr(blueprint, decorator)("com.x")(value)
    with pytest.raises(InvalidHandler, match="cannot be called"):
        add = blueprint.add_registration if decorator == "register" else blueprint.add_subscription
        add(value, "com.x")
    assert records(blueprint, decorator) == []


@DECORATORS
def test_a_lambda_needs_a_uri(decorator: str) -> None:
    blueprint = Blueprint("com.example")
    with pytest.raises(InvalidUri, match="has no name to make a .* of; give the URI"):
        getattr(blueprint, decorator)(lambda: None)
    getattr(blueprint, decorator)(".given")(lambda: None)
    assert [uri for uri, _ in records(blueprint, decorator)] == ["com.example.given"]


@DECORATORS
@pytest.mark.parametrize("function", [Thing(), functools.partial(named)], ids=["object", "partial"])
def test_a_callable_without_a_name_needs_a_uri(decorator: str, function: Any) -> None:
    blueprint = Blueprint("com.example")
    with pytest.raises(InvalidUri, match="has no name to make a .* of; give the URI"):
        getattr(blueprint, decorator)(function)
    assert getattr(blueprint, decorator)(".given")(function) is function
    assert records(blueprint, decorator) == [("com.example.given", function)]


@DECORATORS
@pytest.mark.parametrize(
    ("function", "name"),
    [(Thing().method, "method"), (Thing.of_class, "of_class"), (Thing.static, "static")],
    ids=["method", "class method", "static method"],
)
def test_a_method_is_named_by_itself(decorator: str, function: Any, name: str) -> None:
    blueprint = Blueprint("com.example")
    getattr(blueprint, decorator)(function)
    assert records(blueprint, decorator) == [(f"com.example.{name}", function)]


def test_the_same_procedure_twice_is_refused_and_names_the_first() -> None:
    blueprint = Blueprint("com.example")
    blueprint.register(named)

    def other() -> None: ...

    with pytest.raises(DuplicateUri, match=r"'com.example.named' is registered already, by named"):
        blueprint.register(".named")(other)
    assert records(blueprint, "register") == [("com.example.named", named)]


def test_the_same_handler_of_a_topic_twice_is_refused() -> None:
    blueprint = Blueprint("com.example")
    blueprint.subscribe(named)
    with pytest.raises(DuplicateUri, match="named is subscribed to 'com.example.named' already"):
        blueprint.subscribe(named)


@DECORATORS
def test_nothing_is_declared_once_the_app_runs(decorator: str) -> None:
    blueprint = Blueprint("com.example")
    blueprint.registry.freeze()
    with pytest.raises(AppStarted, match="The app was started already"):
        getattr(blueprint, decorator)(named)


@DECORATORS
@pytest.mark.parametrize("run", ["threads", "", 1, True, "LOOP"], ids=repr)
def test_a_handler_runs_in_a_thread_or_on_the_loop(decorator: str, run: Any) -> None:
    with pytest.raises(InvalidHandler, match="it can be 'thread' or 'loop'"):
        getattr(Blueprint(), decorator)(run=run)(named)


@DECORATORS
def test_a_run_that_cannot_be_compared_is_refused_too(decorator: str) -> None:
    with pytest.raises(InvalidHandler, match="it can be 'thread' or 'loop'"):
        getattr(Blueprint(), decorator)(run=["loop"])(named)


@DECORATORS
def test_a_coroutine_function_cannot_run_in_a_thread(decorator: str) -> None:
    async def function() -> None: ...

    with pytest.raises(InvalidHandler, match="function"):
        getattr(Blueprint(), decorator)(run="thread")(function)


@DECORATORS
def test_an_annotation_that_cannot_be_served_is_refused_at_its_line(decorator: str) -> None:
    def function(a: "Missing") -> None: ...  # noqa: F821 - this is what is tested

    blueprint = Blueprint()
    with pytest.raises(InvalidHandler, match="is not defined"):
        getattr(blueprint, decorator)(function)
    assert records(blueprint, decorator) == []


@DECORATORS
def test_a_builtin_without_a_signature_is_refused(decorator: str) -> None:
    with pytest.raises(InvalidHandler, match="has no signature that Python can show"):
        getattr(Blueprint(), decorator)(max)


@DECORATORS
def test_the_decorator_below_a_staticmethod_is_the_way_to_write_it(decorator: str) -> None:
    blueprint = Blueprint("com.example")

    class Inside:
        @staticmethod
        @getattr(blueprint, decorator)
        def function(a: int) -> int:
            return a

    assert Inside.function(1) == 1
    assert [uri for uri, _ in records(blueprint, decorator)] == ["com.example.function"]


@DECORATORS
def test_a_classmethod_object_is_refused_with_a_sentence(decorator: str) -> None:
    with pytest.raises((InvalidUri, InvalidHandler)):

        class Inside:
            @getattr(Blueprint(), decorator)
            @classmethod
            def function(cls) -> None: ...


# What the app calls by itself: hooks, timers, error handlers, middleware, the lifespan.

DECLARE = {
    "on_startup": lambda function: Blueprint().on_startup(function),
    "on_join": lambda function: Blueprint().on_join(function),
    "on_leave": lambda function: Blueprint().on_leave(function),
    "on_shutdown": lambda function: Blueprint().on_shutdown(function),
    "every": Blueprint().every(60),
    "errorhandler": Blueprint().errorhandler(KeyError),
    "middleware": lambda function: Blueprint().middleware(function),
    "lifespan": lambda function: App(lifespan=function),
}
DECLARING = pytest.mark.parametrize("declare", DECLARE.values(), ids=DECLARE)


def generator(*_arguments: Any) -> Iterator[None]:
    yield


async def stream(*_arguments: Any) -> AsyncIterator[None]:
    yield


class Generating:
    def __call__(self, *_arguments: Any) -> Iterator[None]:
        yield


@DECLARING
@pytest.mark.parametrize("function", [generator, stream, Generating()], ids=shown)
def test_a_generator_whose_body_would_never_run_is_refused(
    declare: Callable[[Any], Any], function: Any
) -> None:
    with pytest.raises(InvalidHandler):
        declare(function)


@pytest.mark.parametrize(
    "function", [generator, stream, contextmanager(generator), asynccontextmanager(stream)]
)
@pytest.mark.parametrize("declare", list(DECLARE.values())[:6], ids=list(DECLARE)[:6])
def test_the_refusal_of_a_yield_points_to_the_lifespan(
    declare: Callable[[Any], Any], function: Any
) -> None:
    with pytest.raises(InvalidHandler, match=r"'yield'.*App\(lifespan=\.\.\.\)"):
        declare(function)


async def takes_none() -> None: ...


async def takes_one(_one: object) -> None: ...


async def takes_two(_one: object, _two: object) -> None: ...


async def takes_three(_one: object, _two: object, _three: object) -> None: ...


@pytest.mark.parametrize("function", [generator, stream, contextmanager(generator), takes_one])
def test_the_refusal_of_a_lifespan_names_the_decorator(function: Any) -> None:
    with pytest.raises(InvalidHandler, match="@contextlib.asynccontextmanager"):
        App(lifespan=function)
    App(lifespan=asynccontextmanager(stream))


@pytest.mark.parametrize(
    ("name", "right", "wrong", "sentence"),
    [
        ("on_startup", takes_none, takes_one, "A startup hook is called without arguments; the"),
        ("on_join", takes_none, takes_one, r"the parameters of takes_one are \(_one: object\)"),
        ("on_leave", takes_none, takes_two, "A leave hook is called without arguments"),
        ("on_shutdown", takes_none, takes_one, "A shutdown hook is called without arguments"),
        ("every", takes_none, takes_one, "A timer is called without arguments"),
        ("errorhandler", takes_one, takes_none, "An error handler is called with the exception;"),
        ("errorhandler", takes_one, takes_two, "called with the exception"),
        ("middleware", takes_two, takes_one, "called with the call and the next layer"),
        ("middleware", takes_two, takes_three, "Middleware is called with the call and"),
        ("lifespan", lambda _app: None, lambda: None, "A lifespan is called with the app"),
    ],
)
def test_the_number_of_parameters_is_checked_at_the_declaration(
    name: str, right: Any, wrong: Any, sentence: str
) -> None:
    with pytest.raises(InvalidHandler, match=sentence):
        DECLARE[name](wrong)
    DECLARE[name](right)


@pytest.mark.parametrize("name", ["on_startup", "on_join", "on_leave", "on_shutdown"])
def test_a_hook_works_with_and_without_parentheses(name: str) -> None:
    blueprint = Blueprint()
    decorator = getattr(blueprint, name)
    assert decorator(takes_none) is takes_none
    assert decorator()(takes_none) is takes_none
    assert [hook.function for hook in blueprint.registry.all_hooks] == [takes_none, takes_none]


def test_middleware_works_with_and_without_parentheses() -> None:
    blueprint = Blueprint()
    assert blueprint.middleware(takes_two) is takes_two
    assert blueprint.middleware()(takes_two) is takes_two
    assert blueprint.scope.middleware == [takes_two, takes_two]


def test_a_decorator_that_needs_an_argument_says_so_without_one() -> None:
    blueprint: Any = Blueprint()
    with pytest.raises(UsageError, match=r"write @app\.every\(60\)"):
        blueprint.every(takes_none)
    with pytest.raises(InvalidHandler, match=r"such as errorhandler\(KeyError\)"):
        blueprint.errorhandler(takes_one)
    with pytest.raises(InvalidHandler, match="'prepare' cannot be called"):
        blueprint.on_startup("prepare")


def test_annotations_of_a_hook_need_not_be_there_at_run_time() -> None:
    def hook(_one: "Missing" = None) -> "Missing": ...  # noqa: F821 - this is what is tested

    Blueprint().on_startup(hook)


# What stands in the body of a class.


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


@pytest.mark.parametrize(
    ("decorate", "written"),
    [
        (lambda app: app.register, "app.register"),
        (lambda app: app.register("com.example.add"), "app.register('com.example.add')"),
        (lambda app: app.subscribe(), "app.subscribe"),
        (lambda app: app.subscribe(".added"), "app.subscribe('.added')"),
        (lambda app: app.on_startup, "app.on_startup"),
        (lambda app: app.every(60), "app.every(60)"),
        (lambda app: app.errorhandler(KeyError), "app.errorhandler(KeyError)"),
        (lambda app: app.middleware, "app.middleware"),
    ],
    ids=[
        "register",
        "register(uri)",
        "subscribe",
        "subscribe(uri)",
        "hook",
        "timer",
        "errorhandler",
        "middleware",
    ],
)
def test_a_decorator_in_the_body_of_a_class_is_refused_with_what_was_meant(
    decorate: Callable[[Any], Any], written: str
) -> None:
    app = App(prefix="com.example")
    meant = re.escape(f"calculator = Calculator(); {written}(calculator.add)")
    with pytest.raises(InvalidHandler, match=f"Calculator.add is a method.*{meant}"):

        class Calculator:
            @decorate(app)
            def add(self, a: int, b: int) -> int:
                return a + b

    with pytest.raises(InvalidHandler, match=meant):

        class Calculator:  # type: ignore[no-redef]
            @decorate(app)
            @wrapped
            async def add(self, a: int, b: int) -> int:
                return a + b

    meant = re.escape(f"{written}(Calculator.add)")
    with pytest.raises(InvalidHandler, match=f"Calculator.add is a class method.*{meant}"):

        class Calculator:  # type: ignore[no-redef]
            @classmethod
            @decorate(app)
            def add(cls, a: int, b: int) -> int:
                return a + b

    with pytest.raises(InvalidHandler, match=f"Calculator.add is a class method.*{meant}"):

        class Calculator:  # type: ignore[no-redef]
            @decorate(app)
            @classmethod
            def add(cls, a: int, b: int) -> int:
                return a + b

    with pytest.raises(InvalidHandler, match="Calculator is a class, and the decorator belongs"):

        @decorate(app)
        class Calculator:  # type: ignore[no-redef]
            pass

    assert not app.registry.registrations
    assert not app.registry.subscriptions
    assert not app.registry.all_hooks


@DECORATORS
def test_what_the_refusal_of_a_method_proposes_works(decorator: str) -> None:
    class Calculator:
        def add(self, a: int, b: int) -> int:
            return a + b

        @classmethod
        def make(cls, a: int) -> int:
            return a

        @staticmethod
        def double(a: int) -> int:
            return 2 * a

    blueprint = Blueprint("com.example")
    calculator = Calculator()
    for function in (calculator.add, Calculator.make, Calculator.double):
        getattr(blueprint, decorator)(function)
    assert records(blueprint, decorator) == [
        ("com.example.add", calculator.add),
        ("com.example.make", Calculator.make),
        ("com.example.double", Calculator.double),
    ]


# A URI that is probably meant to be relative.


@DECORATORS
def test_a_bare_word_beside_a_prefix_is_warned_of(decorator: str) -> None:
    blueprint = Blueprint("com.example")
    what = "procedure" if decorator == "register" else "topic"
    with pytest.warns(UserWarning) as caught:
        getattr(blueprint, decorator)("add")(named)
    [warning] = caught
    assert str(warning.message) == (
        f"The {what} 'add' is outside of the prefix 'com.example': only a URI that starts with a "
        "dot is relative to it. Write '.add' for 'com.example.add'."
    )
    assert warning.filename == __file__
    assert [uri for uri, _ in records(blueprint, decorator)] == ["add"]


@DECORATORS
@pytest.mark.parametrize(
    ("prefix", "uri"), [("com.example", ".add"), ("com.example", "org.add"), (None, "add")]
)
def test_other_uris_are_not_warned_of(decorator: str, prefix: str | None, uri: str) -> None:
    getattr(Blueprint(prefix), decorator)(uri)(named)
