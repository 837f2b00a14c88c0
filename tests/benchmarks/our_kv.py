"""A process of our key/value store: `python -m tests.benchmarks.our_kv ROLE WHERE [DURABLE]`.

The owner has the router in its process, and WHERE is its store; for others, WHERE is the router's
URL. The parent calls the procedures of the others.
"""

import asyncio
import sys
from collections.abc import Callable

from tests.benchmarks.kv_work import WATCHED, User, Watching
from wampapp import App
from wampapp.components import KV

PREFIX = "com.benchmark.kv"


def owner(where: str, durable: str) -> None:
    app = App(prefix="com.benchmark", name="owner")
    app.include(KV(app, store=where, durable=durable == "durable"))
    app.run(port=0)


def user(where: str) -> None:
    app = App(prefix="com.benchmark.user", name="user")
    kv = KV(app, PREFIX)
    for job in User(kv.get, kv.set).jobs.values():
        app.register(job)
    app.run(where)


def watcher(where: str) -> None:
    app = App(prefix="com.benchmark.watcher", name="watcher")
    kv = KV(app, PREFIX)
    watching = Watching()
    following: set[asyncio.Task[None]] = set()

    async def follow() -> None:
        async for change in kv.watch(f"{WATCHED}."):
            watching.seen(change.value)

    @app.register
    async def began() -> None:
        """Begin to watch."""
        following.add(asyncio.create_task(follow()))
        await watching.began()

    app.register(watching.delays)
    app.run(where)


if __name__ == "__main__":
    roles: dict[str, Callable[..., None]] = {"owner": owner, "user": user, "watcher": watcher}
    roles[sys.argv[1]](*sys.argv[2:])
