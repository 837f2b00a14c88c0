"""`CallOptions` and `PublishOptions` of Autobahn's, at handles and verbs, with no router."""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any

import pytest
from autobahn.wamp.types import CallOptions, CallResult, PublishOptions
from twisted.internet.defer import Deferred

import wampapp
from tests.support.sessions import WELCOMED, Scene, on_a_scene
from wampapp import App, CallTimeout, InvalidResult, UsageError
from wampapp.client.autobahn_calls import procedure_for
from wampapp.client.blocking import Client
from wampapp.protocol.messages import CALL, CANCEL, RESULT

URI = "com.example.count"


class Peer:
    """A connection to a scripted router, as a handle knows one."""

    is_settling = False

    def __init__(self, scene: Scene) -> None:
        self.call = scene.session.call

    async def joined(self, timeout: float | None = None) -> None:
        """Return at once."""

    def as_defined(self, error: Exception) -> Exception:
        return error


def calling(options: Any, more: Any = None, **further: Any) -> Callable[..., Any]:
    """Make what calls on a scene: it returns the task of a call."""

    def make(scene: Scene) -> Callable[..., asyncio.Task[Any]]:
        peer: Any = Peer(scene)
        procedure = procedure_for(lambda: peer, URI, options, more or {}, **further)
        return lambda *args, **kwargs: asyncio.ensure_future(procedure(*args, **kwargs))

    return make


async def turns() -> None:
    for _ in range(4):
        await asyncio.sleep(0)


def on_a_call(options: Any, main: Callable[[Scene, Any], Awaitable[None]], **further: Any) -> None:
    """Run a test on a session that has joined, with what calls."""

    async def run(scene: Scene) -> None:
        scene.say(*WELCOMED)
        await main(scene, calling(options, **further)(scene))

    on_a_scene(run)


def test_what_is_sent_and_what_comes_back() -> None:
    async def main(scene: Scene, call: Any) -> None:
        answer = call(1, a=2)
        await turns()
        assert scene.take() == [[CALL, 1, {"transaction_hash": "x"}, URI, [1], {"a": 2}]]
        scene.say(RESULT, 1, {}, [5])
        assert await answer == 5

    on_a_call(CallOptions(timeout=5, transaction_hash="x", correlation_id="c"), main)


def test_the_timeout_is_in_seconds_and_cancels() -> None:
    async def main(scene: Scene, call: Any) -> None:
        began = asyncio.get_running_loop().time()
        with pytest.raises(CallTimeout, match=r"within 0\.1 s"):
            await call()
        assert asyncio.get_running_loop().time() - began >= 0.1
        assert [message[0] for message in scene.take()] == [CALL, CANCEL]

    on_a_call(CallOptions(timeout=0.1), main)


def test_a_timeout_beside_the_object_counts_more() -> None:
    async def main(scene: Scene, call: Any) -> None:
        with pytest.raises(CallTimeout):
            await call()

    on_a_call(CallOptions(timeout=3600), main, more={"timeout": 0.05})


def test_each_progressive_result_is_handed_on() -> None:
    got: list[Any] = []

    async def main(scene: Scene, call: Any) -> None:
        answer = call()
        await turns()
        assert scene.take() == [[CALL, 1, {"receive_progress": True}, URI]]
        scene.say(RESULT, 1, {"progress": True})
        scene.say(RESULT, 1, {"progress": True}, [None])
        scene.say(RESULT, 1, {"progress": True}, [1, 2], {"a": 3})
        scene.say(RESULT, 1, {}, ["done"])
        assert await answer == "done"

    on_a_call(CallOptions(on_progress=lambda *args, **kwargs: got.append((args, kwargs))), main)
    assert got == [((), {}), ((None,), {}), ((1, 2), {"a": 3})]


@pytest.mark.parametrize("kind", ["plain", "coroutine", "deferred"])
def test_a_callback_that_fails_is_logged_and_the_call_goes_on(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    fired: Deferred[None] = Deferred()

    def plain(number: int) -> None:
        raise KeyError("apple")

    async def coroutine(number: int) -> None:
        await asyncio.sleep(0)
        raise KeyError("apple")

    def deferred(number: int) -> Deferred[None]:
        return fired

    async def main(scene: Scene, call: Any) -> None:
        answer = call()
        await turns()
        scene.say(RESULT, 1, {"progress": True}, [1])
        if kind == "deferred":
            await turns()
            fired.errback(KeyError("apple"))
        await turns()
        scene.say(RESULT, 1, {}, ["done"])
        assert await answer == "done"

    callback = {"plain": plain, "coroutine": coroutine, "deferred": deferred}[kind]
    with caplog.at_level(logging.ERROR, "wampapp"):
        on_a_call(CallOptions(on_progress=callback), main)
    [record] = caplog.records
    assert record.getMessage() == f"on_progress failed for a result of {URI}"
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], KeyError)


@pytest.mark.parametrize(
    ("args", "kwargs", "results", "kwresults"),
    [
        ([5], {}, (5,), {}),
        ([None], {}, (None,), {}),
        ([1, 2], {}, (1, 2), {}),
        ([1], {"callee": "forged", "results": 2}, (1,), {"callee": "forged", "results": 2}),
    ],
)
def test_with_details_results_are_of_autobahn_s_class(
    args: list[Any], kwargs: dict[str, Any], results: Any, kwresults: Any
) -> None:
    got: list[Any] = []

    async def main(scene: Scene, call: Any) -> None:
        answer = call()
        await turns()
        scene.say(RESULT, 1, {"progress": True}, args, kwargs)
        scene.say(RESULT, 1, {}, args, kwargs)
        got.append(await answer)

    on_a_call(CallOptions(details=True, on_progress=got.append), main)
    assert len(got) == 2
    for result in got:
        assert type(result) is CallResult
        assert (result.results, result.kwresults, result.callee) == (results, kwresults, None)


def test_a_result_is_converted_to_what_a_handle_returns() -> None:
    async def main(scene: Scene, call: Any) -> None:
        answers = call(), call()
        await turns()
        scene.say(RESULT, 1, {}, [5])
        scene.say(RESULT, 2, {}, ["5"])
        assert await answers[0] == 5
        with pytest.raises(InvalidResult):
            await answers[1]

    on_a_call(CallOptions(timeout=5), main, returns=int)


# Where they may stand.


def nothing() -> Any:
    raise wampapp.NotJoined("nothing is joined here")


CLIENT = Client(nothing, nothing, timeout=3)


@pytest.mark.parametrize("peer", [App(), CLIENT], ids=["app", "client"])
@pytest.mark.parametrize(
    ("verb", "options", "sentence"),
    [
        ("procedure", PublishOptions(), "A PublishOptions of Autobahn's goes with publish; here "),
        ("topic", CallOptions(), "A CallOptions of Autobahn's goes with call; here it can be a "),
        ("procedure", {"timeout": 5}, r"options is {'timeout': 5}; it can be Autobahn's CallOpt"),
        ("topic", 5, "options is 5; it can be Autobahn's PublishOptions"),
    ],
    ids=str,
)
def test_an_object_in_the_wrong_place(peer: Any, verb: str, options: Any, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        getattr(peer, verb)("com.a", options)
    with pytest.raises(UsageError, match=sentence):
        getattr(peer, verb)("com.a", options=options)


@pytest.mark.parametrize("peer", [App(), CLIENT], ids=["app", "client"])
@pytest.mark.parametrize(
    ("verb", "options"),
    [("call", PublishOptions()), ("publish", CallOptions()), ("stream", PublishOptions())],
)
def test_a_verb_with_the_object_of_another(peer: Any, verb: str, options: Any) -> None:
    with pytest.raises(UsageError, match="of Autobahn's goes with"):
        list(getattr(peer, verb)("com.a", options=options))


def test_a_call_and_an_event_without_them_cost_no_function_more() -> None:
    class Sink:
        def call(self, *args: Any) -> None:
            """Take it."""

        publish = call

    app, sink = App(), Sink()
    app._connection = lambda: sink  # type: ignore[method-assign,return-value,assignment]
    names: list[str] = []

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call" and frame.f_globals.get("__name__", "").startswith("wampapp."):
            names.append(frame.f_code.co_name)

    app.call("com.a", 1)  # the URI is known from then on
    sys.setprofile(note)
    try:
        app.call("com.a", 1, a=2)
        app.publish("com.a", 1, a=2)
    finally:
        sys.setprofile(None)
    assert len(names) <= 10, names
