"""The exception tree, what its members carry, and how they travel."""

import copy
import inspect
import pickle
import re

import pytest

from wampapp import errors
from wampapp.errors import (
    CallTimeout,
    HandlerFailed,
    InvalidArgument,
    InvalidResult,
    RouterRefused,
    SessionError,
    TlsFailed,
    UsageError,
    WampappError,
    WampError,
    error_from_wire,
)

PUBLIC = [getattr(errors, name) for name in errors.__all__]
PREDEFINED = [cls for cls in PUBLIC if issubclass(cls, WampError) and cls is not WampError]

# The first positional arguments of the constructors that ask for more than a sentence.
ARGUMENTS = {RouterRefused: ("no such realm", "wamp.error.no_such_realm"), WampError: ("com.x",)}

AWKWARD_NAMES = {
    name: number
    for number, name in enumerate(
        ["uri", "self", "args", "kwargs", "callee", "enc_algo", "options"]
    )
}


def drawn_tree() -> dict[str, tuple[str | None, str]]:
    """Return what the module's docstring draws: each class's parent, and the text beside it."""
    drawn: dict[str, tuple[str | None, str]] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if found := re.fullmatch(r"    ((?:[│ ]   )*)(?:[├└]── )?([A-Z]\w+)(?:\s{2,}(.*))?", line):
            depth = (line.index(found[2]) - 4) // 4
            del above[depth:]
            drawn[found[2]] = (above[-1] if above else None, found[3] or "")
            above.append(found[2])
    return drawn


def make(cls: type[WampappError]) -> WampappError:
    return cls(*ARGUMENTS.get(cls, ("a sentence", 7)))


def test_the_drawn_tree_shows_every_public_exception_once() -> None:
    assert sorted(drawn_tree()) == sorted(errors.__all__)


@pytest.mark.parametrize("cls", PUBLIC, ids=lambda cls: cls.__name__)
def test_the_drawn_parent_is_the_nearest_public_base_class(cls: type) -> None:
    parent, _ = drawn_tree()[cls.__name__]
    bases = [base.__name__ for base in cls.__mro__[1:] if base in PUBLIC]
    assert (bases[0] if bases else None) == parent


@pytest.mark.parametrize("cls", PREDEFINED, ids=lambda cls: cls.__name__)
def test_the_drawn_uri_is_the_class_s(cls: type) -> None:
    assert drawn_tree()[cls.__name__][1] == cls.URI


def test_all_names_every_public_exception_of_the_module() -> None:
    there = [
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, Exception) and not name.startswith("_")
    ]
    assert sorted(there) == sorted(errors.__all__)


@pytest.mark.parametrize("cls", PUBLIC, ids=lambda cls: cls.__name__)
def test_every_exception_is_a_wampapp_error(cls: type) -> None:
    assert issubclass(cls, WampappError)


@pytest.mark.parametrize(
    ("name", "builtin"),
    [
        ("InvalidUri", ValueError),
        ("DuplicateUri", ValueError),
        ("InvalidHandler", TypeError),
        ("AppStarted", RuntimeError),
        ("InvalidUrl", ValueError),
        ("WrongThread", RuntimeError),
    ],
)
def test_a_mistake_is_python_s_own_kind_of_error_too(name: str, builtin: type) -> None:
    assert issubclass(getattr(errors, name), builtin)


@pytest.mark.parametrize("cls", PUBLIC, ids=lambda cls: cls.__name__)
def test_the_exit_code_tells_the_kind_of_failure(cls: type[WampappError]) -> None:
    if issubclass(cls, UsageError):
        expected = 2
    elif issubclass(cls, WampError | InvalidResult):
        expected = 5
    elif cls in (RouterRefused, TlsFailed):
        expected = 4
    elif issubclass(cls, SessionError) and cls is not SessionError:
        expected = 3
    else:
        expected = 1
    assert cls.exit_code == expected
    assert make(cls).exit_code == expected


def test_the_keyword_arguments_of_a_wamp_error_may_have_any_name() -> None:
    error = WampError("com.example.error", 1, "two", **AWKWARD_NAMES)
    assert (error.uri, error.args, error.kwargs) == (
        "com.example.error",
        (1, "two"),
        AWKWARD_NAMES,
    )


@pytest.mark.parametrize("cls", PREDEFINED, ids=lambda cls: cls.__name__)
def test_the_keyword_arguments_of_a_predefined_error_may_have_any_name(
    cls: type[WampError],
) -> None:
    error = cls("text", **AWKWARD_NAMES)
    assert (error.uri, error.args, error.kwargs) == (cls.URI, ("text",), AWKWARD_NAMES)


def test_a_wamp_error_needs_its_uri() -> None:
    with pytest.raises(TypeError):
        WampError()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("cls", PUBLIC, ids=lambda cls: cls.__name__)
def test_an_exception_survives_pickling(cls: type[WampappError], protocol: int) -> None:
    error = make(cls)
    again = pickle.loads(pickle.dumps(error, protocol))
    assert type(again) is cls
    assert again.args == error.args
    assert vars(again) == vars(error)
    assert str(again) == str(error)


@pytest.mark.parametrize("cls", [WampError, *PREDEFINED], ids=lambda cls: cls.__name__)
def test_pickling_keeps_the_keyword_arguments(cls: type[WampError]) -> None:
    head = ("com.example.error",) if cls is WampError else ()
    error = cls(*head, "text", 2, **AWKWARD_NAMES)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.uri, again.args, again.kwargs) == (
        cls,
        error.uri,
        ("text", 2),
        AWKWARD_NAMES,
    )


@pytest.mark.parametrize("cls", PUBLIC, ids=lambda cls: cls.__name__)
def test_an_exception_can_be_copied(cls: type[WampappError]) -> None:
    error = make(cls)
    again = copy.copy(error)
    assert (type(again), again.args, vars(again)) == (cls, error.args, vars(error))


@pytest.mark.parametrize("cls", PREDEFINED, ids=lambda cls: cls.__name__)
def test_an_error_from_the_wire_has_the_class_of_its_uri(cls: type[WampError]) -> None:
    error = error_from_wire(cls.URI, ["text", 2], dict(AWKWARD_NAMES))
    assert type(error) is cls
    assert (error.uri, error.args, error.kwargs) == (cls.URI, ("text", 2), AWKWARD_NAMES)


@pytest.mark.parametrize(
    "uri", ["com.example.error", "wamp.error.no_such_realm", "", "wamp.error.runtime_error.x"]
)
def test_an_error_with_another_uri_is_a_plain_wamp_error(uri: str) -> None:
    error = error_from_wire(uri, [1], {"uri": "x"})
    assert type(error) is WampError
    assert (error.uri, error.args, error.kwargs) == (uri, (1,), {"uri": "x"})


def test_no_two_classes_stand_for_one_uri() -> None:
    uris = [cls.URI for cls in PREDEFINED]
    assert len(set(uris)) == len(uris)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (WampError("com.x"), "com.x"),
        (WampError("com.x", "out of stock"), "com.x: out of stock"),
        (WampError("com.x", "sku", 7, None), "com.x: sku, 7, None"),
        (WampError("com.x", ""), "com.x"),
        (WampError("com.x", left=3), "com.x"),
        (CallTimeout("No answer."), "wamp.error.timeout: No answer."),
        (RouterRefused("No such realm.", "wamp.error.no_such_realm"), "No such realm."),
    ],
)
def test_str_is_a_line_for_people(error: WampappError, text: str) -> None:
    assert str(error) == text


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (WampError("com.x"), "WampError('com.x')"),
        (WampError("com.x", "a", 1, left=3), "WampError('com.x', 'a', 1, left=3)"),
        (
            InvalidArgument("b", parameter="b"),
            "InvalidArgument('wamp.error.invalid_argument', 'b', parameter='b')",
        ),
    ],
)
def test_repr_shows_everything(error: WampError, text: str) -> None:
    assert repr(error) == text


def test_the_message_is_the_arguments_alone() -> None:
    assert WampError("com.x", "a", 1, k=2).message == "a, 1"
    assert WampError("com.x").message == ""


def test_the_sentence_shows_the_keyword_arguments_too() -> None:
    assert HandlerFailed("broke", error_id="1f").sentence == (
        "wamp.error.runtime_error: broke (error_id='1f')"
    )
    assert HandlerFailed("broke").sentence == "wamp.error.runtime_error: broke"


def test_a_refusal_says_the_router_s_reason() -> None:
    assert RouterRefused("No.", "wamp.error.not_authorized").reason == "wamp.error.not_authorized"
