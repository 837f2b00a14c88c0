"""What becomes of a task, from its enqueuing to its result, in memory and without waiting."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from wampapp import App, CallTimeout, Canceled, InvalidArgument, PayloadTooLarge, WampError
from wampapp.components.tasks import Cancel, Retry, Task, TaskFailed, Tasks
from wampapp.components.tasks.records import MAX_PAYLOAD
from wampapp.testing import TestClient


@dataclass
class Photo:
    id: int
    name: str


class Shop:
    """An app with a queue, and what its tasks have done."""

    def __init__(self) -> None:
        self.app = App(prefix="com.shop")
        self.tasks = tasks = Tasks(self.app)
        self.app.include(tasks)
        self.done: list[Any] = []
        self.raises: list[BaseException] = []

        @tasks.task
        def thumbnail(task: Task, photo: Photo, size: int = 200) -> str:
            self.done.append((task.id, task.attempt, photo, size, threading.current_thread().name))
            return f"/thumbs/{photo.id}-{size}.png"

        @tasks.task(retries=3, backoff=100, give_up_on=KeyError)
        async def fragile(what: str) -> str:
            self.done.append(what)
            if self.raises:
                raise self.raises.pop(0)
            return what.upper()

        @tasks.task
        async def thumb(name: str, size: int = 0) -> str:
            return f"{name}.png"

        @tasks.task
        async def length(parts: list[Any]) -> int:
            return len(parts)

        @tasks.task
        async def add(a: int, b: int) -> int:
            return a + b

        @tasks.task
        def large(size: int) -> bytes:
            return bytes(size)

        @tasks.task(queue="mail", priority=5)
        async def mail(text: str) -> None:
            self.done.append(text)

        self.thumbnail, self.fragile, self.length, self.thumb = thumbnail, fragile, length, thumb
        self.add, self.large, self.mail = add, large, mail


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def client(shop: Shop) -> Iterator[TestClient]:
    with shop.app.test_client() as client:
        yield client


def states(client: TestClient) -> list[str]:
    return [task.state for task in client.tasks.all()]


def test_a_task_is_stored_run_and_answered(shop: Shop, client: TestClient) -> None:
    handle = shop.thumbnail.sync.enqueue(Photo(7, "sea"), size=400)
    (task,) = client.tasks.enqueued
    assert (task.id, task.name, task.state, task.queue) == (
        handle.id,
        "thumbnail",
        "ready",
        "default",
    )
    assert (task.args, task.kwargs) == ([{"id": 7, "name": "sea"}], {"size": 400})
    assert not shop.done

    (ran,) = client.tasks.run_all()
    assert (ran.state, ran.attempt, ran.failures) == ("done", 1, 0)
    assert handle.result(timeout=5) == "/thumbs/7-400.png"
    number, attempt, photo, size, thread = shop.done[0]
    assert (number, attempt, photo, size) == (handle.id, 1, Photo(7, "sea"), 400)
    assert thread.startswith("wampapp")
    assert not client.tasks.enqueued


def test_a_task_stays_a_function(shop: Shop) -> None:
    assert shop.thumbnail(Photo(1, "a")) == "/thumbs/1-200.png"
    assert shop.thumbnail(Task(5, attempt=2), Photo(1, "a"), size=3) == "/thumbs/1-3.png"
    assert shop.done[1][:2] == (5, 2)
    assert asyncio.run(shop.add(2, 3)) == 5
    assert shop.thumbnail.__name__ == "thumbnail"


def test_arguments_are_checked_when_enqueued(shop: Shop, client: TestClient) -> None:
    with pytest.raises(InvalidArgument, match="`photo`: expected object, got int"):
        shop.thumbnail.sync.enqueue(7)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="`sise`: there is no such parameter"):
        shop.thumbnail.sync.enqueue(Photo(1, "a"), sise=1)  # type: ignore[call-arg]
    assert not client.tasks.all()


def test_other_peers_are_checked_by_the_owner(client: TestClient) -> None:
    def enqueue(*args: Any, **kwargs: Any) -> Any:
        return client.call("com.shop.tasks.enqueue", *args, **kwargs)

    number = enqueue("thumbnail", [{"id": 1, "name": "a"}], {"size": 3})
    with pytest.raises(InvalidArgument, match="`photo.id`: expected int, got str"):
        enqueue("thumbnail", [{"id": "x", "name": "a"}])
    with pytest.raises(InvalidArgument, match="did you mean 'thumbnail'"):
        enqueue("thumbnial", [])
    with pytest.raises(InvalidArgument, match="known are: add, fragile, large"):
        enqueue("nothing like it", [])
    with pytest.raises(InvalidArgument, match="`delay`"):
        enqueue("add", [1, 2], delay=-1)
    client.tasks.run_all()
    assert client.call("com.shop.tasks.result", number) == "/thumbs/1-3.png"


def test_a_failure_is_tried_again_later(shop: Shop, client: TestClient) -> None:
    shop.raises = [ValueError("no"), Retry("busy", in_=7)]
    handle = shop.fragile.sync.enqueue("tea")
    client.tasks.run_all()
    (task,) = client.tasks.all()
    assert (task.state, task.failures, task.error) == ("scheduled", 1, "ValueError: no")
    assert 75 <= task.due - task.created <= 101
    client.clock.advance(74)
    assert not client.tasks.run_all()
    client.clock.advance(27)
    client.tasks.run_all()
    (task,) = client.tasks.all()
    assert (task.state, task.failures, task.error) == ("scheduled", 2, "Retry: busy")
    client.clock.advance(7.1)
    client.tasks.run_all()
    assert handle.result() == "TEA"
    assert shop.done == ["tea"] * 3


def test_after_its_retries_a_task_is_dead(shop: Shop, client: TestClient) -> None:
    shop.raises = [ValueError(str(n)) for n in range(4)]
    handle = shop.fragile.sync.enqueue("tea")
    for _ in range(3):
        client.tasks.run_all()
        client.clock.advance(4000)
    with pytest.raises(ValueError, match="3"):
        client.tasks.run_all()
    (task,) = client.tasks.all()
    assert (task.state, task.attempt, task.failures) == ("dead", 4, 4)
    with pytest.raises(TaskFailed, match=r"Task 1 \(fragile\) has failed for good") as caught:
        handle.result()
    assert (caught.value.id, caught.value.state) == (1, "dead")
    # What it raised is for those who look after the queue, not for who asks for the result.
    assert "ValueError" not in str(caught.value)

    assert client.call("com.shop.tasks.retry", 1) is True
    client.tasks.run_all()
    assert handle.result() == "TEA"
    assert client.call("com.shop.tasks.retry", 1) is False


@pytest.mark.parametrize("error", [KeyError("x"), SystemExit(3), KeyboardInterrupt()])
def test_what_is_not_tried_again(shop: Shop, client: TestClient, error: BaseException) -> None:
    shop.raises = [error]
    shop.fragile.sync.enqueue("tea")
    with pytest.raises(type(error)):
        client.tasks.run_all()
    assert states(client) == ["dead"]


def test_a_task_can_cancel_itself(shop: Shop, client: TestClient) -> None:
    shop.raises = [Cancel("enough")]
    handle = shop.fragile.sync.enqueue("tea")
    client.tasks.run_all()
    assert handle.info().error == "enough"
    with pytest.raises(TaskFailed, match="was cancelled"):
        handle.result()


def test_what_waits_can_be_cancelled(shop: Shop, client: TestClient) -> None:
    handle = shop.add.sync.enqueue(1, 2)
    assert handle.cancel() is True
    assert handle.cancel() is False
    assert not client.tasks.run_all()
    with pytest.raises(TaskFailed, match="was cancelled"):
        handle.result()
    with pytest.raises(InvalidArgument, match="there is no task 99"):
        client.call("com.shop.tasks.cancel", 99)


def test_delays_and_times(shop: Shop, client: TestClient) -> None:
    shop.add.options(delay=60).sync.enqueue(1, 2)
    shop.add.options(at=datetime.now(UTC) + timedelta(hours=1)).sync.enqueue(3, 4)
    assert states(client) == ["scheduled", "scheduled"]
    assert not client.tasks.run_all()
    client.clock.advance(60.5)
    assert [task.args for task in client.tasks.run_all()] == [[1, 2]]
    client.clock.advance(3600)
    assert [task.args for task in client.tasks.run_all()] == [[3, 4]]


def test_priorities(shop: Shop, client: TestClient) -> None:
    for text, priority in (("low", 0), ("high", 9), ("first", 9), ("own", None)):
        shop.mail.options(priority=priority).sync.enqueue(text)
    client.tasks.run_all()
    assert shop.done == ["high", "first", "own", "low"]


def test_a_key_makes_one_task(shop: Shop, client: TestClient) -> None:
    keyed = shop.mail.options(key="request-1")
    first = keyed.sync.enqueue("a")
    client.tasks.run_all()
    assert keyed.sync.enqueue("a").id == first.id
    assert not client.tasks.run_all()
    assert shop.done == ["a"]


def test_a_unique_text_makes_one_task_at_a_time(shop: Shop, client: TestClient) -> None:
    unique = shop.mail.options(unique="daily")
    first = unique.sync.enqueue("a")
    assert unique.sync.enqueue("b").id == first.id
    client.tasks.run_all()
    assert unique.sync.enqueue("c").id != first.id
    client.tasks.run_all()
    assert shop.done == ["a", "c"]


def test_retrying_what_is_unique_again(shop: Shop, client: TestClient) -> None:
    unique = shop.mail.options(unique="daily")
    first = unique.sync.enqueue("a")
    first.cancel()
    unique.sync.enqueue("b")
    with pytest.raises(InvalidArgument, match="another task with the unique text 'daily'"):
        client.call("com.shop.tasks.retry", first.id)


def test_a_chain_passes_results_on(shop: Shop, client: TestClient) -> None:
    handle = shop.fragile.then(shop.fragile).then(shop.thumb).bind("tea").sync.enqueue()
    assert states(client) == ["ready", "waiting", "waiting"]
    client.tasks.run_all()
    assert handle.result() == "TEA.png"
    assert shop.done == ["tea", "TEA"]

    shop.fragile.then(shop.length).bind("tea").sync.enqueue()
    with pytest.raises(InvalidArgument, match="`parts`: expected array, got str"):
        client.tasks.run_all()


def test_a_chain_ends_where_it_fails(shop: Shop, client: TestClient) -> None:
    shop.raises = [KeyError("x")]
    handle = shop.fragile.then(shop.length).bind("tea").sync.enqueue()
    with pytest.raises(KeyError):
        client.tasks.run_all()
    assert states(client) == ["dead", "dead"]
    assert handle.info().error == "Task 1, before it, is dead."


def test_a_group_has_one_result(shop: Shop, client: TestClient) -> None:
    group = shop.tasks.group(*(shop.add.bind(n, n) for n in range(20)))
    handle = group.sync.enqueue()
    then = group.then(shop.length).sync.enqueue()
    client.tasks.run_all()
    assert handle.result() == [2 * n for n in range(20)]
    assert then.result() == 20


def test_a_group_after_a_task_gets_its_result(shop: Shop, client: TestClient) -> None:
    both = shop.tasks.group(shop.add.bind(b=10), shop.add.bind(b=20))  # type: ignore[call-arg]
    handle = shop.add.bind(1, 2).then(both).sync.enqueue()
    client.tasks.run_all()
    assert handle.result() == [13, 23]


def test_a_group_fails_with_its_first(shop: Shop, client: TestClient) -> None:
    shop.raises = [KeyError("x")]
    members = [shop.fragile.bind("a"), shop.add.options(delay=60).bind(1, 2)]
    handle = shop.tasks.group(*members).sync.enqueue()
    with pytest.raises(KeyError):
        client.tasks.run_all()
    assert states(client) == ["dead", "dead", "cancelled"]
    with pytest.raises(TaskFailed, match="Group 1 has failed"):
        handle.result()


def test_progress_is_kept_and_published(shop: Shop) -> None:
    @shop.tasks.task
    def steps(task: Task) -> None:
        task.progress(0.5, "half")
        task.progress(7, "too much")

    with shop.app.test_client() as client:
        events = client.events("com.shop.tasks.progress")
        steps.sync.enqueue()
        client.tasks.run_all()
        (task,) = client.tasks.all()
        assert (task.state, task.progress, task.note) == ("done", 0.5, "half")
        assert [event.args for event in events] == [(1, 0.5, "half")]


def test_what_is_too_large(shop: Shop, client: TestClient) -> None:
    with pytest.raises(PayloadTooLarge, match="The arguments of fragile take 1,0"):
        shop.fragile.sync.enqueue("x" * MAX_PAYLOAD)
    shop.large.sync.enqueue(MAX_PAYLOAD)
    with pytest.raises(ValueError, match="its result takes 1,048,581 bytes"):
        client.tasks.run_all()
    shop.large.sync.enqueue(MAX_PAYLOAD - 5)
    assert client.tasks.run_all()[-1].state == "done"


def test_queues_are_counted_paused_and_purged(shop: Shop, client: TestClient) -> None:
    shop.mail.sync.enqueue("a")
    shop.add.sync.enqueue(1, 2)
    client.call("com.shop.tasks.pause", "mail")
    client.tasks.run_all()
    rows = {row["name"]: row for row in client.call("com.shop.tasks.queues")}
    assert (rows["mail"]["ready"], rows["mail"]["paused"]) == (1, True)
    assert (rows["default"]["done"], rows["default"]["paused"]) == (1, False)
    client.call("com.shop.tasks.resume", "mail")
    client.tasks.run_all()
    assert shop.done == ["a"]
    assert client.call("com.shop.tasks.purge", "done", "mail") == 1
    assert client.call("com.shop.tasks.purge", "done") == 1
    with pytest.raises(InvalidArgument, match="cannot be removed"):
        client.call("com.shop.tasks.purge", "running")


def test_a_result_is_waited_for(shop: Shop) -> None:
    async def ask() -> None:
        async with shop.app.test_session() as session:
            handle = await shop.add.enqueue(1, 2)
            with pytest.raises(CallTimeout, match="Task 1 had no result within"):
                await handle.result(timeout=0.05)
            assert (await handle.info()).state == "ready"
            answer = asyncio.ensure_future(handle.result())
            assert await session.call("com.shop.tasks.cancel", handle.id)
            with pytest.raises(TaskFailed):
                await answer

    asyncio.run(ask())


def test_unknown_tasks(client: TestClient) -> None:
    for name in ("result", "show", "cancel", "retry"):
        with pytest.raises(InvalidArgument, match="there is no task 7"):
            client.call(f"com.shop.tasks.{name}", 7)
    with pytest.raises(InvalidArgument, match="there is no task 7"):
        list(client.stream("com.shop.tasks.follow", 7))


def test_a_backup_needs_a_file(client: TestClient) -> None:
    with pytest.raises(InvalidArgument, match="plain name"):
        client.call("com.shop.tasks.backup", "../x")
    with pytest.raises(InvalidArgument, match="only in memory"):
        client.call("com.shop.tasks.backup", "x")


def test_old_tasks_are_removed(shop: Shop, client: TestClient) -> None:
    shop.add.sync.enqueue(1, 2)
    client.tasks.run_all()
    shop.add.sync.enqueue(1, 2).cancel()
    client.clock.advance(25 * 3600)
    assert states(client) == ["cancelled"]
    client.clock.advance(31 * 24 * 3600)
    assert not states(client)


def test_who_waits_learns_of_the_end(shop: Shop) -> None:
    caught: list[BaseException] = []

    async def ask() -> None:
        async with shop.app.test_session() as session:
            await shop.add.enqueue(1, 2)
            waiting = asyncio.ensure_future(session.call("com.shop.tasks.result", 1))
            await session.call("com.shop.tasks.show", 1)
        try:
            await waiting
        except (WampError, Canceled) as error:
            caught.append(error)

    asyncio.run(ask())
    assert isinstance(caught[0], WampError)
    assert caught[0].uri == "wamp.error.canceled"


def test_a_queue_that_nobody_works_on_is_named_once(
    shop: Shop, client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    shop.mail.sync.enqueue("a")
    client.clock.advance(3600)
    said = [record.getMessage() for record in caplog.records if "Nobody works" in record.msg]
    assert len(said) == 1
    assert said[0].startswith(
        "Nobody works on the queue 'mail', in which tasks wait; start a worker"
    )
