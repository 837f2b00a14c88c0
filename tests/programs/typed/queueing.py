"""Tasks, as a user's type checker sees them."""

from typing import Any, assert_type

from wampapp import App
from wampapp.components import Tasks
from wampapp.components.tasks import BlockingHandle, Bound, Handle, Retry, Task, TaskInfo

app = App(prefix="com.shop")
tasks = Tasks(app, slots=4)
Tasks(app, slots="4")  # wrong


@tasks.task
def plain(photo: int, size: int = 200) -> str:
    return f"{photo} {size}"


@tasks.task(retries=3, retry_on=OSError, rate="10/m", memory="512M")
def thumbnail(task: Task, photo: int) -> bytes:
    task.progress(0.5, "half")
    task.progress("half")  # wrong
    if task.cancelled:
        raise Retry(in_=5)
    return b""


@tasks.task(queue="mail")
async def mail(text: str) -> None: ...


@tasks.every("*/15 * * * *", timezone="Europe/Berlin")
async def report() -> None: ...


@tasks.task(retries="3")  # wrong
def odd() -> None: ...


assert_type(plain(7), str)
assert_type(thumbnail(7), bytes)
plain("7")  # wrong
assert_type(plain.bind(7), Bound[str])
plain.bind()  # wrong


async def use() -> None:
    handle = await plain.enqueue(7, size=3)
    assert_type(handle, Handle[str])
    assert_type(await handle.result(timeout=5), str)
    assert_type(await handle.info(), TaskInfo)
    await plain.enqueue("7")  # wrong
    await thumbnail.options(delay=60, unique="x").enqueue(7)
    await thumbnail.enqueue(7, 8)  # wrong
    assert_type(await mail("hello"), None)
    group = await tasks.group(plain.bind(1), plain.bind(2)).enqueue()
    assert_type(await group.result(), list[Any])
    await plain.then(mail).enqueue(7)
    await plain.then(mail).enqueue("7")  # wrong
    assert_type(await tasks.enqueue("other", 1, b=2), Handle[Any])


def use_in_a_thread() -> None:
    handle = plain.sync.enqueue(7)
    assert_type(handle, BlockingHandle[str])
    assert_type(handle.result(), str)
    plain.sync.enqueue("7")  # wrong


app.include(tasks)
