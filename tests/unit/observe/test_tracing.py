"""Which trace something belongs to, and what it hands on."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from wampapp.observe.tracing import (
    Origin,
    carrying,
    current_trace_id,
    for_later,
    of_request,
    running_for,
)
from wampapp.protocol.traceparent import parsed

TRACE = "0af7651916cd43dd8448eb211c80319c"
VALID = f"00-{TRACE}-b7ad6b7169203331-01"


def test_outside_of_everything_there_is_none_and_nothing_is_sent() -> None:
    options = {"acknowledge": True}
    assert current_trace_id() is None
    assert carrying(options) is options


def test_what_came_is_handed_on_with_a_place_of_its_own() -> None:
    sent = []
    for _ in range(2):
        with running_for(Origin(VALID)):
            assert current_trace_id() == TRACE
            sent += [parsed(carrying(options)["transaction_hash"]) for options in ({}, {"a": 1})]
    assert current_trace_id() is None
    assert all(place is not None and place.trace_id == TRACE for place in sent)
    # Each of the two is one operation, whatever it brings about.
    assert sent[0] == sent[1]
    assert sent[2] == sent[3]
    assert len({VALID, *map(str, sent)}) == 3


@pytest.mark.parametrize("carried", [None, "", "an application's own", 7, VALID.upper()])
def test_what_is_no_traceparent_is_left_alone(carried: object) -> None:
    origin = Origin(carried)
    with running_for(origin):
        trace = current_trace_id()
        assert trace is not None
        assert trace == current_trace_id() != TRACE
        assert not origin.is_shared
        sent = parsed(carrying({})["transaction_hash"])
    assert sent is not None
    assert sent.trace_id == trace
    assert origin.is_shared


def test_nothing_is_made_until_somebody_asks() -> None:
    origin = Origin()
    with running_for(origin):
        carrying({"transaction_hash": "theirs"})
    assert origin.place is None


def test_what_an_application_has_set_stays() -> None:
    options = {"transaction_hash": "theirs", "timeout": 5}
    with running_for(Origin(VALID)):
        assert carrying(options) is options
        assert carrying({"transaction_hash": ""}) == {"transaction_hash": ""}
        assert carrying({"timeout": 5}).keys() == {"timeout", "transaction_hash"}


def test_threads_that_ask_at_the_same_time_get_the_same() -> None:
    for _ in range(50):
        origin, barrier = Origin(), threading.Barrier(4)

        def ask(origin: Origin = origin, barrier: threading.Barrier = barrier) -> str:
            barrier.wait()
            return origin.trace_id

        with ThreadPoolExecutor(4) as pool:
            assert len({future.result() for future in [pool.submit(ask) for _ in range(4)]}) == 1


def test_a_task_begins_with_the_trace_of_what_started_it() -> None:
    async def main() -> tuple[str | None, str | None]:
        async def inner() -> str | None:
            return current_trace_id()

        with running_for(Origin(VALID)):
            task = asyncio.create_task(inner())
        return await task, current_trace_id()

    assert asyncio.run(main()) == (TRACE, None)


def test_what_runs_later_belongs_to_the_same_trace_or_to_its_own() -> None:
    with running_for(Origin(VALID)):
        found = parsed(for_later())
    assert found is not None
    assert found.trace_id == TRACE
    alone = parsed(for_later())
    assert alone is not None
    assert alone.trace_id != TRACE


@pytest.mark.parametrize(
    ("headers", "is_taken"),
    [
        ([(b"host", b"x"), (b"traceparent", VALID.encode())], True),
        ([(b"traceparent", VALID.encode()), (b"traceparent", VALID.encode())], False),
        ([(b"traceparent", b"\xff\xfe")], False),
        ([], False),
    ],
)
def test_a_request_brings_it_in_its_header(
    headers: list[tuple[bytes, bytes]], is_taken: bool
) -> None:
    assert (of_request(headers).trace_id == TRACE) == is_taken
