"""What a handler raises that is Autobahn's: `ApplicationError`, and classes with `@wamp.error`."""

import asyncio
import enum
import logging
from typing import Any

import pytest
from autobahn import wamp
from autobahn.wamp.exception import ApplicationError, NotAuthorized, TypeCheckError

from wampapp.dispatch.dispatcher import Dispatcher
from wampapp.dispatch.failures import Failures
from wampapp.dispatch.hooks import Hooks
from wampapp.errors import HookFailed, WampError
from wampapp.loop.threads import ThreadPool
from wampapp.registry.blueprint import Blueprint
from wampapp.registry.endpoint import Endpoint, endpoint_for
from wampapp.registry.records import Hook
from wampapp.registry.registry import Registry

URI = "com.example.sold_out"

logger = logging.getLogger("test.dispatch")


def served(blueprint: Blueprint | None = None) -> Endpoint:
    """The endpoint that raises, with what a blueprint has defined."""

    def raises() -> None:
        """Raise what the test says."""

    return endpoint_for((blueprint or Blueprint()).add_registration(raises, "com.example.raises"))


def answer(error: BaseException, *defined: tuple[Any, str | None]) -> tuple[Any, ...]:
    """Return what goes over the wire for an exception of a handler, as a blueprint defines it."""
    blueprint = Blueprint("com.shop")
    for kind, uri in defined:
        blueprint.define_error(kind, uri)
    made = Failures(logger).error_for(served(blueprint), error)
    return made.uri, made.args, made.kwargs


@wamp.error(URI)
class SoldOut(Exception):
    def __init__(self, sku: str) -> None:
        super().__init__(f"{sku} is sold out")
        self.sku = sku


class VerySoldOut(SoldOut):
    """It has no mark of its own."""


@wamp.error(URI)
class WithKwargs(Exception):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args)
        self.kwargs: Any = kwargs


@wamp.error("com.example.inner")
@wamp.error(URI)
class Twice(Exception):
    pass


class Code(enum.StrEnum):
    SOLD_OUT = URI


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ApplicationError(URI), (URI, (), {})),
        (ApplicationError(URI, "gone", 7, sku="apple"), (URI, ("gone", 7), {"sku": "apple"})),
        (
            ApplicationError(URI, enc_algo="cryptobox", callee=7, callee_authid="joe", left=0),
            (URI, (), {"left": 0}),
        ),
        (TypeCheckError("no int"), ("wamp.error.type_check_error", ("no int",), {})),
        (ApplicationError(Code.SOLD_OUT), (URI, (), {})),
        (SoldOut("apple"), (URI, ("apple is sold out",), {})),
        (VerySoldOut("apple"), (URI, ("apple is sold out",), {})),
        (WithKwargs("gone", sku=1), (URI, ("gone",), {"sku": 1})),
        (Twice("gone"), (URI, ("gone",), {})),
        (NotAuthorized("not you"), ("wamp.error.not_authorized", ("not you",), {})),
    ],
    ids=repr,
)
def test_it_keeps_its_uri_args_and_kwargs(error: Exception, expected: tuple[Any, ...]) -> None:
    assert answer(error) == expected


def test_the_uri_of_a_mark_goes_over_the_wire_as_a_plain_string() -> None:
    assert type(answer(ApplicationError(Code.SOLD_OUT))[0]) is str


def test_an_app_may_give_a_marked_class_another_uri() -> None:
    expected = "com.shop.gone", ("apple is sold out",), {}
    assert answer(SoldOut("apple"), (SoldOut, ".gone")) == expected


def test_the_uri_of_an_application_error_is_its_own_whatever_is_defined() -> None:
    class Own(ApplicationError):
        pass

    for error in (Own(URI, "gone"), ApplicationError(URI, "gone")):
        defined = (ApplicationError, None), (Own, ".other")
        assert answer(error, *defined) == (URI, ("gone",), {})


def test_kwargs_that_are_not_a_dictionary_are_left_out() -> None:
    error = WithKwargs("gone")
    error.kwargs = ["sku"]
    assert answer(error) == (URI, ("gone",), {})


@pytest.mark.parametrize("uri", [None, 5, "", "not a uri", "com..example"])
def test_a_uri_that_is_not_valid_is_logged_and_answered(
    uri: Any, caplog: pytest.LogCaptureFixture
) -> None:
    answered, args, kwargs = answer(ApplicationError(uri, "gone"))
    assert (answered, args) == ("wamp.error.runtime_error", ("gone",))
    [record] = caplog.records
    assert kwargs["error_id"] in record.getMessage()
    assert "com.example.raises raised an error with the invalid URI" in record.getMessage()


def test_nothing_is_logged_for_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    answer(ApplicationError(URI, "gone"))
    answer(SoldOut("apple"))
    assert caplog.records == []


def test_a_hook_that_raises_one_says_so_in_a_short_sentence() -> None:
    async def main() -> None:
        def hook() -> None:
            raise ApplicationError(URI, "gone", sku=7)

        registry = Registry()
        registry.add_hook(Hook("startup", hook))
        workers = ThreadPool(1)
        try:
            dispatcher = Dispatcher(asyncio.get_running_loop(), workers, logger)
            sentence = rf"hook .*hook .* failed: ApplicationError: {URI}: gone\.$"
            with pytest.raises(HookFailed, match=sentence):
                await Hooks(registry, dispatcher, None).run_startup()
        finally:
            workers.close()
            await asyncio.to_thread(workers.join)

    asyncio.run(main())


def test_what_an_app_may_define() -> None:
    blueprint = Blueprint("com.shop")
    blueprint.define_error(SoldOut)
    blueprint.define_error(ApplicationError)
    outer = Blueprint()
    outer.include(blueprint)
    assert outer.scope.defined() == {URI: SoldOut, "": ApplicationError}


def test_a_wamp_error_is_passed_on_as_it_is() -> None:
    error = WampError(URI, "gone", kwargs=1)
    assert Failures(logger).error_for(served(), error) is error
