"""The options of calls and of events: what is refused, at every place where they are written."""

from collections.abc import Callable
from typing import Any

import pytest

from wampapp import App, InvalidHandler, NotJoined, UsageError
from wampapp.client.blocking import Client
from wampapp.client.options import CallOptions, PublishOptions


def client() -> Client:
    def nothing() -> Any:
        raise NotJoined("nothing is joined here")

    return Client(nothing, nothing, timeout=3)


@pytest.fixture(params=[lambda: App().procedure, lambda: client().procedure], ids=["app", "client"])
def procedure(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """What makes a handle to a procedure."""
    made: Callable[..., Any] = request.param()
    return made


@pytest.fixture(params=[lambda: App().topic, lambda: client().topic], ids=["app", "client"])
def topic(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """What makes a handle to a topic."""
    made: Callable[..., Any] = request.param()
    return made


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"timout": 1}, "There is no option 'timout'. Did you mean 'timeout'?"),
        (
            {"timeout": 1, "disclose": 1},
            "There is no option 'disclose'. Did you mean 'disclose_me'?",
        ),
        ({"return_": int}, "There is no option 'return_'. Did you mean 'returns'?"),
        (
            {"xyz": 1},
            "There is no option 'xyz'; the options are timeout, disclose_me, idempotent, returns.",
        ),
        ({"timeout": -1}, "timeout is -1; give a number of seconds, 0 or more."),
        ({"timeout": True}, "timeout is True; give a number of seconds, 0 or more."),
        ({"returns": 7}, "returns is 7, which is not a type: "),
    ],
)
def test_a_procedure_refuses_what_is_not_an_option(
    procedure: Callable[..., Any], options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UsageError) as caught:
        procedure("com.example.add", **options)
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"retian": True}, "There is no option 'retian'. Did you mean 'retain'?"),
        ({"retain": True, "exclude_authids": []}, "Did you mean 'exclude_authid'?"),
        ({"xyz": 1}, "There is no option 'xyz'; the options are acknowledge, exclude_me, "),
    ],
)
def test_a_topic_refuses_what_is_not_an_option(
    topic: Callable[..., Any], options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UsageError) as caught:
        topic("com.example.news", **options)
    assert sentence in str(caught.value)


def test_every_option_is_taken(procedure: Callable[..., Any], topic: Callable[..., Any]) -> None:
    calls = CallOptions(timeout=0.5, disclose_me=True, idempotent=True)
    assert calls.keys() == CallOptions.__annotations__.keys()
    assert procedure("com.example.add", returns=int, **calls).uri == "com.example.add"
    assert procedure("com.example.add", timeout=None).uri == "com.example.add"
    events = dict.fromkeys(PublishOptions.__annotations__, True)
    assert topic("com.example.news", **events).uri == "com.example.news"


def test_a_blocking_handle_has_its_client_s_timeout_unless_it_says_another() -> None:
    assert client().procedure("com.a")._procedure._timeout == 3
    assert client().procedure("com.a", timeout=None)._procedure._timeout == 3
    assert client().procedure("com.a", timeout=0)._procedure._timeout == 0
    assert App().procedure("com.a")._timeout is None


def handler() -> None: ...


def test_a_handle_of_a_procedure_used_as_a_decorator_is_refused(
    procedure: Callable[..., Any],
) -> None:
    with pytest.raises(InvalidHandler, match=r"write @app\.register\('com\.example\.add'\)\.$"):
        procedure("com.example.add")(handler)


def test_a_handle_of_a_topic_used_as_a_decorator_is_refused(topic: Callable[..., Any]) -> None:
    with pytest.raises(InvalidHandler, match=r"write @app\.subscribe\('com\.example\.news'\)\.$"):
        topic("com.example.news")(handler)
