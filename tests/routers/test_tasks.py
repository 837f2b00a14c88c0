"""The task queue between real sessions: who owns it, who works, and what happens when one goes."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.support.company import DEADLINE, BaseCompany, cut
from tests.support.process import EmbeddedRouter
from tests.support.running import running
from wampapp import App, ConnectedClient, InvalidArgument, NoSuchProcedure, StoreError, connect
from wampapp.components.tasks import Task, TaskFailed, Tasks, tables
from wampapp.crossbar import Crossbar
from wampapp.errors import StorageFailed
from wampapp.flask import WAMP
from wampapp.loop.runtime import get_runtime


class Company(BaseCompany):
    """Who has a queue: an owner, workers, and a shop that only enqueues. Each has its session."""

    def __init__(self, url: str, folder: Path, request: pytest.FixtureRequest) -> None:
        super().__init__(url, folder, request)
        self.go = threading.Event()

    def __exit__(self, *exception: object) -> None:
        self.go.set()
        super().__exit__(*exception)

    def owner(self) -> App:
        app = App(prefix=self.prefix, name="owner")
        app.include(Tasks(app, store=self.file))
        return self.join(app)

    def shop(self) -> Tasks:
        """One that knows no task's code."""
        app = App(prefix=self.prefix, name="shop")
        tasks = Tasks(app)
        self.join(app)
        return tasks

    def worker(self, name: str = "worker", slots: int = 2) -> Tasks:
        app = App(prefix=self.prefix, name=name, grace=5)
        tasks = Tasks(app, slots=slots)
        said, go = self.said, self.go

        @tasks.task
        async def add(a: int, b: int) -> int:
            return a + b

        @tasks.task
        async def waits(what: str) -> str:
            said.put((name, "starts", what))
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                said.put((name, "cancelled", what))
                raise
            return what

        @tasks.task
        def blocks(task: Task, what: str) -> str:
            said.put((name, "starts", what, task.attempt))
            task.progress(0.25, "begun")
            go.wait(DEADLINE)
            said.put((name, "ends", what, task.attempt))
            return what

        @tasks.task
        def looks(task: Task) -> None:
            said.put((name, "looks"))
            task.sleep(DEADLINE)

        @tasks.task(timeout=0.05, retries=1, backoff=0)
        async def slow() -> None:
            said.put((name, "slow"))
            await asyncio.Event().wait()

        @tasks.task(timeout=0.05)
        def stubborn() -> None:
            said.put((name, "stubborn"))
            go.wait(DEADLINE)

        @tasks.task(rate="2/h")
        async def rare(n: int) -> int:
            said.put(n)
            return n

        @tasks.task(queue="other")
        async def elsewhere() -> str:
            return name

        self.join(app)
        return tasks

    def join(self, app: App) -> App:
        self.running(app)
        return app

    def leave_all(self) -> None:
        self._stack.close()


@pytest.fixture
def company(
    router: EmbeddedRouter | Crossbar, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Company]:
    with Company(router.rs_url, tmp_path, request) as company:
        yield company


@pytest.fixture
def client(router: EmbeddedRouter | Crossbar) -> Iterator[ConnectedClient]:
    with connect(router.ws_url, "realm1", timeout=DEADLINE) as client:
        yield client


def test_three_sessions_share_a_queue(company: Company, client: ConnectedClient) -> None:
    company.owner()
    company.worker()
    shop = company.shop()
    handle = shop.sync.enqueue("add", 2, 3)
    assert handle.result(timeout=DEADLINE) == 5
    uri = f"{company.prefix}.tasks"
    number = client.call(f"{uri}.enqueue", "add", [1], {"b": 1})
    assert client.call(f"{uri}.result", number) == 2
    with pytest.raises(InvalidArgument, match="`b`: missing"):
        client.call(f"{uri}.enqueue", "add", [1])
    with Tasks(client, uri).sync.call("queues") and connect(
        company.url, timeout=DEADLINE
    ) as script:
        assert Tasks(script, uri).sync.enqueue("add", 4, 5).result(timeout=DEADLINE) == 9


def test_progress_is_followed(company: Company) -> None:
    company.owner()
    tasks = company.worker()
    handle = tasks.functions["blocks"].sync.enqueue("tea")
    following = handle.progress()
    told = [next(following)]
    while told[-1].progress is None:
        told.append(next(following))
    assert (told[-1].state, told[-1].progress, told[-1].note) == ("running", 0.25, "begun")
    company.go.set()
    assert [one.state for one in following][-1] == "done"


def test_what_runs_is_cancelled(company: Company) -> None:
    company.owner()
    tasks = company.worker()
    handle = tasks.functions["waits"].sync.enqueue("tea")
    assert company.heard() == ("worker", "starts", "tea")
    assert handle.cancel() is True
    assert company.heard() == ("worker", "cancelled", "tea")
    with pytest.raises(TaskFailed, match="was cancelled"):
        handle.result(timeout=DEADLINE)

    looking = tasks.functions["looks"].sync.enqueue()
    assert company.heard() == ("worker", "looks")
    assert looking.cancel() is True
    with pytest.raises(TaskFailed, match="was cancelled"):
        looking.result(timeout=DEADLINE)


def test_timeouts(company: Company) -> None:
    company.owner()
    tasks = company.worker(slots=1)
    handle = tasks.functions["slow"].sync.enqueue()
    assert [company.heard() for _ in range(2)] == [("worker", "slow")] * 2
    with pytest.raises(TaskFailed):
        handle.result(timeout=DEADLINE)
    assert handle.info().error == "TimeoutError: it took longer than its 0.05 s"

    # A thread that does not look keeps its place, but its task is over.
    handle = tasks.functions["stubborn"].sync.enqueue()
    assert company.heard() == ("worker", "stubborn")
    with pytest.raises(TaskFailed):
        handle.result(timeout=DEADLINE)
    following = tasks.functions["add"].sync.enqueue(1, 2)
    assert following.info().state == "ready"
    company.go.set()
    assert following.result(timeout=DEADLINE) == 3


def test_a_rate_holds(company: Company) -> None:
    company.owner()
    tasks = company.worker(slots=8)
    handles = [tasks.functions["rare"].sync.enqueue(n) for n in range(4)]
    assert [handle.result(timeout=DEADLINE) for handle in handles[:2]] == [0, 1]
    assert tasks.functions["add"].sync.enqueue(1, 1).result(timeout=DEADLINE) == 2
    assert [handle.info().state for handle in handles[2:]] == ["ready", "ready"]


def test_tasks_are_spread_over_workers(company: Company) -> None:
    company.owner()
    tasks = company.worker("a")
    company.worker("b")
    for n in range(4):
        tasks.functions["blocks"].sync.enqueue(str(n))
    assert sorted(company.heard()[0] for _ in range(4)) == ["a", "a", "b", "b"]
    company.go.set()


def test_a_worker_that_stops_gives_back_what_it_runs(company: Company) -> None:
    company.owner()
    shop = company.shop()
    first = company.worker("a")
    handle = shop.sync.enqueue("waits", "tea")
    assert company.heard() == ("a", "starts", "tea")
    company.worker("b")

    async def stop() -> None:
        worker = first.worker
        assert worker is not None
        await worker.stop(0.0)

    get_runtime().call(stop())
    assert company.heard() == ("a", "cancelled", "tea")
    assert company.heard() == ("b", "starts", "tea")
    info = handle.info()
    assert (info.attempt, info.failures, info.crashes) == (2, 0, 0)
    handle.cancel()


def test_a_worker_whose_link_breaks_loses_its_tasks(company: Company) -> None:
    company.owner()
    shop = company.shop()
    first = company.worker("a", slots=1)
    handle = shop.sync.enqueue("blocks", "tea")
    assert company.heard() == ("a", "starts", "tea", 1)
    company.worker("b")
    cut(first.host)
    assert company.heard()[1:] == ("starts", "tea", 2)
    company.go.set()
    assert handle.result(timeout=DEADLINE) == "tea"
    assert {company.heard()[1:] for _ in range(2)} == {("ends", "tea", 1), ("ends", "tea", 2)}
    info = handle.info()
    assert (info.state, info.attempt, info.crashes) == ("done", 2, 1)


def test_an_owner_whose_link_breaks_finds_its_workers_again(company: Company) -> None:
    owner = company.owner()
    tasks = company.worker()
    handle = tasks.functions["blocks"].sync.enqueue("tea")
    assert company.heard() == ("worker", "starts", "tea", 1)
    cut(owner)
    company.go.set()
    assert handle.result(timeout=DEADLINE) == "tea"
    assert handle.info().attempt == 1
    assert tasks.functions["add"].sync.enqueue(1, 2).result(timeout=DEADLINE) == 3


def test_an_outcome_that_cannot_be_stored_is_told_again(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.owner()
    tasks = company.worker()
    failures = ["no room"]
    finish = tables.finish

    def fails_once(*args: Any) -> None:
        if failures:
            raise StorageFailed(failures.pop())
        finish(*args)

    monkeypatch.setattr(tables, "finish", fails_once)
    first = tasks.sync.enqueue("add", 2, 3)
    assert first.result(timeout=DEADLINE) == 5
    assert not failures
    assert first.info().attempt == 1
    # The places of those whose outcome was not stored are free again.
    others = [tasks.sync.enqueue("add", n, 1) for n in range(5)]
    assert [one.result(timeout=DEADLINE) for one in others] == [1, 2, 3, 4, 5]


def test_an_owner_that_is_replaced_finds_the_tasks_that_run(company: Company) -> None:
    app = App(prefix=company.prefix, name="owner")
    app.include(Tasks(app, store=company.file))
    with ExitStack() as stack:
        stack.enter_context(running(app, company.url))
        tasks = company.worker()
        running_task = tasks.functions["blocks"].sync.enqueue("tea")
        assert company.heard() == ("worker", "starts", "tea", 1)
    with pytest.raises(NoSuchProcedure, match=r"Nobody serves .*app\.include\(tasks\)"):
        tasks.sync.call("queues")
    company.go.set()  # it ends while nobody owns the queue
    assert company.heard() == ("worker", "ends", "tea", 1)
    company.owner()
    assert running_task.result(timeout=DEADLINE) == "tea"
    assert running_task.info().attempt == 1
    assert tasks.functions["add"].sync.enqueue(1, 2).result(timeout=DEADLINE) == 3


def test_a_queue_has_one_owner(company: Company) -> None:
    company.owner()
    with pytest.raises(StoreError, match=r"store\.sqlite is in use by process \d+"):
        company.owner()


def test_both_ends_in_one_app(company: Company) -> None:
    app = App(prefix=company.prefix)
    tasks = Tasks(app, store=company.file)

    @tasks.task
    def double(n: int) -> int:
        return 2 * n

    @app.register
    def twice(n: int) -> int:
        return double.sync.enqueue(n).result(timeout=DEADLINE)

    @app.register
    async def twice_as_well(n: int) -> int:
        handle = await double.enqueue(n)
        return await handle.result(timeout=DEADLINE)

    app.include(tasks)
    company.join(app)
    with connect(company.url, timeout=DEADLINE) as client:
        assert client.call(f"{company.prefix}.twice", 4) == 8
        assert client.call(f"{company.prefix}.twice_as_well", 5) == 10


def test_flask_views_enqueue(company: Company) -> None:
    flask = Flask("shop")
    flask.config["WAMP_URL"] = company.url
    WAMP(flask)
    tasks = Tasks(flask.extensions["wamp"], f"{company.prefix}.tasks")

    @flask.get("/add/<int:a>/<int:b>")
    def add(a: int, b: int) -> str:
        return str(tasks.sync.enqueue("add", a, b).result(timeout=DEADLINE))

    company.owner()
    company.worker()
    assert flask.test_client().get("/add/2/3").text == "5"
