"""Which exception a caller gets for an error from the wire, as its app defines it."""

import asyncio
import copy
import pickle
from typing import Any

import pytest
from autobahn import wamp
from autobahn.wamp.exception import ApplicationError

from tests.support.sessions import WELCOMED, Scene, on_a_scene
from wampapp.errors import (
    CallTimeout,
    InvalidHandler,
    InvalidUri,
    NoSuchProcedure,
    ProcedureExists,
    WampError,
)
from wampapp.protocol.messages import CALL, ERROR, REGISTER
from wampapp.registry.blueprint import Blueprint
from wampapp.registry.endpoint import endpoint_for
from wampapp.registry.records import Registration
from wampapp.session.wire_errors import as_defined, exception_for, general_error

URI = "com.example.sold_out"
EVERY = {"": ApplicationError}


@wamp.error(URI)
class SoldOut(Exception):
    def __init__(self, sku: str, left: int = 0) -> None:
        super().__init__(f"{sku} is sold out")
        self.sku, self.left = sku, left


def test_a_marked_class_is_called_with_what_came() -> None:
    error = exception_for(URI, ["apple"], {"left": 3}, {URI: SoldOut})
    assert type(error) is SoldOut
    assert (error.args, error.sku, error.left) == (("apple is sold out",), "apple", 3)


@pytest.mark.parametrize("kwargs", [{}, {"sku": "apple", "seen": 1}])
def test_a_marked_class_that_cannot_be_called_is_made_like_any_other(
    kwargs: dict[str, Any],
) -> None:
    error = exception_for(URI, [], kwargs, {URI: SoldOut})
    assert type(error) is SoldOut
    assert (error.args, vars(error)) == ((), kwargs)


@pytest.mark.parametrize("name", ["args", "__cause__", "add_note"])
def test_a_marked_class_hides_nothing_of_python_s_own(name: str) -> None:
    error = exception_for(URI, ["apple"], {name: "forged"}, {URI: SoldOut})
    assert type(error) is WampError
    assert (error.args, error.kwargs) == (("apple",), {name: "forged"})


class Empty(Exception):
    """It is not true."""

    def __bool__(self) -> bool:
        return False


class Odd(Exception):
    """It makes something else of itself."""

    def __new__(cls, *args: Any) -> Any:
        return 5


@wamp.error(URI)
class Last(StopIteration):
    pass


@pytest.mark.parametrize(("kind", "made"), [(wamp.error(URI)(Empty), Empty), (Last, WampError),
                                            (wamp.error(URI)(Odd), WampError)])  # fmt: skip
def test_marked_classes_of_every_kind(kind: type[Exception], made: type[Exception]) -> None:
    assert type(exception_for(URI, ["apple"], {}, {URI: kind})) is made


@wamp.error(URI)
class Plain(ApplicationError):
    """As ApplicationError itself, it takes the URI first."""


@wamp.error(URI)
class Fixed(ApplicationError):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(URI, *args, **kwargs)
        self.fixed = True


class Unmarked(ApplicationError):
    def __init__(self, one: int, two: int) -> None:
        raise NotImplementedError


@pytest.mark.parametrize("kind", [Plain, Fixed, Unmarked])
@pytest.mark.parametrize(
    ("args", "kwargs"),
    [([], {}), (["gone", 5], {}), (["gone"], {"sku": 1}), ([], {"callee": 1, "enc_algo": "x"})],
)
def test_a_class_of_application_errors_is_whole(
    kind: type[ApplicationError], args: list[Any], kwargs: dict[str, Any]
) -> None:
    error: Any = exception_for(URI, args, kwargs, {URI: kind})
    assert type(error) is kind
    assert (error.error, error.args, error.kwargs) == (URI, tuple(args), kwargs)
    assert (error.enc_algo, error.callee, error.callee_authid) == (None, None, None)
    assert URI in str(error)
    assert getattr(error, "fixed", None) == (True if kind is Fixed else None)


# Every other URI.


@pytest.mark.parametrize("kwargs", [{}, {"sku": 1, "error": 2, "uri": 3, "callee": 4, "self": 5}])
def test_every_other_error_is_an_application_error_where_the_app_asks(
    kwargs: dict[str, Any],
) -> None:
    error: Any = exception_for(URI, ["gone"], kwargs, EVERY)
    assert isinstance(error, ApplicationError)
    assert isinstance(error, WampError)
    assert (error.error, error.args, error.kwargs) == (URI, ("gone",), kwargs)
    assert (error.uri, error.message, error.callee) == (URI, "gone", None)
    assert error.error_message() == f"{URI}: gone"
    assert str(error) == f"{URI}: gone"
    assert repr(error).startswith(f"ApplicationError('{URI}', 'gone'")


def test_a_predefined_error_has_its_own_class_too() -> None:
    error: Any = exception_for(ApplicationError.NO_SUCH_PROCEDURE, ["none"], {}, EVERY)
    assert isinstance(error, ApplicationError)
    assert isinstance(error, NoSuchProcedure)
    assert error.error == ApplicationError.NO_SUCH_PROCEDURE
    assert type(error).__name__ == "NoSuchProcedure"


def test_a_uri_that_has_a_class_of_its_own_gets_that() -> None:
    assert type(exception_for(URI, ["apple"], {}, {**EVERY, URI: SoldOut})) is SoldOut


def test_an_empty_uri_is_an_error_like_any_other() -> None:
    error: Any = exception_for("", ["gone"], {}, EVERY)
    assert isinstance(error, WampError)
    assert (error.error, error.uri) == ("", "")


def test_without_being_asked_it_is_a_plain_error() -> None:
    assert type(general_error(URI, [], {}, None)) is WampError
    assert type(general_error(URI, [], {}, {URI: SoldOut})) is WampError
    assert type(as_defined(None, CallTimeout("late"))) is CallTimeout


def test_an_error_of_our_own_is_one_as_well() -> None:
    error: Any = as_defined(EVERY, CallTimeout("late", after=5))
    assert isinstance(error, CallTimeout)
    assert isinstance(error, ApplicationError)
    assert (error.error, error.args, error.kwargs) == (
        "wamp.error.timeout", ("late",), {"after": 5},
    )  # fmt: skip


def test_it_can_be_copied_and_pickled() -> None:
    error = exception_for(URI, ["gone"], {"sku": 1}, EVERY)
    for again in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert isinstance(again, WampError)
        assert (again.uri, again.args, again.kwargs) == (URI, ("gone",), {"sku": 1})


# What is refused.


def test_a_class_without_a_uri_cannot_be_defined_without_one() -> None:
    for kind in (KeyError, Unmarked):
        with pytest.raises(InvalidHandler, match="has no error URI of its own; write define_error"):
            Blueprint().define_error(kind)


def test_a_mark_with_a_reserved_uri_cannot_be_defined() -> None:
    @wamp.error("wamp.error.mine")
    class Mine(Exception):
        pass

    with pytest.raises(InvalidUri, match="reserved"):
        Blueprint().define_error(Mine)


# In a session.


def test_only_calls_and_events_get_what_the_app_defined() -> None:
    """What registers expects a WampError, whatever an authorizer of the router's answers."""

    async def main(scene: Scene) -> None:
        scene.session._caller._defined = {URI: SoldOut, **EVERY}
        scene.say(*WELCOMED)
        call = scene.session.call("com.example.order", [], {})
        endpoint = endpoint_for(Registration("com.example.a", print))
        register = asyncio.ensure_future(scene.session.register(endpoint))
        again = asyncio.ensure_future(scene.session.register(endpoint))
        for _ in range(3):
            await asyncio.sleep(0)
        scene.say(ERROR, CALL, 1, {}, URI, ["apple"])
        scene.say(ERROR, REGISTER, 2, {}, URI, ["apple"])
        scene.say(ERROR, REGISTER, 3, {}, "wamp.error.procedure_already_exists", [])
        assert type(call.exception()) is SoldOut
        with pytest.raises(ApplicationError) as caught:
            await register
        assert isinstance(caught.value, WampError)
        with pytest.raises(ProcedureExists):
            await again

    on_a_scene(main)
