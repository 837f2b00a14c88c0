"""Tasks in processes of their own: what comes back, and what ends with what."""

import os
import select
from collections.abc import Iterator
from typing import Any

import pytest

from tests.programs.tasks import apart
from wampapp import App, DeclarationError, InvalidHandler, UsageError
from wampapp.components.tasks import Tasks
from wampapp.components.tasks.isolation import ProcessDied
from wampapp.observe.tracing import Origin, current_trace_id, running_for
from wampapp.testing import TestClient

DEADLINE = 30.0


@pytest.fixture
def client() -> Iterator[TestClient]:
    with apart.app.test_client(timeout=DEADLINE) as client:
        yield client


def result(client: TestClient, task: Any, *args: Any) -> Any:
    handle = task.sync.enqueue(*args)
    client.tasks.run_all()
    return handle.result(timeout=DEADLINE)


def test_it_is_another_process(client: TestClient) -> None:
    pid, number, attempt, text = result(client, apart.where, "ü" * 100_000)
    assert pid != os.getpid()
    assert (number, attempt, len(text)) == (1, 1, 100_000)
    assert client.tasks.all()[0].progress == 0.5
    assert result(client, apart.where)[0] not in (pid, os.getpid())


def test_it_belongs_to_the_trace_of_what_enqueued_it(client: TestClient) -> None:
    with running_for(Origin()):
        trace = current_trace_id()
        found = result(client, apart.traced)
    assert found == (trace, trace)
    assert client.tasks.all()[0].trace == trace
    assert result(client, apart.traced)[0] not in (trace, None)


def test_what_it_raises_comes_back(client: TestClient) -> None:
    with pytest.raises(ValueError, match="no") as caught:
        result(client, apart.raises, "no")
    # The traceback of the other process.
    assert "apart.py" in caught.value.__notes__[0]
    with pytest.raises(SystemExit):
        result(client, apart.raises, "exit")
    with pytest.raises(RuntimeError, match="Odd: 1 and 2"):
        result(client, apart.raises, "odd")
    with pytest.raises(ProcessDied, match="ended without a result"):
        result(client, apart.raises, "dies")


def test_its_memory_is_limited(client: TestClient) -> None:
    assert result(client, apart.takes, 1000) == 1000
    with pytest.raises(MemoryError):
        result(client, apart.takes, 2**30)


def test_it_is_killed_when_its_time_is_up(client: TestClient) -> None:
    with pytest.raises(TimeoutError, match="it took longer than its 0.5 s"):
        result(client, apart.spins)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"isolate": True}, "only a plain function at the top of a module can"),
        ({"memory": "1M"}, "only a plain function at the top of a module can"),
    ],
)
def test_what_cannot_be_apart(options: dict[str, Any], sentence: str) -> None:
    tasks = Tasks(App(prefix="com.shop"))

    def inner() -> None: ...

    async def waits() -> None: ...

    for function in (inner, waits):
        with pytest.raises(InvalidHandler, match=sentence):
            tasks.task(**options)(function)


@pytest.mark.parametrize("memory", ["lots", "0M", "1.5G", 0, -1, 2.5])
def test_what_is_no_memory(memory: Any) -> None:
    with pytest.raises(UsageError, match="write it as '512M' or '2G'"):
        Tasks(App(prefix="com.shop")).task(memory=memory)(lambda: None)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"retries": -1}, "retries of the task 'ok' is -1; give 0 or more"),
        ({"retries": True}, "retries of the task 'ok' is True"),
        ({"backoff": "1"}, "backoff of the task 'ok' is '1'"),
        ({"timeout": 0}, "timeout of the task 'ok' is 0; give seconds above 0"),
        ({"queue": ""}, "queue of the task 'ok' is ''; give a name"),
        ({"priority": 1.5}, "priority of the task 'ok' is 1.5; give a whole number"),
        ({"retry_on": [3]}, r"retry_on of the task 'ok' is \(3,\); give exceptions"),
        ({"name": ""}, "A task needs a name"),
    ],
)
def test_what_is_no_option(options: dict[str, Any], sentence: str) -> None:
    def ok() -> None: ...

    tasks = Tasks(App(prefix="com.shop"))
    if options == {"name": ""}:
        ok.__name__ = ""
        sentence = "A task needs a name"
    with pytest.raises(DeclarationError, match=sentence):
        tasks.task(**options)(ok)


@pytest.mark.parametrize("rate", ["10", "0/s", "10/y", 3, "a/s"])
def test_what_is_no_rate(rate: Any) -> None:
    with pytest.raises(UsageError, match="write it as '10/s', '100/m' or '1/5s'"):
        Tasks(App(prefix="com.shop")).task(rate=rate)(lambda: None)


def test_names_are_taken_once() -> None:
    tasks = Tasks(App(prefix="com.shop"))
    tasks.task(name="a")(lambda: None)
    with pytest.raises(DeclarationError, match="There is a task 'a' already"):
        tasks.task(name="a")(lambda: None)
    with pytest.raises(InvalidHandler, match="is a generator"):

        @tasks.task
        def gives() -> Iterator[int]:
            yield 1


def test_cancelling_kills_it(client: TestClient) -> None:
    handle = apart.sleeps.sync.enqueue(DEADLINE)
    worker = client.realm.harness.runtime.call(client.tasks._begin())
    try:
        client.settle()
        assert handle.info().state == "running"
        template = worker._templates["tests.programs.tasks.apart"]
        children = os.pidfd_open(template._process.pid)
        assert handle.cancel() is True
        client.settle()
    finally:
        client.realm.harness.runtime.call(worker.stop(0.0))
    assert handle.info().state == "cancelled"
    # The template ends with the worker, and nothing is left of either.
    assert select.select([children], [], [], DEADLINE)[0]
    os.close(children)
